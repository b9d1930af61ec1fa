"""What a desk sees of a person's code: whom to ask for, what was answered, and which line comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.dialogue.state import is_private
from bot.knowledge import Knowledge, formatting
from bot.knowledge.facts import ALWAYS_TRUE
from bot.knowledge.knowledge import Said
from bot.knowledge.lines import Line, is_open, next_opening
from bot.store import Handoff
from console.find import english_name

# Topics in which the City's own line leads further than a legal one.
CITY_TOPICS = frozenset({"idnyc", "schools", "city_services"})
SHOWN_LINES = 3


@dataclass(frozen=True)
class Interpreter:
    """Whom to ask for. `say`: the English words that get an interpreter, where content/languages.yml has them; `reads` the language that the
    person was answered in, where it is another; `perhaps` languages whose speakers often read that one: ask before an interpreter is called."""

    name: str
    say: str | None
    reads: str | None
    script: str | None
    perhaps: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """An answer that the person got: its id, and what it says in English and in their language."""

    id: str
    title: str
    english: Said
    theirs: Said


@dataclass(frozen=True)
class NextLine:
    """A line to send the person to. `opens` is when it opens next, where it is closed now."""

    name: str
    phone: str
    open: bool
    opens: str | None
    languages: str


@dataclass(frozen=True)
class Opened:
    """A code as it is shown. A private one has a language and nothing else."""

    locale: str
    dir: str
    private: bool
    interpreter: Interpreter
    topic: str | None = None
    given: tuple[Given, ...] = ()
    lines: tuple[NextLine, ...] = ()


def opened(knowledge: Knowledge, handoff: Handoff, at: datetime) -> Opened:
    """What a code of `handoff` shows at the instant `at`. Nothing of a safety or victim topic, whatever the row holds."""
    info = knowledge.locale(handoff.locale if handoff.locale in knowledge.locales else "en")
    whom = interpreter(knowledge, info.code, handoff.interpreter)
    known = [id_ for id_ in handoff.given if id_ in knowledge.answers]
    if handoff.topic not in knowledge.answers or any(is_private(id_, knowledge.questions) for id_ in (handoff.topic, *known)):
        return Opened(info.code, info.dir, True, whom)
    given = tuple(
        Given(
            id_,
            knowledge.title(id_, "en", "web"),
            knowledge.say(id_, "en", "web", at),
            knowledge.say(id_, info.code, "web", at),
        )
        for id_ in reversed(known)
    )
    lines = next_lines(knowledge, [handoff.topic, *reversed(known)], at)
    return Opened(info.code, info.dir, False, whom, knowledge.title(handoff.topic, "en", "web"), given, lines)


def interpreter(knowledge: Knowledge, locale: str, key: str | None) -> Interpreter:
    """`key` names a language of content/languages.yml; without one it is the language that the assistant wrote in."""
    written = english_name(locale)
    language = knowledge.unwritten.get(key or "")
    if language is not None:
        return Interpreter(language.name, language.say, written, _script(locale), ())
    perhaps = [other.name for other in knowledge.unwritten.values() if other.may_read[:1] == (locale,)] if locale != "en" else []
    return Interpreter(written.split(",")[0], None, None, _script(locale), tuple(dict.fromkeys(perhaps)))


def _script(locale: str) -> str | None:
    return english_name(locale).partition(", ")[2] or None


def next_lines(knowledge: Knowledge, ids: list[str], at: datetime) -> tuple[NextLine, ...]:
    """The lines that the answers name, in their order, then those for the topic; open ones first."""
    named = [fact.id for id_ in ids for fact in knowledge.facts_of(id_)]
    known = {line.phone: line for line in knowledge.lines.values() if line.phone}
    found = [known[fact] for fact in dict.fromkeys(named) if fact in known and fact not in ALWAYS_TRUE]
    purpose = "city" if knowledge.questions[ids[0]].topic in CITY_TOPICS else "legal"
    found += [line for line in knowledge.lines.values() if purpose in line.purposes]
    shown = [
        _line(knowledge, line, at)
        for line in dict.fromkeys(found)
        if line.phone and not {line.phone, line.hours} & knowledge.held
    ]
    return tuple(sorted(shown, key=lambda line: not line.open)[:SHOWN_LINES])


def _line(knowledge: Knowledge, line: Line, at: datetime) -> NextLine:
    style = knowledge.style("en")
    hours = knowledge.facts[line.hours].value if line.hours else None
    opens = next_opening(hours, at) if hours is not None else None
    now = hours is not None and is_open(hours, at)
    phone = formatting.plain(knowledge.facts[line.phone], style) if line.phone else ""
    return NextLine(line.name, phone, now, formatting.moment(opens, style) if opens and not now else None, line.languages)
