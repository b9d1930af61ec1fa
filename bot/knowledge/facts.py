"""Facts: every value that a sentence states, with its source, its date and how long it may be trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from bot.knowledge.yamlfile import Entry, load

# Days until a fact must be looked at again, by kind (design, "Answers": review intervals).
INTERVALS = {
    "federal_policy": 30,
    "phone": 90,
    "hours": 90,
    "fee": 90,
    "city_rule": 180,
    "state_rule": 180,
    "statute": 365,
}
HOW = ("archived_copy", "live_page", "dialled")
CONFIDENCE = ("high", "medium", "low", "unverified")
VALUE_TYPES = ("phone", "text", "url", "money", "count", "number", "date", "hours", "rule")

# True of the whole country and no matter of research: they may be said whatever their confidence, and never expire.
ALWAYS_TRUE = frozenset({"emergency", "city_311", "crisis_988"})

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KEYS = {
    "about", "kind", "value", "source", "source_date", "checked", "how", "confidence",
    "volatile", "valid_until", "interval", "recheck", "note",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where a fact was read."""

    title: str
    url: str


@dataclass(frozen=True)
class Hours:
    """Opening hours in New York time. `days` maps a weekday (0 is Monday) to (opens, closes); `always` is day and night."""

    always: bool
    days: tuple[tuple[int, time, time], ...]


@dataclass(frozen=True)
class Fact:
    """One fact. `value` is a str, int, date or Hours by `type`; `unit` goes with type `count`."""

    id: str
    about: str
    kind: str
    type: str
    value: Any
    unit: str | None
    source: Source
    source_date: date | None
    checked: date
    how: str
    confidence: str
    volatile: bool
    valid_until: date | None
    interval: int
    recheck: date | None
    note: str
    path: Path
    line: int

    @property
    def due(self) -> date:
        """The last day on which the fact may be used without a notice."""
        day = self.checked + timedelta(days=self.interval)
        return min(day, self.valid_until) if self.valid_until else day

    @property
    def work_day(self) -> date:
        """The day by which the clerk looks at it again: never after `due`, earlier where `recheck` spreads the work."""
        return min(self.due, self.recheck) if self.recheck else self.due

    @property
    def withheld_after(self) -> date:
        """The last day on which a legal or procedural answer may still rest on it, with a notice."""
        return self.due + timedelta(days=self.interval)


def load_facts(folder: Path) -> dict[str, Fact]:
    """All facts of the folder by id. Raises ContentError with file and line for the first one that is not sound."""
    facts: dict[str, Fact] = {}
    for path in sorted(folder.glob("*.yml")):
        data = load(path)
        for id_ in data:
            if id_ in facts:
                raise data.error(id_, f"fact {id_} stands in {facts[id_].path.name} too")
            facts[id_] = _fact(id_, data)
    return facts


def _fact(id_: str, data: Entry) -> Fact:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", id_):
        raise data.error(id_, f"fact id {id_!r}: use lower case letters, digits and _")
    entry = data[id_]
    if not isinstance(entry, Entry):
        raise data.error(id_, f"fact {id_} must be a mapping")
    for key in ("about", "kind", "value", "source", "checked", "how", "confidence"):
        if key not in entry:
            raise data.error(id_, f"fact {id_} has no `{key}`")
    for key in entry:
        if key not in _KEYS:
            raise entry.error(key, f"fact {id_}: unknown key `{key}`")
    if entry["kind"] not in INTERVALS:
        raise entry.error("kind", f"fact {id_}: kind {entry['kind']!r} is none of {', '.join(INTERVALS)}")
    if entry["how"] not in HOW:
        raise entry.error("how", f"fact {id_}: how {entry['how']!r} is none of {', '.join(HOW)}")
    if entry["confidence"] not in CONFIDENCE:
        raise entry.error("confidence", f"fact {id_}: confidence is none of {', '.join(CONFIDENCE)}")
    source = entry["source"]
    if not isinstance(source, Entry) or not source.get("title") or not source.get("url"):
        raise entry.error("source", f"fact {id_}: a source needs `title` and `url`")
    interval = entry.get("interval", INTERVALS[entry["kind"]])
    if not isinstance(interval, int) or not 0 < interval <= INTERVALS[entry["kind"]]:
        raise entry.error("interval", f"fact {id_}: interval may only shorten {INTERVALS[entry['kind']]} days")
    type_, value, unit = _value(id_, entry)
    return Fact(
        id=id_,
        about=entry["about"],
        kind=entry["kind"],
        type=type_,
        value=value,
        unit=unit,
        source=Source(str(source["title"]), str(source["url"])),
        source_date=_day(id_, entry, "source_date", unknown=True),
        checked=_day(id_, entry, "checked") or date.min,
        how=entry["how"],
        confidence=entry["confidence"],
        volatile=bool(entry.get("volatile", False)),
        valid_until=_day(id_, entry, "valid_until"),
        interval=interval,
        recheck=_day(id_, entry, "recheck"),
        note=str(entry.get("note", "")),
        path=data.path,
        line=data.line_of(id_),
    )


def _day(id_: str, entry: Entry, key: str, *, unknown: bool = False) -> date | None:
    value = entry.get(key)
    if value is None or (unknown and value == "unknown"):
        return None
    if not isinstance(value, date):
        raise entry.error(key, f"fact {id_}: {key} must be a day such as 2026-11-21")
    return value


def _value(id_: str, entry: Entry) -> tuple[str, Any, str | None]:
    value = entry["value"]
    types = [key for key in value if key in VALUE_TYPES] if isinstance(value, Entry) else []
    if len(types) != 1:
        raise entry.error("value", f"fact {id_}: value must be one of {', '.join(VALUE_TYPES)}")
    type_ = types[0]
    raw = value[type_]
    extra = set(value) - {type_} - ({"unit"} if type_ == "count" else set())
    if extra:
        raise entry.error("value", f"fact {id_}: value has an unknown key `{sorted(extra)[0]}`")
    if type_ in ("count", "number", "money"):
        if isinstance(raw, bool) or not isinstance(raw, (int, float)):
            raise entry.error("value", f"fact {id_}: {type_} must be a number")
        if type_ == "count" and not value.get("unit"):
            raise entry.error("value", f"fact {id_}: a count needs its unit")
        return type_, raw, value.get("unit")
    if type_ == "date":
        if not isinstance(raw, date):
            raise entry.error("value", f"fact {id_}: date must be a day such as 2026-12-31")
        return type_, raw, None
    if type_ == "hours":
        return type_, read_hours(f"fact {id_}", value, "hours"), None
    text = str(raw).strip()
    if type_ == "phone" and not re.fullmatch(r"[0-9][0-9-]{2,}", text):
        raise entry.error("value", f"fact {id_}: phone {text!r} must be digits and hyphens")
    return type_, text, None


def read_hours(name: str, entry: Entry, key: str) -> Hours:
    """The opening hours under `key`: `always`, or days such as `mon-fri: 09:00-18:00`. Raises ContentError, which names `name`."""
    raw = entry[key]
    if raw == "always":
        return Hours(True, ())
    if not isinstance(raw, Entry):
        raise entry.error(key, f"{name}: hours must be `always` or days such as mon-fri: 09:00-18:00")
    days: list[tuple[int, time, time]] = []
    for span, times in raw.items():
        first, _, last = span.partition("-")
        match = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", str(times))
        if first not in DAYS or (last or first) not in DAYS or not match:
            raise entry.error(key, f"{name}: cannot read hours {span}: {times}")
        h1, m1, h2, m2 = (int(number) for number in match.groups())
        if h1 > 23 or h2 > 24 or m1 > 59 or m2 > 59 or (h2 == 24 and m2):
            raise entry.error(key, f"{name}: {times} is no time of day")
        closes = time(23, 59, 59) if h2 == 24 else time(h2, m2)
        for day in range(DAYS.index(first), DAYS.index(last or first) + 1):
            days.append((day, time(h1, m1), closes))
    return Hours(False, tuple(sorted(days)))
