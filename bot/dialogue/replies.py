"""From what is to be said to a turn's outcome: written out, fitted to the channel, with what belongs beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.dialogue import plan as plans
from bot.dialogue.messages import Incoming, Outcome
from bot.dialogue.plan import STAY, Piece, Plan, render
from bot.dialogue.state import GIVEN, Conversation, is_private
from bot.dialogue.tallied import unwritten
from bot.engine.exchange import Reply
from bot.knowledge import Knowledge
from bot.knowledge.flows import PREFIX, flow_of
from bot.store import Answered

HAND_OFF = "handoff"  # the `flow` of a conversation that was offered a code for a desk; its `node` is the desk's number
FLAGGED = (
    "flagged/"  # + an answer's id: no option, but the answer that was just called wrong; the next message may say why, by number
)
WAY_BACK = "language-back/"  # + a locale: no option, but the language to which its own name leads back


def for_engine(conversation: Conversation) -> Conversation:
    """The conversation without what only this process knows, and what holds for one message: languages to go on in or back to, and the
    questions why an answer was wrong and whether a code is wanted."""
    offered = tuple(option for option in conversation.offered if not option.startswith((STAY, WAY_BACK, FLAGGED)))
    if conversation.flow == HAND_OFF:
        conversation = replace(conversation, flow=None, node=None)
    return replace(conversation, offered=offered)


def flagged(conversation: Conversation) -> tuple[str | None, Conversation]:
    """The answer that was called wrong in the message before, if one was; and the conversation without that."""
    found = next((option for option in conversation.offered if option.startswith(FLAGGED)), None)
    if found is None:
        return None, conversation
    rest = tuple(option for option in conversation.offered if option != found)
    return found.removeprefix(FLAGGED), replace(conversation, offered=rest)


class Replies:
    """Outcomes of turns. Holds nothing of anybody."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.served = tuple(info.code for info in knowledge.served())

    def outcome(self, plan: Plan, locale: str, at: datetime, conversation: Conversation, language: str, **more: Any) -> Outcome:
        """The plan fitted and written out. The answers in it, and a language to ask an interpreter for, are noted in the conversation, for a
        code to a desk."""
        plan = plans.fitted(self.knowledge, plan, locale, conversation.channel, at)
        messages = render(self.knowledge, plan, locale, conversation.channel, at)
        answers = list(dict.fromkeys(id_ for said in plan.ids if (id_ := self._answer_of(said)) is not None))
        given = (*[id_ for id_ in conversation.given if id_ not in answers], *answers)[-GIVEN:]
        tongue = unwritten([piece for message in plan.messages for piece in message], self.knowledge) or conversation.interpreter
        conversation = replace(conversation, given=given, interpreter=tongue)
        return Outcome(plan, locale, at, conversation, messages, language, **more)

    def said(self, name: str, incoming: Incoming, conversation: Conversation, at: datetime) -> Outcome:
        """One system text, in the person's language as far as it is known."""
        locale = self.locale(conversation, incoming.hint)
        return self.outcome(Plan(((Piece(f"system/{name}"),),)), locale, at, conversation, locale)

    def wrong_noted(self, conversation: Conversation, at: datetime) -> Outcome:
        """After the reason why an answer was wrong. In a guided conversation its place is kept."""
        plan = Plan(((Piece("system/wrong_noted"),),))
        if conversation.flow in self.knowledge.flows:
            plan = Plan(((Piece("system/wrong_noted"), Piece("system/flow_kept")),), conversation.offered)
        locale = conversation.locale or "en"
        return self.outcome(plan, locale, at, conversation, locale)

    def locale(self, conversation: Conversation, hint: str | None) -> str:
        """The conversation's language, else the page's, else English."""
        return conversation.locale or (hint if hint in self.served else None) or "en"

    def finished(self, reply: Reply, at: datetime, *, in_latin: bool, before: str | None) -> Outcome:
        """The outcome of an engine's reply. `before` is the language of the conversation until this message."""
        conversation = reply.conversation
        locale = conversation.locale or "en"
        plan = plans.with_latin(self.knowledge, reply.plan, locale) if in_latin and reply.language == locale else reply.plan
        if reply.urgent and reply.language not in self.served:
            plan = plans.with_first_line(self.knowledge, plan, reply.language)
        plan, conversation = self.with_desk(plan, conversation, at)
        if before is not None and before != locale and not reply.urgent:
            plan = plans.with_way_back(plan, before)
            conversation = replace(conversation, offered=(*conversation.offered, WAY_BACK + before))
        plan, welcomed = plans.with_welcome(self.knowledge, plan, locale, conversation, at)
        if welcomed:
            conversation = replace(conversation, welcomed=True)
        erased = plan.ids[:1] in (["delete_my_data"], ["system/gate_no"])  # what ends a conversation
        return self.outcome(
            plan, locale, at, conversation, reply.language, ranking=reply.ranking, urgent=reply.urgent, erased=erased
        )

    def failure(self, conversation: Conversation, locale: str, danger: str | None, at: datetime) -> Outcome:
        """What the person gets when the engine does not answer: the urgent answer that the phrases show, else the way to a person."""
        conversation = replace(conversation, locale=locale)
        if danger is not None:
            plan = plans.answer(self.knowledge, danger, conversation, at=at)
            gated = plan.ids == ["system/gate"]
            conversation = replace(
                conversation,
                last_id=None if gated else danger,
                part=0,
                flow="gate" if gated else None,
                node=danger if gated else None,
                private=conversation.private or is_private(danger, self.knowledge.questions),
            )
        else:
            plan = Plan(((Piece("system/human_route_basic"),),))
        return self.outcome(plan, locale, at, conversation, locale, urgent=danger is not None, failed=True)

    def repeated(self, incoming: Incoming, known: Answered) -> Outcome:
        """What the same message got before."""
        conversation = Conversation(incoming.ids[0], incoming.channel, known.at, locale=known.locale)
        outcome = self.outcome(known.plan, known.locale, known.at, conversation, known.locale)
        return replace(outcome, repeated=True)

    def with_desk(self, plan: Plan, conversation: Conversation, at: datetime) -> tuple[Plan, Conversation]:
        """After the way to a person: the offer of a code, where a desk is open now."""
        plan, desk = plans.with_desk(self.knowledge, plan, conversation.channel, at)
        if desk is None:
            return plan, conversation
        return plan, replace(conversation, flow=HAND_OFF, node=str(desk), offered=())

    def _answer_of(self, id_: str) -> str | None:
        """The catalogue id of an answer that a desk would want to know of. Of a guided conversation the question that begins it: its places
        would tell what was chosen."""
        questions = self.knowledge.questions
        if id_.startswith(PREFIX):
            return next(
                (key for key, question in questions.items() if question.flow == flow_of(id_) and not question.urgent), None
            )
        return id_ if id_ in questions and questions[id_].topic != "conversation" else None
