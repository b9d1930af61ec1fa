"""What goes to the engine and what comes back, as JSON between two processes. No Rasa here: both sides use it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.dialogue.plan import Plan
from bot.dialogue.state import Conversation


class EngineUnavailable(Exception):
    """The engine gave no answer in time, or is not there. The person gets the human route."""


@dataclass(frozen=True)
class Request:
    """`text` is what the person wrote (or `chosen` the offered id that they tapped); `danger` what the phrase detector found;
    `hint` the page's language."""

    text: str
    conversation: Conversation
    at: datetime
    danger: str | None = None
    chosen: str | None = None
    hint: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {**self.__dict__, "conversation": self.conversation.as_json(), "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Request:
        """Raises KeyError, TypeError or ValueError for what as_json did not write."""
        return cls(
            **{
                **data,
                "conversation": Conversation.from_json(data["conversation"]),
                "at": datetime.fromisoformat(data["at"]),
            }
        )


@dataclass(frozen=True)
class Reply:
    """`ranking` is the classifier's; `language` what was identified; `conversation` as it is to be stored."""

    plan: Plan
    conversation: Conversation
    language: str
    ranking: tuple[tuple[str, float], ...]
    urgent: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "plan": self.plan.as_json(),
            "conversation": self.conversation.as_json(),
            "language": self.language,
            "ranking": [list(pair) for pair in self.ranking],
            "urgent": self.urgent,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reply:
        """Raises KeyError, TypeError or ValueError for what as_json did not write."""
        return cls(
            Plan.from_json(data["plan"]),
            Conversation.from_json(data["conversation"]),
            data["language"],
            tuple((id_, share) for id_, share in data["ranking"]),
            data["urgent"],
        )


class EngineClient(Protocol):
    """Something that runs turns: the child process, or the engine itself in this process."""

    async def turn(self, request: Request, within: float = 8.0) -> Reply:
        """Raises EngineUnavailable, after `within` seconds at the latest."""
        ...
