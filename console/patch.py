"""Facts looked at again, as a patch to content/facts that an engineer can land with `git apply`. The files are changed as text: every
comment and every other line stays."""

from __future__ import annotations

import difflib
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from bot.knowledge import ContentError
from bot.knowledge.facts import Fact, load_facts
from bot.store.console import Proposal

FOLDER = "content/facts"
LONGEST = 400  # characters of a value
Edit = tuple[int, int, str]  # from, to, and what stands there then
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class BadValue(Exception):
    """A value that is not of the fact's type; `str()` says what is wanted."""


def value_of(fact: Fact, typed: str) -> str:
    """What was typed as the fact's new value, as it will stand in the file. Raises BadValue."""
    text = " ".join(typed.split())
    if not text or len(text) > LONGEST or not text.isprintable():
        raise BadValue(f"A value is one line of at most {LONGEST} characters.")
    if fact.type == "phone":
        return _matched(text, r"[0-9][0-9-]{2,}", "{{phone: {0}}}", "digits and hyphens")
    if fact.type == "money":
        return _matched(text.lstrip("$"), r"(?:0|[1-9]\d*)(?:\.\d\d)?", "{{money: {0}}}", "dollars, such as 50 or 12.50")
    if fact.type == "number":
        return _matched(text.replace(",", ""), r"(?:0|[1-9]\d*)(?:\.\d+)?", "{{number: {0}}}", "a number, such as 10000")
    if fact.type == "count":
        return _matched(text, r"(?:0|[1-9]\d*)(?:\.\d+)?", f"{{{{count: {{0}}, unit: {fact.unit}}}}}", f"a number ({fact.unit})")
    if fact.type == "date":
        try:
            date.fromisoformat(text)
        except ValueError:
            raise BadValue("This value is a day, such as 2027-01-31.") from None
        return _matched(text, r"\d{4}-\d\d-\d\d", "{{date: {0}}}", "a day, such as 2027-01-31")
    if fact.type == "hours":
        return _hours(text)
    return f"{{{fact.type}: {json.dumps(text, ensure_ascii=False)}}}"


def _matched(text: str, pattern: str, written: str, wanted: str) -> str:
    if not re.fullmatch(pattern, text, re.ASCII):
        raise BadValue(f"This value is {wanted}.")
    return written.format(text)


def _hours(text: str) -> str:
    if text == "always":
        return "{hours: always}"
    spans = [span.split() for span in text.replace(";", ",").split(",")]
    day = r"(?:mon|tue|wed|thu|fri|sat|sun)"
    for span in spans:
        if len(span) != 2 or not re.fullmatch(rf"{day}(?:-{day})?", span[0]) or not re.fullmatch(r"[\d:-]{11}", span[1]):
            raise BadValue("Hours are: always; or days and times, such as mon-fri 09:00-17:00, sat 10:00-14:00.")
    return "{hours: {" + ", ".join(f"{days}: {times}" for days, times in spans) + "}}"


def check(root: Path, proposal: Proposal) -> None:
    """Whether the content's own reader accepts the file with the proposal in it. Raises BadValue."""
    with tempfile.TemporaryDirectory() as folder:
        facts = Path(folder) / "facts"
        shutil.copytree(root / FOLDER, facts)
        for name, (_, after) in changed(root, [proposal]).items():
            (facts / name).write_text(after, encoding="utf-8")
        try:
            load_facts(facts)
        except ContentError as error:
            raise BadValue(f"The content's own check refuses this: {error.problem}.") from None


def waiting(root: Path, proposals: Iterable[Proposal]) -> list[Proposal]:
    """The proposals that are not in the files yet; nor is a newer look at the fact."""
    proposals = list(proposals)
    left = {id_ for _, _, ids in _walk(root, proposals) for id_ in ids}
    return [proposal for proposal in proposals if proposal.fact in left]


def patch(root: Path, proposals: Iterable[Proposal]) -> str:
    """A unified diff from the root, empty where there is nothing to change."""
    parts: list[str] = []
    for name, (before, after) in changed(root, proposals).items():
        path = f"{FOLDER}/{name}"
        parts += difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{path}", f"b/{path}")
    return "".join(parts)


def changed(root: Path, proposals: Iterable[Proposal]) -> dict[str, tuple[str, str]]:
    """File name -> (its text, its text with the proposals in it), for the files that change."""
    found: dict[str, tuple[str, str]] = {}
    for path, before, edits in _walk(root, proposals):
        after = before
        for start, end, new in sorted((edit for of_fact in edits.values() for edit in of_fact), reverse=True):
            after = after[:start] + new + after[end:]
        found[path.name] = (before, after)
    return found


def _walk(root: Path, proposals: Iterable[Proposal]) -> Iterator[tuple[Path, str, dict[str, list[Edit]]]]:
    """(file, its text, the edits by fact), for the files that change."""
    wanted = {proposal.fact: proposal for proposal in proposals}
    for path in sorted((root / FOLDER).glob("*.yml")) if wanted else ():
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, _Loader)
        entries = {key.value: entry for key, entry in node.value} if isinstance(node, yaml.MappingNode) else {}
        found = {id_: _edits(text, entries[id_], wanted[id_]) for id_ in entries.keys() & wanted.keys()}
        if edits := {id_: of_fact for id_, of_fact in found.items() if of_fact}:
            yield path, text, edits


def _edits(text: str, entry: yaml.MappingNode, proposal: Proposal) -> list[Edit]:
    edits: list[Edit] = []
    for key, value in entry.value:
        if key.value in ("checked", "how"):
            new = proposal.checked.isoformat() if key.value == "checked" else proposal.how
            if key.value == "checked" and value.value > new:
                return []
            edits.append((value.start_mark.index, value.end_mark.index, new))
        elif key.value == "value" and proposal.value is not None:
            edits.append((key.end_mark.index, _end(text, value), f": {proposal.value}"))
        elif key.value == "recheck" and date.fromisoformat(value.value) <= proposal.checked:
            # Done: from here on the day comes from the kind again.
            end = text.find("\n", value.end_mark.index)
            edits.append((text.rindex("\n", 0, key.start_mark.index), end if end >= 0 else len(text), ""))
    return [(start, end, new) for start, end, new in edits if text[start:end] != new]


def _end(text: str, node: yaml.Node) -> int:
    """Where a value ends. A block's mark is where the next thing begins: what is between belongs to that."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        return max(_end(text, value) for _, value in node.value)
    return len(text[: node.end_mark.index].rstrip())
