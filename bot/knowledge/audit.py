"""Reports on how far the content may be trusted on a given day: for a scheduled job, and before a release. No test depends on
today's date: the day is always given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone

from bot.knowledge.facts import ALWAYS_TRUE, Fact
from bot.knowledge.knowledge import Knowledge
from bot.knowledge.reviews import Review, state

WEEKLY_LOAD = 40  # facts that a part-time clerk can look at again in a week


def served_facts(knowledge: Knowledge) -> list[Fact]:
    """The facts that some answer states or rests on, or that some line has; not those that are always true."""
    used = {fact.id for id_ in knowledge.answers for fact in knowledge.facts_of(id_)}
    used |= {v for line in knowledge.lines.values() for v in (line.phone, line.hours, line.text, line.tty, line.chat) if v}
    return [fact for fact in knowledge.facts.values() if fact.id in used and fact.id not in ALWAYS_TRUE]


def at_noon(day: date) -> datetime:
    """Noon in New York, within an hour."""
    return datetime.combine(day, time(17), timezone.utc)


def on(knowledge: Knowledge, day: date) -> Iterator[str]:
    """What the day would look like: one line for each answer that would come with a notice or be withheld."""
    for id_ in knowledge.answers:
        condition = knowledge.expired(id_, at_noon(day))
        if condition != "no":
            late = sorted(
                (fact.due, fact.id) for fact in knowledge.facts_of(id_) if fact.due < day and fact.id not in ALWAYS_TRUE
            )
            yield f"{id_}: {condition} (due: {', '.join(f'{name} {due}' for due, name in late[:3])})"


def within(knowledge: Knowledge, day: date, days: int) -> Iterator[str]:
    """One line for each served fact that expires by `day` + `days`, the soonest first."""
    last = day + timedelta(days=days)
    for fact in sorted(served_facts(knowledge), key=lambda fact: (fact.due, fact.id)):
        if fact.due <= last:
            what = "expired" if fact.due < day else "expires"
            yield f"{fact.path.name}:{fact.line}: {fact.id} {what} on {fact.due}: {fact.source.url}"


def held(knowledge: Knowledge) -> Iterator[str]:
    """One line for each text that is out of service, itself or by a fact that it rests on."""
    for id_, answer in knowledge.answers.items():
        if knowledge.is_held(id_):
            yield f"{answer.path.name}:{answer.line}: {id_}"


def launch(knowledge: Knowledge) -> Iterator[str]:
    """What stands between the content and the public: served facts that nobody has opened live, phones that nobody has dialled."""
    for fact in served_facts(knowledge):
        if fact.type == "phone" and fact.how != "dialled":
            yield f"{fact.path.name}:{fact.line}: {fact.id} was not dialled ({fact.value})"
        elif fact.how == "archived_copy":
            yield f"{fact.path.name}:{fact.line}: {fact.id} was not confirmed on its live page: {fact.source.url}"


def load_by_week(knowledge: Knowledge) -> list[tuple[date, int]]:
    """(the Monday of a week, how many served facts are to be looked at again in it), in order."""
    weeks = Counter(fact.work_day - timedelta(days=fact.work_day.weekday()) for fact in served_facts(knowledge))
    return sorted(weeks.items())


def unreviewed(knowledge: Knowledge, reviews: dict[tuple[str, str], Review], locale: str = "en") -> Iterator[str]:
    """One line for each answer whose present form nobody has signed."""
    for id_, answer in knowledge.answers.items():
        if id_ in knowledge.questions:
            condition = state(knowledge, reviews, id_, locale)
            if condition != "reviewed":
                yield f"{answer.path.name}:{answer.line}: {id_}: {condition}"
