"""Whether what we know is still fresh enough to say (design, "Answers": review intervals)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

from bot.knowledge.facts import ALWAYS_TRUE, Fact

Expired = Literal["no", "notice", "withheld"]


def clock_is_sound(today: date, collected: date) -> bool:
    """False for a day before the newest fact was read, or two years after it: then the clock is wrong, not the content."""
    return collected <= today <= collected + timedelta(days=731)


def expired(facts: Iterable[Fact], today: date, *, may_withhold: bool) -> Expired:
    """What the age of the facts that a text rests on means on the day `today`.

    `notice`: one is past its interval or its `valid_until`; the text says so. `withheld`: one is past twice its interval and
    `may_withhold` (a legal or procedural answer; urgent ones, the welcome and the human route never are).
    """
    dated = [fact for fact in facts if fact.id not in ALWAYS_TRUE]
    if may_withhold and any(today > fact.withheld_after for fact in dated):
        return "withheld"
    return "notice" if any(today > fact.due for fact in dated) else "no"
