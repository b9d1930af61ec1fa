"""Everything that the assistant may say, read once from `content/` and `locales/` and then only looked up."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from babel import Locale
from babel.numbers import format_decimal
from markdown_it import MarkdownIt

from bot.knowledge import formatting, segments
from bot.knowledge.answers import PLACEHOLDER, Answer, load_answers
from bot.knowledge.catalogue import Question, load_catalogue
from bot.knowledge.errors import ContentError, UnknownId, UnknownLocale
from bot.knowledge.facts import ALWAYS_TRUE, Fact, load_facts
from bot.knowledge.flows import PAPERS, PREFIX, Flow, load_flows
from bot.knowledge.freshness import Expired, clock_is_sound, expired
from bot.knowledge.languages import Unwritten, load_unwritten
from bot.knowledge.lines import NEW_YORK, Desk, Line, is_open, load_lines, next_opening
from bot.knowledge.translations import PSEUDO, Catalogues, State, Translated
from bot.knowledge.yamlfile import load

ROOT = Path(__file__).resolve().parents[2]
Channel = Literal["sms", "web"]


@dataclass(frozen=True)
class LocaleInfo:
    """A language that the assistant writes. `served`: it is offered to people; `complete`: every answer is translated, not only
    those of danger and what the assistant says of itself."""

    code: str
    name: str
    dir: Literal["ltr", "rtl"]
    served: bool
    complete: bool
    cldr: Locale
    names: formatting.Names | None = None  # its own, where Babel's are another language's


@dataclass(frozen=True)
class Said:
    """An answer or system text, ready for a channel.

    `parts` are separate messages on SMS; on the web there is one, and `html` is the same text marked up. `sources` has one entry
    for each source of the facts used: title, url, checked (ISO day), how. `translation` is the worst state among its sentences.
    """

    id: str
    lang: str
    channel: Channel
    parts: list[str]
    html: str
    sources: list[dict[str, str]]
    translation: State
    expired: Expired
    say: str | None
    next: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n\n".join(self.parts)

    @property
    def segments(self) -> list[int]:
        """SMS segments of each part (0 on the web, where nothing is counted)."""
        return [segments.count(part) if self.channel == "sms" else 0 for part in self.parts]

    @property
    def encoding(self) -> str | None:
        """`GSM-7` if every part can go so, else `UCS-2`; None on the web."""
        if self.channel == "web":
            return None
        return "GSM-7" if all(segments.is_gsm(part) for part in self.parts) else "UCS-2"


@dataclass
class Knowledge:
    """All content. Build it with `Knowledge.load()`; it is then read-only and may be shared between threads."""

    questions: dict[str, Question]
    facts: dict[str, Fact]
    answers: dict[str, Answer]  # catalogue ids and system/…
    flows: dict[str, Flow]
    lines: dict[str, Line]
    locales: dict[str, LocaleInfo]
    units: dict[str, tuple[str, str]]
    catalogues: Catalogues
    latin: dict[str, dict[str, str]]  # locale -> urgent id -> its answer in Latin letters
    unwritten: dict[str, Unwritten]  # languages that we do not write, by key
    frames: tuple[str, ...]  # words for "I speak {}"
    unserved: dict[str, dict[str, str]]  # ISO code -> `interpreter`, and the urgent ids' first lines, in that language
    leads: tuple[
        dict[str, dict[str, str]], dict[str, dict[str, str]]
    ]  # follow-ups: by last answer, by topic; what is asked -> id
    operator: dict[str, str] = field(default_factory=dict)
    desks: tuple[Desk, ...] = ()  # where people can be handed to by a code
    held: frozenset[str] = frozenset()  # ids of answers and facts that the content owner holds back; replaced as a whole
    root: Path = ROOT
    _spellings: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    _styles: dict[str, formatting.Style] = field(default_factory=dict, repr=False)
    _facts_of: dict[str, list[Fact]] = field(default_factory=dict, repr=False)

    @classmethod
    def load(
        cls,
        root: Path = ROOT,
        operator: dict[str, str] | None = None,
        *,
        desks: tuple[Desk, ...] = (),
        pseudo: bool = False,
        strict: bool = True,
    ) -> Knowledge:
        """Read `root`/content and `root`/locales. Raises ContentError, with file and line, for the first thing that is wrong.

        `pseudo`: with the pseudo-locale, for development. Not `strict`: names that lead nowhere are left for the check to list.
        """
        content = root / "content"
        facts = load_facts(content / "facts")
        locales = _load_locales(content / "locales.yml", root / "locales")
        if pseudo:
            locales[PSEUDO] = LocaleInfo(PSEUDO, "Pseudo", "ltr", True, True, Locale.parse("en"), None)
        flows, flow_texts = load_flows(content / "flows")
        unwritten, frames = load_unwritten(content / "languages.yml")
        units = {key: (value["one"], value["other"]) for key, value in load(content / "system" / "units.yml").items()}
        knowledge = cls(
            questions=load_catalogue(content / "catalogue.yml"),
            facts=facts,
            answers=load_answers(content / "answers") | load_answers(content / "system", "system/") | flow_texts,
            flows=flows,
            lines=load_lines(content / "places" / "lines.yml", facts),
            locales=locales,
            units=units,
            latin={locale: dict(texts) for locale, texts in load(content / "latin.yml").items()},
            unwritten=unwritten,
            frames=frames,
            unserved={code: dict(texts) for code, texts in load(content / "unserved.yml").items()},
            catalogues=Catalogues(root / "locales", [code for code in locales if code != "en"]),
            root=root,
            leads=_load_leads(content / "follow_ups.yml"),
            desks=desks,
            operator=operator
            or {"name": "a test installation", "kind": "test", "contact": "nobody", "web": "http://localhost:8000"},
        )
        if strict:
            knowledge._check_references()
        return knowledge

    # --- looking up -----------------------------------------------------------------------------------------------------

    def answer(self, id_: str) -> Answer:
        """The English source of an id. Raises UnknownId."""
        try:
            return self.answers[id_]
        except KeyError:
            raise UnknownId(id_) from None

    def locale(self, code: str) -> LocaleInfo:
        """Raises UnknownLocale."""
        try:
            return self.locales[code]
        except KeyError:
            raise UnknownLocale(code, list(self.locales)) from None

    def served(self) -> list[LocaleInfo]:
        """The languages that are offered to people, English first."""
        return [locale for locale in self.locales.values() if locale.served]

    @cached_property
    def collected(self) -> date:
        """The newest day on which a fact was read: no sound clock is before it."""
        return max((fact.checked for fact in self.facts.values()), default=date.min)

    def facts_of(self, id_: str) -> list[Fact]:
        """The facts that an answer states or rests on."""
        if id_ not in self._facts_of:
            self._facts_of[id_] = [self.facts[name] for name in self.answer(id_).facts()]
        return self._facts_of[id_]

    # --- saying ---------------------------------------------------------------------------------------------------------

    def say(self, id_: str, locale: str, channel: Channel, at: datetime, **values: str) -> Said:
        """The answer or system text `id_` for a channel, at the instant `at` (aware; for expiry).

        `values` fills placeholders that are not facts (a dot written as two underscores: `line__name`). An expired answer
        comes with a notice; a withheld one is replaced by the human route, under the same id. Raises UnknownId, UnknownLocale.
        """
        answer, info = self.answer(id_), self.locale(locale)
        state = self.expired(id_, at)
        if self.is_held(id_):
            return self._held(id_, info, channel, at)
        if state == "withheld":
            answer = self.answer("system/withheld")
        own, info = info, info if self.is_translated(answer.id, info.code) else self.locale("en")
        style = self._style(info)
        fields = answer.parts if channel == "sms" else ["long" if "long" in answer.texts else "short"]
        found = [self._find(answer, name, info.code) for name in fields]
        extra = {key.replace("__", "."): value for key, value in values.items()} | self._own_values()
        facts = self.facts_of(answer.id)
        parts = [self._fill(one.text.replace("**", "") if channel == "web" else one.text, style, extra) for one in found]
        stamp = self._stamp(id_, facts, info) if state != "withheld" else ""
        markup = ""
        if channel == "sms":
            parts[0] += f" ({stamp})" if stamp else ""
            if state == "notice":
                parts.append(self._system("expired_notice", info, date=self._oldest(facts, info)))
            parts = [segments.simplify(part) for part in parts]
        else:
            markup = self._markup(found[0].text, style, extra)
            if id_ in self.questions and facts and not clock_is_sound(at.date(), self.collected):
                unknown = self._system("clock_unknown", info)
                parts[0] += "\n\n" + unknown
                markup += f"<p><strong>{html.escape(unknown)}</strong></p>"
            if state == "notice":
                notice = self._system("expired_notice", info, date=self._oldest(facts, info))
                parts[0] += "\n\n" + notice
                markup += f"<p><strong>{html.escape(notice)}</strong></p>"
        return Said(
            id=id_,
            lang=info.code,
            channel=channel,
            parts=parts,
            html=markup,
            sources=_sources(facts),
            translation=_worst([one.state for one in found]) if own is info else "missing",
            expired=state,
            say=self._fill(answer.say, self._style(self.locale("en")), extra) if answer.say else None,
            next=answer.next,
        )

    def is_translated(self, id_: str, locale: str) -> bool:
        """Whether the answer is said in the locale: a language that is not complete yet gives the others in English."""
        answer = self.answer(id_)
        return self._find(answer, "short", locale).state != "missing"

    def _find(self, answer: Answer, name: str, locale: str) -> Translated:
        """A sentence in a locale, as it may be said. One whose English has since changed in meaning is withheld (the English comes in its
        place, and says so), but for urgent answers and what the assistant says of itself: there the last good translation serves."""
        found = self.catalogues.find(answer.context(name), answer.texts[name], locale)
        if found.state != "stale":
            return found
        question = self.questions.get(answer.id)
        keeps = answer.id.startswith("system/") or (question is not None and question.urgent)
        known = set(PLACEHOLDER.findall(answer.texts[name])) | {f"fact.{id_}" for id_ in self.facts}
        if keeps and set(PLACEHOLDER.findall(found.text)) <= known:
            return found
        return Translated(answer.texts[name], "missing")

    def is_core(self, id_: str) -> bool:
        """Whether every language must have the text: danger, conversation, and what the assistant says of itself."""
        question = self.questions.get(id_)
        return question is None or question.topic in ("safety", "conversation")

    def is_held(self, id_: str) -> bool:
        """Whether the answer, or a fact that it rests on, is held back."""
        return bool(self.held) and (id_ in self.held or any(fact.id in self.held for fact in self.facts_of(id_)))

    def _held(self, id_: str, info: LocaleInfo, channel: Channel, at: datetime) -> Said:
        """What is said in place of a held answer: its form that rests on 911 and 311 alone, where it has one (urgent answers, the
        gate's question), else the human route."""
        question = self.questions.get(id_)
        urgent = question is not None and question.urgent
        if urgent or "basic" in self.answer(id_).texts:
            name = "basic" if "basic" in self.answer(id_).texts else "short"
            found = self._find(self.answer(id_), name, info.code)
        else:
            held = self.answer("system/human_route_basic" if self.is_held("system/held") else "system/held")
            found = self._find(held, "short", info.code)
        text = self._fill(found.text, self._style(info), self._own_values())
        part = segments.simplify(text) if channel == "sms" else text
        markup = self._markup(found.text, self._style(info), self._own_values()) if channel == "web" else ""
        return Said(id_, info.code, channel, [part], markup, [], found.state, "withheld", None, ())

    def title(self, id_: str, locale: str, channel: Channel) -> str:
        """The short name of an answer for a menu. By text message the discreet one, where it has one."""
        answer, info = self.answer(id_), self.locale(locale)
        name = "sms_title" if channel == "sms" and "sms_title" in answer.texts else "title"
        if name not in answer.texts:
            raise answer.error("title", "has no title")
        return self._fill(
            self._find(answer, name, info.code).text,
            self._style(info),
            self._own_values(),
        )

    def label(self, id_: str, locale: str, channel: Channel) -> str:
        """What a choice is called: the title of a question, node or paper, or the whole of a system text."""
        if "title" in self.answer(id_).texts:
            return self.title(id_, locale, channel)
        return self._system(id_.removeprefix("system/"), self.locale(locale))

    def is_option(self, option: str) -> bool:
        """Whether an option that a page sends is one that could have been offered."""
        target, *labels = option.split("|")
        if target in HANDOFF:
            return labels == [HANDOFF[target]]
        if target.startswith(PREFIX):
            flow = self.flows.get(target.split("/")[1])
            known = flow is not None and target in flow.nodes and all(label in self.answers for label in labels)
            return known and (len(labels) < 2 or target.endswith(PAPERS))
        return not labels and target in self.questions

    def basic(self, id_: str, locale: str, channel: Channel, at: datetime) -> str:
        """An urgent answer's form that rests on 911 and 311 alone, for when nothing else may be trusted."""
        answer, info = self.answer(id_), self.locale(locale)
        name = "basic" if "basic" in answer.texts else "short"
        text = self._find(answer, name, info.code).text
        filled = self._fill(text, self._style(info), self._own_values())
        return segments.simplify(filled) if channel == "sms" else filled

    def in_latin(self, id_: str, locale: str) -> str:
        """An urgent answer in Latin letters; a system text, which has no such form, in English. Plain enough for GSM-7."""
        text = self.latin.get(locale, {}).get(id_) or self.answer(id_).texts["short"]
        return segments.simplify(self._fill(text, self._style(self.locale("en")), self._own_values()))

    def unwritten_by_code(self, code: str) -> Unwritten | None:
        """The language that we do not write with an ISO code."""
        return next((language for language in self.unwritten.values() if language.code == code), None)

    def in_unserved(self, code: str, name: str) -> str | None:
        """The text `name` (`interpreter`, or an urgent id's first line) in a language that we do not write, or None."""
        text = self.unserved.get(code, {}).get(name)
        language = self.unwritten_by_code(code)
        if text is None or language is None:
            return None
        return self._fill(text, self._style(self.locale("en")), self._own_values() | {"language.name": language.name})

    def expired(self, id_: str, at: datetime) -> Expired:
        """Whether the facts under an answer are too old at the instant `at`."""
        today = at.date()
        if not clock_is_sound(today, self.collected):
            return "no"
        question = self.questions.get(id_)
        legal = question is not None and not question.urgent and question.topic != "conversation"
        return expired(self.facts_of(id_), today, may_withhold=legal)

    def closed_line(self, id_: str, at: datetime) -> Line | None:
        """The first line that the answer names and that is closed at `at`, unless it also names one that is open."""
        named = {fact.id for fact in self.facts_of(id_)}
        closed: Line | None = None
        for line in self.lines.values():
            if {line.phone, line.hours} & self.held:
                continue  # nobody is told when it opens
            if line.phone in named and line.hours and line.phone not in ALWAYS_TRUE:
                if is_open(self.facts[line.hours].value, at):
                    return None
                closed = closed or line
        return closed

    def closed_notice(self, id_: str, locale: str, channel: Channel, at: datetime) -> str | None:
        """The sentence that goes before an answer whose line does not answer at this hour, or None."""
        line = self.closed_line(id_, at)
        if line is None or line.hours is None or line.phone is None:
            return None
        info = self.locale(locale)
        style = self._style(info)
        opens = next_opening(self.facts[line.hours].value, at)
        values = {
            "line__name": line.name,
            "line__phone": formatting.plain(self.facts[line.phone], style),
            "line__opens": formatting.moment(opens, style) if opens else formatting.plain(self.facts[line.hours], style),
        }
        return self._system("line_closed_sms" if channel == "sms" else "line_closed", info, **values)

    def way_back(self, before: str, locale: str) -> str:
        """In the language `before`, how to get back to it from `locale`."""
        names = {"language__name": self.locale(locale).name, "language__before": self.locale(before).name}
        return self._system("language_back", self.locale(before), **names)

    def to_say(self, id_: str, locale: str) -> str:
        """The English words of an answer, to show or say, as a text message."""
        answer, info = self.answer(id_), self.locale(locale)
        english = self._fill(answer.say or "", self._style(self.locale("en")), self._own_values())
        spelled = self.spelled(id_, locale)
        return f'{self._system("say_intro", info)} "{english}"' + (f"\n({spelled})" if spelled else "")

    def spelled(self, id_: str, locale: str) -> str | None:
        """An answer's English words as a reader of another script would sound them out (locales/<locale>/say.yml), or None."""
        say = self.answer(id_).say
        sounds = self.spelling(locale).get(say) if say else None
        return self._fill(sounds, self._style(self.locale("en")), self._own_values()) if sounds else None

    def spelling(self, locale: str) -> dict[str, str]:
        """English sentences to say, as a locale's readers would sound them out; empty where there are none."""
        if locale not in self._spellings:
            file = self.root / "locales" / locale / "say.yml"
            self._spellings[locale] = dict(load(file)) if file.exists() else {}
        return self._spellings[locale]

    def open_desk(self, at: datetime) -> int | None:
        """The number (from 0) of the first desk that is open at `at`, or None."""
        return next((number for number, desk in enumerate(self.desks) if is_open(desk.hours, at)), None)

    def of_desk(self, id_: str, number: int, locale: str, at: datetime, code: str = "") -> str:
        """The system text `id_` about the desk of that number, and a code that ends at `at`."""
        info, desk = self.locale(locale), self.desks[number]
        values = {"desk__name": desk.name, "desk__phone": desk.phone, "code": code}
        until = formatting.moment(at.astimezone(NEW_YORK), self._style(info))
        mark = formatting.LRM if info.dir == "rtl" else ""
        return self._system(
            id_.removeprefix("system/"), info, until=until, **{key: mark + value for key, value in values.items()}
        )

    def style(self, locale: str) -> formatting.Style:
        """How values are written for readers of a locale. Raises UnknownLocale."""
        return self._style(self.locale(locale))

    # --- inside ---------------------------------------------------------------------------------------------------------

    def _own_values(self) -> dict[str, str]:
        return {f"operator.{key}": value for key, value in self.operator.items()}

    def _style(self, info: LocaleInfo) -> formatting.Style:
        if info.code not in self._styles:
            self._styles[info.code] = self._make_style(info)
        return self._styles[info.code]

    def _make_style(self, info: LocaleInfo) -> formatting.Style:
        def plural(unit: str, number: float) -> str:
            if unit not in self.units:
                raise ContentError("content/system/units.yml", 0, f"there is no unit {unit}")
            form = self.catalogues.plural(f"unit/{unit}", self.units[unit], number, info.code)
            return form.replace("{n}", format_decimal(number, locale=info.names.numbers if info.names else info.cldr))

        always = self.answers["system/always_open"]
        word = self._find(always, "short", info.code).text
        return formatting.Style(info.cldr, info.dir == "rtl", plural, word, info.names)

    def _fill(self, text: str, style: formatting.Style, values: dict[str, str]) -> str:
        filled = PLACEHOLDER.sub(lambda match: self._value(match.group(1), style, values), text)
        return formatting.left_to_right(filled) if style.rtl else filled

    def _value(self, name: str, style: formatting.Style, values: dict[str, str]) -> str:
        if name.startswith("fact."):
            return formatting.plain(self.facts[name[5:]], style)
        return values.get(name, "{" + name + "}")

    def _markup(self, text: str, style: formatting.Style, values: dict[str, str]) -> str:
        rendered = _marked_up(text)

        def value(match: Any) -> str:
            name = match.group(1)
            if name.startswith("fact."):
                return formatting.as_html(self.facts[name[5:]], style)
            return html.escape(values.get(name, "{" + name + "}"))

        filled = PLACEHOLDER.sub(value, rendered)
        return formatting.left_to_right(filled, markup=True) if style.rtl else filled

    def _system(self, name: str, info: LocaleInfo, **values: str) -> str:
        answer = self.answer(f"system/{name}")
        text = self._find(answer, "short", info.code).text
        extra = {key.replace("__", "."): value for key, value in values.items()} | self._own_values()
        return self._fill(text, self._style(info), extra)

    def _stamp(self, id_: str, facts: list[Fact], info: LocaleInfo) -> str:
        question = self.questions.get(id_)
        if question is None or question.urgent:
            return ""
        return self._oldest(facts, info)

    def _oldest(self, facts: list[Fact], info: LocaleInfo) -> str:
        days = [fact.checked for fact in facts if fact.id not in ALWAYS_TRUE]
        return formatting.month(min(days), self._style(info)) if days else ""

    def _check_references(self) -> None:
        """Raises ContentError for the first sentence or list that names something that does not exist."""
        for id_, answer in self.answers.items():
            for name in answer.facts():
                if name not in self.facts:
                    where = next((f for f, text in answer.texts.items() if f"{{fact.{name}}}" in text), "rests_on")
                    raise answer.error(where, f"there is no fact {name}")
            for other in answer.next:
                if other not in self.questions:
                    raise answer.error("next", f"there is no catalogue id {other}")
            if not id_.startswith(("system/", "flow/")) and id_ not in self.questions:
                raise answer.error("short", "is not in the catalogue")
        for leads in self.leads:
            for by_aspect in leads.values():
                if unknown := set(by_aspect.values()) - set(self.questions):
                    raise ContentError("content/follow_ups.yml", 0, f"there is no catalogue id {min(unknown)}")


# What the page sends for yes and no to a code for a desk, and how each is labelled.
HANDOFF = {"handoff/yes": "system/choice_yes", "handoff/no": "system/choice_no"}

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable(["image", "link", "autolink", "code", "fence"])


@lru_cache(maxsize=4096)  # sentences of the content only: some thousand
def _marked_up(text: str) -> str:
    return str(_MARKDOWN.render(text))


def _load_locales(path: Path, folder: Path) -> dict[str, LocaleInfo]:
    return {
        code: LocaleInfo(
            code,
            entry["name"],
            entry["dir"],
            entry["served"],
            entry["complete"],
            Locale.parse(entry["cldr"]),
            formatting.load_names(folder / code / "cldr.yml"),
        )
        for code, entry in load(path).items()
    }


def _load_leads(path: Path) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    data = load(path)
    return tuple({name: dict(entry) for name, entry in data[key].items()} for key in ("answers", "topics"))  # type: ignore[return-value]


def _sources(facts: list[Fact]) -> list[dict[str, str]]:
    """One line for each source, with the oldest day on which one of its facts was read."""
    found: dict[str, dict[str, str]] = {}
    for fact in facts:
        if fact.id in ALWAYS_TRUE:
            continue
        known = found.get(fact.source.url)
        if known is None or fact.checked.isoformat() < known["checked"]:
            found[fact.source.url] = {
                "title": fact.source.title,
                "url": fact.source.url,
                "checked": fact.checked.isoformat(),
                "how": fact.how,
            }
    return list(found.values())


def _worst(states: list[State]) -> State:
    for state in ("missing", "stale", "machine draft"):
        if state in states:
            return state  # type: ignore[return-value]
    return "source"
