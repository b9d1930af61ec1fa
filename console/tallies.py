"""Tallies as they may be shown: whole weeks, in tens, and no totals. From what is shown nobody can work out a count under 10.

Hiding small counts among exact ones does not do: the two tables have the same total, and whoever knows the rule by which a second count is hidden
beside a small one can often tell both (docs/decisions/2026-11-22-console.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

SMALLEST = STEP = 10  # a count below it is hidden; the others are shown as the ten that they lie in
WEEKS = 8


@dataclass(frozen=True)
class Table:
    """Rows by name, each with a cell for each week: 40 stands for 40 to 49, None for a hidden count or none at all."""

    weeks: tuple[date, ...]
    rows: tuple[tuple[str, tuple[int | None, ...]], ...]


def whole_weeks(today: date) -> tuple[date, ...]:
    """The Mondays of the last weeks that have ended, the newest first. The present week is not shown: its counts seen twice would
    tell of the time between."""
    monday = today - timedelta(days=today.weekday())
    return tuple(monday - timedelta(weeks=number) for number in range(1, WEEKS + 1))


def table(counts: dict[tuple[date, str], int], names: list[str], today: date, others: str) -> Table:
    """One row for each of `names`; any other name in `counts` has a row where it reaches 10 in some week, and is added to the last row,
    `others`, where it does not. That row is always there: it would tell that there was somebody."""
    weeks = whole_weeks(today)
    shown = {key: count for key, count in counts.items() if key[0] in weeks}
    more = sorted({name for (_, name), count in shown.items() if name not in names and count >= SMALLEST})
    rows = [(name, tuple(rounded(shown.get((week, name), 0)) for week in weeks)) for name in (*names, *more)]
    rest = {key: count for key, count in shown.items() if key[1] not in (*names, *more)}
    sums = (sum(count for (when, _), count in rest.items() if when == week) for week in weeks)
    rows.append((others, tuple(rounded(count) for count in sums)))
    return Table(weeks, tuple(rows))


def rounded(count: int) -> int | None:
    """A count as it may be shown."""
    return count // STEP * STEP if count >= SMALLEST else None
