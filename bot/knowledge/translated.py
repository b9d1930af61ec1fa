"""Whether a translation reads as its language: script, English left inside, direction marks, the glossary, the English to say aloud.

What a sentence says is checked in bot/knowledge/check.py; here only its letters and terms are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import regex

from bot.knowledge import translations
from bot.knowledge.answers import PLACEHOLDER
from bot.knowledge.errors import ContentError
from bot.knowledge.knowledge import Knowledge
from bot.knowledge.yamlfile import load

# The scripts of each language; Latin is allowed everywhere for names such as ICE. In the last group letters of the own script are joined
# to Latin ones by grammar (ICE에서, IDNYC-র); in Cyrillic a Latin letter inside a word is a typing mistake that cannot be seen.
SCRIPTS = {"ru": "Cyrillic", "bn": "Bengali", "ko": "Hangul", "ar": "Arabic", "ur": "Arabic", "zh_Hans": "Han", "zh_Hant": "Han"}
_ALL = ("Cyrillic", "Bengali", "Hangul", "Arabic", "Han", "Greek", "Hebrew", "Devanagari", "Thai")
_JOINED = frozenset({"bn", "ko", "ar", "ur", "zh_Hans", "zh_Hant"})
_OWN = {locale: regex.compile(rf"[\p{{Script={script}}}]") for locale, script in SCRIPTS.items()}
_OTHER = {script: regex.compile(rf"\p{{Script={script}}}+") for script in _ALL}
_MIXED = regex.compile(
    r"\b(?=\w*\p{Script=Latin})(?=\w*\p{Script=Cyrillic})\w+|\b(?=\w*\p{Script=Latin})(?=\w*\p{Script=Greek})\w+"
)

# What stays English on purpose: between quotation marks (to show or say), in brackets after the native word, names and codes.
_QUOTED = re.compile(r'"[^"\n]*"|“[^”]*”|「[^」]*」|«[^»]*»|„[^”]*”|\([^()]*\)|（[^（）]*）')
_LATIN_RUN = re.compile(r"[A-Za-z][A-Za-z'’-]*(?:[ ,]+[A-Za-z][A-Za-z'’-]*)+")
# Words that stand in an English sentence and in none of Spanish, French, Haitian Creole and Polish.
_ENGLISH = re.compile(
    r"\b(?:the|and|your|with|from|when|where|which|they|this|these|there|should|would|must|have|are|is not|does not)\b", re.I
)
_BIDI_OPEN, _BIDI_CLOSE = "\u2066\u2067\u2068\u202a\u202b\u202d\u202e", "\u2069\u202c"


def problems(knowledge: Knowledge, locale: str) -> Iterator[ContentError]:
    """Every breach in a locale's catalogue, its glossary and its say.yml."""
    file = translations.path(knowledge.root / "locales", locale)
    wanted = dict(sentences(knowledge))
    for context, message in knowledge.catalogues.messages(locale).items():
        if context not in wanted:
            if not context.startswith("unit/"):
                yield ContentError(file, message.lineno or 0, f"{context} is used by no sentence")
            continue
        texts = [message.string] if isinstance(message.string, str) else list(message.string or ())
        for text in filter(None, texts):
            for problem in letters(text, locale):
                yield ContentError(file, message.lineno or 0, f"{context}: {problem}")
    yield from _glossary(knowledge, locale, wanted)
    yield from _to_say(knowledge, locale)


def sentences(knowledge: Knowledge) -> Iterator[tuple[str, str]]:
    """Each sentence's msgctxt with its English."""
    for answer in knowledge.answers.values():
        for field, text in answer.texts.items():
            yield answer.context(field), text


def letters(text: str, locale: str) -> Iterator[str]:
    """What is wrong with the letters of a translation, in words."""
    if not unicodedata.is_normalized("NFC", text):
        yield "is not in Unicode's composed form (NFC)"
    opened, closed = (sum(text.count(mark) for mark in marks) for marks in (_BIDI_OPEN, _BIDI_CLOSE))
    if opened != closed:
        yield f"{opened} direction marks are opened and {closed} closed"
    bare = PLACEHOLDER.sub(" ", text)
    own = SCRIPTS.get(locale, "Latin")
    for script, pattern in _OTHER.items():
        if script != own and (found := pattern.search(bare)):
            yield f"{found.group()!r} is {script}"
    if locale not in _JOINED and (found := _MIXED.search(bare)):
        yield f"{found.group()!r} mixes scripts"
    said = _QUOTED.sub(" ", bare)
    if locale in SCRIPTS:
        if not _OWN[locale].search(text) and re.search(r"\b[a-z]{3}", said):
            yield "holds no letter of its own script"
        for found in _LATIN_RUN.finditer(said):
            term = re.escape(found.group())  # explained once: "native word (term)" or "term (native words)"
            explained = re.search(rf"\({term}|{term}[*\"]* \(", bare)
            if not explained and len([word for word in found.group().split() if word.islower()]) > 1:
                yield f"English is left inside: {found.group()!r}"
    elif found := _ENGLISH.search(said):
        yield f"English is left inside: {found.group()!r}"


# --- terms ------------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def glossary(folder: Path) -> Mapping[str, Any]:
    """A locale's terms: English -> how it is said, and `exceptions`: term -> the sentences that rightly say it otherwise."""
    file = folder / "glossary.yml"
    return load(file) if file.exists() else {}


def _glossary(knowledge: Knowledge, locale: str, wanted: Mapping[str, str]) -> Iterator[ContentError]:
    folder = knowledge.root / "locales" / locale
    terms = {
        term: forms if isinstance(forms, list) else [forms] for term, forms in glossary(folder).items() if term != "exceptions"
    }
    excepted = glossary(folder).get("exceptions") or {}
    plain = {term: re.sub(r"\s*\(.*?\)", "", term) for term in terms}
    held = knowledge.catalogues.messages(locale)
    for term, forms in terms.items():
        pattern = re.compile(rf"(?<![\w-]){re.escape(plain[term])}(?:s|es)?(?![\w-])", re.I)
        longer = [re.compile(re.escape(other), re.I) for name, other in plain.items() if plain[term] in other and name != term]
        for context, english in wanted.items():
            said = re.sub(r'"[^"]*"', "", english)
            for other in longer:
                said = other.sub("", said)
            if context not in held or not pattern.search(said) or context in (excepted.get(term) or []):
                continue
            text = " ".join(str(held[context].string or "").casefold().split())
            if text and not any(str(form).casefold() in text for form in forms):
                yield ContentError(folder / "glossary.yml", 0, f"{context}: {term!r} is said in none of its forms")


def _to_say(knowledge: Knowledge, locale: str) -> Iterator[ContentError]:
    if locale not in SCRIPTS:
        return
    spelled = knowledge.spelling(locale)
    for answer in knowledge.answers.values():
        if answer.say and answer.say not in spelled:
            yield ContentError(
                knowledge.root / "locales" / locale / "say.yml", 0, f"{answer.id}: how to say {answer.say!r} is missing"
            )
