"""Telephone lines: when they are open, so that nobody is sent to a line that does not answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.knowledge.facts import Fact, Hours
from bot.knowledge.yamlfile import Entry, load

NEW_YORK = ZoneInfo("America/New_York")
_FACT_KEYS = ("phone", "hours", "text", "tty", "chat")
_KEYS = {"name", "languages", "relay", "for", "note", *_FACT_KEYS}


@dataclass(frozen=True)
class Line:
    """A help line. `phone`, `hours`, `text`, `tty`, `chat` are fact ids (None where the line has none)."""

    id: str
    name: str
    phone: str | None
    hours: str | None
    text: str | None
    tty: str | None
    chat: str | None
    relay: bool
    languages: str
    purposes: tuple[str, ...]


def load_lines(path: Path, facts: dict[str, Fact]) -> dict[str, Line]:
    """The lines of `path` by id. Raises ContentError, also for a fact id that is not known."""
    data = load(path)
    lines: dict[str, Line] = {}
    for id_, entry in data.items():
        if not isinstance(entry, Entry) or "name" not in entry:
            raise data.error(id_, f"line {id_} needs a name")
        for key in entry:
            if key not in _KEYS:
                raise entry.error(key, f"line {id_}: unknown key `{key}`")
        for key in _FACT_KEYS:
            if entry.get(key) is not None and entry[key] not in facts:
                raise entry.error(key, f"line {id_}: there is no fact {entry[key]}")
        lines[id_] = Line(
            id=id_,
            name=entry["name"],
            relay=bool(entry.get("relay", False)),
            languages=str(entry.get("languages", "")),
            purposes=tuple(entry.get("for", [])),
            **{key: entry.get(key) for key in _FACT_KEYS},
        )
    return lines


def is_open(hours: Hours, at: datetime) -> bool:
    """Whether a line with these hours is open at the instant `at` (aware). Holidays are not known here: callers say "may be"."""
    if hours.always:
        return True
    local = at.astimezone(NEW_YORK)
    return any(day == local.weekday() and opens <= local.time() < closes for day, opens, closes in hours.days)
