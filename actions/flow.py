"""Guided conversations (content/flows): the answer first, then where the person stands. Nothing that was chosen is kept but that place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import answer
from actions.common import Turn, say, turn
from bot.dialogue import plan as plans
from bot.dialogue.booking import REGULAR, load_booking
from bot.dialogue.plan import Piece, Plan
from bot.dialogue.state import Conversation
from bot.knowledge.flows import Flow, flow_of

booking = load_booking()


class FlowAction(Action):
    """`action_flow`: for catalogue ids with a `flow`."""

    def name(self) -> str:
        return "action_flow"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        turn_ = turn(tracker)
        plan, conversation = guided(turn_)
        return say(dispatcher, tracker, turn_, plan, conversation)


def guided(turn_: Turn) -> tuple[Plan, Conversation]:
    """The plan for the turn's decision, and the conversation after it."""
    if turn_.via == "flow" and turn_.id is not None:
        return _at(turn_, turn_.id)
    if turn_.via in ("back", "start_again", "skip") and turn_.id is not None:
        return _at(turn_, _moved(turn_, turn_.id))
    if turn_.via == "flow_again" and turn_.id is not None:
        plan, conversation = _at(turn_, turn_.id)
        return Plan(((Piece("system/option_not_there"),), *plan.messages), plan.options), conversation
    if turn_.via == "papers" and turn_.id is not None:
        plan, conversation = _papers(turn_, turn_.knowledge.flows[flow_of(turn_.id)])
        return (plans.with_danger_line(plan) if turn_.alarm else plan), conversation
    plan, conversation = answer(turn_)
    question = turn_.knowledge.questions.get(turn_.id or "")
    flow = turn_.knowledge.flows.get(question.flow or "") if question is not None and not question.urgent else None
    if flow is None or plan.ids[-1:] != [turn_.id] or turn_.via not in ("answer", "open"):
        return plan, conversation
    first = flow.start[conversation.channel]
    plan, shown = plans.begun(turn_.knowledge, plan, first, conversation, turn_.at)
    _, there = _at(replace(turn_, conversation=conversation), first)
    return plan, replace(there, last_id=turn_.id) if shown else replace(conversation, offered=plan.options)


def _moved(turn_: Turn, id_: str) -> str:
    """The node to which BACK, RESTART or SKIP leads from a node."""
    flow, channel = turn_.knowledge.flows[flow_of(id_)], turn_.conversation.channel
    if turn_.via == "back":
        return flow.before(channel, id_)
    return flow.start[channel] if turn_.via == "start_again" else flow.nodes[id_].skip or id_


def _at(turn_: Turn, id_: str, points: int | None = None) -> tuple[Plan, Conversation]:
    """At a node: its plan, and the conversation standing there (or nowhere, at an end)."""
    if id_ == REGULAR:
        id_ = booking.offer(turn_.conversation.locale or "en", turn_.at)
    if points is None:
        id_ = plans.shown(turn_.knowledge, id_)
    plan = plans.node(turn_.knowledge, id_, turn_.conversation, turn_.at, points)
    flow = turn_.knowledge.flows[flow_of(id_)]
    private = turn_.conversation.private or flow.private
    place = (flow.id, id_) if flow.nodes[id_].choices else (None, None)
    last = id_ if points is None else turn_.conversation.last_id  # for MORE; a count of points is not said again
    return plan, replace(
        turn_.conversation, flow=place[0], node=place[1], offered=plan.options, last_id=last, part=0, private=private
    )


def _papers(turn_: Turn, flow: Flow) -> tuple[Plan, Conversation]:
    """How many points the papers that the person has may give, and what is missing."""
    known = {paper.id: paper for paper in flow.papers}
    picked = {flow.papers[n - 1].id for n in turn_.numbers if 1 <= n <= len(flow.papers)} | {
        id_ for id_ in turn_.papers if id_ in known
    }
    base = (turn_.id or "").rsplit("/", 1)[0]
    if not picked:
        return _at(turn_, f"{base}/other_papers")
    identity, residency = sum(known[id_].identity for id_ in picked), sum(known[id_].residency for id_ in picked)
    names = {(True, True): "enough", (True, False): "need_residency", (False, True): "need_identity", (False, False): "need_both"}
    facts = turn_.knowledge.facts
    enough = identity >= facts["idnyc_identity_points"].value, residency >= facts["idnyc_home_points"].value
    return _at(turn_, f"{base}/{names[enough]}", 100 * identity + residency)
