"""The console keeps the content true: what falls due, changes with a second person, holds, flags, the patch; tallies that tell of nobody."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from bot.dialogue.assistant import Assistant, Incoming
from bot.knowledge import Knowledge, audit
from bot.knowledge.facts import load_facts
from bot.store.console import ConsoleStore, Proposal
from bot.store.tables import audit as audit_table
from bot.store.tables import tally as tally_table
from console import patch, tallies
from tests import console_rig
from tests.conftest import NOON, ROOT
from tests.console_rig import Rig, text_of
from tests.test_dialogues import words

console, postgres_url = console_rig.console, console_rig.postgres_url
TODAY = NOON.date()
FACT = "idnyc_min_age"  # {count: 10, unit: age}


def in_git(folder: Path, text: str) -> Path:
    """A copy of the content in a repository of its own, with the patch landed."""
    for name in ("content", "locales"):
        shutil.copytree(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / "changes.patch").write_text(text, encoding="utf-8")
    subprocess.run(["git", "apply", "--check", "changes.patch"], cwd=folder, check=True)
    subprocess.run(["git", "apply", "changes.patch"], cwd=folder, check=True)
    return folder


# --- what falls due -----------------------------------------------------------------------------------------------------


def test_the_weeks_list(console: Rig) -> None:
    served = audit.served_facts(console.knowledge)
    monday = min(fact.work_day for fact in served)
    monday -= timedelta(days=monday.weekday())
    console.now = audit.at_noon(monday + timedelta(days=2))
    this_week = [fact for fact in served if fact.work_day <= monday + timedelta(days=6)]
    page = console.staff("content").get("/console/due").text
    assert 0 < len(this_week) == page.count('<article class="fact"')
    for fact in this_week:
        part = page.split(f'id="{fact.id}"')[1].split("</article>")[0]
        assert (
            f'href="{fact.source.url.replace("&", "&amp;")}"' in part
            and "Still true" in part
            and "Changed" in part
            and "Hold" in part
        )
        using = [id_ for id_ in console.knowledge.answers if fact in console.knowledge.facts_of(id_)]
        assert all(f"<code>{id_}</code>" in part for id_ in using) and f"{len(using)} texts use it" in part
    assert "Nothing this week" in (console.sign_in("content").get("/console/due").text if _before(console, served) else "")


def _before(console: Rig, served: list) -> bool:
    console.now = audit.at_noon(min(fact.work_day for fact in served) - timedelta(days=14))
    return True


def test_the_sentences_that_a_fact_affects(console: Rig) -> None:
    said = text_of(console.staff("content").get(f"/console/facts/{FACT}").text)
    shown = "[10 years]"
    assert said.count(shown) >= 2 and "idnyc_eligibility" in said


def test_still_true_and_a_patch_that_lands(console: Rig, tmp_path: Path) -> None:
    content = console.staff("content")
    console.now = NOON + timedelta(days=200)
    content = console.sign_in("content")
    facts = list(console.knowledge.facts.values())
    chosen = [facts[0], facts[-1], console.knowledge.facts[FACT], next(fact for fact in facts if fact.recheck)]
    for fact in chosen:
        if fact.valid_until:
            continue
        assert console.post(content, f"/console/facts/{fact.id}", act="still", how="live_page").status_code == 303
    root = in_git(tmp_path / "copy", content.get("/console/changes.patch").text)
    after = Knowledge.load(root)
    for fact in chosen:
        new = after.facts[fact.id]
        if fact.valid_until is None:
            assert (new.checked, new.how, new.value) == (console.now.date(), "live_page", fact.value)
            assert new.recheck is None and new.due == new.checked + timedelta(days=new.interval)
    untouched = [id_ for id_ in after.facts if id_ not in {fact.id for fact in chosen}]
    assert all(
        replace(after.facts[id_], path=Path(), line=0) == replace(console.knowledge.facts[id_], path=Path(), line=0)
        for id_ in untouched
    )


def test_a_changed_value_needs_a_second_person(console: Rig, tmp_path: Path) -> None:
    first, second = console.staff("first", "content"), console.staff("second", "admin")
    form = {"act": "changed", "how": "live_page", "value": "11", "hold": "1"}
    assert console.post(first, f"/console/facts/{FACT}", **form).status_code == 303
    assert FACT in console.store.holds(), "held until then"
    (proposal,) = console.store.proposals()
    assert (proposal.value, proposal.by, proposal.confirmed_by) == ("{count: 11, unit: age}", "first", None)
    assert first.get("/console/changes.patch").text == "", "not before it is confirmed"
    confirm = {"act": "confirm", "id": str(proposal.id), "fact": FACT, "value": proposal.value}
    assert f'name="fact" value="{FACT}"' in second.get("/console/changes").text
    assert console.post(first, "/console/changes", **confirm).status_code == 409, "by somebody else"
    assert "Another person must look" in text_of(first.get("/console/changes").text)
    assert console.post(second, "/console/changes", **confirm | {"value": "{count: 12, unit: age}"}).status_code == 409, (
        "another value"
    )
    assert console.post(first, f"/console/facts/{FACT}", act="still", how="live_page").status_code == 400, "nor covered up"
    assert "I looked too: confirm" in second.get("/console/changes").text
    assert console.post(second, "/console/changes", **confirm).status_code == 303
    assert console.post(second, "/console/changes", **confirm).status_code == 409, "once"
    root = in_git(tmp_path / "copy", second.get("/console/changes.patch").text)
    after = Knowledge.load(root)
    assert (after.facts[FACT].value, after.facts[FACT].checked) == (11, TODAY)
    assert "11" in after.say("idnyc_eligibility", "en", "web", NOON).text
    landed = replace(console.knowledge, root=root)
    assert patch.waiting(landed.root, console.store.proposals()) == [], "what is in the files leaves the list"
    acts = [act for act in console.acts() if act[1] not in ("signed in", "took the patch")]
    assert acts == [("first", "held", FACT), ("first", "proposed a change", FACT), ("second", "confirmed a change", FACT)]


def test_two_at_once_confirm_only_what_they_saw(console: Rig) -> None:
    """The value on the page is what is confirmed, also where the first person has proposed another since."""
    console.store.propose(FACT, "live_page", TODAY, "first", "{count: 11, unit: age}")
    (seen,) = console.store.proposals()
    console.store.propose(FACT, "live_page", TODAY, "first", "{count: 99, unit: age}")
    assert not console.store.confirm(seen.id, FACT, seen.value or "", "second")
    assert [proposal.confirmed_by for proposal in console.store.proposals()] == [None]


def test_an_id_that_is_given_out_again_is_not_the_same_proposal(console: Rig) -> None:
    """SQLite does so after the last one was withdrawn. The form says which fact it is about."""
    console.store.propose(
        next(id_ for id_ in console.knowledge.facts if id_ != FACT), "live_page", TODAY, "first", "{count: 11, unit: age}"
    )
    (other,) = console.store.proposals()
    second = console.staff("second", "content")
    for act in ("confirm", "withdraw"):
        seen = {"act": act, "id": str(other.id), "fact": FACT, "value": "{count: 11, unit: age}"}
        assert console.post(second, "/console/changes", **seen).status_code == 409
    assert console.store.proposals() == [other]


def test_of_several_proposals_for_a_fact_the_migration_keeps_the_last(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    config = Config()
    config.set_main_option("script_location", str(ROOT / "bot" / "store" / "migrations"))
    engine = sa.create_engine(url)
    with engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0005")
        row = "INSERT INTO proposal (id, fact, how, checked, \"by\") VALUES ({}, '{}', 'dialled', '2026-11-20', 'ana')"
        for number, fact in enumerate(("a", "b", "a"), 1):
            db.exec_driver_sql(row.format(number, fact))
    ConsoleStore.open(url).close()
    with engine.begin() as db:
        assert sorted(map(tuple, db.exec_driver_sql("SELECT id, fact FROM proposal"))) == [(2, "b"), (3, "a")]
        with pytest.raises(sa.exc.IntegrityError):
            db.exec_driver_sql(row.format(4, "a"))
    engine.dispose()


VALUES = [
    # type, typed, as it stands in the file or why not
    ("phone", "212-555-0100", "{phone: 212-555-0100}"),
    ("phone", " 311 ", "{phone: 311}"),
    ("phone", "call Maria", None),
    ("money", "$50", "{money: 50}"),
    ("money", "12.50", "{money: 12.50}"),
    ("money", "12.5", None),
    ("number", "10,000", "{number: 10000}"),
    ("number", "many", None),
    ("count", "5", "{count: 5, unit: UNIT}"),
    ("count", "5 years", None),
    ("count", "5, unit: evil", None),
    ("count", "\u0665", None),
    ("date", "2027-01-31", "{date: 2027-01-31}"),
    ("date", "2027-02-31", None),
    ("date", "tomorrow", None),
    ("hours", "always", "{hours: always}"),
    ("hours", "mon-fri 09:00-17:00, sat 10:00-14:00", "{hours: {mon-fri: 09:00-17:00, sat: 10:00-14:00}}"),
    ("hours", "mon-fri 9-5", None),
    ("hours", "mon-fri 29:00-17:00", None),
    ("text", 'I-918 "B": #1', '{text: "I-918 \\"B\\": #1"}'),
    ("rule", "x" * 401, None),
    ("url", "", None),
]


@pytest.mark.parametrize(("type_", "typed", "written"), VALUES)
def test_a_value_is_of_the_facts_kind(console: Rig, type_: str, typed: str, written: str | None) -> None:
    fact = next(fact for fact in console.knowledge.facts.values() if fact.type == type_ and not fact.valid_until)
    answer = console.post(console.staff("content"), f"/console/facts/{fact.id}", act="changed", how="live_page", value=typed)
    found = [proposal.value for proposal in console.store.proposals()]
    if written is None:
        assert answer.status_code == 400 and found == [] and 'role="alert"' in answer.text
    else:
        assert answer.status_code == 303 and found == [written.replace("UNIT", str(fact.unit))]


def test_every_fact_can_be_changed_in_its_file(tmp_path: Path, knowledge: Knowledge) -> None:
    """All 700 at once, however each stands in its file: the patch applies, no other key and no comment changes."""
    new = {
        "phone": "212-555-0100",
        "money": "77",
        "number": "77",
        "count": "77",
        "date": "2031-01-02",
        "hours": "mon 09:00-10:00",
    }
    day, odd = date(2027, 3, 7), 'new: {value} "quoted" # no comment \\ \u00e9'
    proposals = [
        Proposal(number, fact.id, "dialled", day, patch.value_of(fact, new.get(fact.type, odd)), "a", "b")
        for number, fact in enumerate(knowledge.facts.values())
    ]
    root = in_git(tmp_path / "copy", patch.patch(ROOT, proposals))
    after = load_facts(root / "content" / "facts")
    same = ("about", "kind", "type", "unit", "source", "source_date", "confidence", "volatile", "valid_until", "interval", "note")
    for id_, fact in knowledge.facts.items():
        assert (after[id_].checked, after[id_].how) == (day, "dialled")
        assert [getattr(after[id_], key) for key in same] == [getattr(fact, key) for key in same], id_
        assert after[id_].recheck is None or after[id_].recheck > day
        if fact.type not in new:
            assert after[id_].value == odd, id_
    for file in (ROOT / "content" / "facts").glob("*.yml"):
        comments = [
            [line for line in path.read_text().splitlines() if line.lstrip().startswith("#")]
            for path in (file, root / "content" / "facts" / file.name)
        ]
        assert comments[0] == comments[1]
    assert patch.waiting(root, proposals) == [] and len(patch.waiting(ROOT, proposals)) == len(proposals)


def test_an_older_look_does_not_undo_a_newer_one(knowledge: Knowledge) -> None:
    checked = knowledge.facts[FACT].checked
    older = Proposal(1, FACT, "live_page", checked - timedelta(days=1), None, "a", "a")
    assert patch.patch(ROOT, [older]) == "" and patch.waiting(ROOT, [older]) == []


@pytest.mark.full
def test_the_check_accepts_the_patched_content(tmp_path: Path, knowledge: Knowledge) -> None:
    from bot.knowledge.check import load_rules, problems

    proposals = [Proposal(1, FACT, "live_page", TODAY, "{count: 11, unit: age}", "a", "b")]
    before = {str(problem) for problem in problems(knowledge, load_rules(), NOON)}
    root = in_git(tmp_path / "copy", patch.patch(ROOT, proposals))
    after = {str(problem).replace(str(root), str(ROOT)) for problem in problems(Knowledge.load(root), load_rules(root), NOON)}
    assert after <= before


# --- holds, flags, what is unreviewed -----------------------------------------------------------------------------------


def test_a_hold_acts_at_once_and_its_reason_is_chosen(console: Rig) -> None:
    content = console.staff("content")
    assert console.post(content, "/console/holds", act="hold", target="idnyc_cost", why="2").status_code == 303
    assert console.store.holds()["idnyc_cost"][0] == "the line does not answer"
    assert "Held: people get this instead" in content.get("/console/answers/idnyc_cost").text
    assert console.knowledge.is_held("idnyc_cost")
    console.post(content, "/console/holds", act="hold", target=FACT, why="Maria Xochimilquez 212-555-0142")
    assert console.store.holds()[FACT][0] == "another reason: ask the content owner"
    assert console.post(content, "/console/holds", act="hold", target="no_such_id").status_code == 400
    said = text_of(content.get("/console/holds").text)
    assert said.startswith("Held: 2") and "Xochimilquez" not in said
    for target in ("idnyc_cost", FACT):
        console.post(content, "/console/holds", act="release", target=target)
    assert console.store.holds() == {}
    assert [(act, object_) for _, act, object_ in console.acts()[1:]] == [
        ("held", "idnyc_cost"), ("held", FACT), ("released", "idnyc_cost"), ("released", FACT)
    ]  # fmt: skip


def test_flags_by_answer(console: Rig) -> None:
    for reason in (0, 0, 1):
        console.store.flag("idnyc_cost", console.now, reason)
    console.store.flag("idnyc_cost", console.now - timedelta(days=3), 2)
    console.store.flag("asylum", console.now)
    table = text_of(console.staff("content").get("/console/flags").text)
    assert re.search(r"idnyc_cost 3 1 1 1 0 0 asylum 1 1 0 0 0 0", table), table


def test_what_is_unreviewed(console: Rig) -> None:
    said = text_of(console.staff("content").get("/console/unreviewed?in=bn").text)
    total = sum(id_ in console.knowledge.answers for id_ in console.knowledge.questions)
    assert re.match(rf"Bengali: \d+ of {total} answers have no signature", said)


def test_the_audit_log_is_kept_for_a_year(console: Rig) -> None:
    console.store.note("ana", "held", console.now - timedelta(days=366), FACT)
    console.store.note("ana", "released", console.now - timedelta(days=364), FACT)
    console.store.forget(console.now)
    assert console.acts() == [("ana", "released", FACT)]
    assert set(audit_table.c.keys()) == {"id", "at", "staff", "act", "object"}
    assert "ana released" in text_of(console.staff("admin").get("/console/audit").text)


# --- tallies ------------------------------------------------------------------------------------------------------------


def test_what_is_counted(console: Rig, engine, knowledge: Knowledge) -> None:
    """Each answer once, by topic and apart from it by language; nothing for a repeated message, silence after STOP, or a further part."""
    clock = [NOON]
    assistant = Assistant(knowledge, console.store, engine.engine, *words(), None, lambda: clock[0])

    def say(text: str, message: str | None = None, **fields: str) -> None:
        asyncio.run(assistant.respond(Incoming("sms", ("x" * 64,), text, message=message, **fields)))

    say("how much does idnyc cost", "m" * 64)
    say("how much does idnyc cost", "m" * 64)  # the same message again
    say("MORE")
    say("¿cuánto cuesta el IDNYC?", "n" * 64)
    say("i speak wolof")
    say("i speak wolof")  # nor does one person make a row of a small language
    say("STOP", optout="o" * 64)
    say("how much does idnyc cost", "p" * 64, optout="o" * 64)
    week = date(2026, 11, 23)
    assert console.store.tallies("topic", week) == {(week, "idnyc"): 2, (week, "conversation"): 1}
    assert console.store.tallies("language", week) == {(week, "en"): 1, (week, "es"): 1, (week, "wo"): 1}
    assert set(tally_table.c.keys()) == {"week", "kind", "name", "count"}, "no topic by language, no finer time"
    console.store.forget(NOON + timedelta(days=740))
    assert console.store.tallies("topic", week) == {}


def test_the_week_is_new_yorks(console: Rig) -> None:
    sunday_night = datetime.fromisoformat("2026-11-30T03:00:00+00:00")
    console.store.tally("idnyc", "es", sunday_night)
    assert console.store.tallies("topic", date(2026, 1, 1)) == {(date(2026, 11, 23), "idnyc"): 1}


def test_what_is_shown_of_them(console: Rig) -> None:
    counts = {"idnyc": 40, "ice": 12, "schools": 9, "u_visa": 1}
    languages = ["es"] * 30 + ["en"] * 15 + ["ar"] * 10 + ["wo"] * 7
    topics = [topic for topic, count in counts.items() for _ in range(count)]
    for topic, language in zip(topics, languages, strict=True):
        console.store.tally(topic, language, NOON)
    assert "idnyc 40" not in text_of(console.staff("agent").get("/console/tallies").text), "not before the week is over"
    console.now = NOON + timedelta(days=7)
    said = text_of(console.sign_in("agent").get("/console/tallies").text)
    assert "idnyc 40-49" in said and "ice 10-19" in said and "schools \u00b7" in said and "u visa \u00b7" in said
    assert "Spanish 30-39" in said and "English 10-19" in said and "Arabic 10-19" in said and "other languages \u00b7" in said
    assert "62" not in said, "no total"
    assert said.count("other languages \u00b7") == said.count("other topics \u00b7") == 1
    assert "Wolof" not in said, "a language that fewer than 10 came in is not even named"


def test_nothing_hidden_can_be_worked_out() -> None:
    """Both tables have the same total, which is known to lie in the sums of what is shown. With that each count under 10 may still be any of
    several."""
    chance = random.Random(9)
    for _ in range(3_000):
        topics = [chance.choice([0, 0, 1, 5, 9, 10, 11, 19, 40, 99]) for _ in range(chance.randint(2, 10))]
        languages, left = [], sum(topics)
        while left or len(languages) < 12:
            count = min(left, chance.choice([0, 1, 2, 9, 10, 15, 29, 60]))
            languages.append(count)
            left -= count
        ranges = [[_range(tallies.rounded(count)) for count in column] for column in (topics, languages)]
        low = max(sum(one[0] for one in column) for column in ranges)
        high = min(sum(one[1] for one in column) for column in ranges)
        for column in ranges:
            sums = sum(one[0] for one in column), sum(one[1] for one in column)
            for least, most in column:
                if least == 0:
                    assert max(0, low - (sums[1] - most)) < min(most, high - sums[0]), (topics, languages)


def _range(cell: int | None) -> tuple[int, int]:
    return (0, 9) if cell is None else (cell, cell + 9)


def test_the_row_of_the_others_is_always_there() -> None:
    for counts in ({}, {(date(2026, 11, 23), "wo"): 3}):
        shown = tallies.table(counts, ["en"], date(2026, 12, 1), "other languages")
        assert [(name, set(cells)) for name, cells in shown.rows] == [("en", {None}), ("other languages", {None})]


@pytest.mark.parametrize(("count", "cell"), [(0, None), (1, None), (9, None), (10, 10), (19, 10), (20, 20)])
def test_a_count_as_it_is_shown(count: int, cell: int | None) -> None:
    assert tallies.rounded(count) == cell
