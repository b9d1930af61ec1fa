"""A code between here and 311, both ways: one that a person gives to a desk, and one that a desk gave to them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from bot.dialogue import plan as plans
from bot.dialogue.choices import ChoiceWords
from bot.dialogue.control import normalise
from bot.dialogue.messages import Incoming
from bot.dialogue.plan import Piece, Plan
from bot.dialogue.replies import HAND_OFF
from bot.dialogue.state import Conversation, is_private
from bot.knowledge import Knowledge
from bot.store import Handoff

PERSON_DIGITS, STAFF_DIGITS = 8, 6  # of a code that a person gives to a desk, and of one that a desk gives to a person
PRIVATE = "private"  # the topic of a code that names none


def agreed(incoming: Incoming, text: str, words: ChoiceWords) -> bool | None:
    """The person's yes or no to the offer of a code; None for anything else."""
    if incoming.chosen is not None:
        return {"handoff/yes": True, "handoff/no": False}.get(incoming.chosen.split("|")[0])
    numbers = words.numbers(text)
    if numbers in ((1,), (2,)):
        return numbers == (1,)
    return {"yes": True, "no": False}.get(words.word(text) or "")


def desk_offered(conversation: Conversation, knowledge: Knowledge) -> int | None:
    """The number of the desk for which a code was offered, or None (an old button, or a desk that is gone)."""
    desk = int(conversation.node or 0) if conversation.flow == HAND_OFF else None
    return desk if desk is not None and desk < len(knowledge.desks) else None


def contents(conversation: Conversation, knowledge: Knowledge) -> Handoff:
    """What a code carries: the language, the topic and which answers were given. After a safety or victim topic the language alone: staff
    never read one back."""
    locale, questions = conversation.locale or "en", knowledge.questions
    if conversation.private or any(is_private(id_, questions) for id_ in conversation.given):
        return Handoff(locale, PRIVATE, interpreter=conversation.interpreter)
    topic = next((id_ for id_ in reversed(conversation.given) if id_ in questions), "human_agent")
    return Handoff(locale, topic, conversation.given, conversation.interpreter)


def answered(code: str | None, desk: int, conversation: Conversation, knowledge: Knowledge, at: datetime) -> Plan:
    """The code for the desk; without one, how to reach a person otherwise."""
    if code is None:
        return plans.open_answer(knowledge, "human_agent", conversation, at=at)
    return Plan(((Piece("system/handoff_code", "code", int(code) * 100 + desk),),))


def staff_code(text: str) -> str | None:
    """The six digits that the whole message is, in any script, or None."""
    plain = normalise(text)
    return plain.replace(" ", "") if re.fullmatch(r"[0-9]{6}|[0-9]{3} [0-9]{3}", plain) else None


def taken_over(found: Handoff | None, conversation: Conversation, knowledge: Knowledge, at: datetime) -> Conversation | None:
    """The conversation that starts with what a desk's code stands for; None for a code that is not, or no longer, good."""
    served = {info.code for info in knowledge.served()}
    if found is None or found.topic not in knowledge.questions or found.locale not in served:
        return None
    return replace(Conversation(conversation.id, conversation.channel, at), locale=found.locale, welcomed=conversation.welcomed)
