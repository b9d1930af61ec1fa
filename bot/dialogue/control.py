"""Control words: messages that are a command, whole, in every language and digit script (content/control_words.yml).

A sentence that contains a command word is not the command ("we have to stop this bill").
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from bot.knowledge.errors import ContentError
from bot.knowledge.yamlfile import Entry, load

COMMANDS = (
    "stop", "start", "help", "menu", "more", "repeat", "why", "wrong", "who", "web", "english", "delete", "human", "zero",
)  # fmt: skip


@dataclass(frozen=True)
class Control:
    """A command that was recognised. `locale` is the language of the word, or for `language` the language it names."""

    command: str
    locale: str


def normalise(text: str) -> str:
    """The form in which commands are compared: NFKC, case folded, without accents of Latin letters, punctuation or emoji, single spaces."""
    text = unicodedata.normalize("NFKC", text).casefold()
    kept: list[str] = []
    for char in unicodedata.normalize("NFD", text):
        category = unicodedata.category(char)
        if category == "Mn" and kept and kept[-1].isascii():
            continue  # an accent on a Latin letter; signs of Bengali, Arabic or Thai stay
        if category == "Nd":
            kept.append(str(unicodedata.decimal(char)))
        elif category[0] in "LM" or char.isspace():
            kept.append(char)
        elif category[0] in "PSC":
            # An apostrophe joins (d'accord), the rest parts words.
            kept.append("" if char in "'’ʼ\u200d\u200c\u200e\u200f\ufe0f" else " ")
        else:
            kept.append(char)
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


class ControlWords:
    """Recognises commands. Build it with `ControlWords.load(path)`; raises ContentError for a word under two commands."""

    def __init__(self, words: dict[str, list[Control]], polite: dict[str, list[str]]) -> None:
        self._words = words
        edges = sorted({word for words_ in polite.values() for word in words_}, key=len, reverse=True)
        joined = "|".join(re.escape(word) for word in edges if word)
        self._polite = re.compile(rf"^(?:(?:{joined})\s+)+|(?:\s+(?:{joined}))+$") if joined else None

    @classmethod
    def load(cls, path: Path) -> ControlWords:
        data = load(path)
        words: dict[str, list[Control]] = {}
        for command, by_locale in data["commands"].items():
            if command not in COMMANDS:
                raise data["commands"].error(command, f"{command} is no command")
            for locale, forms in by_locale.items():
                for form in forms:
                    _add(words, normalise(str(form)), Control(command, locale), by_locale, locale)
        for locale, forms in data["languages"].items():
            for form in forms:
                _add(words, normalise(str(form)), Control("language", locale), data["languages"], locale)
        polite = {key: [normalise(str(word)) for word in value] for key, value in data["politeness"].items()}
        return cls(words, polite)

    def find(self, text: str, locale: str | None = None) -> Control | None:
        """The command that the whole text is, or None. A word of several languages is taken in the conversation's `locale`,
        if that is one of them."""
        plain = normalise(text)
        if not plain or len(plain) > 60:
            return None
        found = self._words.get(plain)
        if found is None and self._polite is not None:
            found = self._words.get(self._polite.sub("", plain).strip())
        if not found:
            return None
        return next((control for control in found if control.locale == locale), found[0])


def _add(words: dict[str, list[Control]], form: str, control: Control, entry: Entry, key: str) -> None:
    if not form:
        raise entry.error(key, "an empty word")
    known = words.setdefault(form, [])
    clash = next((other for other in known if other.command != control.command), None)
    if clash is not None:
        raise ContentError(
            entry.path,
            entry.line_of(key),
            f"{form!r} is {clash.command} ({clash.locale}) and {control.command} ({control.locale})",
        )
    if control not in known:
        known.append(control)


def numbers(text: str) -> tuple[int, ...]:
    """The numbers that a message is made of ("1, 4 and 7" is not; "1, 4 7" is), each once, or ()."""
    plain = normalise(text).split()
    if not plain or not all(re.fullmatch(r"[0-9]{1,2}", word) for word in plain):
        return ()
    return tuple(dict.fromkeys(int(word) for word in plain))
