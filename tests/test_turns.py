"""Whole turns that once went wrong: what is asked stays what is asked, whatever else the turn says."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.dialogue.assistant import Incoming
from bot.knowledge import Knowledge, segments
from tests.conftest import NOON
from tests.test_dialogues import make_assistant
from tests.test_handoff import code_in, talk, with_desk  # noqa: F401


def test_the_way_back_to_a_language_takes_no_number(knowledge: Knowledge, engine) -> None:
    assistant = make_assistant(knowledge, engine)
    gate = talk(assistant, "¿cuánto cuesta el idnyc?", "how do i know if i am eligible for a u visa")
    assert gate.plan.ids[0] == "system/gate" and gate.locale == "en"
    assert talk(assistant, "1").plan.ids[0] == "u_visa_eligibility"
    assert talk(assistant, "Español").locale == "es"


def test_a_language_that_changed_inside_a_flow_breaks_no_page(knowledge: Knowledge, engine) -> None:
    assistant = make_assistant(knowledge, engine)
    talk(assistant, "¿cuánto cuesta el idnyc?", "which papers do i need for idnyc", channel="web")
    kept = talk(assistant, "can my child go to school without papers", channel="web")
    assert kept.plan.ids[0].startswith("school") and all(knowledge.is_option(option) for option in kept.plan.options)


@pytest.mark.parametrize("text", ["1, 9, 10, 11", "1 2 3 4 5 6"])
def test_a_list_of_papers_is_no_code(text: str, knowledge: Knowledge, engine) -> None:
    assistant = make_assistant(knowledge, engine)
    talk(assistant, "which papers do i need for idnyc")
    counted = talk(assistant, text)
    assert counted.plan.ids[0].startswith("flow/idnyc_documents/"), counted.plan.ids


@pytest.mark.parametrize("text", ["❶", "፩", "²", "①", "٣٣٣٣", "½", "0", "00", "-1", "99999999999999999999"])
def test_odd_numbers_break_nothing(text: str, knowledge: Knowledge, engine) -> None:
    assistant = make_assistant(knowledge, engine)
    assert talk(assistant, "which papers do i need for idnyc", "1", text).messages
    assert talk(make_assistant(knowledge, engine), text).messages


@pytest.mark.parametrize("text", ["911", "9-1-1", "9 1 1", "nine one one", "nueve uno uno", "nueve once", "৯১১", "٩١١"])
def test_the_number_for_danger_is_never_a_choice(text: str, knowledge: Knowledge, engine) -> None:
    assert talk(make_assistant(knowledge, engine), text).plan.ids[0] == "emergency_now"


def test_and_not_while_papers_are_counted(knowledge: Knowledge, engine) -> None:
    assistant = make_assistant(knowledge, engine)
    talk(assistant, "which papers do i need for idnyc")
    assert talk(assistant, "nine one one").plan.ids[0] == "emergency_now"
    talk(assistant, "which papers do i need for idnyc")
    assert talk(assistant, "9, 11").plan.ids[0].startswith("flow/idnyc_documents/")


def test_one_question_at_a_time(with_desk: Knowledge, engine) -> None:  # noqa: F811
    assistant = make_assistant(with_desk, engine)
    offered = talk(assistant, "how do i get an appointment with a lawyer", "i want to talk to a real person")
    assert offered.plan.ids[-1] == "system/handoff_ask" and "system/flow_kept" not in offered.plan.ids
    assert len(code_in(talk(assistant, "1"))) == 8


def test_no_place_in_a_conversation_goes_to_a_desk(with_desk: Knowledge, engine) -> None:  # noqa: F811
    """Where somebody stood would tell what they chose; and a U or T conversation is private even when it is taken up by an old button."""
    assistant = make_assistant(with_desk, engine)
    talk(assistant, "how do i get an appointment with a lawyer", "no")
    code = code_in(talk(assistant, "HUMAN", "1"))
    assert assistant._store.open_handoff(code, NOON).given == ("appointment",)
    other = make_assistant(with_desk, engine)
    tapped = asyncio.run(other.respond(Incoming("web", ("x",), "", chosen="flow/u_visa_screener/where|system/choice_yes")))
    assert tapped.conversation.private
    talk(other, "i want to talk to a person", channel="web")
    assert (
        other._store.open_handoff(code_in(talk(other, "handoff/yes|system/choice_yes", channel="web")), NOON).topic == "private"
    )


@pytest.mark.parametrize("text", ["9", "yes", "español", "skip", "back", "more"])
def test_a_count_is_not_shown_again_without_its_numbers(text: str, knowledge: Knowledge, engine) -> None:
    assistant = make_assistant(knowledge, engine)
    talk(assistant, "which papers do i need for idnyc", "1", "1 10")
    outcome = talk(assistant, text)
    assert not [message.text for message in outcome.messages if "{" in message.text], outcome.plan.ids
    kept = outcome.plan.to_keep
    assert not any(piece.form in ("points", "code") for message in kept.messages for piece in message)


def test_a_code_is_not_kept_for_a_repeat(with_desk: Knowledge, engine) -> None:  # noqa: F811
    agreed = talk(make_assistant(with_desk, engine), "HUMAN", "1")
    assert agreed.plan.to_keep.ids == ["system/handoff_gone"]


def test_back_on_the_page_stays_on_the_page(knowledge: Knowledge) -> None:
    from bot.dialogue import plan as plans
    from bot.dialogue.state import Conversation

    for flow in knowledge.flows.values():
        web = set(flow.reached("web"))
        for id_ in web:
            plan = plans.node(knowledge, id_, Conversation("x", "web", NOON), NOON)
            assert {option.split("|")[0] for option in plan.options} <= web, id_


@pytest.mark.parametrize(
    "option",
    [
        "flow/idnyc_documents/paper_lease",
        "flow/no/such",
        "handoff/yes",
        "handoff/maybe|system/choice_yes",
        "language/es",
        "system/gate",
    ],
)
def test_options_that_were_never_offered(option: str, knowledge: Knowledge) -> None:
    assert not knowledge.is_option(option)


TURNS = [("es", "necesito una cita con un abogado"), ("ru", "какие документы нужны для idnyc"), ("ht", "èske m kalifye pou viza u"),
         ("bn", "আইনজীবীর অ্যাপয়েন্টমেন্ট কীভাবে পাব"), ("pl", "jakie dokumenty do idnyc"), ("ur", "وکیل سے ملاقات کیسے ہو")]  # fmt: skip


@pytest.mark.parametrize(("locale", "text"), TURNS)
def test_no_turn_is_too_long_at_night_and_with_another_language(locale: str, text: str, knowledge: Knowledge, engine) -> None:
    night = NOON + timedelta(hours=12)
    assistant = make_assistant(knowledge, engine, lambda: night)
    talk(assistant, "how much is idnyc")
    for said in (text, "1", "9", "99", "how do i complain about a police officer, he scared me", "1"):
        outcome = talk(assistant, said)
        counts = [segments.count(message.text) for message in outcome.messages]
        assert len(counts) <= 3 and sum(counts) <= 8 and max(counts) <= 4, (locale, said, outcome.plan.ids, counts)


def test_wrong_inside_a_guided_conversation_keeps_the_place(knowledge: Knowledge, engine) -> None:
    assistant = make_assistant(knowledge, engine)
    here = talk(assistant, "how do i get an appointment with a lawyer")
    if here.conversation.node is None:  # too long for one turn: 1 leads on
        here = talk(assistant, "1")
    place = here.conversation.node
    asked = talk(assistant, "WRONG")
    assert asked.conversation.node == place
    noted = talk(assistant, "3")
    assert noted.plan.ids == ["system/wrong_noted", "system/flow_kept"] and noted.conversation.node == place
    assert not [option for option in noted.conversation.offered if option.startswith("flagged/")]
    assert talk(assistant, "1").conversation.node not in (None, place), "and its first choice is still its first choice"


@pytest.mark.parametrize("text", ["9", "how much is idnyc", "WHY"])
def test_nobody_must_say_why_it_was_wrong(text: str, knowledge: Knowledge, engine) -> None:
    assistant = make_assistant(knowledge, engine)
    talk(assistant, "how do i get an appointment with a lawyer", "WRONG")
    after = talk(assistant, text)
    assert "system/wrong_noted" not in after.plan.ids
    assert talk(assistant, "2").plan.ids[:1] != ["system/wrong_noted"], "the question holds for one message"


YES = {"en": "yes", "es": "sí", "zh_Hans": "是", "zh_Hant": "是", "ru": "да", "bn": "হ্যাঁ", "ht": "wi", "ko": "네", "ar": "نعم",
       "ur": "ہاں", "fr": "oui", "pl": "tak"}  # fmt: skip


@pytest.mark.parametrize("locale", YES)
def test_yes_in_any_language_answers_an_open_question(locale: str, knowledge: Knowledge, engine) -> None:
    from dataclasses import replace

    from bot.dialogue.state import Conversation

    at_gate = replace(Conversation("x", "sms", NOON), locale=locale, flow="gate", node="domestic_violence")
    opened = engine(YES[locale], at_gate)
    assert opened.plan.ids == ["domestic_violence"] and opened.conversation.locale == locale


def test_words_that_a_carrier_may_take_are_never_printed_to_reply_with(knowledge: Knowledge) -> None:
    """YES, END, CANCEL and INFO mean START, STOP and HELP to some carriers (their lists are English, in capitals as ours are printed)."""
    import re

    printed = [
        (id_, info.code, part)
        for info in knowledge.served()
        for id_ in knowledge.answers
        for part in knowledge.say(id_, info.code, "sms", NOON).parts
        if re.search(r"(?<![\w.])(?:YES|END|CANCEL|INFO|QUIT|UNSUBSCRIBE)(?![\w.])", part)
    ]
    assert printed == []
