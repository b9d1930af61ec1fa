"""A store that ends with the process: for the terminal and for measuring, where nothing is to be written."""

from __future__ import annotations

from datetime import datetime

from bot.dialogue.state import Conversation
from bot.store.store import KEEP_HANDOFF, Answered, Handoff


class MemoryStore:
    """As far as a turn needs bot.store.Store."""

    def __init__(self) -> None:
        self._conversations: dict[str, Conversation] = {}
        self._optouts: set[str] = set()
        self._handoffs: dict[str, tuple[Handoff, datetime]] = {}

    def conversation(self, ids: tuple[str, ...]) -> Conversation | None:
        return next((self._conversations[id_] for id_ in ids if id_ in self._conversations), None)

    def save(self, conversation: Conversation, *, replaces: str | None = None, message: str | None = None,
             answered: Answered | None = None) -> None:  # fmt: skip
        self._conversations[conversation.id] = conversation

    def erase(self, ids: tuple[str, ...], *, message: str | None = None, answered: Answered | None = None) -> None:
        for id_ in ids:
            self._conversations.pop(id_, None)

    def answered(self, message: str) -> Answered | None:
        return None

    def opt_out(self, id_: str, now: datetime, locale: str) -> None:
        self._optouts.add(id_)

    def opt_in(self, id_: str) -> None:
        self._optouts.discard(id_)

    def opted_out(self, id_: str) -> bool:
        return id_ in self._optouts

    def flag(self, id_: str, now: datetime, reason: int = 0) -> None:
        """Flags are counted only where they are kept."""

    def count(self, name: str, now: datetime, by: int = 1) -> int:
        return 0

    def tally(self, topic: str, language: str, now: datetime) -> None:
        """Tallies, too."""

    def hand_off(self, digits: int, handoff: Handoff, now: datetime) -> str:
        code = str(10 ** (digits - 1) + len(self._handoffs))
        self._handoffs[code] = (handoff, now)
        return code

    def open_handoff(self, code: str, now: datetime) -> Handoff | None:
        handoff, made = self._handoffs.pop(code, (None, now))
        return handoff if made >= now - KEEP_HANDOFF else None
