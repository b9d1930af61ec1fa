"""The language of a conversation: which one a message names or picks, which one it seems to be in, and going on in another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.dialogue import plan as plans
from bot.dialogue.choices import ChoiceWords
from bot.dialogue.control import normalise
from bot.dialogue.messages import Outcome
from bot.dialogue.plan import STAY, Piece, Plan
from bot.dialogue.replies import Replies, for_engine
from bot.dialogue.state import Conversation
from bot.knowledge.languages import Unwritten
from bot.nlu.language import LanguageIdentifier

LONGEST = 60  # characters of a message that can be nothing but a language's name
SURE = 0.6  # confidence from which a first message tells the language of a failure answer


class LanguageNames:
    """Messages that name a language which we do not write ("mam", "hablo k'iche'", "I speak Wolof"). `frames` are the ways to say "I speak {}", with the name at {}."""

    def __init__(self, languages: Mapping[str, Unwritten], frames: tuple[str, ...]) -> None:
        self._not_in = {language.key: frozenset(language.not_in) for language in languages.values()}
        self._alone = {normalise(form): key for key, language in languages.items() for form in language.typed}
        self._after = {normalise(form): key for key, language in languages.items() for form in language.after_speak}
        parts = [re.escape(normalise(frame.replace("{}", "xnamex"))).replace("xnamex", "(.+)") for frame in frames]
        # The longest first: "i need a {} interpreter" before "{} interpreter".
        self._frames = [re.compile(part) for part in sorted(parts, key=len, reverse=True)]

    def find(self, text: str, locale: str | None) -> str | None:
        """The key of the language that the whole message names, or None. `locale` is the conversation's."""
        plain = normalise(text)
        if not plain or len(plain) > LONGEST:
            return None
        names = [plain]
        names += [match.group(1) for frame in self._frames if (match := frame.fullmatch(plain))]
        for i, name in enumerate(names):
            key = self._alone.get(name) or (self._after.get(name) if i else None)
            if key is not None and locale not in self._not_in[key]:
                return key
        return None


def picked(conversation: Conversation, text: str, words: ChoiceWords) -> str | None:
    """The language to stay in, where that was offered and the message takes it up by its number or in words."""
    numbers = words.numbers(text)
    number = numbers[0] if len(numbers) == 1 else 1 if words.word(text) == "stay" else 0
    option = conversation.offered[number - 1] if 0 < number <= len(conversation.offered) else ""
    return option.removeprefix(STAY) if option.startswith(STAY) else None


def guessed(
    text: str, conversation: Conversation, hint: str | None, served: tuple[str, ...], identifier: LanguageIdentifier | None
) -> str:
    """The language of a failure answer: the conversation's, else what the message looks like, else the page's."""
    if conversation.locale in served:
        return conversation.locale
    if identifier is not None and text:
        found, confidence = identifier.identify(text, hint)
        if found in served and confidence >= SURE:
            return found
    return hint if hint in served else "en"


def in_language(locale: str, conversation: Conversation, at: datetime, replies: Replies) -> Outcome:
    """From now on in this language. In a guided conversation its place is shown again."""
    knowledge = replies.knowledge
    conversation = replace(for_engine(conversation), locale=locale)
    plan = Plan(((Piece("system/language_changed"),),))
    if conversation.flow in knowledge.flows and conversation.node is not None:
        node = plans.shown(knowledge, conversation.node)
        here = plans.node(knowledge, node, conversation, at)
        plan = Plan((*plan.messages, *here.messages), here.options)
        conversation = replace(conversation, node=node, offered=here.options)
    return replies.outcome(plan, locale, at, conversation, locale, ranking=(("change_language", 1.0),))


def interpreter(key: str, conversation: Conversation, hint: str | None, at: datetime, replies: Replies) -> Outcome:
    """Somebody named a language that we do not write: the English words that get its interpreter."""
    language = replies.knowledge.unwritten[key]
    reads = [code for code in (conversation.locale, hint, *language.may_read) if code in replies.served]
    plan = Plan(((Piece(key, "language"),),))
    ranking = (("change_language", 1.0),)
    return replies.outcome(plan, reads[0] if reads else "en", at, conversation, language.code, ranking=ranking)
