"""Scenes for a forum: what a person writes, message by message, in each language (content/scenes.yml). The answers are the assistant's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.knowledge.errors import ContentError
from bot.knowledge.yamlfile import Entry, load

CHANNELS = ("sms", "web")
_KEYS = ("title", "topic", "answer")


@dataclass(frozen=True)
class Step:
    """One message, and the channels that it is sent on: both, or the one where it means something (a number answers a text message)."""

    text: str
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """`title` names no topic that somebody would not want to be seen with; `answer` is the catalogue id that the first message gets.
    `steps` by locale."""

    id: str
    title: str
    topic: str
    answer: str
    steps: dict[str, tuple[Step, ...]]


def load_scenes(path: Path, locales: Iterable[str]) -> list[Scene]:
    """All scenes, each in all `locales`. Raises ContentError for the first that is not sound."""
    data, wanted = load(path), list(locales)
    return [_scene(id_, data, wanted) for id_ in data]


def _scene(id_: str, data: Entry, locales: list[str]) -> Scene:
    entry = data[id_]
    if not isinstance(entry, Entry):
        raise data.error(id_, f"{id_} must be a mapping")
    for key in entry:
        if key not in _KEYS and key not in locales:
            raise entry.error(key, f"{id_}: unknown key `{key}`")
    for key in (*_KEYS, *locales):
        if not entry.get(key):
            raise data.error(id_, f"{id_} has no `{key}`")
    steps = {locale: tuple(_step(message, entry.error(locale, f"{id_}: a message must be a text")) for message in entry[locale])
             for locale in locales}  # fmt: skip
    return Scene(id_, entry["title"], entry["topic"], entry["answer"], steps)


def _step(message: object, error: ContentError) -> Step:
    if isinstance(message, str):
        return Step(message, CHANNELS)
    if isinstance(message, dict) and len(message) == 1:
        ((channel, text),) = message.items()
        if channel in CHANNELS and isinstance(text, str):
            return Step(text, (channel,))
    raise error
