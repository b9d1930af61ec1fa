"""Telephone lines: when they are open, so that nobody is sent to a line that does not answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from holidays import HolidayBase, country_holidays

from bot.knowledge.facts import Fact, Hours, read_hours
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


@dataclass(frozen=True)
class Desk:
    """A desk of 311 or of another office that takes people over by a code (only what the operator has named)."""

    name: str
    phone: str
    hours: Hours


def load_desks(data: Entry) -> tuple[Desk, ...]:
    """The operator's `desks`: a list of {name, phone, hours}; hours as in a fact. Raises ContentError."""
    desks = []
    for entry in data.get("desks", []):
        for key in ("name", "phone", "hours"):
            if key not in entry:
                raise entry.error(next(iter(entry), ""), f"a desk needs `{key}`")
        desks.append(Desk(str(entry["name"]), str(entry["phone"]), read_hours(str(entry["name"]), entry, "hours")))
    return tuple(desks)


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
    """Whether a line with these hours is open at the instant `at` (aware). On a holiday of the country or the State one with hours may
    be closed, and counts as closed; which holidays a line keeps is not published, so callers say "may be"."""
    if hours.always:
        return True
    local = at.astimezone(NEW_YORK)
    if local.date() in _closed_days():
        return False
    return any(day == local.weekday() and opens <= local.time() < closes for day, opens, closes in hours.days)


def next_opening(hours: Hours, at: datetime) -> datetime | None:
    """When a line that is closed at `at` opens next, in New York time; None for one that is always open or has no hours within two weeks."""
    local = at.astimezone(NEW_YORK)
    if hours.always:
        return None
    for ahead in range(15):
        day = local.date() + timedelta(days=ahead)
        times = [opens for weekday, opens, _ in hours.days if weekday == day.weekday()]
        moments = [datetime.combine(day, opens, NEW_YORK) for opens in times]
        later = [moment for moment in moments if moment > local]
        if later and day not in _closed_days():
            return min(later)
    return None


@lru_cache(maxsize=1)
def _closed_days() -> HolidayBase:
    return country_holidays("US", subdiv="NY")  # fills itself year by year
