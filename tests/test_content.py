"""The content keeps its own rules, and a mistake in it is named with file and line."""

import json
import re
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from bot.dialogue.plan import Piece, Plan, render
from bot.knowledge import ContentError, Knowledge, UnknownId, UnknownLocale
from bot.knowledge.catalogue import GATED
from bot.knowledge.check import load_rules, problems
from tests.conftest import NOON, ROOT


def test_no_rule_is_broken(knowledge: Knowledge) -> None:
    found = [str(error) for error in problems(knowledge, load_rules(), NOON)]
    assert found == []


def test_every_catalogue_id_is_answered(knowledge: Knowledge) -> None:
    assert set(knowledge.questions) <= set(knowledge.answers)
    assert set(knowledge.questions) >= GATED


def test_every_fact_has_source_date_and_how(knowledge: Knowledge) -> None:
    for fact in knowledge.facts.values():
        assert fact.source.title and fact.source.url.startswith("http"), fact.id
        assert fact.how == "archived_copy", f"{fact.id}: nothing was opened live or dialled yet"


BROKEN = [
    ("facts/lines.yml", "kind: phone", "kind: fone", "kind 'fone' is none of"),
    ("facts/lines.yml", "source:", "origin:", "has no `source`"),
    ("facts/idnyc.yml", "confidence: high", "confidence: sure", "confidence is none of"),
    ("answers/idnyc.yml", "layer: nyc", "layer: mars", "layer 'mars' is none of"),
    ("answers/idnyc.yml", "{fact.", "{fact.no_such_thing_", "there is no fact no_such_thing_"),
    ("answers/idnyc.yml", "  next: [", "  next: [no_such_id, ", "there is no catalogue id no_such_id"),
    ("answers/idnyc.yml", "idnyc_what:", "idnyc_waht:", "is not in the catalogue"),
    ("answers/idnyc.yml", "  short: ", "  shrot: ", "unknown key `shrot`"),
    ("catalogue.yml", "version: 1", "version: 1\n  x: [", "not readable as YAML"),
]


@pytest.mark.parametrize(("file", "before", "after", "problem"), BROKEN, ids=[row[3] for row in BROKEN])
def test_broken_content_is_named(file: str, before: str, after: str, problem: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "content", tmp_path / "content")
    shutil.copytree(ROOT / "locales", tmp_path / "locales")
    path = tmp_path / "content" / file
    text = path.read_text()
    line = text[: text.index(before)].count("\n") + 1
    path.write_text(text.replace(before, after, 1))
    with pytest.raises(ContentError) as caught:
        Knowledge.load(tmp_path)
    assert problem in str(caught.value)
    assert Path(file).name in str(caught.value)
    assert caught.value.line > 0
    assert abs(caught.value.line - line) <= 40, "the line is that of the entry"


def test_a_fact_changes_every_sentence_that_states_it(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "content", tmp_path / "content")
    shutil.copytree(ROOT / "locales", tmp_path / "locales")
    path = tmp_path / "content" / "facts" / "lines.yml"
    path.write_text(path.read_text().replace("800-354-0365", "800-555-0100"))
    changed = Knowledge.load(tmp_path)
    for locale in ("en", "es"):
        said = changed.say("appointment", locale, "sms", NOON)
        assert "800-555-0100" in said.text and "800-354-0365" not in said.text


def test_unknown_names(knowledge: Knowledge) -> None:
    with pytest.raises(UnknownId, match="no_such"):
        knowledge.say("no_such", "en", "sms", NOON)
    with pytest.raises(UnknownLocale, match="known: en, es"):
        knowledge.say("idnyc_cost", "xx", "sms", NOON)


def test_age_gives_a_notice_and_then_withholds(knowledge: Knowledge) -> None:
    """By the interval of the shortest-lived fact; urgent answers are never withheld; an impossible clock is not believed."""
    facts = [fact for fact in knowledge.facts_of("u_visa_wait_and_work") if fact.kind == "federal_policy"]
    due = min(fact.due for fact in facts)

    def state(id_: str, days: int) -> str:
        return knowledge.expired(id_, datetime(due.year, due.month, due.day, 12, tzinfo=timezone.utc) + timedelta(days))

    assert [state("u_visa_wait_and_work", days) for days in (0, 1, 31)] == ["no", "notice", "withheld"]
    assert state("ice_here_now", 400) != "withheld"
    assert state("system/welcome", 400) != "withheld"
    assert state("u_visa_wait_and_work", -60) == "no", "before anything was collected: the clock is wrong"
    assert state("u_visa_wait_and_work", 900) == "no", "two years on: the clock is wrong"
    old = knowledge.say("u_visa_wait_and_work", "en", "sms", datetime(2027, 6, 1, 12, tzinfo=timezone.utc))
    assert old.expired == "withheld" and "311" in old.text


def test_a_closed_line_is_said_to_be_closed(knowledge: Knowledge) -> None:
    at_noon = datetime(2026, 11, 24, 17, tzinfo=timezone.utc)
    at_midnight = datetime(2026, 11, 25, 5, tzinfo=timezone.utc)
    with_hotline = "appointment"
    assert knowledge.closed_notice(with_hotline, "en", "sms", at_noon) is None
    notice = knowledge.closed_notice(with_hotline, "en", "sms", at_midnight) or ""
    assert "311" in notice


def test_say_contract() -> None:
    command = [sys.executable, "-m", "bot.cli", "say", "idnyc_cost", "--lang", "es", "--channel", "sms"]
    result = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout)
    assert set(result) == {
        "id", "lang", "channel", "text", "parts", "segments", "encoding", "sources", "translation", "expired",
    }  # fmt: skip
    assert (result["id"], result["lang"], result["channel"]) == ("idnyc_cost", "es", "sms")
    assert len(result["segments"]) == len(result["parts"]) and result["translation"] == "machine draft"
    assert all(set(source) == {"title", "url", "checked", "how"} for source in result["sources"]) and result["sources"]


def test_say_all_lists_system_texts() -> None:
    command = [sys.executable, "-m", "bot.cli", "say", "--all", "--lang", "es", "--channel", "web"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.splitlines()
    ids = {json.loads(line)["id"] for line in lines}
    assert {"system/welcome", "system/gate", "system/human_route", "u_visa_what"} <= ids


def test_where_an_answer_is_from_shows_nothing_on_a_locked_screen(knowledge: Knowledge) -> None:
    """WHY names a source: its first 40 characters hold no word that a locked screen must not show."""
    words = load_rules().preview["en"]
    for info in knowledge.served():
        for id_ in knowledge.questions:
            (message,) = render(knowledge, Plan(((Piece(id_, "source"),),)), info.code, "sms", NOON)
            shown = message.text[:40]
            assert not [w for w in words if (re.search(rf"\b{w}\b", shown) if w.isupper() else w in shown.casefold())], (
                id_,
                shown,
            )
