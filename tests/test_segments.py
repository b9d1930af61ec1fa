"""What an SMS costs, and the text that goes out. The counts of the table are Twilio's own rules; `make test-full` compares with
its published counter as well."""

import pytest

from bot.knowledge import segments

TABLE = [
    ("", "GSM-7", 1, "an empty message is billed as one"),
    ("hello", "GSM-7", 1, "plain"),
    ("a" * 160, "GSM-7", 1, "exactly one GSM-7 segment"),
    ("a" * 161, "GSM-7", 2, "one more"),
    ("a" * 306, "GSM-7", 2, "two full parts of 153"),
    ("a" * 307, "GSM-7", 3, "one more"),
    ("€" * 80, "GSM-7", 1, "extension characters cost two"),
    ("€" * 81, "GSM-7", 2, "one more"),
    ("a" * 152 + "€" + "a" * 10, "GSM-7", 2, "short text, but over 160 with the extension"),
    ("a" * 152 + "€" * 77, "GSM-7", 3, "an escaped pair is not cut between parts"),
    ("¿Cuánto cuesta?", "UCS-2", 1, "á is not in GSM-7"),
    ("¿Que es? ñ é ü ¡", "GSM-7", 1, "these Spanish letters are"),
    ("я" * 70, "UCS-2", 1, "exactly one UCS-2 segment"),
    ("я" * 71, "UCS-2", 2, "one more"),
    ("😀" * 35, "UCS-2", 1, "an emoji is two units"),
    ("я" * 66 + "😀" + "я" * 10, "UCS-2", 2, "a surrogate pair is not cut between parts"),
]


@pytest.mark.parametrize(("text", "encoding", "count", "reason"), TABLE, ids=[row[3] for row in TABLE])
def test_count(text: str, encoding: str, count: int, reason: str) -> None:
    assert segments.encoding(text) == encoding
    assert segments.count(text) == count


def test_simplify_changes_only_marks() -> None:
    assert segments.simplify("“It’s free” – today…") == '"It\'s free" - today...'
    assert segments.simplify("¿Cuánto “vale”?") == "¿Cuánto “vale”?", "no gain, so no change"
    assert segments.simplify("¡Hola, señora!") == "¡Hola, señora!", "inverted marks and ñ stay"
