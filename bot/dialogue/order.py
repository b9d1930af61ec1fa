"""One message of a sender at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Queue:
    """Locks by name, which exist only while somebody holds one or waits for it."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn(self, name: str, within: float | None = None) -> AsyncIterator[None]:
        """Holds the lock of that name. Raises asyncio.TimeoutError when it was not to be had within so many seconds."""
        lock, waiting = self._locks.get(name, (asyncio.Lock(), 0))
        self._locks[name] = (lock, waiting + 1)
        held = False
        try:
            await asyncio.wait_for(lock.acquire(), within)
            held = True
            yield
        finally:
            if held:
                lock.release()
            lock, waiting = self._locks[name]
            if waiting == 1:
                del self._locks[name]
            else:
                self._locks[name] = (lock, waiting - 1)
