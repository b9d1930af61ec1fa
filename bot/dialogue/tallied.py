"""What a reply counts as in the tallies: a topic and a language, each counted apart from the other, for a whole week."""

from __future__ import annotations

from bot.dialogue.messages import Outcome
from bot.dialogue.plan import Piece
from bot.dialogue.state import Conversation
from bot.knowledge import Knowledge
from bot.knowledge.flows import PREFIX, flow_of


def tallied(outcome: Outcome, before: Conversation | None, knowledge: Knowledge) -> tuple[str, str] | None:
    """(topic, language) of the answer that a reply gives; None for one that gives none, for a further part of one, and for a place within
    a guided conversation. The language is a locale, or a key of content/languages.yml where the person named or wrote one of those: that
    counts once, not again while the conversation has it, so that one person who asks ten times does not make a row of a small language."""
    if outcome.silent or outcome.repeated:
        return None
    pieces = [piece for message in outcome.plan.messages for piece in message]
    topic = next((found for piece in pieces if (found := _topic(piece, before, knowledge)) is not None), None)
    if topic is None:
        return None
    language = unwritten(pieces, knowledge)
    if language is not None and before is not None and before.interpreter == language:
        return None
    return topic, language or outcome.locale


def unwritten(pieces: list[Piece], knowledge: Knowledge) -> str | None:
    """The language that we do not write (a key of content/languages.yml) for which a reply says how to get an interpreter."""
    for piece in pieces:
        if piece.form == "language":
            return piece.id
        if piece.form == "foreign":
            language = knowledge.unwritten_by_code(piece.id)
            return language.key if language is not None else None
    return None


def _topic(piece: Piece, before: Conversation | None, knowledge: Knowledge) -> str | None:
    questions = knowledge.questions
    if piece.form in ("language", "foreign"):
        return questions["change_language"].topic
    if piece.id.startswith(PREFIX):
        flow = flow_of(piece.id)
        if before is not None and before.flow == flow:
            return None
        return next((question.topic for question in questions.values() if question.flow == flow), None)
    whole = piece.form in ("part", "basic") and piece.number == 0
    return questions[piece.id].topic if whole and piece.id in questions else None
