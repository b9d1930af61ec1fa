"""Logs that cannot hold what a person wrote or who they are.

Libraries format message texts, phone numbers and SQL parameters into their log lines and tracebacks (Rasa and SQLAlchemy were seen
to). So nothing that a library says is printed: only which logger spoke, how loud, from which line of code, and the types and
code lines of an exception, never its message and never a local variable. Our own events print the keys below and nothing else.

`configure` must run before Rasa is imported: used as a library, its structlog starts at DEBUG and prints every message.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
import warnings
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

# What our own events may carry. Values are numbers, ids of content, codes and fixed words; strings are cut and checked below.
ALLOWED = frozenset(
    {
        "event", "level", "ms", "code", "status", "channel", "locale", "id", "count", "pid", "port", "path", "profile", "state",
        "seconds", "where", "error", "logger", "reason", "version", "url",
    }
)  # fmt: skip
_PLAIN = re.compile(r"^[A-Za-z0-9 _./:,;()=<>+\-\[\]']{0,300}$")
_LONG_NUMBER = re.compile(r"\d[\d\s().-]{7,}\d")
OUR_LOGGER = "amparo"


def _allow(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: _safe(value) for key, value in event.items() if key in ALLOWED}


def _safe(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    if not _PLAIN.match(text) or _LONG_NUMBER.search(text):
        return "(not shown)"
    return text


def where(error: BaseException) -> str:
    """The innermost code lines of an exception, as `file:line` from the outside in."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


class _Formatter(logging.Formatter):
    """For every record that is not ours: its place, and nothing that it says."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name == OUR_LOGGER:
            return str(record.msg)
        line = f"{record.levelname.lower()} logger={record.name} where={record.module}:{record.lineno}"
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line += f" error={type(error).__name__} at={where(error)}"
        return line


def configure() -> None:
    """Set up logging for the whole process: structlog, the standard library, warnings and uncaught exceptions. To stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.ERROR)
    ours = logging.getLogger(OUR_LOGGER)
    ours.setLevel(logging.INFO)
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            _allow,
            structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_factory,
        cache_logger_on_first_use=False,
    )
    warnings.showwarning = lambda *_, **__: (
        None
    )  # libraries reset the filters; a warning is for their makers, not for people here
    logging.raiseExceptions = False  # a failing handler would print the record, arguments and all
    sys.excepthook = _uncaught


def _factory(*names: Any) -> Any:
    """Our own logger for our own code; for any library that uses structlog (Rasa does), one that says nothing."""
    if names and names[0] == OUR_LOGGER:
        return logging.getLogger(OUR_LOGGER)
    return structlog.testing.ReturnLogger()


def _uncaught(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    sys.stderr.write(f"error event=uncaught error={kind.__name__} at={where(error)}\n")


def logger() -> Any:
    """The logger for our own events: `logger().info("turn", ms=12, locale="es")`."""
    return structlog.get_logger(OUR_LOGGER)
