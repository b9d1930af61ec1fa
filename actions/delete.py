"""Erase a conversation at once."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.common import say, turn
from bot.dialogue.plan import Piece, Plan
from bot.dialogue.state import Conversation


class DeleteAction(Action):
    """`action_delete`: hands back a conversation that remembers nothing; the public process then erases its row."""

    def name(self) -> str:
        return "action_delete"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        turn_ = turn(tracker)
        before = turn_.conversation
        blank = Conversation(before.id, before.channel, before.seen, locale=before.locale, welcomed=before.welcomed)
        return say(dispatcher, tracker, turn_, Plan(((Piece("delete_my_data"),),)), blank)
