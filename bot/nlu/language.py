"""Which language a short message is in.

Script decides first. Between languages of one script a naive Bayes over words and character n-grams decides, trained on our own
examples (data/nlu, and data/languages for those that we do not write): off-the-shelf identifiers were seen to fail on one to three words. Needs neither Rasa nor the encoder, so that the
public process can answer a failure in the person's language.
"""

from __future__ import annotations

import functools
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
OTHERS = Path(__file__).resolve().parents[2] / "data" / "languages"
LATIN = "latin"
SHARED_SCRIPTS = frozenset({LATIN, "ru", "ar", "hi"})  # scripts of several languages: here words decide
# In units of log probability, chosen on the training examples (cross-validated), never on held-out messages:
LOAN = 26.0  # what an English word in another language's sentence costs it
WORD = 5  # how often a known word counts beside its n-grams
RARE = 12.0  # how much likelier a message is in a language that we write
KEEP = 14.0  # how much the conversation's language is preferred
CERTAIN = 2.0  # words are no independent evidence: differences count for less
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
# Words: letters, the signs that belong to letters, and the digits that stand for letters in Arabic typed with Latin ones ("3ashan", "btenfa3").
_WORD = re.compile(r"(?:[^\W\d_]|[\u0900-\u0963\u064b-\u0652]|(?<=[a-z])[23579](?!\d)|(?<!\w)[379](?=[a-z]{3}))+")
# Characters of written Cantonese, which New Yorkers from Hong Kong and Guangdong read in the traditional script.
_CANTONESE = frozenset("唔咗嘅喺冇嚟佢哋啲嗰嘢咩攞瞓俾畀")
UNDETERMINED = "und"
_NEVER_LATIN = frozenset({"zh_Hans", "zh_Hant", "ko"})  # an example of theirs in Latin letters is English


class LanguageIdentifier:
    """A naive Bayes over the words and character n-grams of each word; `fit` it, or `load` a fitted one. It decides among the languages
    that are written in the message's script; a script of one language decides by itself."""

    def __init__(self, languages: list[str], scripts: list[list[str]], weights: NDArray[np.float32], others: list[str]) -> None:
        self.languages = languages
        self._scripts = scripts  # of each language
        self._weights = weights  # [BUCKETS, len(languages)]: log probability of a feature in a language
        self._others = others  # those that we do not write
        self._rare = np.asarray([RARE if language in others else 0.0 for language in languages], np.float32)

    @classmethod
    def fit(cls, examples: Iterable[tuple[str, str]], others: Iterable[tuple[str, str]] = ()) -> LanguageIdentifier:
        """From (text, locale) pairs, and (text, ISO code) pairs of languages that we do not write. People text whole messages in English
        from every language: those among the examples are left out of a second fit."""
        examples, others = list(examples), list(others)
        first = cls._fit(examples, others)
        own = [(text, locale) for text, locale in examples if locale == "en" or first.identify(text, locale)[0] != "en"]
        return cls._fit(own, others)

    @classmethod
    def _fit(cls, examples: list[tuple[str, str]], others: list[tuple[str, str]]) -> LanguageIdentifier:
        """A word that stands in the examples of four languages or more ("hello", "hola", "court") counts only
        for those that use it much."""
        known = [(text, language, script_of(text) or LATIN) for text, language in [*examples, *others]]
        known = [row for row in known if row[2] in SHARED_SCRIPTS and not (row[2] == LATIN and row[1] in _NEVER_LATIN)]
        uses: dict[str, Counter[str]] = {}
        for text, language, _ in known:
            for word in _words(text):
                uses.setdefault(word, Counter())[language] += 1
        foreign = {word: _borrowers(found) for word, found in uses.items() if len(found) >= 4}
        features = functools.lru_cache(maxsize=None)(_features)  # for training only: nothing that people write stays in a cache
        counts: dict[str, NDArray[np.float32]] = {}
        written: dict[str, Counter[str]] = {}
        for text, language, script in known:
            row = counts.setdefault(language, np.zeros(BUCKETS, np.float32))
            written.setdefault(language, Counter())[script] += 1
            for word in _words(text):
                if language not in foreign.get(word, ()) and word not in SHARED:
                    np.add.at(row, features(word), 1)
        languages = sorted(counts)
        if not languages:
            return cls(["en"], [[LATIN]], np.zeros((BUCKETS, 1), np.float32), [])
        # A language with few examples must not look likelier for all that it never met: each counts as if it had a million features.
        table = np.stack([counts[language] / counts[language].sum() * 1e6 for language in languages], axis=1) + 0.5
        scripts = [[s for s, n in written[language].items() if n > 0.02 * written[language].total()] for language in languages]
        weights = np.log(table / table.sum(axis=0, keepdims=True)).astype(np.float32)
        return cls(languages, scripts, weights, sorted({language for _, language in others}))

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            names = json.dumps({"languages": self.languages, "scripts": self._scripts, "others": self._others})
            np.savez_compressed(stream, weights=self._weights.astype(np.float16), names=names)

    @classmethod
    def load(cls, path: Path) -> LanguageIdentifier:
        """Raises OSError, KeyError or ValueError when there is no readable one."""
        with np.load(path, allow_pickle=False) as data:
            return cls(**json.loads(str(data["names"])), weights=data["weights"].astype(np.float32))

    def identify(self, text: str, prior: str | None = None) -> tuple[str, float]:
        """(language, confidence 0 to 1). `prior` is the conversation's locale: it keeps unless the text clearly speaks against it.

        The language is a locale, an ISO code of a language that we do not write, or `und` for a text without letters. A message that
        mixes English words into another language is in the other one.
        """
        script = script_of(text) or LATIN
        if script == "zh":
            return _chinese(text, prior), 1.0
        if script not in SHARED_SCRIPTS:
            return script, 1.0
        words = [word for word in _words(text) if word not in SHARED and (script_of(word) or LATIN) == script]
        if sum(map(len, words)) < 3:  # "help me", "ok 2 u": two letters tell nothing
            return (prior or UNDETERMINED), 0.0
        each = np.stack([self._weights[_features(word)].sum(axis=0) for word in words])  # [words, languages]
        if "en" in self.languages:
            # An English word in another language's sentence is a loan: it speaks against that language by no more than so much.
            english = each[:, [self.languages.index("en")]]
            each = np.maximum(each, english - LOAN)
        scores = each.sum(axis=0)
        scores -= self._rare
        scores[[script not in scripts for scripts in self._scripts]] = -np.inf
        if prior in self.languages and np.isfinite(scores[self.languages.index(prior)]):
            scores[self.languages.index(prior)] += KEEP
        shares = np.exp((scores - scores.max()) / CERTAIN)
        shares /= shares.sum()
        best = int(shares.argmax())
        return self.languages[best], float(shares[best])


def script_of(text: str) -> str | None:
    """The language that the script of the letters stands for, or None for Latin script and for no letters. Han is `zh`; `ru`, `ar` and `hi`
    stand for the scripts that they share with others (SHARED_SCRIPTS). Latin letters beside another script are English words in it."""
    best, most = None, 0
    for code, pattern in _SCRIPT_PATTERNS:
        found = len(pattern.findall(text))
        if found > most:
            best, most = code, found
    latin = sum(len(word) for word in re.findall(r"[A-Za-zÀ-ɏ]+", text) if word.casefold() not in SHARED)
    if best is None or (latin and most < (1 if best == "zh" else 3)):
        return None  # a stray letter in a Latin text
    if best == "zh" and any("\u3040" <= char <= "\u30ff" for char in text):
        return "ja"
    return best


def _chinese(text: str, prior: str | None) -> str:
    """Which script, by the characters that stand in only one of the two old national character sets; a tie goes to `prior`,
    then to the traditional one if it is Cantonese."""
    balance = sum(_in(char, "gb2312") - _in(char, "big5hkscs") for char in text if "\u3400" <= char <= "\u9fff")
    if balance == 0:
        plain = "zh_Hant" if _CANTONESE & set(text) else "zh_Hans"
        return prior if prior in ("zh_Hans", "zh_Hant") else plain
    return "zh_Hans" if balance > 0 else "zh_Hant"


@functools.cache
def _in(char: str, charset: str) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _borrowers(found: Counter[str]) -> frozenset[str]:
    """The languages that use a word far less than the one that uses it most. ("me" is at home in several.)"""
    most = found.most_common(1)[0][1]
    return frozenset(language for language, times in found.items() if times < 0.3 * most)


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", text).casefold())


def _features(word: str) -> NDArray[np.int64]:
    """Hashed: the word (WORD times) and its character 2- to 4-grams."""
    found = [_bucket("w" + word)] * WORD
    padded = f"<{word}>"
    for size in (2, 3, 4):
        found += [_bucket(padded[i : i + size]) for i in range(len(padded) - size + 1)]
    return np.asarray(found, dtype=np.int64)


def _bucket(feature: str) -> int:
    return zlib.crc32(feature.encode()) % BUCKETS


def samples(folder: Path = OTHERS) -> list[tuple[str, str]]:
    """(text, ISO code) of messages in languages that we do not write, one file a language."""
    return [
        (line, path.stem)
        for path in sorted(folder.glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line
    ]
