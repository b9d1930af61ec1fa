"""A code between here and 311, both ways: what it carries, that it opens once, and that nothing is offered where no desk is open."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from bot.dialogue.assistant import Incoming
from bot.knowledge import Knowledge
from bot.privacy.keys import utc_now
from bot.settings import SettingsError, read
from bot.store import Handoff, Store
from tests.conftest import NOON, ROOT
from tests.test_dialogues import make_assistant

OPERATOR = """
name: A library
kind: nonprofit
contact: desk@example.org
desks:
  - {name: Language desk, phone: 212-555-0100, hours: {mon-fri: "09:00-17:00"}}
"""


@pytest.fixture
def with_desk(tmp_path: Path) -> Knowledge:
    (tmp_path / "operator.yml").write_text(OPERATOR)
    settings = read({"AMPARO_DATA_DIR": str(tmp_path), "AMPARO_OPERATOR_FILE": str(tmp_path / "operator.yml")})
    return Knowledge.load(operator={**settings.operator, "web": settings.public_url}, desks=settings.desks)


def talk(assistant, *texts: str, channel: str = "sms"):
    for text in texts:
        chosen = text if text.startswith("handoff/") else None
        outcome = asyncio.run(assistant.respond(Incoming(channel, ("x",), "" if chosen else text, chosen=chosen)))
    return outcome


def code_in(outcome) -> str:
    return next(str(piece.number // 100) for message in outcome.plan.messages for piece in message if piece.form == "code")


@pytest.mark.parametrize(
    ("ask", "yes"), [("HUMAN", "1"), ("i want to talk to a real person", "yes"), ("quiero hablar con una persona", "sí")]
)
def test_a_person_asks_for_a_human_and_gets_a_code(ask: str, yes: str, with_desk: Knowledge, engine) -> None:
    assistant = make_assistant(with_desk, engine)
    offered = talk(assistant, "how much does idnyc cost", ask)
    assert offered.plan.ids[0] == "human_agent" and offered.plan.ids[-1] == "system/handoff_ask"
    agreed = talk(assistant, yes)
    code, text = code_in(agreed), agreed.messages[0].text
    assert len(code) == 8 and code in text and "Language desk" in text and "212-555-0100" in text
    assert (agreed.conversation.flow, agreed.conversation.node) == (None, None)
    found = assistant._store.open_handoff(code, NOON)
    assert found == Handoff(offered.locale, "idnyc_cost", ("idnyc_cost",))
    assert assistant._store.open_handoff(code, NOON) is None, "it opens once"


def test_after_a_private_topic_a_desk_learns_the_language_alone(with_desk: Knowledge, engine) -> None:
    assistant = make_assistant(with_desk, engine)
    code = code_in(talk(assistant, "my husband hits me and i am scared", "1", "HUMAN", "1"))
    assert assistant._store.open_handoff(code, NOON) == Handoff("en", "private", ())


def test_no_code_without_consent_or_an_open_desk(with_desk: Knowledge, knowledge: Knowledge, engine) -> None:
    declined = talk(make_assistant(with_desk, engine), "HUMAN", "2")
    assert declined.plan.ids == ["human_agent"] and declined.conversation.flow is None
    other = talk(make_assistant(with_desk, engine), "HUMAN", "what is idnyc")
    assert other.plan.ids[0] == "idnyc_what", "a question is answered; the offer is over"
    sunday = datetime(2026, 11, 29, 17, tzinfo=timezone.utc)
    assert "system/handoff_ask" not in talk(make_assistant(with_desk, engine, lambda: sunday), "HUMAN").plan.ids
    thanksgiving = datetime(2026, 11, 26, 17, tzinfo=timezone.utc)
    assert "system/handoff_ask" not in talk(make_assistant(with_desk, engine, lambda: thanksgiving), "HUMAN").plan.ids
    assert talk(make_assistant(knowledge, engine), "HUMAN").plan.ids[0] == "human_agent", "no desk: the words that 311 knows"


def test_on_the_page_it_is_two_buttons(with_desk: Knowledge, engine) -> None:
    assistant = make_assistant(with_desk, engine)
    offered = talk(assistant, "i want to talk to a person", channel="web")
    assert list(offered.plan.options) == ["handoff/yes|system/choice_yes", "handoff/no|system/choice_no"]
    assert all(with_desk.is_option(option) for option in offered.plan.options)
    assert len(code_in(talk(assistant, offered.plan.options[0], channel="web"))) == 8
    assert talk(assistant, offered.plan.options[0], channel="web").plan.ids == ["human_agent"], (
        "an old button makes no second code"
    )


def test_a_code_from_a_desk_starts_at_its_topic_and_in_its_language(knowledge: Knowledge, engine) -> None:
    assistant = make_assistant(knowledge, engine)
    code = assistant._store.hand_off(6, Handoff("bn", "idnyc_cost"), NOON)
    started = talk(assistant, f" {code[:3]} {code[3:]}. ")
    assert started.plan.ids[0] == "idnyc_cost" and started.locale == "bn" and started.conversation.locale == "bn"
    assert talk(assistant, code).plan.ids == ["system/handoff_gone"]
    gated = assistant._store.hand_off(6, Handoff("es", "vawa"), NOON)
    assert talk(make_assistant(knowledge, engine), gated).plan.ids == ["system/handoff_gone"], "another store knows nothing of it"
    assert talk(assistant, gated).plan.ids == ["system/gate"], "a desk cannot open what stands behind the gate"


def test_danger_comes_before_the_offer(with_desk: Knowledge, engine) -> None:
    assistant = make_assistant(with_desk, engine)
    outcome = talk(assistant, "HUMAN", "ice is at my door right now")
    assert outcome.plan.ids == ["ice_here_now"]


def test_codes_in_the_database_end_and_are_forgotten(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'db'}")
    code = store.hand_off(8, Handoff("es", "vawa", ("vawa", "idnyc_cost")), NOON)
    late = store.hand_off(8, Handoff("es", "vawa"), NOON)
    assert store.open_handoff(code, NOON + timedelta(hours=23)) == Handoff("es", "vawa", ("vawa", "idnyc_cost"))
    assert store.open_handoff(code, NOON) is None
    assert store.open_handoff(late, NOON + timedelta(hours=25)) is None
    store.hand_off(6, Handoff("es", "vawa"), NOON)
    assert store.forget(NOON + timedelta(hours=25)) == 1
    store.close()


def test_the_commands(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environ = {"AMPARO_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-m", "bot.cli", "handoff", *words]
        return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    made = run("new", "--lang", "ht", "--topic", "school_enroll")
    assert made.returncode == 0 and len(made.stdout.strip()) == 6 and "Kreyòl" in made.stderr
    store = Store.open(f"sqlite:///{tmp_path / 'amparo.sqlite'}")
    refused = run("open", made.stdout.strip())
    assert refused.returncode == 1 and "8 digits" in refused.stderr
    assert store.open_handoff(made.stdout.strip(), utc_now()) == Handoff("ht", "school_enroll"), "a desk's own code is not spent"
    code = store.hand_off(8, Handoff("ht", "school_enroll"), utc_now())
    shown = run("open", f"{code[:4]}-{code[4:]}")
    assert "Kreyòl ayisyen (ht)" in shown.stdout and "No answer was given yet" in shown.stdout
    assert run("open", code).returncode == 1
    victim = store.hand_off(8, Handoff("ht", "idnyc_cost", ("vawa", "idnyc_cost")), utc_now())
    assert run("open", victim).stdout.splitlines()[1:] == ["Private: ask how to help."], "whatever the row holds"
    store.close()
    assert run("new", "--topic", "no_such").returncode == 1


def test_a_question_that_a_hurt_person_asks_is_private_too(with_desk: Knowledge, engine) -> None:
    for text, id_ in (
        ("is it safe to report a crime to the police", "police_report_crime"),
        ("i was attacked because of my religion", "hate_crime"),
    ):
        assistant = make_assistant(with_desk, engine)
        answered = talk(assistant, text)
        assert answered.plan.ids[0] == id_ and answered.conversation.private
        assert assistant._store.open_handoff(code_in(talk(assistant, "HUMAN", "1")), NOON) == Handoff("en", "private", ())


@pytest.mark.parametrize("broken", ["desks: [{name: x, phone: y}]", 'desks: [{name: x, phone: y, hours: {someday: "9-5"}}]'])
def test_a_desk_that_is_not_whole_is_refused(broken: str, tmp_path: Path) -> None:
    (tmp_path / "operator.yml").write_text(OPERATOR.split("desks:")[0] + broken)
    with pytest.raises(SettingsError, match="AMPARO_OPERATOR_FILE"):
        read({"AMPARO_DATA_DIR": str(tmp_path), "AMPARO_OPERATOR_FILE": str(tmp_path / "operator.yml")})


def test_every_language_says_it_within_two_messages(with_desk: Knowledge, engine) -> None:
    from bot.dialogue import plan as plans
    from bot.dialogue.plan import render
    from bot.dialogue.state import Conversation
    from bot.knowledge import segments

    for info in with_desk.served():
        conversation = Conversation("x", "sms", NOON, locale=info.code)
        given = plans.open_answer(with_desk, "human_agent", conversation, at=NOON)
        plan, desk = plans.with_desk(with_desk, given, "sms", NOON)
        counts = [segments.count(message.text) for message in render(with_desk, plan, info.code, "sms", NOON)]
        assert desk == 0 and sum(counts) <= 8 and len(counts) <= 3 and max(counts) <= 4, (info.code, counts)
        assert "{" not in with_desk.of_desk("system/handoff_code", 0, info.code, NOON, "12345678")
    assert replace(with_desk, desks=()).open_desk(NOON) is None
