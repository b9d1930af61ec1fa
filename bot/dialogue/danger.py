"""Somebody in danger now: recognised by phrases, with no model, so that it works when everything else is down.

content/danger.yml holds the phrases. A false alarm costs one extra line; a miss may cost a life: phrases are generous, and the
model's own recognition of urgent messages stands beside this one.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.knowledge.yamlfile import load
from bot.nlu.text import fold

# A message about several: the first of these decides.
ORDER = (
    "emergency_now", "self_harm", "ice_here_now", "trafficked_now", "domestic_violence", "sexual_assault", "family_detained_now",
)  # fmt: skip
# Written without spaces, or with endings on the word: a phrase may stand inside a longer word.
_INSIDE = re.compile("[\u0600-\u06ff\u0980-\u09ff\u1100-\u11ff\u3130-\u318f\uac00-\ud7af\u3040-\u30ff\u3400-\u9fff]")
FRAGMENTS = timedelta(seconds=30)  # messages of one sender that are also read together


@dataclass(frozen=True)
class _Pattern:
    groups: tuple[frozenset[str], ...]  # a phrase of each must stand in the message
    unless: frozenset[str]  # and none of these


class DangerDetector:
    """`find` gives the urgent id that a message shows, or None. Build it with `load`; raises ContentError."""

    def __init__(self, patterns: dict[str, list[_Pattern]]) -> None:
        self._patterns = patterns
        # Phrases by their first word, so that a message is compared with the few that could stand in it, not with all.
        self._by_word: dict[str, list[str]] = {}
        self._inside: dict[str, list[str]] = {}  # by their first two characters
        for phrase in {p for found in patterns.values() for one in found for group in (*one.groups, one.unless) for p in group}:
            if _INSIDE.search(phrase):
                self._inside.setdefault(phrase[:2], []).append(phrase)
            else:
                self._by_word.setdefault(phrase.split(" ")[0], []).append(phrase)

    @classmethod
    def load(cls, path: Path) -> DangerDetector:
        data = load(path)
        patterns: dict[str, list[_Pattern]] = {}
        for id_ in data:
            if id_ not in ORDER:
                raise data.error(id_, f"{id_} is no urgent id (known: {', '.join(ORDER)})")
            for locale, entries in data[id_].items():
                for entry in entries:
                    keys = set(entry) - {"all", "any", "not"}
                    if keys or ("all" in entry) == ("any" in entry):
                        raise data[id_].error(locale, f"{id_} {locale}: a pattern has either `all` or `any`, and may have `not`")
                    groups = entry["all"] if "all" in entry else [entry["any"]]
                    pattern = _Pattern(tuple(_phrases(group) for group in groups), _phrases(entry.get("not", [])))
                    patterns.setdefault(id_, []).append(pattern)
        return cls(patterns)

    def find(self, text: str) -> str | None:
        """The id, by the order of preference, or None."""
        found = self._phrases_in(fold(text))
        if not found:
            return None
        for id_ in ORDER:
            for pattern in self._patterns.get(id_, []):
                if found.isdisjoint(pattern.unless) and not any(found.isdisjoint(group) for group in pattern.groups):
                    return id_
        return None

    def _phrases_in(self, folded: str) -> set[str]:
        """The phrases that stand in a folded message, as whole words (or anywhere, in scripts that join words)."""
        found: set[str] = set()
        for start in range(len(folded)) if _INSIDE.search(folded) else ():
            for length in (1, 2):  # a phrase may be one character
                here = self._inside.get(folded[start : start + length], ())
                found.update(phrase for phrase in here if folded.startswith(phrase, start))
        for word in set(folded.split()):
            found.update(phrase for phrase in self._by_word.get(word, ()) if f" {phrase} " in folded)
        return found


def _phrases(phrases: list[str]) -> frozenset[str]:
    return frozenset(filter(None, (fold(str(phrase)).strip() for phrase in phrases)))


class Listener:
    """Finds danger in a sender's message, and in it together with those of the last 30 seconds ("my husband" / "they took him" / "last
    night"), which are held in memory for so long and no longer."""

    def __init__(self, detector: DangerDetector) -> None:
        self._detector = detector
        self._recent: dict[str, deque[tuple[datetime, str]]] = {}

    def find(self, sender: str, text: str, at: datetime) -> str | None:
        """The urgent id, or None."""
        for other in [key for key, parts in self._recent.items() if at - parts[-1][0] > FRAGMENTS]:
            del self._recent[other]
        parts = self._recent.setdefault(sender, deque(maxlen=5))
        recent = [part for when, part in parts if at - when <= FRAGMENTS]
        parts.append((at, text[:300]))
        found = self._detector.find(text) or (self._detector.find(" ".join([*recent, text])) if recent else None)
        if found is not None:
            parts.clear()  # answered: the next message is not read as part of it again
            parts.append((at, ""))
        return found

    def alone(self, text: str) -> str | None:
        """The urgent id that this message shows by itself."""
        return self._detector.find(text)

    def forget(self, sender: str) -> None:
        self._recent.pop(sender, None)
