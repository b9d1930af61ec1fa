"""Finding an answer by the first letters of its words, and a language by the first letters of its English name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from babel import Locale

from bot.knowledge import Knowledge

NUMBERED = 9  # results that one key opens
# What the languages of content/locales.yml are called in English, where CLDR's name is not what a person would type first.
_NAMES = {"bn": "Bengali", "zh_Hans": "Chinese, simplified", "zh_Hant": "Chinese, traditional"}
_WORD = re.compile(r"[\w’']+")


@dataclass(frozen=True)
class Found:
    """An answer that matches: its id, title, and what a person wants who asks it."""

    id: str
    title: str
    about: str


def english_name(code: str) -> str:
    """The English name of a language that the assistant writes."""
    return _NAMES.get(code) or str(Locale("en").languages.get(code) or code)


def languages(knowledge: Knowledge) -> list[tuple[str, str, str]]:
    """(code, English name, own name) of the languages offered to people, by English name."""
    served = [(info.code, english_name(info.code), info.name) for info in knowledge.served()]
    return sorted(served, key=lambda language: language[1])


def answers(knowledge: Knowledge, typed: str) -> list[Found]:
    """The answers with words that begin with every typed word: those that begin their title or id first, then others in the title or id,
    then those in what the catalogue says of them. An id finds itself alone."""
    wanted = [word.casefold() for word in _WORD.findall(typed.replace("_", " "))][:8]
    if not wanted:
        return []
    ranked = []
    for number, (id_, question) in enumerate(knowledge.questions.items()):
        if id_ not in knowledge.answers:
            continue
        title = knowledge.title(id_, "en", "web")
        if wanted == id_.split("_"):
            return [Found(id_, title, question.about)]
        rank = _rank(wanted, _words(title), _words(id_), _words(question.about))
        if rank is not None:
            ranked.append((rank, number, Found(id_, title, question.about)))
    return [found for _, _, found in sorted(ranked, key=lambda entry: entry[:2])]


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text.replace("_", " "))]


def _rank(wanted: list[str], title: list[str], id_: list[str], about: list[str]) -> int | None:
    for rank, words in enumerate((title[: len(wanted)], id_[: len(wanted)])):
        if len(words) == len(wanted) and all(word.startswith(want) for word, want in zip(words, wanted, strict=True)):
            return rank
    if all(any(word.startswith(want) for word in (*title, *id_)) for want in wanted):
        return 2
    return 3 if all(any(word.startswith(want) for word in (*title, *id_, *about)) for want in wanted) else None
