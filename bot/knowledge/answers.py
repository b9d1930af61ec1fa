"""Answers and system texts: the English source of every sentence, by stable id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from bot.knowledge.errors import ContentError
from bot.knowledge.yamlfile import Entry, load

LAYERS = ("us", "ny", "nyc")
PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\.[a-z0-9_]+)*)\}")
_KEYS = {
    "layer", "title", "sms_title", "short", "more", "long", "say", "next", "rests_on", "basic", "note",
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """One entry of content/answers or content/system, in English, its placeholders not filled.

    `id` is the catalogue id, or `system/…`. `texts` maps a field name (`title`, `sms_title`, `short`, `more.0` …, `long`,
    `basic`) to its sentence; these are what is translated. `say` holds English words to show and is not translated.
    """

    id: str
    layer: str
    texts: dict[str, str]
    say: str | None
    next: tuple[str, ...]
    rests_on: tuple[str, ...]
    path: Path
    line: int
    lines: dict[str, int]

    @property
    def parts(self) -> list[str]:
        """The names of its SMS parts in order: `short`, then `more.0`, `more.1` …"""
        return ["short", *sorted((k for k in self.texts if k.startswith("more.")), key=lambda k: int(k[5:]))]

    def facts(self) -> list[str]:
        """The ids of all facts that its sentences state or rest on, in order, each once."""
        found: dict[str, None] = {}
        for text in [*self.texts.values(), self.say or ""]:
            for name in PLACEHOLDER.findall(text):
                if name.startswith("fact."):
                    found[name[5:]] = None
        return list(found | dict.fromkeys(self.rests_on))

    def context(self, field: str) -> str:
        """The stable id of one of its sentences: the `msgctxt` of its translations."""
        return f"{self.id}/{field}" if self.id.startswith(("system/", "flow/")) else f"answer/{self.id}/{field}"

    def error(self, field: str, problem: str) -> ContentError:
        return ContentError(self.path, self.lines.get(field.split(".")[0], self.line), f"{self.id}: {problem}")


def load_answers(folder: Path, prefix: str = "") -> dict[str, Answer]:
    """All entries of the folder's files by id (`prefix` + key). Raises ContentError for the first that is not sound."""
    answers: dict[str, Answer] = {}
    for path in sorted(folder.glob("*.yml")):
        if path.name == "units.yml":
            continue
        data = load(path)
        for key in data:
            id_ = prefix + key
            if id_ in answers:
                raise data.error(key, f"{id_} stands in {answers[id_].path.name} too")
            answers[id_] = make_answer(id_, key, data)
    return answers


def make_answer(id_: str, key: str, data: Entry, *, more_keys: Set[str] = frozenset()) -> Answer:
    """The answer that stands in `data` under `key`. `more_keys` may stand in it besides. Raises ContentError."""
    entry = data[key]
    if not isinstance(entry, Entry):
        raise data.error(key, f"{id_} must be a mapping")
    for name in entry:
        if name not in _KEYS and name not in more_keys:
            raise entry.error(name, f"{id_}: unknown key `{name}`")
    if not isinstance(entry.get("short"), str):
        raise data.error(key, f"{id_} has no `short`")
    layer = entry.get("layer", "us")
    if layer not in LAYERS:
        raise entry.error("layer", f"{id_}: layer {layer!r} is none of {', '.join(LAYERS)}")
    texts = dict(_texts(id_, entry))
    for list_key in ("next", "rests_on"):
        if not all(isinstance(item, str) for item in _list(id_, entry, list_key)):
            raise entry.error(list_key, f"{id_}: {list_key} must be a list of ids")
    return Answer(
        id=id_,
        layer=layer,
        texts=texts,
        say=entry.get("say"),
        next=tuple(_list(id_, entry, "next")),
        rests_on=tuple(_list(id_, entry, "rests_on")),
        path=data.path,
        line=data.line_of(key),
        lines=entry.lines,
    )


def _list(id_: str, entry: Entry, key: str) -> list[str]:
    value = entry.get(key, [])
    if not isinstance(value, list):
        raise entry.error(key, f"{id_}: {key} must be a list")
    return value


def _texts(id_: str, entry: Entry) -> Iterator[tuple[str, str]]:
    for name in ("title", "sms_title", "short", "basic", "long"):
        if name in entry:
            if not isinstance(entry[name], str) or not entry[name].strip():
                raise entry.error(name, f"{id_}: {name} must be a sentence")
            yield name, entry[name].strip()
    for number, part in enumerate(_list(id_, entry, "more")):
        if not isinstance(part, str) or not part.strip():
            raise entry.error("more", f"{id_}: each part of `more` must be a sentence (quote what holds ': ')")
        yield f"more.{number}", part.strip()
