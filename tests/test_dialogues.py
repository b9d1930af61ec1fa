"""Whole conversations, read from tests/dialogues: what a person writes or taps, and what is answered, by content id and by word."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

from bot.dialogue.assistant import Assistant, Incoming
from bot.dialogue.choices import ChoiceWords
from bot.dialogue.control import ControlWords
from bot.dialogue.danger import DangerDetector
from bot.knowledge import Knowledge
from bot.store.memory import MemoryStore
from tests.conftest import NOON, ROOT

FILES = sorted((Path(__file__).parent / "dialogues").glob("*.yml"))


@lru_cache(maxsize=1)
def words() -> tuple[ControlWords, ChoiceWords, DangerDetector]:
    """Read once: they never change."""
    content = ROOT / "content"
    return (
        ControlWords.load(content / "control_words.yml"),
        ChoiceWords.load(content / "choice_words.yml"),
        DangerDetector.load(content / "danger.yml"),
    )


def make_assistant(knowledge: Knowledge, engine, clock=lambda: NOON) -> Assistant:
    return Assistant(knowledge, MemoryStore(), engine.engine, *words(), None, clock)


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_dialogue(file: Path, knowledge: Knowledge, engine) -> None:
    script = yaml.safe_load(file.read_text())
    assistant = make_assistant(knowledge, engine)
    for number, turn in enumerate(script["turns"], 1):
        where = f"{file.name}, turn {number}: {turn.get('person') or turn.get('taps')}"
        incoming = Incoming(script["channel"], ("x",), turn.get("person", ""), chosen=turn.get("taps"), hint=script["locale"])
        outcome = asyncio.run(assistant.respond(incoming))
        said = [id_ for id_ in outcome.plan.ids if id_ != "system/welcome" or "system/welcome" in turn["amparo"]]
        assert said == turn["amparo"], (where, [message.text for message in outcome.messages])
        text = "\n".join(message.text for message in outcome.messages)
        assert all(word in text for word in turn.get("says", [])), (where, text)
        assert not any(word in text.casefold() for word in turn.get("hides", [])), (where, text)
        assert outcome.locale == turn.get("language", outcome.locale), where
        assert outcome.conversation.locale == turn.get("stays", outcome.conversation.locale), where
        if "then" in turn:  # too long for one turn of text messages: 1 leads on
            assert outcome.conversation.offered[0].split("|")[0] == turn["then"] or outcome.conversation.node == turn["then"], (
                where
            )
            if outcome.conversation.node is None:
                asyncio.run(assistant.respond(Incoming(script["channel"], ("x",), "1", hint=script["locale"])))


def test_languages_by_number(knowledge: Knowledge, engine) -> None:
    assistant = make_assistant(knowledge, engine)

    def say(text: str):
        return asyncio.run(assistant.respond(Incoming("sms", ("x",), text)))

    asked = say("i want to change the language")
    assert asked.plan.ids[0] == "change_language" and "6 বাংলা" in asked.messages[0].text
    changed = say("6")
    assert changed.plan.ids == ["system/language_changed"] and changed.locale == changed.conversation.locale == "bn"
