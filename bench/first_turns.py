"""What the first text message of each kind gets, in every language: `make first-turns` writes docs/first-turns.md.

The messages are the first examples of data/nlu (greeting, question, danger, a topic behind the gate), a picture without words, and a
sentence in a language that is not written here (data/languages).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from bench.evaluate import training
from bot.dialogue.assistant import Assistant, Incoming, Outcome
from bot.dialogue.choices import ChoiceWords
from bot.dialogue.control import ControlWords
from bot.dialogue.danger import DangerDetector
from bot.engine.turn import Engine  # configures logging before Rasa is imported
from bot.knowledge import Knowledge, segments
from bot.settings import read
from bot.store.memory import MemoryStore

ROOT = Path(__file__).resolve().parents[1]
AT = datetime(2026, 11, 24, 17, tzinfo=timezone.utc)  # a Tuesday noon in New York
KINDS = {"greeting": "greet", "question": "idnyc_cost", "urgent": "ice_here_now", "behind the gate": "domestic_violence"}
UNSERVED = ("pt", "uk", "hi", "vi", "it", "ne", "wo")
MAX_MESSAGES, MAX_SEGMENTS = 3, 8


def first_messages(knowledge: Knowledge) -> Iterator[tuple[str, str, str]]:
    """(kind, language, message)."""
    examples: dict[tuple[str, str], str] = {}
    for locale, id_, text in training():
        examples.setdefault((locale, id_), text)
    for kind, id_ in KINDS.items():
        for info in knowledge.served():
            yield kind, info.code, examples[info.code, id_]
    for info in knowledge.served():
        yield "picture", info.code, ""
    for code in UNSERVED:
        lines = (ROOT / "data" / "languages" / f"{code}.txt").read_text(encoding="utf-8").splitlines()
        yield "language not written here", code, next(line for line in lines if len(line.split()) > 4)


def answer(assistant: Assistant, number: int, kind: str, language: str, text: str) -> Outcome:
    """The reply to a first message; a picture comes from somebody whose language is known, as its page says."""
    hint = language if kind == "picture" else None
    return asyncio.run(assistant.respond(Incoming("sms", (f"sms-{number}",), text, hint=hint, media=kind == "picture")))


def main() -> int:
    settings = read()
    knowledge = Knowledge.load(operator={**settings.operator, "web": "https://amparo.example"})
    content = ROOT / "content"
    assistant = Assistant(
        knowledge,
        MemoryStore(),
        Engine.load(settings.model, knowledge),
        ControlWords.load(content / "control_words.yml"),
        ChoiceWords.load(content / "choice_words.yml"),
        DangerDetector.load(content / "danger.yml"),
        None,
        lambda: AT,
    )
    lines = [
        "# First turns", "",
        "What a first text message gets on a Tuesday at noon, printed by `make first-turns`. At most 3 messages and 8 segments a turn.",
        "Translations are machine drafts; no native speaker has read them.", "",
    ]  # fmt: skip
    over, before = 0, ""
    for number, (kind, language, text) in enumerate(first_messages(knowledge)):
        outcome = answer(assistant, number, kind, language, text)
        counts = [segments.count(message.text) for message in outcome.messages]
        over += len(counts) > MAX_MESSAGES or sum(counts) > MAX_SEGMENTS
        if kind != before:
            lines += [f"## {kind.capitalize()}", ""]
            before = kind
        encodings = ", ".join(f"{count} ({segments.encoding(m.text)})" for count, m in zip(counts, outcome.messages, strict=True))
        lines += [f"### {language}: {text or '(a picture)'}", "", f"{len(counts)} messages, segments: {encodings}", ""]
        for message in outcome.messages:
            lines += ["```text", message.text, "```", ""]
    (ROOT / "docs" / "first-turns.md").write_text("\n".join(lines), encoding="utf-8")
    print(f"docs/first-turns.md: {number + 1} first turns, {over} over their budget")
    return 1 if over else 0


if __name__ == "__main__":
    raise SystemExit(main())
