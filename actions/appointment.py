"""The way to free legal help: the City's hotline, by its present name and its old one (ActionNYC)."""

from __future__ import annotations

from actions.flow import FlowAction


class AppointmentAction(FlowAction):
    """`action_appointment`: the answer of the id that asked (an appointment, a relative just detained, court papers), and then the two
    questions of content/flows/appointment.yml; not after an urgent answer, which stands alone."""

    def name(self) -> str:
        return "action_appointment"
