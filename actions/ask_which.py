"""Ask which of a few topics is meant; or, when none was understood, say so and give the way to a person; in a language that
we do not write, the way to an interpreter. Never a guess on the law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.common import say, turn
from bot.dialogue.plan import Piece, Plan, choices, with_danger_line


class AskWhichAction(Action):
    """`action_ask_which`: for what was not understood clearly enough."""

    def name(self) -> str:
        return "action_ask_which"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        turn_ = turn(tracker)
        if turn_.options:
            plan = choices(turn_.knowledge, turn_.options, turn_.conversation)
        elif turn_.via == "foreign" and turn_.id is not None:
            plan = Plan(((Piece(turn_.id, "foreign"),),))
        else:
            plan = Plan(((Piece("system/unsure_none"),),))
        if turn_.alarm:
            plan = with_danger_line(plan)
        return say(dispatcher, tracker, turn_, plan, replace(turn_.conversation, offered=plan.options, flow=None, node=None))
