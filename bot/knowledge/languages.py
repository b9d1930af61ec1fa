"""Languages that we do not write: their names, and the English words that get an interpreter for them (content/languages.yml)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.knowledge.yamlfile import load


@dataclass(frozen=True)
class Unwritten:
    """`name` and `say` are English, for a clerk or an operator. `typed` names the language alone, `after_speak` only after a word for
    "I speak"; not in conversations of the locales `not_in`. `code` is ISO 639; `may_read` locales of ours."""

    key: str
    name: str
    code: str
    say: str
    typed: tuple[str, ...]
    after_speak: tuple[str, ...] = ()
    not_in: tuple[str, ...] = ()
    may_read: tuple[str, ...] = ()


def load_unwritten(path: Path) -> tuple[dict[str, Unwritten], tuple[str, ...]]:
    """(languages by key, the frames for "I speak {}"). Raises ContentError."""
    data = load(path)
    found: dict[str, Unwritten] = {}
    for key, entry in data["languages"].items():
        lists = {name: tuple(map(str, entry.get(name, []))) for name in ("typed", "after_speak", "not_in", "may_read")}
        found[key] = Unwritten(key, str(entry["name"]), str(entry["code"]), str(entry["say"]), **lists)
    return found, tuple(map(str, data["frames"]))
