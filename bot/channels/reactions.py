"""What a telephone sends when somebody taps a heart on one of our messages: our own text in quotation marks after fixed words
(content/reactions.yml). It asks nothing."""

from __future__ import annotations

import re
from pathlib import Path

from bot.knowledge.yamlfile import load

_OPEN, _CLOSE = '[“"«„]', '[”"»“]'
_PLACES = {
    "{emoji}": r"[^\w\s]{1,8}",
    "{name}": rf"{_OPEN}[^”\"»]{{1,30}}{_CLOSE}",
}


class Reactions:
    """Build it with `load`; raises ContentError."""

    def __init__(self, wordings: list[str]) -> None:
        one_of = "|".join(_pattern(wording) for wording in wordings)
        # To the end of the message: with words after the quotation it is a sentence.
        self._pattern = re.compile(rf"\W{{0,4}}(?:{one_of})\s*{_OPEN}.*{_CLOSE}[^\w\s]*", re.DOTALL | re.IGNORECASE)

    @classmethod
    def load(cls, path: Path) -> Reactions:
        return cls([str(form) for forms in load(path)["before_our_text"].values() for form in forms])

    def find(self, text: str) -> bool:
        """Whether the whole text is a reaction."""
        return self._pattern.fullmatch(_plain(text).strip()) is not None


def _plain(text: str) -> str:
    return re.sub(r"[\u00a0\u202f]", " ", text).replace("’", "'")


def _pattern(wording: str) -> str:
    parts = re.split(r"(\{\w+\})", _plain(wording))
    return r"\s+".join(_PLACES.get(part, re.escape(part.strip()).replace(r"\ ", r"\s+")) for part in parts if part.strip())
