"""How fast one sender may write. In memory only; what is counted is when, and a number made of the text, never the text."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Literal

Pace = Literal["ok", "slow", "silent", "flood"]
MINUTE, HOUR = 10, 60  # messages of one sender
FLOOD = 30  # in a minute: from here on not even the model is asked
SAME = 3  # the same text so many times within SAME_WITHIN is an answering machine
LONG = 16  # characters from which that counts: "1" and "yes" come again in every guided conversation
SAME_WITHIN = timedelta(minutes=10)
SENDERS = 50_000  # remembered at once: some 20 MB at the most


class Limits:
    """`pace` says of each message whether it is answered: `ok`; `slow`, with a word about it; `silent`, not at all; `flood`, and
    nothing more is done with it. Whoever asks must let urgent messages through."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[datetime, int]]] = {}

    def pace(self, sender: str, text: str, at: datetime) -> Pace:
        """Counts the message, and says how it is to be taken."""
        seen = self._seen.pop(sender, deque(maxlen=HOUR * 4))
        self._seen[sender] = seen  # the sender heard from last stands last
        while seen and at - seen[0][0] > timedelta(hours=1):
            seen.popleft()
        mark = hash(text.strip().casefold())
        seen.append((at, mark))
        for old in list(self._seen)[: max(0, len(self._seen) - SENDERS)]:
            del self._seen[old]
        in_minute = sum(at - when < timedelta(minutes=1) for when, _ in seen)
        if in_minute > FLOOD:
            return "flood"
        same = sum(1 for when, other in seen if other == mark and at - when < SAME_WITHIN) if len(text.strip()) >= LONG else 0
        if in_minute > MINUTE or len(seen) > HOUR:
            first = in_minute == MINUTE + 1 or (in_minute <= MINUTE and len(seen) == HOUR + 1)
            return "slow" if first else "silent"
        return "silent" if same >= SAME else "ok"

    def forget(self, sender: str) -> None:
        """Nothing of a sender is kept after "delete", but that too many messages came is."""
        if len(self._seen.get(sender, ())) <= MINUTE:
            self._seen.pop(sender, None)


TRIES, TRIES_WITHIN = 5, timedelta(minutes=15)  # wrong codes of one sender
WEB_TRIES, WEB_WITHIN = 100, timedelta(hours=1)  # ... and of the whole page, where a new sender costs nothing


class Tries:
    """How many wrong codes came: who has sent too many is not told whether a further one is right. In memory only."""

    def __init__(self) -> None:
        self._wrong: dict[str, deque[datetime]] = {}

    def may_try(self, sender: str, channel: str, at: datetime) -> bool:
        """Whether a code of the sender is to be looked up."""
        if channel == "web" and self._count("web", at, WEB_WITHIN) >= WEB_TRIES:
            return False
        return self._count(sender, at, TRIES_WITHIN) < TRIES

    def wrong(self, sender: str, channel: str, at: datetime) -> None:
        """The sender's code was none."""
        for key in {sender, "web"} if channel == "web" else {sender}:
            found = self._wrong.pop(key, deque(maxlen=WEB_TRIES))
            found.append(at)
            self._wrong[key] = found
        for old in list(self._wrong)[: max(0, len(self._wrong) - SENDERS)]:
            del self._wrong[old]

    def _count(self, key: str, at: datetime, within: timedelta) -> int:
        return sum(at - when < within for when in self._wrong.get(key, ()))
