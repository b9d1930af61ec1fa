"""The way to free legal help: the City's hotline, by its present name and its old one (ActionNYC)."""

from __future__ import annotations

from actions.answer import AnswerAction


class AppointmentAction(AnswerAction):
    """`action_appointment`: gives the answer of the id that asked (an appointment, a relative just detained, court papers)."""

    def name(self) -> str:
        return "action_appointment"
