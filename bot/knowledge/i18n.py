"""Keep the gettext catalogues in step with content: extract by stable id, never by similarity.

Babel's own update was seen to give one sentence's translation to another that looks alike, and to lose a changed one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import IO, Any

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog

from bot.knowledge import reviews, translations
from bot.knowledge.answers import PLACEHOLDER
from bot.knowledge.errors import ContentError
from bot.knowledge.knowledge import ROOT, Knowledge
from bot.knowledge.yamlfile import load

_NO_DATE = datetime(2026, 1, 1, tzinfo=timezone.utc)  # a header that changes with every run would hide what changed
ENGLISH_HASH = "english "  # a translator comment: the hash of the English that the translation was made from
KEPT = "kept through a change of wording"  # ... and that the English has since changed, in wording only


def messages(knowledge: Knowledge) -> dict[str, tuple[str | tuple[str, str], str]]:
    """Every sentence to translate: msgctxt -> (English, file and line). Counted units are (one, other)."""
    found: dict[str, tuple[str | tuple[str, str], str]] = {}
    for answer in knowledge.answers.values():
        where = str(answer.path.relative_to(ROOT)) if answer.path.is_relative_to(ROOT) else answer.path.name
        for field, text in answer.texts.items():
            found[answer.context(field)] = (text, where)
    for unit, forms in knowledge.units.items():
        found[f"unit/{unit}"] = (forms, "content/system/units.yml")
    return found


def extract(
    fileobj: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, str, Any, list[str]]]:
    """Babel's way in (babel.cfg): the sentences of one content file as (line, function, (msgctxt, English), comments)."""
    name = str(Path(fileobj.name).resolve().relative_to(ROOT))
    for context, (english, where) in messages(Knowledge.load(strict=False)).items():
        if where == name and isinstance(english, str):
            yield 0, "pgettext", (context, english), []
        elif where == name:
            yield 0, "npgettext", (context, *english), []


def update(
    knowledge: Knowledge,
    locale: str,
    new: dict[str, str | list[str]] | None = None,
    root: Path = ROOT,
    wording: Collection[str] = (),
) -> Catalog:
    """The locale's catalogue with one entry for each sentence, in content's order.

    A translation stays with its `msgctxt`, and with the English that it was made from (so that a change of the English shows as
    stale) unless `new` brings another: msgctxt -> translation, made from today's English; or its English changed only in `wording`.
    Raises KeyError for a context in either that no sentence has, ContentError for a catalogue that cannot be read.
    """
    file = translations.path(root / "locales", locale)
    old = {m.context: m for m in translations.read(file, locale) if m.context} if file.exists() else {}
    wanted = messages(knowledge)
    for context in [*(new or {}), *wording]:
        if context not in wanted:
            raise KeyError(context)
    catalogue = Catalog(
        locale=knowledge.locale(locale).cldr,
        domain=translations.DOMAIN,
        project="Amparo",
        version="1",
        msgid_bugs_address="none",
        last_translator="machine draft",
        language_team="none",
        header_comment=f"# {knowledge.locale(locale).name}: machine draft, not reviewed by a native speaker.",
        creation_date=_NO_DATE,
        revision_date=_NO_DATE,
        fuzzy=False,
    )
    for context, (english, where) in wanted.items():
        source: Any = english
        kept = False
        string: Any = "" if isinstance(english, str) else ("",) * catalogue.num_plurals
        if new and context in new:
            given = new[context]
            string = given if isinstance(given, str) else tuple(given)
        elif context in old and old[context].string:
            string = old[context].string
            kept = KEPT in old[context].user_comments or (context in wording and old[context].id != english)
            source = english if context in wording else old[context].id
        plain = source if isinstance(source, str) else source[0]
        comments = [ENGLISH_HASH + translations.english_hash(plain)] if any(string) else []
        comments += [KEPT] if kept else []
        catalogue.add(source, string, locations=[(where, 0)], context=context, user_comments=comments)
    return catalogue


def write(
    knowledge: Knowledge,
    locale: str,
    new: dict[str, str | list[str]] | None = None,
    root: Path = ROOT,
    wording: Collection[str] = (),
) -> int:
    """Update the locale's file. Returns how many of its sentences have no translation."""
    catalogue = update(knowledge, locale, new, root, wording)
    translations.write(translations.path(root / "locales", locale), catalogue)
    return sum(1 for message in catalogue if message.context and not any(message.string or ()))


@dataclass(frozen=True)
class Status:
    """A locale's row in the table: how many sentences are there, how many say what today's English says, how many were made from English
    that has changed since in meaning (`stale`) or in wording (`kept`), how many are missing; answers signed by a person; SMS segments of
    an answer's messages (median, most, most of an urgent one)."""

    locale: str
    name: str
    sentences: int
    current: int
    stale: int
    kept: int
    missing: int
    signed: int
    median: float
    most: int
    urgent: int


def status(knowledge: Knowledge, signed: dict[tuple[str, str], reviews.Review], at: datetime) -> list[Status]:
    """One row for each locale with a catalogue, as of `at` (for the segments)."""
    rows = []
    wanted = messages(knowledge)
    for info in knowledge.locales.values():
        if info.code in ("en", translations.PSEUDO):
            continue
        held = knowledge.catalogues.messages(info.code)
        states = [
            knowledge.catalogues.find(c, e if isinstance(e, str) else e[0], info.code).state for c, (e, _) in wanted.items()
        ]
        counts: list[int] = []
        urgent: list[int] = []
        for id_, question in knowledge.questions.items():
            parts = knowledge.say(id_, info.code, "sms", at).segments
            counts += parts
            urgent += parts if question.urgent else []
        rows.append(
            Status(
                info.code,
                info.name,
                len(states),
                states.count("machine draft"),
                states.count("stale"),
                sum(1 for context in wanted if context in held and KEPT in held[context].user_comments),
                states.count("missing"),
                sum(1 for id_ in knowledge.questions if reviews.state(knowledge, signed, id_, info.code) == "reviewed"),
                median(counts),
                max(counts),
                max(urgent),
            )
        )
    return rows


def export(knowledge: Knowledge, locale: str, at: datetime) -> Catalog:
    """The catalogue for a translator's own tool: as `update`, and above each sentence the screen on which it appears and what it costs as a
    text message today. `import_` takes it back."""
    catalogue = update(knowledge, locale)
    for message in catalogue:
        if message.context:
            message.auto_comments = _screen(knowledge, message.context, locale, at)
            if not any(message.string or ()):
                message.id = _english(knowledge, message.context)
            elif message.id != _english(knowledge, message.context):
                message.auto_comments.append(f"the translation was made from other English: {message.id}")
                message.id = _english(knowledge, message.context)
    return catalogue


def _english(knowledge: Knowledge, context: str) -> Any:
    return messages(knowledge)[context][0]


def _screen(knowledge: Knowledge, context: str, locale: str, at: datetime) -> list[str]:
    kind, _, rest = context.partition("/")
    id_, _, name = rest.rpartition("/")
    id_ = id_ if kind == "answer" else f"{kind}/{id_}"
    if kind == "unit":
        return ["inside a value: a number with its unit"]
    if name == "long":
        return ["the chat page, the whole answer"]
    if name in ("title", "sms_title"):
        return ["the name of an option" + (" in a text message" if name == "sms_title" else "")]
    if id_.startswith("system/web_"):
        return ["the chat page"]
    answer = knowledge.answer(id_)
    if name not in answer.parts:
        return ["a text message, when nothing but 911 and 311 may be trusted"]
    number = answer.parts.index(name)
    count = knowledge.say(id_, locale, "sms", at).segments[number]
    return [f"text message {number + 1} of {len(answer.parts)}: {count} segments"]


def import_(knowledge: Knowledge, locale: str, file: Path, root: Path = ROOT) -> int:
    """Take a translator's file into the locale's catalogue. Returns how many sentences it changed.

    Raises ContentError for a file that cannot be read, is of another language or was made from other English, and for a sentence that there
    is not, is marked fuzzy, lacks a plural form, or has other placeholders than the English; nothing is then taken.
    """
    brought = translations.read(file, locale)
    header = re.search(r'"Language: (\w+)', file.read_text(encoding="utf-8"))
    if header is not None and header.group(1) != str(knowledge.locale(locale).cldr):
        raise ContentError(file, 0, f"its language is {header.group(1)}, not {locale}")
    wanted = messages(knowledge)
    held = knowledge.catalogues.messages(locale)
    new: dict[str, str | list[str]] = {}
    for message in brought:
        if not message.context or not any(message.string or ()):
            continue
        if message.context not in wanted:
            raise ContentError(file, message.lineno or 0, f"there is no sentence {message.context}")
        english = wanted[message.context][0]
        known = held.get(message.context)
        if known is not None and known.string == message.string:
            continue
        given = message.id if isinstance(message.id, str) else tuple(message.id)
        if given != english:
            raise ContentError(
                file, message.lineno or 0, f"{message.context} was made from other English than today's: export it again"
            )
        if message.fuzzy:
            raise ContentError(
                file, message.lineno or 0, f"{message.context} is marked fuzzy: take the mark away once it is right"
            )
        texts = [message.string] if isinstance(message.string, str) else list(message.string or ())
        places = set(PLACEHOLDER.findall(english if isinstance(english, str) else english[0]))
        if not all(texts) or (isinstance(english, tuple) and len(texts) != brought.num_plurals):
            raise ContentError(file, message.lineno or 0, f"{message.context} lacks a plural form")
        if any(set(PLACEHOLDER.findall(text)) != places for text in texts):
            raise ContentError(file, message.lineno or 0, f"{message.context}: placeholders differ from the English")
        new[message.context] = texts[0] if isinstance(message.string, str) else texts
    write(knowledge, locale, new, root)
    return len(new)


# Where a language's own words stand, beside its catalogue: (file, where in it).
_WORD_FILES = (
    ("content/control_words.yml", "commands.stop"),
    ("content/choice_words.yml", "yes"),
    ("content/danger.yml", "ice_here_now"),
    ("content/sms_words.yml", "preview"),
    ("content/sms_words.yml", "number_words"),
    ("content/banned.yml", ""),
)


def missing(knowledge: Knowledge, locale: str, root: Path = ROOT) -> list[str]:
    """What a language still lacks before it can be offered, in words."""
    found = []
    states = [
        knowledge.catalogues.find(c, e if isinstance(e, str) else e[0], locale).state for c, (e, _) in messages(knowledge).items()
    ]
    if lacking := len(states) - states.count("machine draft"):
        found.append(f"{translations.path(root / 'locales', locale).relative_to(root)}: {lacking} of {len(states)} sentences")
    for name, where in _WORD_FILES:
        data: Any = load(root / name)
        for key in where.split("."):
            data = data.get(key, {}) if key else data
        if locale not in data:
            found.append(f"{name}: no words of this language" + (f" under {where}" if where else ""))
    examples = root / "data" / "nlu" / f"{locale}.yml"
    if not examples.exists():
        found.append(f"{examples.relative_to(root)}: no messages to learn from")
    for name, why in (("glossary.yml", "terms"), ("say.yml", "English words spelled in its script, where that is not Latin")):
        if not (root / "locales" / locale / name).exists():
            found.append(f"locales/{locale}/{name}: {why}")
    return found


def start(locale: str, name: str, cldr: str, direction: str, root: Path = ROOT) -> None:
    """Enter a new language: not offered to anybody until `served: true` stands in content/locales.yml.

    Raises ContentError for one that is there already or that Babel does not know.
    """
    file = root / "content" / "locales.yml"
    if locale in load(file):
        raise ContentError(file, 0, f"{locale} is there already")
    try:
        Locale.parse(cldr)
    except (UnknownLocaleError, ValueError):
        raise ContentError(file, 0, f"Babel knows no locale {cldr}: give a near one with --cldr") from None
    line = f"{locale}: {{name: {name}, cldr: {cldr}, dir: {direction}, served: false, complete: false}}\n"
    file.write_text(file.read_text(encoding="utf-8") + line, encoding="utf-8")
    write(Knowledge.load(root, strict=False), locale, root=root)
