"""Guided conversations: every path on every channel, in words, numbers and digits of every script, and nothing of what was chosen is kept."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from bot.dialogue import plan as plans
from bot.dialogue.plan import render
from bot.dialogue.state import Conversation
from bot.engine.resolve import Decision, Parse, resolve
from bot.knowledge import Knowledge, segments
from bot.knowledge.check import load_rules
from bot.knowledge.flows import PAPERS, Flow, flow_of
from tests.conftest import NOON

SUNDAY = datetime(2026, 11, 29, 17, tzinfo=timezone.utc)  # when the hotline is closed, and says so
FLOWS = ["u_visa_screener", "t_visa_screener", "idnyc_documents", "appointment"]
CHANNELS = ["sms", "web"]
FORBIDDEN = ("you qualify", "you are eligible", "you are not eligible", "your status?", "your name", "what happened to you")


def conversation(channel: str, **fields) -> Conversation:
    return Conversation("x", channel, NOON, **fields)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("channel", CHANNELS)
def test_every_place_is_reached_and_ends(flow: str, channel: str, knowledge: Knowledge) -> None:
    data = knowledge.flows[flow]
    reached = set(data.reached(channel))
    ends = [id_ for id_ in reached if not data.nodes[id_].choices and not id_.endswith(PAPERS)]
    assert flow == "idnyc_documents" or ends, "there is a way out"
    for id_ in reached:
        assert _ends(data, id_), f"{id_} leads nowhere"
        assert data.nodes[id_].choices or data.nodes[id_].leaf or id_.endswith(PAPERS), f"{id_} has no choices and is no leaf"


def _ends(flow: Flow, id_: str) -> bool:
    waiting, seen = [id_], {id_}
    while waiting:
        node = flow.nodes[waiting.pop()]
        if not node.choices:
            return True
        for choice in node.choices:
            if choice.to not in seen:
                seen.add(choice.to)
                waiting.append(choice.to)
    return False


@pytest.mark.parametrize("flow", FLOWS)
def test_leaves_rest_on_facts_and_promise_nothing(flow: str, knowledge: Knowledge) -> None:
    for id_, node in knowledge.flows[flow].nodes.items():
        assert not node.leaf or knowledge.facts_of(id_), f"{id_} has no facts"
        text = " ".join(knowledge.answer(id_).texts.values()).casefold()
        assert not [phrase for phrase in FORBIDDEN if phrase in text], id_


@pytest.mark.parametrize("flow", FLOWS)
def test_every_turn_is_within_its_budget_in_every_language(flow: str, knowledge: Knowledge) -> None:
    data = knowledge.flows[flow]
    for info in knowledge.served():
        for channel in CHANNELS:
            for id_ in [*data.reached(channel), *(list(data.nodes) if data.papers else [])]:
                plan = plans.node(knowledge, id_, conversation(channel), SUNDAY)
                messages = render(knowledge, plan, info.code, channel, SUNDAY)
                assert messages and all(message.text for message in messages)
                if channel == "sms":
                    counts = [segments.count(message.text) for message in messages]
                    assert max(counts) <= 4 and sum(counts) <= 8 and len(counts) <= 3, (info.code, id_, counts)


def test_nothing_but_the_place_is_kept(engine, knowledge: Knowledge) -> None:
    start = knowledge.flows["appointment"].start["sms"]
    reply = engine("i need a free lawyer")
    after = reply.conversation
    assert (after.flow, after.node) == ("appointment", start) and len(after.offered) >= 2
    going = engine("2", after).conversation
    assert going.flow in ("appointment", None) and set(going.as_json()) == set(after.as_json())
    assert engine("0", after).plan.ids  # leaving is a control word of the public process; the engine must not fail on it


@pytest.mark.parametrize("word", ["1", "১", "１", "yes", "Yes", "sí", "نعم", "是"])
def test_a_choice_in_words_and_digits(word: str, engine, knowledge: Knowledge) -> None:
    locale = {"sí": "es", "نعم": "ar", "是": "zh_Hans", "১": "bn"}.get(word, "en")
    start = knowledge.flows["appointment"].start["sms"]
    plan = plans.node(knowledge, start, conversation("sms"), NOON)
    here = conversation("sms", flow="appointment", node=start, offered=plan.options, locale=locale)
    first = plan.options[0].split("|")[0]
    assert engine(word, here).plan.ids[0] == first


def test_a_wrong_choice_shows_the_choices_again(knowledge: Knowledge) -> None:
    start = knowledge.flows["appointment"].start["sms"]
    plan = plans.node(knowledge, start, conversation("sms"), NOON)
    here = conversation("sms", flow="appointment", node=start, offered=plan.options)
    assert resolve(Parse((), number=9), here, knowledge.questions).via == "flow_again"


def test_a_question_in_the_middle_keeps_the_place(engine, knowledge: Knowledge) -> None:
    start = knowledge.flows["appointment"].start["sms"]
    plan = plans.node(knowledge, start, conversation("sms"), NOON)
    here = conversation("sms", flow="appointment", node=start, offered=plan.options, locale="en", welcomed=True)
    reply = engine("how much does idnyc cost", here)
    assert reply.plan.ids[0] == "idnyc_cost" and "system/flow_kept" in reply.plan.ids
    assert (reply.conversation.flow, reply.conversation.node) == (
        here.flow,
        here.node,
    ) and reply.conversation.offered == here.offered
    urgent = engine("ice is at my door right now", here)
    assert urgent.plan.ids == ["ice_here_now"]


PAPERS_SAID = [
    ("pasaporte y la factura de la luz", "es", "enough"),
    ("i have my passport and a lease", "en", "enough"),
    ("1", "en", "need_residency"),
    ("only the electricity bill", "en", "need_identity"),
]


@pytest.mark.parametrize(("text", "locale", "node"), PAPERS_SAID)
def test_papers_are_counted_by_number_and_in_words(text: str, locale: str, node: str, engine, knowledge: Knowledge) -> None:
    here = conversation("sms", flow="idnyc_documents", node="flow/idnyc_documents/papers", locale=locale)
    reply = engine(text, here)
    assert reply.plan.ids[0] == f"flow/idnyc_documents/{node}"


def test_tapped_options_lead_on(knowledge: Knowledge) -> None:
    for flow in FLOWS:
        data = knowledge.flows[flow]
        for id_ in data.reached("web"):
            for choice in data.nodes[id_].choices:
                assert knowledge.is_option(str(choice))
                decision = resolve(Parse(()), conversation("web"), knowledge.questions, chosen=str(choice))
                assert decision == Decision(decision.intent, "flow", choice.to) and flow_of(choice.to) == flow
    assert not knowledge.is_option("flow/no/such") and not knowledge.is_option("idnyc_cost|flow/x")


def test_no_screen_shows_a_word_that_it_must_not(knowledge: Knowledge) -> None:
    hidden = list(load_rules().preview["en"])
    for flow in FLOWS:
        for id_ in knowledge.flows[flow].reached("sms"):
            shown = knowledge.say(id_, "en", "sms", NOON).parts[0][:40]
            assert not [word for word in hidden if (word in shown if word.isupper() else word in shown.casefold())], (id_, shown)
