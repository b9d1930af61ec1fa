"""What people must not send is taken out of a message before anything else reads it: numbers of papers and cards, telephone numbers,
street addresses, and the name after "my name is". Found by form, in every digit script; nothing is kept of what was found.

The words it needs stand in content/mask.yml.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

from bot.knowledge.yamlfile import load

MASK = "(...)"
CONTENT = Path(__file__).resolve().parents[2] / "content" / "mask.yml"

_JOIN = r"[\s.\-\u2010-\u2015]?"
# Each is replaced as a whole. Short numbers (911, 311, a fee, a year, a form such as I-918, a ZIP code) stay.
_NUMBERS = (
    re.compile(
        rf"(?i)(?<![^\W\d_])a{_JOIN}(?:number|num|no|#)?{_JOIN}#?{_JOIN}\d{{2,3}}{_JOIN}\d{{3}}{_JOIN}\d{{3}}(?!\d)"
    ),  # A-number
    re.compile(rf"(?<!\d)\d{{3}}{_JOIN}\d{{2}}{_JOIN}\d{{4}}(?!\d)"),  # Social Security number
    re.compile(r"(?i)(?<![^\W\d_])(?:IOE|EAC|WAC|LIN|SRC|MSC|NBC|YSC)[\s-]?\d{10}(?!\d)"),  # USCIS receipt
    re.compile(rf"(?<!\d)\+?\d(?:{_JOIN}\(?\d\)?){{8,18}}(?!\d)"),  # telephone, account, card: nine digits and more
    re.compile(rf"(?<!\d)\(?\d{{3}}\)?\s?{_JOIN}\d{{3}}{_JOIN}\d{{4}}(?!\d)"),
    re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),  # e-mail
)


class Masker:
    """`mask` gives a message without what must not be sent. Build it with `load`; raises ContentError."""

    def __init__(
        self, name_follows: list[str], chinese: list[str], goes_on: list[str], chinese_goes_on: str, streets: list[str]
    ) -> None:
        self._goes_on = frozenset(word.casefold() for word in goes_on)
        self._street = re.compile(
            r"(?i)(?<!\w)\d{1,5}(?:-\d{1,4})?[a-z]?\s+(?:(?:east|west|north|south|e|w|n|s)\.?\s+)?(?:\d{1,3}(?:st|nd|rd|th)|[^\W\d_][\w'.]*)"
            rf"(?:\s+[^\W\d_][\w'.]*){{0,2}}?\s+(?:{_any(streets)})\b\.?(?:,?\s*(?:apt|apartment|unit|fl|floor|#)\.?\s*#?\w{{1,5}})?"
        )
        self._name = re.compile(rf'(?i)(?<!\w)((?:{_any(name_follows)})\s*:?\s+)((?:[^\s\d.,;:!?()،؟۔।"]+\s*){{1,3}})')
        self._chinese = re.compile(
            rf"({_any(chinese)})([\u3400-\u9fff]{{2,4}}?)(?=[，。,.!！?？\s{re.escape(chinese_goes_on)}]|$)"
        )

    @classmethod
    def load(cls, path: Path) -> Masker:
        data = load(path)
        follows = [words for found in data["name_follows"].values() for words in found]
        return cls(follows, data["name_follows_chinese"], data["goes_on"], data["goes_on_chinese"], data["streets"])

    def mask(self, text: str) -> str:
        """The message with each such thing replaced by "(...)"."""
        for pattern in _NUMBERS:
            text = pattern.sub(MASK, text)
        text = self._street.sub(MASK, text)
        text = self._name.sub(self._without_name, text)
        return self._chinese.sub(rf"\1{MASK}", text)

    def _without_name(self, match: re.Match[str]) -> str:
        words = match.group(2).split()
        end = next((i for i, word in enumerate(words) if i and word.casefold() in self._goes_on), len(words))
        blanks = match.group(2)[len(match.group(2).rstrip()) :]
        return match.group(1) + " ".join([MASK, *words[end:]]) + blanks


def _any(words: list[str]) -> str:
    """Any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@functools.cache
def _masker() -> Masker:
    return Masker.load(CONTENT)


def mask(text: str) -> str:
    """As Masker.mask, with the words of content/mask.yml."""
    return _masker().mask(text)
