"""Translations: gettext catalogues, looked up by the stable id alone.

gettext itself looks a sentence up by its English; we look it up by `msgctxt`, because an edit of the English must neither lose a
translation silently nor give one sentence's translation to another (both were seen with updates by similarity).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from bot.knowledge.errors import ContentError

State = Literal["source", "machine draft", "stale", "missing"]
DOMAIN = "amparo"
PSEUDO = "qps"  # the locale for development in which text that stands in code shows


@dataclass(frozen=True)
class Translated:
    """A sentence in a language, and what is known of it. `stale`: made from English that has since changed."""

    text: str
    state: State


def english_hash(text: str) -> str:
    """The mark by which a translation knows its English."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def path(folder: Path, locale: str) -> Path:
    """Where a locale's catalogue stands."""
    return folder / locale / "LC_MESSAGES" / f"{DOMAIN}.po"


_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_PSEUDO = str.maketrans("AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpRrSsTtUuWwYyZz", "ÅåƁƀÇçĐđÉéƑƒĜĝĤĥÎîĴĵĶķĻļṀṁÑñÖöƤƥŘřŠšŢţÛûŴŵÝýŽž")


def pseudo(text: str) -> str:
    """English as the pseudo-locale writes it: every letter marked, a third longer; placeholders and list signs as they are."""
    rest = [part.translate(_PSEUDO) for part in _PLACEHOLDER.split(text)]
    marked = "".join(part + place for part, place in zip(rest, [*_PLACEHOLDER.findall(text), ""], strict=True))
    return marked + " ~" * (len(text) // 12)


class Catalogues:
    """The catalogues of the given locales, read once. A locale without a file has no translations."""

    def __init__(self, folder: Path, locales: list[str]) -> None:
        self._messages: dict[str, dict[str, Message]] = {}
        self._catalogues: dict[str, Catalog] = {}
        for locale in locales:
            file = path(folder, locale)
            if file.exists():
                self._catalogues[locale] = catalogue = read(file, locale)
                self._messages[locale] = {m.context: m for m in catalogue if m.context}

    def find(self, context: str, english: str, locale: str) -> Translated:
        """The sentence `context` in `locale`; the English itself where there is no translation (state `missing`)."""
        if locale == "en":
            return Translated(english, "source")
        if locale == PSEUDO:
            return Translated(pseudo(english), "machine draft")
        message = self._messages.get(locale, {}).get(context)
        if message is None or not any(message.string or ()):
            return Translated(english, "missing")
        text = message.string if isinstance(message.string, str) else (message.string or ("",))[0]
        source = message.id if isinstance(message.id, str) else message.id[0]
        return Translated(text, "machine draft" if source == english else "stale")

    def plural(self, context: str, english: tuple[str, str], number: float, locale: str) -> str:
        """The form of a counted unit for `number` (English: one, other), with `{n}` left in."""
        message = self._messages.get(locale, {}).get(context)
        if locale == PSEUDO:
            return pseudo(english[0] if number == 1 else english[1])
        if locale == "en" or message is None or not message.string or isinstance(message.string, str):
            return english[0] if number == 1 else english[1]
        forms = message.string
        index = _plural_index(self._catalogues[locale], number)
        return str(forms[min(index, len(forms) - 1)])

    def messages(self, locale: str) -> dict[str, Message]:
        """The locale's entries by id, as they stand in its file."""
        return dict(self._messages.get(locale, {}))

    def contexts(self, locale: str) -> set[str]:
        """The ids that the locale's catalogue holds."""
        return set(self._messages.get(locale, {}))


def _plural_index(catalogue: Catalog, number: float) -> int:
    from gettext import c2py  # type: ignore[attr-defined]

    return int(c2py(catalogue.plural_expr)(int(number)))


def read(file: Path, locale: str) -> Catalog:
    """A catalogue from its file. Raises ContentError for one that cannot be read."""
    try:
        with file.open("rb") as stream:
            return read_po(stream, locale=locale, domain=DOMAIN, abort_invalid=True)
    except Exception as error:  # Babel raises PoFileError, ValueError or IndexError for broken files
        raise ContentError(file, getattr(error, "lineno", 0) or 0, f"not readable as a gettext catalogue: {error}") from error


def write(file: Path, catalogue: Catalog) -> None:
    """The catalogue to its file: sorted as given, no line wrapping, no dates (so that a change shows only what changed)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        write_po(stream, catalogue, width=0, omit_header=False, sort_output=False, include_lineno=False)
