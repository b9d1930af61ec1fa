"""Give an answer, or what belongs to one: its next part, the same again, its source."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.common import Turn, say, turn
from bot.dialogue import plan as plans
from bot.dialogue.plan import Piece, Plan
from bot.dialogue.state import Conversation


class AnswerAction(Action):
    """`action_answer`: for every catalogue id without a guided conversation of its own."""

    def name(self) -> str:
        return "action_answer"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        turn_ = turn(tracker)
        plan, conversation = answer(turn_)
        return say(dispatcher, tracker, turn_, plan, conversation)


def answer(turn_: Turn) -> tuple[Plan, Conversation]:
    """The plan for the turn's decision, and the conversation after it."""
    knowledge, conversation, at = turn_.knowledge, turn_.conversation, turn_.at
    if turn_.via == "gate_no":
        ended = replace(conversation, last_id=None, part=0, offered=(), flow=None, node=None, private=True)
        return Plan(((Piece("system/gate_no"),),)), ended
    if turn_.via == "nothing" or turn_.id is None:
        return Plan(((Piece("system/nothing_to_repeat"),),)), conversation
    if turn_.via == "source":
        return Plan(((Piece(turn_.id, "source"),),)), conversation
    if turn_.via in ("open", "more", "repeat"):
        plan = plans.open_answer(knowledge, turn_.id, conversation, part=turn_.part, at=at)
    else:
        plan = plans.answer(knowledge, turn_.id, conversation, part=turn_.part, at=at)
        plan = plans.with_layer(knowledge, plan, turn_.id, turn_.outside)
    if turn_.id == "change_language" and conversation.channel == "sms" and turn_.part == 0:
        plan = plans.with_languages(knowledge, plan)
    if turn_.alarm:
        plan = plans.with_danger_line(plan)
    return turn_.given(turn_.id, plan, turn_.part)
