"""Read YAML and remember on which line each entry stands, so that an error can name it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from bot.knowledge.errors import ContentError

_Base: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Entry(dict[str, Any]):
    """A mapping read from a file: `line_of(key)` is the line (from 1) on which that key stands."""

    path: Path
    line: int
    lines: dict[str, int]

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)

    def error(self, key: str, problem: str) -> ContentError:
        """An error to raise about `key` of this mapping (or about the mapping, where it has no such key)."""
        return ContentError(self.path, self.line_of(key), problem)


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """YAML 1.2's idea of a scalar: `no` is a word (it is one, in many languages), `12:30` is not a number."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":int", ":float"))]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()  # type: ignore[attr-defined]
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+\.[0-9]+$"), list("-+0123456789"))


def load(path: Path) -> Entry:
    """The mapping in the file at `path`. Raises ContentError, with the line, for anything that is not one.

    A key that stands twice is an error: YAML would silently keep the last.
    """

    def mapping(loader: Any, node: yaml.MappingNode) -> Entry:
        entry = Entry()
        entry.path, entry.line, entry.lines = path, node.start_mark.line + 1, {}
        for key_node, value_node in node.value:
            key = str(loader.construct_object(key_node, deep=True))
            if key in entry:
                raise ContentError(path, key_node.start_mark.line + 1, f"{key} stands twice")
            entry.lines[key] = key_node.start_mark.line + 1
            entry[key] = loader.construct_object(value_node, deep=True)
        return entry

    class Loader(_Loader):
        pass

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ContentError(path, line, f"not readable as YAML: {error.problem}") from error
    except UnicodeDecodeError as error:
        raise ContentError(path, 0, "not UTF-8") from error
    except FileNotFoundError as error:
        raise ContentError(path, 0, "there is no such file") from error
    if data is None:
        data = Entry()
        data.path, data.line, data.lines = path, 0, {}
    if not isinstance(data, Entry):
        raise ContentError(path, 1, "must be a mapping (`key: value`)")
    return data
