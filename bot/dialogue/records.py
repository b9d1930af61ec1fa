"""The database as a turn uses it: off the event loop, answering in time, and with what it could not take kept until it can.

A reply that was sent must not be forgotten because the database was locked in that second: the next "1" would be read at the place before
it, and the same message sent again by Twilio would get another answer. So what is to be stored waits in memory until it is written. It is what the
row would hold: keyed hashes and ids of content. (docs/decisions/2026-11-22-database-that-stops.md)
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeVar

from bot.dialogue.state import IDLE_PRIVATE, Conversation
from bot.privacy.logs import logger, where
from bot.store import Answered, Handoff, StoreError

T = TypeVar("T")
READ_WITHIN, WRITE_WITHIN = 2.0, 2.5  # seconds; SQLite waits 2 for a lock
KEEP = timedelta(hours=24)
FAILURES = 3  # in a row: the database is away, and the rest waits
PEOPLE = 20_000  # remembered here at the most: some 10 MB


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
    def tally(self, topic: str, language: str, now: datetime) -> None: ...
    def hand_off(self, digits: int, handoff: Handoff, now: datetime) -> str: ...
    def open_handoff(self, code: str, now: datetime) -> Handoff | None: ...


@dataclass
class _Turn:
    """A conversation as it is to be stored after a turn (None: erased), with the replies given since it was stored last."""

    ids: tuple[str, ...]
    at: datetime
    conversation: Conversation | None
    replies: dict[str, Answered] = field(default_factory=dict)

    def over(self, now: datetime) -> bool:
        private = self.conversation is not None and self.conversation.private
        return now - self.at > (IDLE_PRIVATE if private else KEEP)


class _Choice(NamedTuple):
    """STOP (`out`) or START, the language it was said in, and when."""

    out: bool
    locale: str
    at: datetime


class Records:
    """Reads give up after 2 seconds, writes after 2.5: then StoreError. Writes go through one thread, so that a later one never comes to stand
    before an earlier one."""

    def __init__(self, store: ConversationStore) -> None:
        self.store = store
        self._writer = ThreadPoolExecutor(1, "writer")
        self._unwritten: OrderedDict[str, _Turn] = OrderedDict()
        self._optouts: dict[str, _Choice] = {}  # waiting, however long: an opt-out has no end
        self._locales: OrderedDict[str, tuple[str, datetime]] = OrderedDict()
        self._flushing: asyncio.Task[None] | None = None

    async def read(self, call: Callable[..., T], *args: Any) -> T:
        """Raises StoreError."""
        return await _within(READ_WITHIN, asyncio.to_thread(call, *args))

    async def write(self, call: Callable[..., T], *args: Any, within: float = WRITE_WITHIN) -> T:
        """Raises StoreError; the call may then still come to be done."""
        result = await _within(within, asyncio.get_running_loop().run_in_executor(self._writer, call, *args))
        self._start_flush()
        return result

    async def answered(self, ids: tuple[str, ...], message: str) -> Answered | None:
        """The reply that a message got. Raises StoreError."""
        waiting = self._waiting(ids)
        if waiting is not None and message in waiting.replies:
            return waiting.replies[message]
        return await self.read(self.store.answered, message)

    async def conversation(self, ids: tuple[str, ...]) -> Conversation | None:
        """Raises StoreError."""
        waiting = self._waiting(ids)
        return waiting.conversation if waiting is not None else await self.read(self.store.conversation, ids)

    async def opted_out(self, id_: str) -> bool:
        """Whether this person's last word is STOP. Raises StoreError."""
        waiting = self.waiting_choice(id_)
        return waiting if waiting is not None else await self.read(self.store.opted_out, id_)

    def waiting_choice(self, id_: str) -> bool | None:
        """True for STOP, False for START, None where neither waits to be written."""
        choice = self._optouts.get(id_)
        return choice.out if choice is not None else None

    def note_choice(self, id_: str, at: datetime, *, out: bool, locale: str) -> None:
        """STOP or START, which holds at once and is to be written."""
        self._optouts[id_] = _Choice(out, locale, at)

    async def opt(self, id_: str, at: datetime, *, out: bool, locale: str) -> None:
        """STOP or START: it holds at once, and is written now or later."""
        self.note_choice(id_, at, out=out, locale=locale)
        try:
            await self._put_choice(id_)
        except StoreError:
            logger().error("store", reason="optout")

    def last_locale(self, id_: str, now: datetime) -> str | None:
        """The language in which this sender was answered last, for when the database cannot say."""
        locale, at = self._locales.get(id_, (None, now))
        return locale if now - at < KEEP else None

    def note(self, ids: tuple[str, ...], conversation: Conversation | None, at: datetime) -> None:
        """A conversation as it now stands (None: erased), which is to be written."""
        before = self._waiting(ids)
        for id_ in ids:
            self._unwritten.pop(id_, None)
            self._locales.pop(id_, None)
        self._unwritten[ids[0]] = _Turn(ids, at, conversation, before.replies if before else {})
        if conversation is not None and conversation.locale is not None:
            self._locales[ids[0]] = (conversation.locale, at)
        self._prune(at)

    def _waiting(self, ids: tuple[str, ...]) -> _Turn | None:
        """Under any of its ids: the key may have turned since."""
        return next((self._unwritten[id_] for id_ in ids if id_ in self._unwritten), None)

    def _prune(self, now: datetime) -> None:
        for id_, turn in list(self._unwritten.items()):
            if turn.over(now) or len(self._unwritten) > PEOPLE:
                del self._unwritten[id_]
        while self._locales and (len(self._locales) > PEOPLE or now - next(iter(self._locales.values()))[1] > KEEP):
            self._locales.popitem(last=False)

    def note_reply(self, id_: str, message: str | None, reply: Answered) -> None:
        """What a message of that conversation got, to be written with it."""
        if message is not None:
            self._unwritten[id_].replies[message] = reply

    def take_back(self, id_: str, message: str | None) -> None:
        """A reply that is not given after all."""
        if id_ in self._unwritten and message is not None:
            self._unwritten[id_].replies.pop(message, None)

    async def put(self, id_: str, within: float = WRITE_WITHIN) -> None:
        """Write what was noted of a conversation. Raises StoreError: then it is written later."""
        turn = self._unwritten[id_]
        await self.write(self._put, turn, within=within)
        if self._unwritten.get(id_) is turn:
            del self._unwritten[id_]

    async def _put_choice(self, id_: str) -> None:
        choice = self._optouts[id_]
        if choice.out:
            await self.write(self.store.opt_out, id_, choice.at, choice.locale)
        else:
            await self.write(self.store.opt_in, id_)
        if self._optouts.get(id_) is choice:
            del self._optouts[id_]

    async def flush(self, now: datetime) -> None:
        """Drop what is past its time, and write what else waits, as far as the database takes it."""
        self._prune(now)
        if self._flushing is not None and not self._flushing.done():
            await self._flushing  # it does not know what came after it began
        self._start_flush()
        if self._flushing is not None:
            await self._flushing

    def _start_flush(self) -> None:
        if (self._unwritten or self._optouts) and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        """A row that cannot be written holds up none behind it: the next time it comes last."""
        failures = 0
        waiting: list[tuple[str, _Turn | _Choice]] = [*self._optouts.items(), *self._unwritten.items()]
        for id_, one in waiting:
            if (self._optouts if isinstance(one, _Choice) else self._unwritten).get(id_) is not one:
                continue  # its own turn has written it, or has more to write
            try:
                await (self._put_choice(id_) if isinstance(one, _Choice) else self.put(id_))
                failures = 0
            except Exception as error:
                logger().error("store", reason="flush", error=type(error).__name__, where=where(error))
                if isinstance(one, _Turn) and self._unwritten.get(id_) is one:
                    self._unwritten.move_to_end(id_)
                failures += 1
                if failures == FAILURES:
                    return

    def _put(self, turn: _Turn) -> None:
        """In the writer's thread. Done twice it does no harm."""
        replies: list[tuple[str | None, Answered | None]] = [*turn.replies.items()] or [(None, None)]
        for message, reply in replies:
            if turn.conversation is None:
                self.store.erase(turn.ids, message=message, answered=reply)
            else:
                replaces = next((id_ for id_ in turn.ids if id_ != turn.conversation.id), None)
                self.store.save(turn.conversation, replaces=replaces, message=message, answered=reply)


async def _within(seconds: float, call: Awaitable[T]) -> T:
    try:
        return await asyncio.wait_for(call, seconds)
    except asyncio.TimeoutError:
        raise StoreError("the database did not answer in time") from None
