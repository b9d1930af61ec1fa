"""Tallies as they may be shown: whole weeks only, and nothing from which a count under 10 could be worked out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

SMALLEST = 10  # a count below it is hidden
WEEKS = 8
OTHERS = "other languages"


@dataclass(frozen=True)
class Table:
    """Rows by name; a cell that is None is hidden. `totals` of the weeks, one for each."""

    weeks: tuple[date, ...]
    rows: tuple[tuple[str, tuple[int | None, ...]], ...]
    totals: tuple[int | None, ...]


def whole_weeks(today: date) -> tuple[date, ...]:
    """The Mondays of the last weeks that have ended, the newest first. The present week is not shown: its counts seen twice would
    tell of the time between."""
    monday = today - timedelta(days=today.weekday())
    return tuple(monday - timedelta(weeks=number) for number in range(1, WEEKS + 1))


def table(counts: dict[tuple[date, str], int], names: list[str], today: date) -> Table:
    """One row for each of `names`; any other name in `counts` has a row where it reaches 10 in some week, and is added to the last row,
    "other languages", where it does not."""
    weeks = whole_weeks(today)
    shown = {key: count for key, count in counts.items() if key[0] in weeks}
    more = sorted({name for (_, name), count in shown.items() if name not in names and count >= SMALLEST})
    rows = [*names, *more]
    cells = {(week, name): shown.get((week, name), 0) for week in weeks for name in rows}
    if any(name not in rows for _, name in shown):
        rows.append(OTHERS)
        for week in weeks:
            cells[week, OTHERS] = sum(count for (when, name), count in shown.items() if when == week and name not in rows)
    hidden = {(week, name) for week in weeks for name in hide({name: cells[week, name] for name in rows})}
    totals = tuple(total if (total := sum(cells[week, name] for name in rows)) >= SMALLEST else None for week in weeks)
    lines = tuple((name, tuple(None if (week, name) in hidden else cells[week, name] for week in weeks)) for name in rows)
    return Table(weeks, lines, totals)


def hide(column: dict[str, int]) -> set[str]:
    """The names whose counts in one column are hidden. A count under 10 is, none at all too; and so that no total gives it away, the next
    smallest as well, until there are two and they come to 10 or more. (The total of one table is also the sum of the other: it counts as
    known even where it is not shown.)"""
    order = sorted(column, key=lambda name: (column[name], name))
    hidden = {name for name in order if column[name] < SMALLEST}
    if not hidden:
        return hidden
    for name in order:
        if len(hidden) >= 2 and sum(column[other] for other in hidden) >= SMALLEST:
            break
        hidden.add(name)
    return hidden
