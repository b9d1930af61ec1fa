"""Keeping it true: what a given day says, what is held, who has signed, what falls due. The day is always given."""

from __future__ import annotations

import shutil
import time
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from bot.dialogue import plan as plans
from bot.knowledge import Knowledge, audit, reviews
from bot.knowledge.book import book
from bot.knowledge.plain import PROPER_NOUNS, problems
from tests.conftest import NOON, ROOT, Server, texts
from tests.test_cli import run

LEGAL, URGENT, WELCOME = "u_visa_wait_and_work", "ice_here_now", "system/welcome"


def day_table(knowledge: Knowledge) -> list[tuple[str, date, str, str, str]]:
    """(reason, day, and what a legal answer, an urgent answer and the welcome say that day), counted from the legal answer's own
    dates."""
    facts = [fact for fact in knowledge.facts_of(LEGAL) if fact.id not in ("emergency", "city_311", "crisis_988")]
    due, gone = min(fact.due for fact in facts), min(fact.withheld_after for fact in facts)
    days = [
        ("the day it was collected", knowledge.collected),
        ("the last day within every interval", due),
        ("past one interval", due + timedelta(days=1)),
        ("the last day within twice the interval", gone),
        ("past twice the interval", gone + timedelta(days=1)),
        ("a clock before the content was collected", knowledge.collected - timedelta(days=1)),
        ("a clock more than two years ahead", knowledge.collected + timedelta(days=740)),
    ]
    return [
        (reason, day, *(knowledge.expired(id_, audit.at_noon(day)) for id_ in (LEGAL, URGENT, WELCOME))) for reason, day in days
    ]


def test_days(knowledge: Knowledge) -> None:
    table = day_table(knowledge)
    assert [row[2] for row in table] == ["no", "no", "notice", "notice", "withheld", "no", "no"]
    assert "withheld" not in [row[3] for row in table] + [row[4] for row in table], "never, for urgent texts and the welcome"
    assert all(row[4] == "no" for row in table), "the welcome rests on no dated fact"


def test_valid_until_ends_a_fact_the_day_after(knowledge: Knowledge) -> None:
    fact = next(fact for fact in knowledge.facts.values() if fact.valid_until)
    assert fact.due <= fact.valid_until
    (id_, *_) = [id_ for id_ in knowledge.questions if fact in knowledge.facts_of(id_)]
    assert knowledge.expired(id_, audit.at_noon(fact.due + timedelta(days=1))) != "no"


def test_what_an_expired_answer_says(knowledge: Knowledge) -> None:
    due = min(fact.due for fact in knowledge.facts_of(LEGAL) if fact.kind == "federal_policy")
    late = knowledge.say(LEGAL, "es", "sms", audit.at_noon(due + timedelta(days=2)))
    assert late.expired == "notice" and "nov 2026" in late.parts[-1]
    gone = knowledge.say(LEGAL, "es", "web", audit.at_noon(due + timedelta(days=80)))
    assert gone.expired == "withheld" and gone.text == knowledge.say("system/withheld", "es", "web", NOON).text


def test_a_hold_takes_out_an_answer_or_all_that_rest_on_a_fact() -> None:
    knowledge = Knowledge.load()
    before = knowledge.say("idnyc_cost", "es", "sms", NOON)
    knowledge.held = frozenset({"idnyc_cost"})
    held = knowledge.say("idnyc_cost", "es", "sms", NOON)
    assert held.expired == "withheld" and held.text == knowledge.say("system/held", "es", "sms", NOON).text
    assert knowledge.say("idnyc_what", "es", "sms", NOON).expired == "no"
    fact = knowledge.facts_of("idnyc_cost")[0].id
    knowledge.held = frozenset({fact})
    assert knowledge.say("idnyc_cost", "en", "web", NOON).expired == "withheld"
    knowledge.held = frozenset({"moia_hotline"})
    urgent = knowledge.say("family_detained_now", "en", "sms", NOON).text
    assert "800-354-0365" not in urgent and ("911" in urgent or "311" in urgent), "an urgent answer falls back on 911 and 311"
    knowledge.held = frozenset({"hope_line"})
    gate = knowledge.say("system/gate", "en", "sms", NOON).text
    assert "911" in gate and gate.endswith("1 for yes, 2 for no."), "the gate keeps its question"
    knowledge.held = frozenset()
    assert knowledge.say("idnyc_cost", "es", "sms", NOON).text == before.text


def test_a_hold_reaches_the_hours_of_a_line_and_the_words_to_show() -> None:
    knowledge, night = Knowledge.load(), datetime(2026, 11, 24, 6, tzinfo=timezone.utc)  # one in the morning in New York
    id_, line = next((id_, line) for id_ in knowledge.questions if (line := knowledge.closed_line(id_, night)) is not None)
    knowledge.held = frozenset({line.hours})
    assert knowledge.closed_line(id_, night) != line, "nobody is told when it opens"
    id_ = next(id_ for id_ in knowledge.questions if id_ in knowledge.answers and knowledge.answer(id_).say)
    words = plans.Plan(((plans.Piece(id_, "say"),),))  # as the engine makes it, which knows nothing of holds
    assert knowledge.to_say(id_, "es") in plans.render(knowledge, words, "es", "sms", NOON)[0].text
    knowledge.held = frozenset({id_})
    assert plans.render(knowledge, words, "es", "sms", NOON)[0].text == knowledge.say("system/held", "es", "sms", NOON).text


@pytest.mark.slow
def test_hold_and_release_reach_a_running_server_and_survive_a_restart(tmp_path: Path, knowledge: Knowledge) -> None:
    held = knowledge.say("system/held", "en", "sms", NOON).text
    server = Server(tmp_path).wait()
    environ = {"AMPARO_DATA_DIR": str(server.data)}

    def answered(until: str) -> bool:
        deadline, numbers = time.monotonic() + 60, iter(range(163, 200))
        while time.monotonic() < deadline:
            is_held = texts(server.sms("how much is idnyc", f"+12125550{next(numbers)}"))[0] == held
            if is_held == (until == "held"):
                return True
            time.sleep(2)
        return False

    try:
        assert run("hold", "idnyc_cost", **environ).returncode == 2, "it asks why"
        assert run("hold", "no_such_fact", "--why", "x", **environ).returncode == 1
        assert "out of service" in run("hold", "idnyc_free_until", "--why", "the City changed it", **environ).stdout
        assert answered("held")
    finally:
        server.stop()
    (tmp_path / "again").mkdir()
    again = server = Server(tmp_path / "again", AMPARO_DATA_DIR=str(server.data)).wait()
    try:
        assert texts(again.sms("how much is idnyc", "+12125550162"))[0] == held, "after a restart"
        assert "the City changed it" in run("hold", **environ).stdout
        assert run("release", "idnyc_free_until", **environ).returncode == 0
        assert answered("released")
    finally:
        again.stop()


def test_a_signature_lapses_when_a_sentence_or_a_value_changes(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "content", tmp_path / "content")
    shutil.copytree(ROOT / "locales", tmp_path / "locales")
    file = tmp_path / "content" / "reviews.yml"
    knowledge = Knowledge.load(tmp_path)
    reviews.sign(knowledge, "idnyc_cost", "en", "immigration lawyer", date(2026, 12, 1), file)

    def state(locale: str = "en") -> str:
        return reviews.state(Knowledge.load(tmp_path), reviews.load_reviews(file), "idnyc_cost", locale)

    assert state() == "reviewed" and state("es") == "not reviewed"
    answers = tmp_path / "content" / "answers" / "idnyc.yml"
    text = answers.read_text()
    start = text.index("idnyc_cost:")
    answers.write_text(text[:start] + text[start:].replace("short: >-\n    ", "short: >-\n    Now ", 1))
    assert state() == "lapsed"
    answers.write_text(text)
    assert state() == "reviewed"
    fact = knowledge.facts_of("idnyc_cost")[0]
    facts = tmp_path / "content" / "facts" / fact.path.name
    lines = facts.read_text().splitlines()
    at = next(i for i in range(fact.line, len(lines)) if "url:" in lines[i])
    lines[at] = "    url: https://example.org/changed"
    facts.write_text("\n".join(lines))
    assert state() == "lapsed"


def test_nothing_is_marked_reviewed(knowledge: Knowledge) -> None:
    """Nobody has been asked yet: this test goes when a person has signed."""
    assert reviews.load_reviews() == {}
    assert len(list(audit.unreviewed(knowledge, {}))) == len(knowledge.questions)


@pytest.mark.parametrize("locale", ["en", "es"])
def test_the_review_book_shows_every_answer_with_its_facts(locale: str, knowledge: Knowledge) -> None:
    text = book(knowledge, {}, locale, date(2026, 11, 24))
    for id_ in knowledge.questions:
        assert f"<h3>{id_} <small>" in text
    for fact in audit.served_facts(knowledge):
        if any(fact in knowledge.facts_of(id_) for id_ in knowledge.questions):
            assert f"<td>{fact.id}</td>" in text
    assert "archived copy" in text and "Role and date" in text and "not reviewed" in text
    assert ("Información" in text or "información" in text) == (locale == "es")


def test_reports(knowledge: Knowledge) -> None:
    collected = knowledge.collected
    assert list(audit.on(knowledge, collected)) == []
    assert len(list(audit.on(knowledge, collected + timedelta(days=61)))) > 20
    soon = list(audit.within(knowledge, collected, 31))
    assert soon and all(".yml:" in line for line in soon) and list(audit.within(knowledge, collected, 1)) == []
    before_launch = list(audit.launch(knowledge))
    assert any("was not dialled (800-354-0365)" in line for line in before_launch)
    assert all(count <= audit.WEEKLY_LOAD for _, count in audit.load_by_week(knowledge))


def test_reports_by_command() -> None:
    assert run("check", "--launch").returncode == 1
    assert run("check", "--load").returncode == 0
    assert "texts with a notice or withheld" in run("check", "--on", "2027-03-01").stdout
    assert "nobody has signed" in run("check", "--unreviewed").stdout


def test_plain_english(knowledge: Knowledge) -> None:
    assert len(PROPER_NOUNS) <= 60
    assert [str(error) for error in problems(knowledge)] == []


def test_days_are_documented(knowledge: Knowledge) -> None:
    """docs/days.md is this table; `python -m tests.test_keeping_true` writes it."""
    assert (ROOT / "docs" / "days.md").read_text() == days_page(knowledge)


def days_page(knowledge: Knowledge) -> str:
    rows = "\n".join(
        f"| {reason} | {day} | {legal} | {urgent} | {welcome} |" for reason, day, legal, urgent, welcome in day_table(knowledge)
    )
    return f"""# What is said on which day

`{LEGAL}` is a legal answer, `{URGENT}` an urgent one. *notice*: the answer says that it may be out of date and where to ask. *withheld*: the
human route is given in its place. A clock that cannot be right changes nothing. Written by `python -m tests.test_keeping_true`.

| | day | legal answer | urgent answer | welcome |
|---|---|---|---|---|
{rows}
"""


if __name__ == "__main__":
    (ROOT / "docs" / "days.md").write_text(days_page(Knowledge.load()))
    print(datetime.now(timezone.utc))
