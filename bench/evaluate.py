"""How well messages are understood: `make evaluate` prints it; docs/understanding.md holds the table and how to improve it.

Measured on data/held_out/<locale>.tsv (columns id, kind, text), which nothing is trained on: written by other hands than data/nlu, from the
catalogue alone. A held-out message that also stands in data/nlu, as folded text or but for a few characters, is left out.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import yaml

from bot.dialogue.danger import DangerDetector
from bot.dialogue.state import Conversation
from bot.engine.exchange import Request
from bot.engine.resolve import Decision, Parse, resolve
from bot.engine.turn import Engine  # configures logging before Rasa is imported
from bot.knowledge import Knowledge
from bot.nlu.text import fold

ROOT = Path(__file__).resolve().parents[1]
NEAR = 0.8  # share of character triples in common from which two messages are the same message
AT = datetime(2026, 11, 24, 17, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Row:
    """One held-out message and what was made of it."""

    locale: str
    id: str
    kind: str
    text: str
    parse: Parse
    decision: Decision
    danger: str | None
    seconds: float


def held_out() -> Iterator[tuple[str, str, str, str]]:
    """(locale, id, kind, text) of each held-out message."""
    for path in sorted((ROOT / "data" / "held_out").glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            id_, kind, text = line.split("\t")
            yield path.stem, id_, kind, text


def training() -> Iterator[tuple[str, str, str]]:
    """(locale, id, text) of each training example."""
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for block in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["nlu"]:
            for line in block["examples"].splitlines():
                if line.startswith("- "):
                    yield path.stem, block["intent"], line[2:]


def triples(text: str) -> frozenset[str]:
    """The character triples of a folded text."""
    return frozenset(text[i : i + 3] for i in range(len(text) - 2))


def unseen(messages: Iterable[tuple[str, str, str, str]]) -> list[tuple[str, str, str, str]]:
    """Those that are not in the training examples, nor near to one of the same locale."""
    grams: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    known: dict[str, list[frozenset[str]]] = defaultdict(list)
    texts = set()
    for locale, _, text in training():
        folded = fold(text)
        texts.add(folded)
        found = triples(folded)
        for gram in found:
            grams[locale][gram].append(len(known[locale]))
        known[locale].append(found)
    kept = []
    for message in messages:
        folded = fold(message[3])
        found = triples(folded)
        shared = Counter(i for gram in found for i in grams[message[0]].get(gram, ()))
        near = any(n / len(found | known[message[0]][i]) >= NEAR for i, n in shared.most_common(5))
        if folded not in texts and not near:
            kept.append(message)
    return kept


def understand(
    engine: Engine, knowledge: Knowledge, danger: DangerDetector, messages: list[tuple[str, str, str, str]]
) -> list[Row]:
    """Each message as the first of a new conversation by text message."""
    rows = []
    for locale, id_, kind, text in messages:
        conversation = Conversation("x", "sms", AT)
        found = danger.find(text)
        request = Request(text, conversation, AT, danger=found)
        begun = time.perf_counter()
        parse = asyncio.run(engine.parse(request))
        seconds = time.perf_counter() - begun
        rows.append(
            Row(locale, id_, kind, text, parse, resolve(parse, conversation, knowledge.questions, danger=found), found, seconds)
        )
    return rows


def share(flags: Iterable[bool]) -> str:
    """As a percentage."""
    found = list(flags)
    return f"{100 * sum(found) / len(found):.1f}%" if found else "-"


def given(row: Row) -> bool:
    """Whether the right id was given, or is one of the two or three offered."""
    return row.id in (row.decision.id, row.decision.intent, *row.decision.options)


def report(rows: list[Row], knowledge: Knowledge, skipped: int) -> Iterator[str]:
    """The tables, line by line, in Markdown."""
    questions = knowledge.questions

    def is_urgent(id_: str | None) -> bool:
        return id_ is not None and id_ in questions and questions[id_].urgent

    def first(row: Row) -> bool:
        return row.parse.intent == row.id

    def three(row: Row) -> bool:
        return row.id in [id_ for id_, _ in row.parse.ranking[:3]]

    yield f"{len(rows)} held-out messages ({skipped} left out: also in the training examples, or near to one)."
    yield ""
    yield "| | messages | top-1 | top-3 | given or offered | urgent noticed | urgent raised on others | language |"
    yield "|---|---|---|---|---|---|---|---|"
    locales = sorted({row.locale for row in rows})
    for name, part in [("all", rows), *((locale, [row for row in rows if row.locale == locale]) for locale in locales)]:
        urgent = [row for row in part if is_urgent(row.id)]
        others = [row for row in part if not is_urgent(row.id)]
        yield (
            f"| {name} | {len(part)} | {share(map(first, part))} | {share(map(three, part))} | {share(map(given, part))} "
            f"| {share(row.decision.urgent for row in urgent)} | {share(row.decision.urgent for row in others)} "
            f"| {share(row.parse.language == row.locale for row in part)} |"
        )
    yield ""
    for title, of in [("kind", lambda row: row.kind), ("topic", lambda row: questions[row.id].topic)]:
        yield f"| {title} | messages | top-1 | given or offered |"
        yield "|---|---|---|---|"
        for name in sorted({of(row) for row in rows}):
            part = [row for row in rows if of(row) == name]
            yield f"| {name} | {len(part)} | {share(map(first, part))} | {share(map(given, part))} |"
        yield ""
    urgent = [row for row in rows if is_urgent(row.id)]
    others = [row for row in rows if not is_urgent(row.id)]
    yield "| danger | noticed | raised on other messages |"
    yield "|---|---|---|"
    yield f"| by phrases alone | {share(row.danger is not None for row in urgent)} | {share(row.danger is not None for row in others)} |"
    alone = [resolve(row.parse, Conversation("x", "sms", AT), questions).urgent for row in rows]
    yield (
        f"| by the model alone | {share(flag for flag, row in zip(alone, rows, strict=True) if is_urgent(row.id))} "
        f"| {share(flag for flag, row in zip(alone, rows, strict=True) if not is_urgent(row.id))} |"
    )
    yield f"| both, as it runs | {share(row.decision.urgent for row in urgent)} | {share(row.decision.urgent for row in others)} |"
    yield ""
    off = [row for row in rows if row.id == "out_of_scope"]
    answered = [
        row for row in off if row.decision.via == "answer" and questions[row.decision.id or ""].topic not in ("conversation",)
    ]
    yield f"Off-topic messages given a rights answer: {len(answered)} of {len(off)} ({share(row in answered for row in off)})."
    yield ""
    yield "| words in the message | messages | language right |"
    yield "|---|---|---|"
    for label, low, high in [("1 to 4", 1, 4), ("5 to 9", 5, 9), ("10 and more", 10, 999)]:
        part = [row for row in rows if low <= words(row.text) <= high]
        yield f"| {label} | {len(part)} | {share(row.parse.language == row.locale for row in part)} |"
    yield ""
    yield "| the model's confidence | messages | right |"
    yield "|---|---|---|"
    for low in range(10):
        part = [row for row in rows if low / 10 <= row.parse.confidence < (low + 1) / 10 + (low == 9)]
        yield f"| {low * 10}% to {low * 10 + 10}% | {len(part)} | {share(map(first, part))} |"
    bins = [[row for row in rows if low / 10 <= row.parse.confidence < (low + 1) / 10 + (low == 9)] for low in range(10)]
    error = sum(abs(sum(map(first, part)) - sum(row.parse.confidence for row in part)) for part in bins if part) / len(rows)
    yield f"\nExpected calibration error: {error:.3f}."
    pairs = Counter((row.id, row.parse.intent) for row in rows if not first(row))
    yield "\nMost frequent mistakes (wanted, taken): " + "; ".join(f"{a} as {b} {n}" for (a, b), n in pairs.most_common(25)) + "."
    yield f"\nTime to understand a message: median {1000 * statistics.median(row.seconds for row in rows):.1f} ms."


def words(text: str) -> int:
    """Words; in Chinese every two characters count as one."""
    chinese = sum("\u3400" <= char <= "\u9fff" for char in text)
    return len(text.split()) if chinese < 2 else (chinese + 1) // 2


def main() -> None:
    knowledge = Knowledge.load()
    engine = Engine.load(ROOT / "models" / "amparo.tar.gz", knowledge)
    messages = list(held_out())
    kept = unseen(messages)
    rows = understand(engine, knowledge, DangerDetector.load(ROOT / "content" / "danger.yml"), kept)
    print(*report(rows, knowledge, len(messages) - len(kept)), sep="\n")


if __name__ == "__main__":
    main()
