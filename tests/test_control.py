"""Control words act when they are the whole message, and never inside a sentence."""

from pathlib import Path

import pytest

from bot.dialogue.control import Control, ControlWords, normalise, numbers
from bot.knowledge.errors import ContentError
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def words() -> ControlWords:
    return ControlWords.load(ROOT / "content" / "control_words.yml")


COMMANDS = [
    ("STOP", "stop", "the carriers' word"),
    ("Stop. Thank you", "stop", "punctuation and politeness"),
    ("unsubscribe", "stop", "another of theirs"),
    ("¡alto!", "stop", "Spanish, with its marks"),
    ("start", "start", "back again"),
    ("HELP", "help", "asked by carriers and by people in danger"),
    ("ayuda", "help", "Spanish"),
    ("menu", "menu", ""),
    ("MENÚ", "menu", "an accent more"),
    ("more", "more", ""),
    ("más", "more", "Spanish"),
    ("mas", "more", "an accent less"),
    ("borrar", "delete", "Spanish"),
    ("delete", "delete", ""),
    ("0", "zero", "leave a guided conversation"),
    ("০", "zero", "in Bengali digits"),
]


@pytest.mark.parametrize(("text", "command", "reason"), COMMANDS, ids=[row[0] for row in COMMANDS])
def test_commands(text: str, command: str, reason: str, words: ControlWords) -> None:
    found = words.find(text)
    assert found is not None and found.command == command, reason


def test_languages(words: ControlWords) -> None:
    assert words.find("español") == Control("language", "es")
    assert words.find("espanol por favor") == Control("language", "es")
    assert words.find("বাংলা") == Control("language", "bn")


SENTENCES = [
    "we have to stop this bill", "I want to stop working for him", "my lease is ending", "can you help my son",
    "necesito ayuda con mi hijo", "no quiero más problemas", "he told me to delete the photos", "quit my job",
    "they cancelled my appointment", "parar a ICE", "the start of school", "", "   ", "yes", "no", "si", "1", "2",
]  # fmt: skip


@pytest.mark.parametrize("text", SENTENCES)
def test_sentences_are_not_commands(text: str, words: ControlWords) -> None:
    assert words.find(text) is None


def test_a_word_of_two_commands_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "words.yml"
    file.write_text("commands:\n  stop: {en: [end]}\n  more: {en: [End]}\npoliteness: {en: []}\nlanguages: {}\n")
    with pytest.raises(ContentError, match="'end' is stop"):
        ControlWords.load(file)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", (2,)),
        (" 2. ", (2,)),
        ("২", (2,)),
        ("٢", (2,)),
        ("２, 3 2", (2, 3)),
        ("22", (22,)),
        ("222", ()),
        ("two", ()),
        ("2 kids", ()),
    ],
)
def test_numbers(text: str, value: tuple[int, ...]) -> None:
    assert numbers(text) == value


def test_normalise() -> None:
    assert normalise("  ¡ALTO!! 😀 ") == "alto"
    assert normalise("d’accord") == "daccord"
    assert normalise("বন্ধ") == "বন্ধ", "Bengali signs stay"


def test_the_words_in_the_operators_manual_work(words: ControlWords) -> None:
    text = (ROOT / "docs" / "sms.md").read_text(encoding="utf-8")
    table = text.split("| | stop | start | help | more | erase |")[1].split("\n\n")[0].strip().splitlines()[1:]
    assert len(table) == 12
    for row in table:
        locale, *listed = [cell.strip() for cell in row.strip("|").split("|")]
        found = [words.find(word, locale) for word in listed]
        assert [(one.command, one.locale) if one else None for one in found] == [
            (command, locale) for command in ("stop", "start", "help", "more", "delete")
        ], row
