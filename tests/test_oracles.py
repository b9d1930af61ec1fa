"""Compared with what decides: Twilio's published segment counter, since Twilio bills by it."""

from __future__ import annotations

import json
import random
import subprocess

import pytest

from bot.knowledge import Knowledge, segments
from tests.conftest import NOON, ROOT

COUNTER = """
const { SegmentedMessage } = require("sms-segments-calculator");
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
const out = texts.map((text) => { const m = new SegmentedMessage(text, "auto", false); return [m.encodingName, m.segmentsCount]; });
console.log(JSON.stringify(out));
"""
# Characters as people type them: a skin tone only on its emoji.
ALPHABETS = [list(letters) for letters in (
    "abc XYZ 123", "abc^{}[]~|€\\", "áéíóúñ¿¡", "абвг", "বাংলা", "مرحبا", "漢字", "한국어", "'\"’“”–…", "\n\r@£$",
)] + [["😀", "👍🏽", "👨‍👩‍👧"]]  # fmt: skip


def oracle(texts: list[str]) -> list[list]:
    done = subprocess.run(
        ["node", "-e", COUNTER], input=json.dumps(texts), capture_output=True, text=True, check=True, cwd=ROOT / "tests" / "npm"
    )
    return json.loads(done.stdout)


def agree(texts: list[str]) -> None:
    wrong = [
        (text[:60], expected, [segments.encoding(text), segments.count(text)])
        for text, expected in zip(texts, oracle(texts), strict=True)
        if expected != [segments.encoding(text), segments.count(text)]
    ]
    assert wrong == []


@pytest.mark.full
def test_on_every_message_that_we_can_send(knowledge: Knowledge) -> None:
    texts = [
        part
        for info in knowledge.served()
        for id_ in knowledge.answers
        for part in knowledge.say(id_, info.code, "sms", NOON).parts
    ]
    assert len(texts) > 500
    agree(texts)


@pytest.mark.full
def test_on_generated_texts() -> None:
    pick = random.Random(7)
    texts = []
    for _ in range(10_000):
        alphabet = [letter for letters in pick.sample(ALPHABETS, pick.randint(1, 3)) for letter in letters]
        texts.append(
            "".join(pick.choice(alphabet) for _ in range(pick.choice([0, 1, 69, 70, 71, 134, 153, 160, 161, 306, 400]))) or "x"
        )
    agree(texts)
