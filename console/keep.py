"""Pages for whoever keeps the content true: what falls due, changes and who confirms them, holds, flags, what is unreviewed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from starlette.responses import Response

from bot.knowledge import Knowledge, audit, formatting, reviews
from bot.knowledge.facts import Fact
from bot.knowledge.lines import NEW_YORK
from bot.store.console import Proposal
from console import patch
from console.find import english_name
from console.web import Console, Moved, Visit

# Why something is held, and why an answer was flagged. To be chosen, not typed: nothing about a person can get in.
WHY = (
    "the value changed",
    "the page is gone or says something else",
    "the line does not answer",
    "people called it wrong",
    "the law is in doubt",
    "another reason: ask the content owner",
)
FLAGGED = ("no reason given", "not true", "too old", "not what was asked", "hard to understand")


@dataclass(frozen=True)
class Card:
    """A fact as it is looked at again: its value as read, the answers that use it with the sentences that it affects (id, title,
    sentences; none where they only rest on it), and what was done about it that is not in the files yet."""

    fact: Fact
    value: str
    uses: tuple[tuple[str, str, tuple[str, ...]], ...]
    proposal: Proposal | None
    held: bool


def card(console: Console, fact: Fact, proposals: dict[str, Proposal]) -> Card:
    knowledge, mark = console.knowledge, f"{{fact.{fact.id}}}"
    uses = []
    for id_, answer in knowledge.answers.items():
        if fact in knowledge.facts_of(id_):
            texts = [*answer.texts.values(), answer.say or ""]
            sentences = [text.replace(mark, f"[{shown(knowledge, fact)}]") for text in texts if mark in text]
            uses.append((id_, knowledge.label(id_, "en", "web") if "title" in answer.texts else id_, tuple(sentences)))
    return Card(fact, shown(knowledge, fact), tuple(uses), proposals.get(fact.id), fact.id in knowledge.held)


def shown(knowledge: Knowledge, fact: Fact) -> str:
    """The value as an English reader sees it."""
    return formatting.plain(fact, knowledge.style("en"))


def due(console: Console, visit: Visit) -> Response:
    """This week's list: what is to be looked at again by Sunday, what is late first; then what was already dealt with."""
    today = _today(visit)
    sunday = today + timedelta(days=6 - today.weekday())
    facts = sorted(audit.served_facts(console.knowledge), key=lambda fact: (fact.work_day, fact.id))
    proposals = _waiting(console)
    cards = [card(console, fact, proposals) for fact in facts if fact.work_day <= sunday]
    later = next((fact.work_day for fact in facts if fact.work_day > sunday), None)
    cards.sort(key=lambda one: one.proposal is not None)
    return console.page(visit, "due.html", cards=cards, sunday=sunday, later=later, today=today, why=WHY, problem=None)


def fact_page(console: Console, visit: Visit) -> Response:
    fact = console.knowledge.facts.get(visit.path["id"])
    return _fact(console, visit, fact, None) if fact else console.page(visit, "refused.html", status=404)


def look_again(console: Console, visit: Visit) -> Response:
    """What somebody found when they looked at a fact again: still true, changed, or to be held."""
    fact = console.knowledge.facts.get(visit.path["id"])
    if fact is None:
        return console.page(visit, "refused.html", status=404)
    act, how = visit.form.get("act"), visit.form.get("how", "")
    if act == "hold":
        _hold(console, visit, fact.id)
        return Moved(_back(visit, fact))
    earlier = _waiting(console).get(fact.id)
    if act not in ("still", "changed") or how not in ("live_page", "dialled"):
        return _fact(console, visit, fact, "Say how you looked: the page itself, or by calling.")
    if act == "still" and earlier is not None and earlier.value is not None:
        return _fact(console, visit, fact, "A change waits: confirm it or withdraw it first.")
    if act == "still" and fact.valid_until is not None and fact.valid_until <= _today(visit):
        return _fact(console, visit, fact, f"It ends on {fact.valid_until}: an engineer must set a new end.")
    value = None
    if act == "changed":
        try:
            value = patch.value_of(fact, visit.form.get("value", ""))
            patch.check(console.knowledge.root, Proposal(0, fact.id, how, _today(visit), value, visit.who.staff, None))
        except patch.BadValue as error:
            return _fact(console, visit, fact, str(error))
        if visit.form.get("hold"):
            _hold(console, visit, fact.id, 0)
    console.store.propose(fact.id, how, _today(visit), visit.who.staff, value)
    console.store.note(visit.who.staff, "still true" if act == "still" else "proposed a change", visit.now, fact.id)
    return Moved(_back(visit, fact))


def changes(console: Console, visit: Visit) -> Response:
    waiting = list(_waiting(console).values())
    facts = console.knowledge.facts
    rows = [(proposal, facts[proposal.fact], shown(console.knowledge, facts[proposal.fact])) for proposal in waiting]
    return console.page(visit, "changes.html", rows=rows, ready=sum(p.confirmed_by is not None for p in waiting))


def decide(console: Console, visit: Visit) -> Response:
    """Confirm a change that somebody else proposed, to the value that was on the page; or withdraw what waits."""
    number = visit.form.get("id", "")
    id_ = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else -1
    fact = visit.form.get("fact", "")
    if visit.form.get("act") == "confirm":
        done = console.store.confirm(id_, fact, visit.form.get("value", ""), visit.who.staff)
        act = "confirmed a change"
    else:
        done, act = console.store.withdraw(id_, fact), "withdrew"
    if not done:
        return console.page(visit, "refused.html", status=409)
    console.store.note(visit.who.staff, act, visit.now, fact)
    return Moved("/console/changes")


def patch_file(console: Console, visit: Visit) -> Response:
    confirmed = [proposal for proposal in console.store.proposals() if proposal.confirmed_by is not None]
    text = patch.patch(console.knowledge.root, confirmed)
    console.store.note(visit.who.staff, "took the patch", visit.now)
    name = f"facts-{_today(visit)}.patch"
    return Response(text, media_type="text/x-diff", headers={"content-disposition": f'attachment; filename="{name}"'})


def holds(console: Console, visit: Visit) -> Response:
    return _holds(console, visit, None)


def hold_or_release(console: Console, visit: Visit) -> Response:
    target = visit.form.get("target", "").strip()
    known = target in console.knowledge.facts or target in console.knowledge.answers
    if visit.form.get("act") == "release":
        if target in console.store.holds():
            console.store.release(target)
            console.store.note(visit.who.staff, "released", visit.now, target)
    elif known:
        _hold(console, visit, target)
    else:
        return _holds(console, visit, "There is no answer and no fact of that id.")
    return Moved("/console/holds")


def flags(console: Console, visit: Visit) -> Response:
    counts: Counter[tuple[str, int]] = Counter()
    for id_, _, reason, count in console.store.flags():
        counts[id_, reason] += count
    by_id = {id_: [counts[id_, reason] for reason in range(len(FLAGGED))] for id_ in {id_ for id_, _ in counts}}
    rows = sorted(by_id.items(), key=lambda row: (-sum(row[1]), row[0]))
    return console.page(visit, "flags.html", rows=rows, reasons=FLAGGED, known=console.knowledge.questions)


def unreviewed(console: Console, visit: Visit) -> Response:
    """Answers whose present form nobody has signed, in a language."""
    knowledge, locale = console.knowledge, visit.query.get("in", "en")
    locale = locale if locale in knowledge.locales else "en"
    signed = reviews.load_reviews(knowledge.root / "content" / "reviews.yml")
    states = {id_: reviews.state(knowledge, signed, id_, locale) for id_ in knowledge.questions if id_ in knowledge.answers}
    rows = [(id_, knowledge.title(id_, "en", "web"), state) for id_, state in states.items() if state != "reviewed"]
    return console.page(visit, "unreviewed.html", rows=rows, total=len(states), chosen=locale, language=english_name(locale))


def _fact(console: Console, visit: Visit, fact: Fact, problem: str | None) -> Response:
    one = card(console, fact, _waiting(console))
    return console.page(
        visit, "fact.html", status=400 if problem else 200, one=one, today=_today(visit), why=WHY, problem=problem
    )


def _holds(console: Console, visit: Visit, problem: str | None) -> Response:
    knowledge = console.knowledge
    ids = [*knowledge.questions, *knowledge.facts]
    rows = [
        (target, why, since, sum(target == id_ or target in {f.id for f in knowledge.facts_of(id_)} for id_ in knowledge.answers))
        for target, (why, since) in console.store.holds().items()
    ]
    return console.page(visit, "holds.html", status=400 if problem else 200, rows=rows, ids=ids, why=WHY, problem=problem)


def _hold(console: Console, visit: Visit, target: str, reason: int | None = None) -> None:
    if reason is None:
        number = visit.form.get("why", "")
        reason = int(number) if number in [str(n) for n in range(len(WHY))] else len(WHY) - 1
    console.store.hold(target, WHY[reason], visit.now)
    console.store.note(visit.who.staff, "held", visit.now, target)


def _waiting(console: Console) -> dict[str, Proposal]:
    """What was found and is not in the files yet, by fact."""
    known = [proposal for proposal in console.store.proposals() if proposal.fact in console.knowledge.facts]
    return {proposal.fact: proposal for proposal in patch.waiting(console.knowledge.root, known)}


def _back(visit: Visit, fact: Fact) -> str:
    return "/console/due" if visit.form.get("back") == "due" else f"/console/facts/{fact.id}"


def _today(visit: Visit) -> date:
    return visit.now.astimezone(NEW_YORK).date()
