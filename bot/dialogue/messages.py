"""A message as it comes in, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.dialogue.plan import Plan, Rendered
from bot.dialogue.state import Conversation
from bot.nlu.mask import mask

MAX_TEXT = 1600


@dataclass(frozen=True)
class Incoming:
    """One message; `media`: with a picture or a recording, which nobody opens. `ids` are the conversation's id by the current key and by the previous one; `message` the keyed hash of the
    message's own id; `optout` that of the sender; `chosen` an offered id that was tapped; `hint` the page's language."""

    channel: Literal["sms", "web"]
    ids: tuple[str, ...]
    text: str
    message: str | None = None
    optout: str | None = None
    chosen: str | None = None
    hint: str | None = None
    media: bool = False


@dataclass(frozen=True)
class Outcome:
    """What is sent, and what was understood. `silent`: nothing is sent (an opted-out sender). `ranking` is empty where the engine was
    not asked; `conversation` as stored."""

    plan: Plan
    locale: str
    at: datetime
    conversation: Conversation
    messages: list[Rendered]
    language: str
    ranking: tuple[tuple[str, float], ...] = ()
    urgent: bool = False
    failed: bool = False
    repeated: bool = False
    erased: bool = False

    @property
    def silent(self) -> bool:
        return not self.messages


def clean(text: str) -> str:
    """A message as it is read: at most 1,600 characters, no control characters, no unpaired surrogates, no outer blanks, and what people
    must not send (numbers, addresses, names) masked."""
    text = text[:MAX_TEXT].encode("utf-8", "ignore").decode()
    printable = "".join(char if char.isprintable() or char.isspace() or char in "\u200c\u200d" else " " for char in text)
    return mask(printable.strip())
