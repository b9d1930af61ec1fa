"""What stands on a card or sheet to print: content/cards.yml with its answers, numbers and dates filled in.

A sheet that nobody can take back must say until when it holds: the first day on which one of the facts that it states falls due.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from bot.knowledge import formatting
from bot.knowledge.answers import PLACEHOLDER
from bot.knowledge.codes import by_code, code_of
from bot.knowledge.errors import ContentError
from bot.knowledge.facts import ALWAYS_TRUE, Fact
from bot.knowledge.knowledge import Knowledge
from bot.knowledge.languages import Unwritten
from bot.knowledge.lines import NEW_YORK
from bot.knowledge.yamlfile import Entry, load

Form = Literal["card", "handout", "languages"]
LANGUAGES = "sheet/languages"
_GROUPS: dict[str, Form] = {"cards": "card", "handouts": "handout"}
_KEYS = {"title", "texts", "say", "numbers", "leads_to", "each_language", "discreet"}


@dataclass(frozen=True)
class Kind:
    """An entry of content/cards.yml. `id` is `card/<key>` or `handout/<key>`, or `card/<key>/<language>` for a language that we do not
    write; `texts` and `say` are answer ids, `numbers` (label id, fact id)."""

    id: str
    form: Form
    title: str
    texts: tuple[str, ...]
    say: tuple[str, ...]
    numbers: tuple[tuple[str, str], ...]
    leads_to: str
    discreet: bool
    language: Unwritten | None = None

    @property
    def code(self) -> str:
        """Its part of an address, which says nothing of the topic."""
        return code_of(self.id)


@dataclass(frozen=True)
class Text:
    """A sentence as HTML (numbers kept whole), and the locale in which it could be said: English where a translation is not to be had."""

    html: str
    locale: str


@dataclass(frozen=True)
class Number:
    """A telephone number: `phone` as HTML, `hours` in the reader's words where they are known."""

    label: str
    phone: str
    hours: str


@dataclass(frozen=True)
class Language:
    """A row of the sheet of languages. `own`: its name for itself; `english`: what to ask an interpreter service for; `tag` for the
    `lang` attribute; `line`: what we can say in it, or empty."""

    own: str
    english: str
    tag: str
    line: str


@dataclass(frozen=True)
class Sheet:
    """A card or sheet in a locale. `texts`: title, short answer, and the English words to say with it (or empty). `say`: English sentences, each with how it sounds in the reader's script (or empty); `speaks`: English
    names of the language, several to choose from, none where it is to be written in. `collected` and `until` are None where nothing on
    it can change. `answers`: every answer that it rests on."""

    kind: Kind
    locale: str
    title: str
    texts: tuple[tuple[str, Text, str], ...]
    say: tuple[tuple[str, str], ...]
    speaks: tuple[str, ...]
    numbers: tuple[Number, ...]
    collected: date | None
    until: date | None
    held: bool
    answers: tuple[str, ...]

    def is_past(self, at: datetime) -> bool:
        """Whether it may no longer be used at the instant `at`, in New York."""
        return self.until is not None and at.astimezone(NEW_YORK).date() > self.until


class Sheets:
    """Everything that can be printed. Raises ContentError for a name in content/cards.yml that leads nowhere, or a fact that may not be
    stated; ValueError where two kinds have the same code."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        data = load(knowledge.root / "content" / "cards.yml")
        self._spoken = {locale: tuple(names) for locale, names in data["spoken"].items()}
        self._own_names: dict[str, str] = dict(data["own_names"])
        self.kinds = [kind for group, form in _GROUPS.items() for kind in _kinds(data, group, form, knowledge)]
        self.others: list[Kind] = [
            Kind(f"{kind.id}/{key}", kind.form, kind.title, kind.texts, kind.say, kind.numbers, kind.leads_to, kind.discreet, language)
            for kind in self.kinds
            if data[f"{kind.form}s"][kind.id.split("/")[1]].get("each_language")
            for key, language in self._languages().items()
        ]  # fmt: skip
        known = {kind.id: kind for kind in [*self.kinds, *self.others]}
        self.by_code = {code: known.get(id_) for code, id_ in by_code([*known, LANGUAGES]).items()}

    def make(self, kind: Kind, locale: str) -> Sheet:
        """The sheet in a locale. Raises UnknownLocale."""
        knowledge, style = self._knowledge, self._knowledge.style(locale)
        channel: Literal["sms", "web"] = "sms" if kind.discreet else "web"
        numbers, stated = [], []
        for label, phone in kind.numbers:
            fact = knowledge.facts[phone]
            hours = next((line.hours for line in knowledge.lines.values() if line.phone == phone), None)
            stated += [fact] + ([knowledge.facts[hours]] if hours else [])
            said = formatting.plain(knowledge.facts[hours], style) if hours else ""
            numbers.append(Number(knowledge.label(label, locale, "web"), formatting.as_html(fact, style), said))
        answers = tuple(dict.fromkeys([*kind.texts, *kind.say]))
        stated += [fact for id_ in answers for fact in self._stated(id_)]
        dated = [fact for fact in stated if fact.id not in ALWAYS_TRUE]
        return Sheet(
            kind=kind,
            locale=locale,
            title=knowledge.label(kind.title, locale, channel),
            texts=tuple(
                (knowledge.title(id_, locale, channel), self._text(id_, locale), "" if kind.discreet else self._to_say(id_))
                for id_ in kind.texts
            ),
            say=self._say(kind, locale),
            speaks=(clerk_name(kind.language),) if kind.language else self.spoken(locale),
            numbers=tuple(numbers),
            collected=min((fact.checked for fact in dated), default=None),
            until=min((fact.due for fact in dated), default=None),
            held=any(knowledge.is_held(id_) for id_ in answers) or any(fact.id in knowledge.held for fact in stated),
            answers=answers,
        )

    def languages(self) -> tuple[list[Language], list[Language]]:
        """For the sheet to point at: (languages with a line of their own, all others), by the order of locales and by English name."""
        knowledge, english = self._knowledge, Locale("en")
        with_line: list[Language] = []
        for info in knowledge.served():
            name = ", ".join(self.spoken(info.code)) or english.languages[info.code]
            line = knowledge.label("system/web_cards_point", info.code, "web")
            with_line.append(Language(info.name, name, info.code.replace("_", "-"), line))
        others: list[Language] = []
        for key, language in self._languages().items():
            line = knowledge.in_unserved(language.code, "interpreter") or ""
            row = Language(self.own_name(key), clerk_name(language), _tag(language.code), line)
            (with_line if line else others).append(row)
        return with_line, sorted(others, key=lambda row: row.english.casefold())

    def spoken(self, locale: str) -> tuple[str, ...]:
        """English names of what readers of a locale speak, for an interpreter; none for English, where it is to be written in."""
        if locale == "en":
            return ()
        return self._spoken.get(locale) or (Locale("en").languages[locale.split("_")[0]],)

    def own_name(self, key: str) -> str:
        """How a language of content/languages.yml writes its own name, as far as we know."""
        language = self._knowledge.unwritten[key]
        try:
            own = self._own_names.get(key) or Locale.parse(language.code).languages.get(language.code) or language.name
        except (UnknownLocaleError, ValueError):
            own = language.name
        # A capital letter for the head of a line, in scripts that write names so.
        return own[:1].upper() + own[1:] if unicodedata.name(own[0]).startswith(("LATIN", "CYRILLIC")) else own

    # --- inside ---------------------------------------------------------------------------------------------------------

    def _languages(self) -> dict[str, Unwritten]:
        """The languages that can be asked for by name (some entries stand for what a person must still say more exactly)."""
        return {key: one for key, one in self._knowledge.unwritten.items() if not key.endswith("_unspecified")}

    def _text(self, id_: str, locale: str) -> Text:
        """The short form of an answer. One whose English has changed in meaning since it was translated is given in English."""
        knowledge, english = self._knowledge, self._knowledge.answer(id_).texts["short"]
        found = knowledge.catalogues.find(knowledge.answer(id_).context("short"), english, locale)
        if found.state in ("stale", "missing"):
            locale, found_text = "en", english
        else:
            found_text = found.text
        style = knowledge.style(locale)
        text = html.escape(found_text.replace("**", ""))
        filled = PLACEHOLDER.sub(lambda match: formatting.as_html(knowledge.facts[match.group(1)[5:]], style), text)
        return Text(formatting.left_to_right(filled, markup=True) if style.rtl else filled, locale)

    def _stated(self, id_: str) -> Iterable[Fact]:
        """The facts that an answer's short form and its English words state or rest on."""
        answer = self._knowledge.answer(id_)
        names = [name[5:] for text in (answer.texts["short"], answer.say or "") for name in PLACEHOLDER.findall(text)]
        return [self._knowledge.facts[name] for name in (*names, *answer.rests_on)]

    def _say(self, kind: Kind, locale: str) -> tuple[tuple[str, str], ...]:
        if kind.language is not None:
            return ((kind.language.say, ""),)
        return tuple((self._to_say(id_), self._knowledge.spelled(id_, locale) or "") for id_ in kind.say)

    def _to_say(self, id_: str) -> str:
        """The English words of an answer, or an empty text."""
        style = self._knowledge.style("en")
        say = self._knowledge.answer(id_).say or ""
        return PLACEHOLDER.sub(lambda match: formatting.plain(self._knowledge.facts[match.group(1)[5:]], style), say)


def clerk_name(language: Unwritten) -> str:
    """What to ask an interpreter service for: the name in the language's own words for it, which tells apart what shares a name."""
    found = re.match(r"I speak ([^_]+?)(?:, not [^.]+)?\. ", language.say)
    return found.group(1) if found else language.name


def day(when: date, style: formatting.Style) -> str:
    """A day in the reader's way, such as `December 21, 2026`."""
    if style.names is not None:
        return style.names.day.format(d=when.day, m=style.names.months[when.month - 1], y=when.year)
    return str(format_date(when, format="long", locale=style.cldr))


def _tag(code: str) -> str:
    """A language tag for an ISO code; `und` for entries that stand for several languages."""
    return code if re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]+)?", code) else "und"


def _kinds(data: Entry, group: str, form: Form, knowledge: Knowledge) -> list[Kind]:
    kinds = []
    for key, entry in data[group].items():
        for name in entry:
            if name not in _KEYS:
                raise entry.error(name, f"{key}: unknown key `{name}`")
        texts, say = tuple(entry.get("texts", [])), tuple(entry.get("say", []))
        numbers = tuple((data["numbers"][one]["label"], data["numbers"][one]["phone"]) for one in entry.get("numbers", []))
        leads_to = entry.get("leads_to") or (texts[0] if texts else "")
        if leads_to not in knowledge.questions:
            raise entry.error("leads_to", f"{key}: there is no catalogue id {leads_to!r}")
        for id_ in (entry["title"], *texts, *say, *(label for label, _ in numbers)):
            if id_ not in knowledge.answers:
                raise data[group].error(key, f"{key}: there is no answer or system text {id_}")
        for _, phone in numbers:
            _check_phone(phone, knowledge, data.path)
        kinds.append(Kind(f"{form}/{key}", form, entry["title"], texts, say, numbers, leads_to, bool(entry.get("discreet"))))
    return kinds


def _check_phone(name: str, knowledge: Knowledge, path: Path) -> None:
    fact = knowledge.facts.get(name)
    if fact is None or fact.type != "phone":
        raise ContentError(path, 0, f"there is no telephone number {name}")
    if fact.confidence in ("low", "unverified") and name not in ALWAYS_TRUE:
        raise ContentError(path, 0, f"{name} is of {fact.confidence} confidence: a card may not state it")
