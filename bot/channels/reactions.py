"""What a telephone sends when somebody taps a heart on one of our messages: our own text in quotation marks after fixed words
(content/reactions.yml). It asks nothing."""

from __future__ import annotations

import re
from pathlib import Path

from bot.dialogue.danger import DangerDetector
from bot.knowledge.yamlfile import load

_OPEN, _CLOSE = '[“"«„]', '[”"»“]'
_PLACES = {
    "{emoji}": r"[^\w\s!-~¡-¿]{1,8}",  # "!!" is none
    "{name}": rf"{_OPEN}[^”\"»]{{1,30}}{_CLOSE}",
}


class Reactions:
    """Build it with `load`; raises ContentError. What begins with a sign alone ({emoji} to "...") may have been typed: where it shows danger
    it is read like any other message. After fixed words the quotation is ours, and many of our texts name 911."""

    def __init__(self, wordings: list[str], danger: DangerDetector) -> None:
        self._danger = danger
        self._after_words = _one_of([wording for wording in wordings if not wording.startswith("{emoji}")])
        self._after_a_sign = _one_of([wording for wording in wordings if wording.startswith("{emoji}")])

    @classmethod
    def load(cls, path: Path) -> Reactions:
        """From reactions.yml, and danger.yml beside it."""
        wordings = [str(form) for forms in load(path)["before_our_text"].values() for form in forms]
        return cls(wordings, DangerDetector.load(path.with_name("danger.yml")))

    def find(self, text: str) -> bool:
        """Whether the whole text is a reaction."""
        plain = _plain(text).strip()
        if self._after_words.fullmatch(plain):
            return True
        return self._after_a_sign.fullmatch(plain) is not None and self._danger.find(text) is None


def _one_of(wordings: list[str]) -> re.Pattern[str]:
    """To the end of the message: with words after the quotation it is a sentence."""
    one_of = "|".join(_pattern(wording) for wording in wordings)
    return re.compile(rf"\W{{0,4}}(?:{one_of})\s*{_OPEN}.*{_CLOSE}[^\w\s]*", re.DOTALL | re.IGNORECASE)


def _plain(text: str) -> str:
    return re.sub(r"[\u00a0\u202f]", " ", text).replace("’", "'")


def _pattern(wording: str) -> str:
    parts = re.split(r"(\{\w+\})", _plain(wording))
    return r"\s+".join(_PLACES.get(part, re.escape(part.strip()).replace(r"\ ", r"\s+")) for part in parts if part.strip())
