"""Guided conversations that have no action of their own. Where a flow is not guided yet, its topic's answer is given."""

from __future__ import annotations

from actions.answer import AnswerAction


class FlowAction(AnswerAction):
    """`action_flow`: for catalogue ids with a `flow`."""

    def name(self) -> str:
        return "action_flow"
