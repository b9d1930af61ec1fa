"""What every action needs: the decision that it carries out, the conversation, what is known, and how to hand back a plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.dialogue.plan import Piece, Plan, render
from bot.dialogue.state import Conversation, is_private
from bot.knowledge import Knowledge

_knowledge: Knowledge | None = None


def use(knowledge: Knowledge) -> None:
    """Share the content that the process has already read. Rasa's own action server reads it on the first action."""
    global _knowledge
    _knowledge = knowledge


@dataclass(frozen=True)
class Turn:
    """What an action works on. `via`, `id`, `part`, `options`, `outside`, `alarm` are those of bot.engine.resolve.Decision."""

    via: str
    id: str | None
    part: int
    options: tuple[str, ...]
    conversation: Conversation
    at: datetime
    knowledge: Knowledge
    outside: str | None  # the layer of a place outside the city that the person named
    numbers: tuple[int, ...]  # papers that the person has, by their numbers
    papers: tuple[str, ...]  # ... and by name
    alarm: bool  # something sounded like danger, though not clearly
    standalone: bool  # run by Rasa's own tools, with nothing but the intent

    def given(self, id_: str, plan: Plan, part: int = 0) -> tuple[Plan, Conversation]:
        """The plan, and the conversation after an answer was given (or its gate shown). In the middle of a guided conversation the
        place is kept, unless the question starts another."""
        gated = plan.ids == ["system/gate"]
        question = self.knowledge.questions.get(id_)
        kept = question is not None and not question.urgent and question.flow not in self.knowledge.flows
        if self.conversation.flow in self.knowledge.flows and not gated and kept:
            plan = Plan((*plan.messages, (Piece("system/flow_kept"),)), self.conversation.offered)
            private = self.conversation.private or is_private(id_, self.knowledge.questions)
            return plan, replace(self.conversation, last_id=id_, part=part, private=private)
        return plan, replace(
            self.conversation,
            last_id=None if gated else id_,
            part=part,
            offered=plan.options,
            flow="gate" if gated else None,
            node=id_ if gated else None,
            private=self.conversation.private or is_private(id_, self.knowledge.questions),
        )


def turn(tracker: Tracker) -> Turn:
    """The turn that the engine handed over in the message's metadata; from Rasa's own tools, one made from the intent alone."""
    knowledge = _knowledge or Knowledge.load()
    use(knowledge)
    metadata = tracker.latest_message.get("metadata") or {}
    if "decision" not in metadata:
        now = datetime.now(timezone.utc)
        intent = (tracker.latest_message.get("intent") or {}).get("name")
        id_ = intent if intent in knowledge.questions else None
        conversation = Conversation("rasa", "web", now, locale="en", welcomed=True)
        return Turn("answer" if id_ else "unknown", id_, 0, (), conversation, now, knowledge, None, (), (), False, True)
    decision = metadata["decision"]
    return Turn(
        decision["via"],
        decision["id"],
        decision["part"],
        tuple(decision["options"]),
        Conversation.from_json(metadata["conversation"]),
        datetime.fromisoformat(metadata["at"]),
        knowledge,
        decision["outside"],
        tuple(decision["numbers"]),
        tuple(decision["papers"]),
        decision["alarm"],
        False,
    )


def say(
    dispatcher: CollectingDispatcher, tracker: Tracker, turn_: Turn, plan: Plan, conversation: Conversation
) -> list[dict[str, Any]]:
    """Hand the plan and the conversation back; the returned events are the action's."""
    if turn_.standalone:
        for message in render(turn_.knowledge, plan, "en", "web", turn_.at):
            dispatcher.utter_message(text=message.text)
    else:
        dispatcher.utter_message(json_message={"plan": plan.as_json(), "conversation": conversation.as_json()})
    places = {"flow": conversation.flow, "node": conversation.node}
    # Only what changed: Rasa checks each event against a long schema.
    return [SlotSet(name, value) for name, value in places.items() if tracker.get_slot(name) != value]
