"""The way to a person: the words that 311 knows."""

from __future__ import annotations

from actions.answer import AnswerAction


class HandoffAction(AnswerAction):
    """`action_handoff`: for somebody who asks for a person."""

    def name(self) -> str:
        return "action_handoff"
