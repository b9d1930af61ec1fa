"""What can go wrong with content, said so that the person who edits it can mend it."""

from __future__ import annotations

from pathlib import Path


class ContentError(Exception):
    """A content file that cannot be used.

    `str()` gives `file:line: what is wrong`, the line counted from 1 (0 when the whole file is meant).
    """

    def __init__(self, path: Path | str, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")
        self.path = Path(path)
        self.line = line
        self.problem = problem


class UnknownId(KeyError):
    """An id that no catalogue, answer or system text has."""

    def __str__(self) -> str:
        return f"unknown id: {self.args[0]}"


class UnknownLocale(KeyError):
    """A locale that is not in content/locales.yml."""

    def __str__(self) -> str:
        return f"unknown locale: {self.args[0]} (known: {', '.join(self.args[1])})"
