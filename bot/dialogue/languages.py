"""A message that names a language which we do not write ("mam", "hablo k'iche'", "I speak Wolof"): which one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.dialogue.control import normalise
from bot.knowledge.languages import Unwritten

LONGEST = 60  # characters of a message that can be nothing but a language's name


class LanguageNames:
    """`frames` are the ways to say "I speak {}", with the name at {}."""

    def __init__(self, languages: Mapping[str, Unwritten], frames: tuple[str, ...]) -> None:
        self._not_in = {language.key: frozenset(language.not_in) for language in languages.values()}
        self._alone = {normalise(form): key for key, language in languages.items() for form in language.typed}
        self._after = {normalise(form): key for key, language in languages.items() for form in language.after_speak}
        parts = [re.escape(normalise(frame.replace("{}", "xnamex"))).replace("xnamex", "(.+)") for frame in frames]
        # The longest first: "i need a {} interpreter" before "{} interpreter".
        self._frames = [re.compile(part) for part in sorted(parts, key=len, reverse=True)]

    def find(self, text: str, locale: str | None) -> str | None:
        """The key of the language that the whole message names, or None. `locale` is the conversation's."""
        plain = normalise(text)
        if not plain or len(plain) > LONGEST:
            return None
        names = [plain]
        names += [match.group(1) for frame in self._frames if (match := frame.fullmatch(plain))]
        for i, name in enumerate(names):
            key = self._alone.get(name) or (self._after.get(name) if i else None)
            if key is not None and locale not in self._not_in[key]:
                return key
        return None
