"""Danger is recognised by phrases alone, in every language, and ordinary questions are left alone."""

from pathlib import Path

import pytest

from bot.dialogue.danger import DangerDetector
from bot.knowledge.errors import ContentError
from tests.conftest import ROOT

ROWS = [
    line.split("\t")
    for line in (ROOT / "tests" / "data" / "danger_messages.tsv").read_text().splitlines()
    if line.strip() and not line.startswith("#")
]


@pytest.fixture(scope="module")
def danger() -> DangerDetector:
    return DangerDetector.load(ROOT / "content" / "danger.yml")


@pytest.mark.parametrize("locale", sorted({row[0] for row in ROWS}))
def test_messages_of_a_language(locale: str, danger: DangerDetector) -> None:
    rows = [row for row in ROWS if row[0] == locale]
    assert len(rows) >= 30
    wrong = [(text, id_, danger.find(text)) for _, id_, text in rows if (danger.find(text) or "-") != id_]
    assert wrong == []


def test_a_broken_pattern_is_named(tmp_path: Path) -> None:
    file = tmp_path / "danger.yml"
    file.write_text("self_harm:\n  en:\n    - {anny: [x]}\n")
    with pytest.raises(ContentError, match=r"danger.yml:2.*`all` or `any`"):
        DangerDetector.load(file)
    file.write_text("self_harmm: {}\n")
    with pytest.raises(ContentError, match=r"danger.yml:1.*no urgent id"):
        DangerDetector.load(file)
