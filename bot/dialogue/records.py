"""What a turn reads and writes in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from bot.dialogue.state import Conversation
from bot.store import Answered, Handoff

T = TypeVar("T")


class ConversationStore(Protocol):
    """The part of bot.store.Store that a turn uses."""

    def conversation(self, ids: tuple[str, ...]) -> Conversation | None: ...
    def save(self, conversation: Conversation, *, replaces: str | None = None, message: str | None = None,
             answered: Answered | None = None) -> None: ...  # fmt: skip
    def erase(self, ids: tuple[str, ...], *, message: str | None = None, answered: Answered | None = None) -> None: ...
    def answered(self, message: str) -> Answered | None: ...
    def opt_out(self, id_: str, now: datetime, locale: str) -> None: ...
    def opt_in(self, id_: str) -> None: ...
    def opted_out(self, id_: str) -> bool: ...
    def flag(self, id_: str, now: datetime, reason: int = 0) -> None: ...
    def count(self, name: str, now: datetime, by: int = 1) -> int: ...
    def hand_off(self, digits: int, handoff: Handoff, now: datetime) -> str: ...
    def open_handoff(self, code: str, now: datetime) -> Handoff | None: ...


async def in_thread(call: Callable[..., T], *args: Any) -> T:
    """A database call off the event loop, so that a slow disk does not stop everybody."""
    return await asyncio.to_thread(call, *args)
