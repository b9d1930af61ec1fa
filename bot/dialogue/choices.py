"""Words for a choice: "two", "dos", "দুই", "the first one", yes, skip, back (content/choice_words.yml). They mean something only where
something was asked."""

from __future__ import annotations

from pathlib import Path

from bot.dialogue.control import normalise, numbers
from bot.knowledge.errors import ContentError
from bot.knowledge.yamlfile import load

WORDS = ("yes", "no", "unsure", "skip", "next", "back", "again", "stay")


class ChoiceWords:
    """Build it with `ChoiceWords.load(path)`."""

    def __init__(self, words: dict[str, str], numbers_: dict[str, int], joining: frozenset[str]) -> None:
        self._words, self._numbers, self._joining = words, numbers_, joining

    @classmethod
    def load(cls, path: Path) -> ChoiceWords:
        """Raises ContentError for a form that stands for two things, in one language or in two."""
        data = load(path)
        words: dict[str, str] = {}
        numbers_: dict[str, int] = {}
        for name in WORDS:
            for locale, forms in data[name].items():
                for form in forms:
                    plain = normalise(str(form))
                    if words.setdefault(plain, name) != name:
                        raise data[name].error(locale, f"{form!r} is {words[plain]} and {name}")
        for locale, rows in data["numbers"].items():
            for number, forms in enumerate(rows, 1):
                for form in forms:
                    plain = normalise(str(form))
                    if numbers_.setdefault(plain, number) != number or plain in words:
                        raise data["numbers"].error(locale, f"{form!r} is {words.get(plain, numbers_[plain])} and {number}")
        joining = {normalise(str(form)) for forms in data["and"].values() for form in forms}
        if clash := joining & (set(words) | set(numbers_)):
            raise ContentError(path, 0, f"{min(clash)!r} joins numbers and is a choice")
        return cls(words, numbers_, frozenset(joining))

    def word(self, text: str) -> str | None:
        """Which of WORDS the whole text is, or None."""
        return self._words.get(normalise(text))

    def numbers(self, text: str) -> tuple[int, ...]:
        """The numbers that the whole text is ("2", "২", "two", "one and 4", "uno, tres"), each once; () for any other text."""
        digits = numbers(text)
        return digits or tuple(dict.fromkeys(self._spelled(text)))

    def is_911(self, text: str, *, counting: bool) -> bool:
        """Whether the whole text is the number for danger, in digits or words ("9-1-1", "nine one one", "nueve once"). While papers are
        counted by number, 9 and 11 are two of them."""
        joined = normalise(text).replace(" ", "")
        if joined == "911" and not (counting and text.strip() != "911" and "-" not in text):
            return True
        found = self._spelled(text)
        return found == (9, 1, 1) or (found == (9, 11) and not counting)

    def _spelled(self, text: str) -> tuple[int, ...]:
        """The numbers that the whole text is made of, in digits or words, or ()."""
        plain = normalise(text)
        if plain in self._numbers:
            return (self._numbers[plain],)
        found: list[int] = []
        for word in plain.split():
            if word in self._joining:
                continue
            number = int(word) if word.isascii() and word.isdecimal() and len(word) < 3 else self._numbers.get(word)
            if number is None:
                return ()
            found.append(number)
        return tuple(found)
