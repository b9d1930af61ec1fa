"""From what was understood to what is meant: a table, since the function is pure."""

from dataclasses import replace

import pytest

from bot.dialogue.state import Conversation
from bot.engine.resolve import Decision, Parse, choose_locale, resolve
from tests.conftest import NOON

SMS = Conversation("x", "sms", NOON)
AFTER = replace(SMS, last_id="idnyc_cost", part=0)
OFFERED = replace(SMS, offered=("idnyc_cost", "idnyc_apply"))
AT_GATE = replace(SMS, flow="gate", node="domestic_violence")


def said(*ranking: tuple[str, float]) -> Parse:
    return Parse(ranking)


TABLE = [
    ("a clear question", said(("idnyc_cost", 0.9)), SMS, {}, ("idnyc_cost", "answer", "idnyc_cost")),
    ("danger by phrase wins", said(("idnyc_cost", 0.9), ("self_harm", 0.02)), SMS, {"danger": "emergency_now"}, ("emergency_now", "answer", "emergency_now")),
    ("a phrase that nothing else bears out", said(("idnyc_cost", 0.99)), SMS, {"danger": "emergency_now"}, ("idnyc_cost", "answer", "idnyc_cost")),
    ("a phrase and no model", Parse(()), SMS, {"danger": "emergency_now"}, ("emergency_now", "answer", "emergency_now")),
    ("the model's shade of danger", said(("self_harm", 0.8)), SMS, {"danger": "emergency_now"}, ("self_harm", "answer", "self_harm")),
    ("an urgent second choice", said(("ice_home", 0.5), ("ice_here_now", 0.4)), SMS, {}, ("ice_here_now", "answer", "ice_here_now")),
    ("an unlikely urgent one", said(("ice_home", 0.88), ("ice_here_now", 0.1)), SMS, {}, ("ice_home", "answer", "ice_home")),
    ("unsure between two", said(("ice_home", 0.38), ("ice_street", 0.35)), SMS, {}, ("nlu_fallback", "options", None)),
    ("nothing likely", said(("ice_home", 0.1), ("tps", 0.09)), SMS, {}, ("nlu_fallback", "unknown", None)),
    ("an option by number", Parse((), number=2), OFFERED, {}, ("idnyc_apply", "answer", "idnyc_apply")),
    ("a number that is not offered", Parse((), number=3), OFFERED, {}, ("menu", "answer", "menu")),
    ("an empty message", Parse(()), SMS, {}, ("menu", "answer", "menu")),
    ("a tapped option", Parse(()), SMS, {"chosen": "tps"}, ("tps", "answer", "tps")),
    ("yes at the gate", Parse((), number=1), AT_GATE, {}, ("domestic_violence", "open", "domestic_violence")),
    ("no at the gate", Parse((), number=2), AT_GATE, {}, ("deny", "gate_no", None)),
    ("yes in words", said(("affirm", 0.9)), AT_GATE, {}, ("domestic_violence", "open", "domestic_violence")),
    ("a question at the gate", said(("idnyc_cost", 0.9)), AT_GATE, {}, ("idnyc_cost", "answer", "idnyc_cost")),
    ("more", said(("tell_me_more", 0.9)), AFTER, {}, ("tell_me_more", "more", "idnyc_cost")),
    ("yes after an answer", said(("affirm", 0.9)), AFTER, {}, ("affirm", "more", "idnyc_cost")),
    ("again", said(("repeat_that", 0.9)), AFTER, {}, ("repeat_that", "repeat", "idnyc_cost")),
    ("the source", said(("where_is_this_from", 0.9)), AFTER, {}, ("where_is_this_from", "source", "idnyc_cost")),
    ("a follow-up keeps the topic", said(("u_visa_cost", 0.4), ("idnyc_apply", 0.45)), AFTER, {}, ("idnyc_apply", "answer", "idnyc_apply")),
    ("not the same answer again", said(("u_visa_cost", 0.7), ("idnyc_cost", 0.01)), AFTER, {}, ("u_visa_cost", "answer", "u_visa_cost")),
    ("a plain other topic", said(("u_visa_cost", 0.88), ("idnyc_apply", 0.1)), AFTER, {}, ("u_visa_cost", "answer", "u_visa_cost")),
    ("more of nothing", said(("tell_me_more", 0.9)), SMS, {}, ("tell_me_more", "nothing", None)),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "parse", "conversation", "fields", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_resolve(reason, parse, conversation, fields, expected, knowledge) -> None:
    decision = resolve(parse, conversation, knowledge.questions, **fields)
    assert isinstance(decision, Decision)
    assert (decision.intent, decision.via, decision.id) == expected


def test_urgent_is_marked(knowledge) -> None:
    assert resolve(said(("ice_here_now", 0.9)), SMS, knowledge.questions).urgent
    assert not resolve(said(("ice_home", 0.9)), SMS, knowledge.questions).urgent
    assert resolve(Parse((), number=1), AT_GATE, knowledge.questions).urgent


LOCALES = [
    ("es", 0.9, None, None, "es", "a first message"),
    ("es", 0.3, None, None, "es", "even an unclear one, when nothing else is known"),
    ("es", 0.3, "en", None, "en", "unclear: the conversation's language stays"),
    ("es", 0.9, "en", None, "es", "clear: it changes"),
    ("hi", 1.0, "es", None, "es", "a language that we do not write"),
    ("und", 0.0, None, "es", "es", "nothing known but the page's language"),
    ("und", 0.0, None, None, "en", "nothing known at all"),
]


@pytest.mark.parametrize(("language", "sure", "before", "hint", "expected", "reason"), LOCALES)
def test_choose_locale(language, sure, before, hint, expected, reason) -> None:
    parse = Parse((("greet", 0.9),), language, sure)
    assert choose_locale(parse, replace(SMS, locale=before), ("en", "es"), hint) == expected, reason


def test_a_weak_sign_of_danger_adds_a_line(knowledge) -> None:
    questions = knowledge.questions
    assert resolve(said(("idnyc_cost", 0.8), ("domestic_violence", 0.05), ("self_harm", 0.05)), SMS, questions).alarm
    assert not resolve(said(("idnyc_cost", 0.9), ("domestic_violence", 0.01)), SMS, questions).alarm
    phrase = resolve(said(("idnyc_cost", 0.99)), SMS, questions, danger="self_harm")
    assert phrase.alarm and not phrase.urgent, "a phrase alone is never ignored"
    together = resolve(said(("ice_home", 0.6), ("ice_here_now", 0.18), ("family_detained_now", 0.15)), SMS, questions)
    assert together.urgent and together.id == "ice_here_now", "urgent ids count together"


def test_a_place_outside_the_city_is_told(knowledge) -> None:
    from bot.dialogue import plan as plans

    parse = replace(said(("school_enroll", 0.9)), layers=("us",))
    decision = resolve(parse, SMS, knowledge.questions)
    assert decision.outside == "us"
    plan = plans.with_layer(knowledge, plans.answer(knowledge, "idnyc_what", SMS, at=NOON), "idnyc_what", "ny")
    assert plan.ids == ["system/outside_nyc", "idnyc_what"]
    state = "drivers_license"
    assert plans.with_layer(knowledge, plans.answer(knowledge, state, SMS, at=NOON), state, "us").ids[0] == "system/outside_ny"
    assert plans.with_layer(knowledge, plans.answer(knowledge, state, SMS, at=NOON), state, "ny").ids == [state]
    urgent = plans.answer(knowledge, "ice_here_now", SMS, at=NOON)
    assert plans.with_layer(knowledge, urgent, "ice_here_now", "us") == urgent, "true everywhere"
    both = resolve(replace(parse, layers=("us", "nyc")), SMS, knowledge.questions)
    assert both.outside is None, "a place in the city, too"
