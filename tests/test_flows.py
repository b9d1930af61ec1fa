"""Guided conversations: every path on every channel, in words, numbers and digits of every script, and nothing of what was chosen is kept."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from bot.dialogue import plan as plans
from bot.dialogue.choices import ChoiceWords
from bot.dialogue.control import ControlWords
from bot.dialogue.plan import render
from bot.dialogue.state import Conversation
from bot.engine.resolve import Decision, Parse, resolve
from bot.knowledge import Knowledge, segments
from bot.knowledge.check import load_rules
from bot.knowledge.flows import PAPERS, Flow, flow_of
from bot.knowledge.lines import is_open
from tests.conftest import NOON, ROOT

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


SAID = {
    "sí": "es",
    "نعم": "ar",
    "是": "zh_Hans",
    "১": "bn",
    "uno": "es",
    "один": "ru",
    "একটা": "bn",
    "하나": "ko",
    "youn": "ht",
    "ek": "ur",
}


@pytest.mark.parametrize("word", ["1", "১", "１", "one", "the first one", "yes", "Yes", *SAID])
def test_a_choice_in_words_and_digits(word: str, engine, knowledge: Knowledge) -> None:
    locale = SAID.get(word, "en")
    start = knowledge.flows["appointment"].start["sms"]
    plan = plans.node(knowledge, start, conversation("sms"), NOON)
    here = conversation("sms", flow="appointment", node=start, offered=plan.options, locale=locale)
    first = plan.options[0].split("|")[0]
    assert engine(word, here).plan.ids[0] == first


def test_the_name_of_an_option_is_a_choice(engine, knowledge: Knowledge) -> None:
    asked = conversation("sms", offered=("u_visa_what", "idnyc_what"), locale="es")
    assert engine("la visa U", asked).plan.ids[0] == "u_visa_what"


def test_the_words_that_are_printed_are_understood(knowledge: Knowledge) -> None:
    """`flow_words` names BACK, SKIP and RESTART in each language, in this order; none of them is a command."""
    words = ChoiceWords.load(ROOT / "content" / "choice_words.yml")
    commands = ControlWords.load(ROOT / "content" / "control_words.yml")
    for info in knowledge.served():
        text = knowledge.say("system/flow_words", info.code, "sms", NOON).text
        printed = re.findall(r'"([^"]+)"', text) or re.findall(r"[^\W\d_]{2,}(?: [^\W\d_]{2,})*", text)
        found = [words.word(part) for part in printed]
        if info.code not in ("bn", "ar", "ur"):  # there is no upper case to look for: the words stand in the text
            pieces = re.split(r"[\s:：、,，。;；.()]+|或", text)
            runs = [" ".join(pieces[i : i + n]) for i in range(len(pieces)) for n in (2, 1)]
            found = [words.word(run) for run in runs]
            printed = [run for run in runs if words.word(run)]
        assert [word for word in found if word in ("back", "skip", "again")][:3] == ["back", "skip", "again"], (info.code, text)
        assert not [part for part in printed if commands.find(part)], info.code


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("channel", CHANNELS)
def test_back_skip_and_restart_work_everywhere(flow: str, channel: str, knowledge: Knowledge) -> None:
    data = knowledge.flows[flow]
    for id_ in data.reached(channel):
        node = data.nodes[id_]
        if node.choices:
            assert node.skip in data.nodes and node.skip != id_, f"{id_} cannot be skipped"
        before = data.before(channel, id_)
        assert id_ == data.start[channel] or id_ in [choice.to for choice in data.nodes[before].choices]
        here = conversation(channel, flow=flow, node=id_) if node.choices else conversation(channel, last_id=id_)
        for word, via in (("back", "back"), ("again", "start_again")):
            decision = resolve(Parse((), word=word), here, knowledge.questions)
            assert decision.via in (via, "flow"), (id_, word)


def test_a_count_of_papers_is_not_stored(engine, knowledge: Knowledge) -> None:
    here = conversation("sms", flow="idnyc_documents", node="flow/idnyc_documents/papers", locale="en")
    counted = engine("1 and 10", here)
    assert any(piece.form == "points" for message in counted.plan.messages for piece in message)
    kept = counted.plan.to_keep
    assert kept.ids == ["flow/idnyc_documents/papers"] and not any(piece.number for message in kept.messages for piece in message)


NEW_YORK_TIMES = [
    ("2026-11-24 12:00", None),  # a weekday
    ("2026-11-24 20:30", "Wed, Nov 25, 9 AM"),  # an evening
    ("2026-11-29 12:00", "Mon, Nov 30, 9 AM"),  # a Sunday
    ("2026-11-26 12:00", "Fri, Nov 27, 9 AM"),  # Thanksgiving
    ("2026-12-31 19:00", "Mon, Jan 4, 9 AM"),  # New Year's Eve, before a holiday and a weekend
    ("2026-11-01 01:30", "Mon, Nov 2, 9 AM"),  # the night on which clocks go back
    ("2027-03-14 03:30", "Mon, Mar 15, 9 AM"),  # ... and forward
    ("2027-03-15 08:59", "Mon, Mar 15, 9 AM"),
    ("2027-03-15 09:00", None),
]


@pytest.mark.parametrize(("when", "opens"), NEW_YORK_TIMES)
def test_the_appointment_answer_knows_the_hour(when: str, opens: str | None, knowledge: Knowledge) -> None:
    at = datetime.fromisoformat(when).replace(tzinfo=ZoneInfo("America/New_York"))
    plan = plans.node(knowledge, "flow/appointment/urgent_date", conversation("sms"), at)
    text = "\n".join(message.text for message in render(knowledge, plan, "en", "sms", at))
    expected = f"may be closed now; it opens {opens}. Open now: 311"
    assert (expected in text) if opens else ("may be closed" not in text)
    # The answer itself also names the State's line: it says "closed" only when that is closed too.
    plan = plans.open_answer(knowledge, "appointment", conversation("sms"), at=at)
    text = "\n".join(message.text for message in render(knowledge, plan, "en", "sms", at))
    state = next(line for line in knowledge.lines.values() if line.phone == "ona_hotline")
    assert knowledge.facts["ona_hotline"].value in text and state.hours is not None
    state_open = is_open(knowledge.facts[state.hours].value, at)
    assert ("may be closed" in text) == (opens is not None and not state_open)


def test_an_organisation_may_bring_its_own_booking(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hotline is the default; another one decides by the language and the hour alone, and answers with a text of the content."""
    from actions import flow
    from actions.common import Turn
    from bot.dialogue.booking import BookingError, Hotline, load_booking

    class Saturdays:
        def offer(self, locale: str, at: datetime) -> str:
            return "flow/appointment/in_person"

    base = Turn(
        "flow", "flow/appointment/regular", 0, (), conversation("sms", locale="es"), NOON, knowledge, None, (), (), False, False
    )
    assert flow.guided(base)[0].ids[0] == "flow/appointment/regular"
    monkeypatch.setattr(flow, "booking", Saturdays())
    assert flow.guided(base)[0].ids[0] == "flow/appointment/in_person"
    assert isinstance(load_booking({"AMPARO_BOOKING": "bot.dialogue.booking:Hotline"}), Hotline)
    with pytest.raises(BookingError):
        load_booking({"AMPARO_BOOKING": "no.such:Thing"})


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
