"""Guided conversations as data (content/flows/*.yml): nodes with a text, choices that lead to other nodes, and leaves.

Each node is also an answer with the id `flow/<flow>/<node>`, so that its sentences are checked, translated, dated and held like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.knowledge.answers import Answer, make_answer
from bot.knowledge.errors import ContentError
from bot.knowledge.yamlfile import Entry, load

CHANNELS = ("web", "sms")
PREFIX = "flow/"
PAPERS = "/papers"  # how the id of the node ends at which papers are counted
LABEL = "system/choice_"  # + yes, no, unsure, skip …
_GRAPH = {"choices", "exits", "leaf", "skip"}


@dataclass(frozen=True)
class Choice:
    """`to` is a node's id, `label` the id of the text that names the choice: the node's own title, or a system text."""

    to: str
    label: str

    def __str__(self) -> str:
        """As it is offered and comes back: `flow/…/node|label`."""
        return f"{self.to}|{self.label}"


@dataclass(frozen=True)
class Node:
    """A place in a flow. A `leaf` says something complete; one without choices is an end. `skip` is the node to which SKIP leads."""

    id: str
    choices: tuple[Choice, ...]
    leaf: bool
    skip: str | None


@dataclass(frozen=True)
class Paper:
    """A kind of paper and the points that it may give; `label` names it."""

    id: str
    label: str
    identity: int
    residency: int


@dataclass(frozen=True)
class Flow:
    """`start` is the first node on each channel; `private`: better read on the web than on a phone that others see; `papers` what the node `papers` counts, where there is one; `end` the text that stands
    after each end (a lawyer, a warning)."""

    id: str
    start: Mapping[str, str]
    nodes: Mapping[str, Node]
    papers: tuple[Paper, ...] = ()
    end: str | None = None
    private: bool = False

    def reached(self, channel: str) -> Iterator[str]:
        """The nodes that can be reached on a channel, breadth first."""
        yield from self._before(channel)

    def before(self, channel: str, id_: str) -> str:
        """The node to which BACK leads: the nearest one from the start that leads to this one. The way that a person came is not kept."""
        return self._before(channel).get(id_, self.start[channel])

    def _before(self, channel: str) -> dict[str, str]:
        """Each node that can be reached, and the one before it; the start stands before itself."""
        start = self.start[channel]
        waiting, before = [start], {start: start}
        while waiting:
            id_ = waiting.pop(0)
            for choice in self.nodes[id_].choices:
                if choice.to not in before:
                    before[choice.to] = id_
                    waiting.append(choice.to)
        return before


def flow_of(id_: str) -> str:
    """The flow of a node's id."""
    return id_.split("/")[1]


def load_flows(folder: Path) -> tuple[dict[str, Flow], dict[str, Answer]]:
    """(flows by id, the texts of their nodes and papers by id). Raises ContentError, with file and line."""
    flows: dict[str, Flow] = {}
    answers: dict[str, Answer] = {}
    for path in sorted(folder.glob("*.yml")):
        data = load(path)
        flow = path.stem
        entries: Entry = data["nodes"]
        for key in entries:
            answers[f"{PREFIX}{flow}/{key}"] = make_answer(f"{PREFIX}{flow}/{key}", key, entries, more_keys=_GRAPH)
        papers = []
        for entry in data.get("papers", []):
            label = f"{PREFIX}{flow}/paper_{entry['id']}"
            answers[label] = Answer(label, "nyc", {"title": entry["title"], "short": entry["title"]}, None, (), (entry["fact"],), path,
                                    entry.line, entry.lines)  # fmt: skip
            papers.append(Paper(str(entry["id"]), label, int(entry["identity"]), int(entry["residency"])))
        nodes = {f"{PREFIX}{flow}/{key}": _node(flow, key, entries) for key in entries}
        start = {channel: f"{PREFIX}{flow}/{data['start'][channel]}" for channel in CHANNELS}
        for node in nodes.values():
            for choice in node.choices:
                if choice.to not in nodes:
                    raise entries.error(node.id.rsplit("/", 1)[1], f"{node.id}: there is no node {choice.to}")
            if node.skip is not None and node.skip not in nodes:
                raise entries.error(node.id.rsplit("/", 1)[1], f"{node.id}: there is no node {node.skip}")
        if missing := [node for node in start.values() if node not in nodes]:
            raise data.error("start", f"there is no node {missing[0]}")
        end = f"system/{data['end']}" if "end" in data else None
        flows[flow] = Flow(flow, start, nodes, tuple(papers), end, bool(data.get("private")))
    return flows, answers


def _node(flow: str, key: str, entries: Entry) -> Node:
    entry, id_ = entries[key], f"{PREFIX}{flow}/{key}"
    given = entry.get("choices", {})
    labels = list(given.items()) if isinstance(given, dict) else []
    pairs: list[tuple[str | None, Any]] = [(f"{LABEL}{label}", to) for label, to in labels]
    pairs += [(None, to) for to in [*(given if isinstance(given, list) else []), *entry.get("exits", [])]]
    choices = []
    for label, to in pairs:
        if not isinstance(to, str):
            raise ContentError(entry.path, entry.line, f"{id_}: a choice leads to a node's name")
        target = f"{PREFIX}{flow}/{to}"
        choices.append(Choice(target, label or target))
    onward = next((choice.to for name in ("skip", "next") for choice in choices if choice.label == LABEL + name), None)
    if onward is None and len(choices) == 1:
        onward = choices[0].to
    skip = f"{PREFIX}{flow}/{entry['skip']}" if "skip" in entry else onward
    return Node(id_, tuple(choices), bool(entry.get("leaf")), skip)
