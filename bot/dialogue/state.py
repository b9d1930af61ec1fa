"""What is remembered of a conversation. This is all of it (design, "One message, from phone to phone", step 9)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.knowledge.catalogue import GATED, PRIVATE_IDS, PRIVATE_TOPICS, Question

IDLE = timedelta(minutes=30)
IDLE_PRIVATE = timedelta(minutes=10)
GIVEN = 5  # answers whose ids are remembered for a code to 311


@dataclass(frozen=True)
class Conversation:
    """`last_id` and `part` are the answer given last and which part of it; `given` the last few answers, oldest first; `offered` the
    ids of numbered options in order;
    `flow` and `node` the place in a guided conversation (`gate` and the id that waits behind it, too). `private` after a safety
    or victim topic. `welcomed` once it was said who we are. `interpreter` is the language that was named, or written, and that we do not
    write (a key of content/languages.yml). No word of the person's own is here."""

    id: str
    channel: Literal["sms", "web"]
    seen: datetime
    locale: str | None = None
    last_id: str | None = None
    part: int = 0
    offered: tuple[str, ...] = ()
    flow: str | None = None
    node: str | None = None
    private: bool = False
    welcomed: bool = False
    given: tuple[str, ...] = ()
    interpreter: str | None = None

    def resumed(self, now: datetime) -> Conversation:
        """The conversation as it stands after the time since it was last seen: forgotten when idle for 30 minutes (10 after a
        private topic), all but the languages and that the welcome was said."""
        idle = now - self.seen
        if idle > (IDLE_PRIVATE if self.private else IDLE):
            return Conversation(
                self.id, self.channel, now, locale=self.locale, welcomed=self.welcomed, interpreter=self.interpreter
            )
        return replace(self, seen=now)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "seen": self.seen.isoformat(), "offered": list(self.offered), "given": list(self.given)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Conversation:
        """Raises KeyError, TypeError or ValueError for what as_json did not write."""
        lists = {key: tuple(data[key]) for key in ("offered", "given")}
        return cls(**{**data, "seen": datetime.fromisoformat(data["seen"]), **lists})


def is_private(id_: str, questions: dict[str, Question]) -> bool:
    """Whether an id is about safety or about victims."""
    return id_ in GATED | PRIVATE_IDS or (id_ in questions and questions[id_].topic in PRIVATE_TOPICS)
