"""Who has reviewed what: a signature is bound to the sentences and the values that were read, and lapses when either changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from bot.knowledge.knowledge import ROOT, Knowledge
from bot.knowledge.yamlfile import load

FILE = ROOT / "content" / "reviews.yml"
_HEADER = """\
# Signatures of people who have read an answer with its facts: `amparo sign ID --role ROLE [--lang LOCALE]` writes them here.
# One lapses when a sentence or a value changes. Nothing stands here that a person has not signed.
"""


@dataclass(frozen=True)
class Review:
    """A signature. `role` such as `immigration lawyer` or `native speaker`; never a person's name."""

    role: str
    on: date
    hash: str


def fingerprint(knowledge: Knowledge, id_: str, locale: str) -> str:
    """A hash of every sentence of the answer in a language and of every value that it states or rests on."""
    answer = knowledge.answer(id_)
    digest = hashlib.sha256()
    for name in sorted(answer.texts):
        digest.update(knowledge.catalogues.find(answer.context(name), answer.texts[name], locale).text.encode() + b"\0")
    digest.update((answer.say or "").encode() + b"\0")
    for fact in sorted(knowledge.facts_of(id_), key=lambda fact: fact.id):
        digest.update(f"{fact.id} {fact.type} {fact.value!r} {fact.unit} {fact.source.url}\0".encode())
    return digest.hexdigest()[:16]


def load_reviews(path: Path = FILE) -> dict[tuple[str, str], Review]:
    """All signatures by (id, locale), lapsed ones too. Raises ContentError."""
    found = {}
    for id_, by_locale in load(path).items():
        for locale, entry in by_locale.items():
            found[id_, locale] = Review(entry["role"], entry["on"], entry["hash"])
    return found


def state(knowledge: Knowledge, reviews: dict[tuple[str, str], Review], id_: str, locale: str = "en") -> str:
    """`reviewed`, `lapsed` (something changed since), or `not reviewed`."""
    review = reviews.get((id_, locale))
    if review is None:
        return "not reviewed"
    return "reviewed" if review.hash == fingerprint(knowledge, id_, locale) else "lapsed"


def sign(knowledge: Knowledge, id_: str, locale: str, role: str, on: date, path: Path = FILE) -> None:
    """Record that somebody in `role` has read the answer in `locale` with its facts. Raises UnknownId, UnknownLocale."""
    knowledge.answer(id_)
    knowledge.locale(locale)
    data = {key: dict(value) for key, value in load(path).items()}
    data.setdefault(id_, {})[locale] = {"role": role, "on": on, "hash": fingerprint(knowledge, id_, locale)}
    path.write_text(_HEADER + yaml.safe_dump(data, sort_keys=True, allow_unicode=True), encoding="utf-8")
