"""Which language a short message is in.

Script decides first. Between languages of one script a naive Bayes over words and character n-grams decides, trained on our own
examples: off-the-shelf identifiers were seen to fail on one to three words. Needs neither Rasa nor the encoder, so that the
public process can answer a failure in the person's language.
"""

from __future__ import annotations

import json
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 16
# Words that people use in every language of the city, and that therefore say nothing about it.
SHARED = frozenset(
    [
        "ice",
        "idnyc",
        "nypd",
        "uscis",
        "visa",
        "u",
        "t",
        "311",
        "911",
        "988",
        "moia",
        "actionnyc",
        "lawyer",
        "id",
        "dna",
        "ny",
        "nyc",
        "queens",
        "brooklyn",
        "bronx",
        "manhattan",
        "hi",
        "hello",
        "hey",
        "bye",
        "yes",
        "yeah",
        "please",
        "sorry",
        "thanks",
        "help",
        "stop",
        "corona",
        "flushing",
        "jamaica",
        "harlem",
        "staten",
        "island",
        "court",
        "police",
        "ok",
        "daca",
        "tps",
        "vawa",
        "snap",
        "wic",
        "medicaid",
        "sms",
        "web",
    ]
)
# Unicode blocks whose letters tell one language of ours, or one that we do not write (ISO codes).
SCRIPTS: tuple[tuple[str, str], ...] = (
    ("bn", "\u0980-\u09ff"),
    ("hi", "\u0900-\u097f"),
    ("pa", "\u0a00-\u0a7f"),
    ("ko", "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"),
    ("ja", "\u3040-\u30ff"),
    ("zh", "\u3400-\u4dbf\u4e00-\u9fff"),
    ("ru", "\u0400-\u04ff"),
    ("ar", "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff"),
    ("bo", "\u0f00-\u0fff"),
    ("ka", "\u10a0-\u10ff"),
    ("am", "\u1200-\u137f"),
    ("he", "\u0590-\u05ff"),
    ("th", "\u0e00-\u0e7f"),
    ("el", "\u0370-\u03ff"),
)
_SCRIPT_PATTERNS = tuple((code, re.compile(f"[{block}]")) for code, block in SCRIPTS)
_URDU = re.compile("[\u0679\u0688\u0691\u06ba\u06be\u06c1\u06d2\u06af\u0686\u067e\u06a9\u06cc]")
_UKRAINIAN = re.compile("[іїєґІЇЄҐ]")
# Characters that are written only in one of the two Chinese scripts, from the commonest words of our texts.
_SIMPLIFIED = frozenset(
    "们这说时会对学问题国证请护个么给还东车门关开长张见语谁钱办让应该医区师边觉写听买卖记认识过进远选难样经现电话试书业产务发动员"
)
_TRADITIONAL = frozenset(
    "們這說時會對學問題國證請護個麼給還東車門關開長張見語誰錢辦讓應該醫區師邊覺寫聽買賣記認識過進遠選難樣經現電話試書業產務發動員"
)
_WORD = re.compile(r"[^\W\d_]+")
UNDETERMINED = "und"
_NEVER_LATIN = frozenset({"zh_Hans", "zh_Hant", "ko"})  # an example of theirs in Latin letters is English


class LanguageIdentifier:
    """A naive Bayes over hashed features; `fit` it, or `load` a fitted one.

    Latin-script languages are told apart by what they were trained on; other scripts by the script itself.
    """

    def __init__(self, locales: list[str], weights: NDArray[np.float32]) -> None:
        self.locales = locales
        self._weights = weights  # [BUCKETS, len(locales)]: log probability of a feature in a locale

    @classmethod
    def fit(cls, examples: Iterable[tuple[str, str]]) -> LanguageIdentifier:
        """From (text, locale) pairs. Only texts in Latin letters train it, and of the locales of other scripts only those in which
        people write so. A word that stands in the examples of four languages or more ("hello", "hola", "court") counts for one alone:
        English, unless another uses it three times as often."""
        latin = [(text, locale) for text, locale in examples if script_of(text) is None and locale not in _NEVER_LATIN]
        uses: dict[str, Counter[str]] = {}
        for text, locale in latin:
            for word in _words(text):
                uses.setdefault(word, Counter())[locale] += 1
        owner = {word: _owner(found) for word, found in uses.items() if len(found) >= 4}
        borrowed = {
            locale: frozenset(word for word, own in owner.items() if own != locale) for locale in {one for _, one in latin}
        }
        counts: dict[str, NDArray[np.float32]] = {}
        for text, locale in latin:
            row = counts.setdefault(locale, np.zeros(BUCKETS, np.float32))
            np.add.at(row, _features(text, borrowed[locale]), 1)
        locales = sorted(counts)
        if not locales:
            return cls(["en"], np.zeros((BUCKETS, 1), np.float32))
        table = np.stack([counts[locale] for locale in locales], axis=1) + 0.05
        return cls(locales, np.log(table / table.sum(axis=0, keepdims=True)).astype(np.float32))

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            np.savez_compressed(stream, weights=self._weights.astype(np.float16), locales=json.dumps(self.locales))

    @classmethod
    def load(cls, path: Path) -> LanguageIdentifier:
        """Raises OSError or ValueError when there is no readable one."""
        with np.load(path, allow_pickle=False) as data:
            return cls(json.loads(str(data["locales"])), data["weights"].astype(np.float32))

    def identify(self, text: str, prior: str | None = None) -> tuple[str, float]:
        """(language, confidence 0 to 1). `prior` is the conversation's locale: it keeps unless the text clearly speaks against it.

        The language is a locale, an ISO code of a language that we do not write, or `und` for a text without letters.
        """
        by_script = script_of(text)
        if by_script == "zh":
            return _chinese(text, prior), 1.0
        if by_script is not None:
            return by_script, 1.0
        features = _features(text)
        if not features.size:
            return (prior or UNDETERMINED), 0.0
        scores = self._weights[features].sum(axis=0)
        if prior in self.locales:
            scores[self.locales.index(prior)] += 6.0
        scores = np.exp(scores - scores.max())
        scores /= scores.sum()
        best = int(scores.argmax())
        return self.locales[best], float(scores[best])


def script_of(text: str) -> str | None:
    """The language that the script of most letters stands for (`zh` for Han), or None for Latin script and for no letters."""
    best, most = None, 0
    for code, pattern in _SCRIPT_PATTERNS:
        found = len(pattern.findall(text))
        if found > most:
            best, most = code, found
    latin = sum(len(word) for word in re.findall(r"[A-Za-zÀ-ɏ]+", text) if word.casefold() not in SHARED)
    if best is None or most * 2 < latin:
        return None
    if best == "ar" and _URDU.search(text):
        return "ur"
    if best == "ru" and _UKRAINIAN.search(text):
        return "uk"
    if best == "zh" and any("\u3040" <= char <= "\u30ff" for char in text):
        return "ja"
    return best


def _chinese(text: str, prior: str | None) -> str:
    simplified = sum(char in _SIMPLIFIED and char not in _TRADITIONAL for char in text)
    traditional = sum(char in _TRADITIONAL and char not in _SIMPLIFIED for char in text)
    if simplified == traditional:
        return prior if prior in ("zh_Hans", "zh_Hant") else "zh_Hans"
    return "zh_Hans" if simplified > traditional else "zh_Hant"


def _owner(found: Counter[str]) -> str:
    most, times = found.most_common(1)[0]
    return most if times >= 3 * found["en"] else "en"


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", text).casefold())


def _features(text: str, without: frozenset[str] = frozenset()) -> NDArray[np.int64]:
    """Hashed words (twice) and character 2- to 4-grams of each word, shared words and those of `without` left out."""
    found: list[int] = []
    for word in _words(text):
        if word in SHARED or word in without:
            continue
        found += [_bucket("w" + word)] * 2
        padded = f"<{word}>"
        for size in (2, 3, 4):
            found += [_bucket(padded[i : i + size]) for i in range(len(padded) - size + 1)]
    return np.asarray(found, dtype=np.int64)


def _bucket(feature: str) -> int:
    return zlib.crc32(feature.encode()) % BUCKETS
