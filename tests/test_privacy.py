"""No phone number and no word of a message is anywhere after a run, whether it succeeds or fails: not in the database, its log and
freed pages, not in our logs or output. Searched raw, JSON-escaped, in base64 and in hexadecimal. And the search works: with one
line of protection removed it finds what was planted."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, Server

NUMBER_PLANTED = "+17185550142"
TEXTS = [
    "zebra-canary my landlord Quixoteville hits me",
    "canario-violeta mi esposo Xochimilquez me pega mucho",
    "ক্যানারি বেগুনি আমার স্বামী আমাকে মারে",
    "canary-question how much is idnyc on Plumtree street",
]
# Words that stand nowhere in content: a planted text counts as found when one of these is.
MARKS = ["zebra-canary", "Quixoteville", "canario-violeta", "Xochimilquez", "ক্যানারি", "canary-question", "Plumtree",
         NUMBER_PLANTED, NUMBER_PLANTED[1:], NUMBER_PLANTED[2:]]  # fmt: skip


def forms(mark: str) -> set[bytes]:
    """The ways in which a text may be written down: raw in two encodings, JSON, repr, URL, hexadecimal, and base64 at each offset."""
    raw = mark.encode()
    found = {raw, mark.encode("utf-16-le"), json.dumps(mark)[1:-1].encode(), raw.hex().encode(), raw.hex().upper().encode()}
    found.add("".join(f"%{byte:02X}" for byte in raw).encode())
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        start, end = (offset * 8 + 5) // 6, len(encoded) - (4 if (offset + len(raw)) % 3 else 0)
        piece = encoded[start:end]
        if len(piece) >= 8:
            found |= {piece, piece.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def search(folder: Path) -> list[tuple[str, str]]:
    """(file, mark) for every mark found in any form in any file of the folder, read as bytes."""
    hits = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            hits += [(path.name, mark) for mark in MARKS if any(form in data for form in forms(mark))]
    return hits


def run_everything(server: Server) -> None:
    """Messages that succeed on both channels, and messages that meet every kind of failure."""
    for text in TEXTS:
        server.sms(text, NUMBER_PLANTED)
        token = server.chat(text=text).json()["token"]
        server.chat(token=token, text=text)
        server.client.post("/es/", data={"token": "", "text": text})
    sid = "SM" + "c" * 32
    server.sms(TEXTS[3], NUMBER_PLANTED, sid)
    server.sms(TEXTS[3], NUMBER_PLANTED, sid)
    server.sms(TEXTS[0], NUMBER_PLANTED, token="forged")
    server.sms("WRONG", NUMBER_PLANTED)
    server.client.post("/chat", content=b'{"text": "' + TEXTS[0].encode())
    server.client.post("/chat", content=json.dumps({"text": TEXTS[1], "locale": TEXTS[1]}))
    server.client.get("/" + TEXTS[0].replace(" ", "%20"), params={"q": TEXTS[1], "from": NUMBER_PLANTED})
    server.client.post("/demo/send", json={"from": NUMBER_PLANTED, "body": TEXTS[2]})
    blocker = sqlite3.connect(server.data / "amparo.sqlite", isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    try:
        server.sms(TEXTS[1], NUMBER_PLANTED)
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    os.kill(server.child(), signal.SIGKILL)
    server.sms(TEXTS[2], NUMBER_PLANTED)
    server.until_ready_again()
    os.kill(server.child(), signal.SIGSTOP)
    server.sms(TEXTS[3], NUMBER_PLANTED)
    server.until_ready_again()
    server.sms("STOP", NUMBER_PLANTED)
    server.sms("START", NUMBER_PLANTED)
    server.sms("delete", NUMBER_PLANTED)
    time.sleep(0.5)


@pytest.mark.slow
def test_nothing_is_left_behind(tmp_path: Path) -> None:
    server = Server(tmp_path).wait()
    try:
        run_everything(server)
        while_running = search(tmp_path)
    finally:
        server.stop()
    assert while_running == []
    assert search(tmp_path) == [], "nor after it has ended"
    assert (tmp_path / "data" / "amparo.sqlite").stat().st_size > 0 and server.log.stat().st_size > 0


UNPROTECTED = [
    ("the number is stored as it is", "bot/privacy/keys.py",
     "return hmac.new(key, \"\\0\".join(parts).encode(), hashlib.sha256).hexdigest()", "return parts[-1]", NUMBER_PLANTED),
    ("logging is left to Rasa", "bot/engine/turn.py", "logs.configure()  # before", "pass  # before", "zebra-canary"),
    ("a forgotten print", "bot/channels/web.py",
     "token, text, option, locale, message_id = _chat_fields(data)",
     "token, text, option, locale, message_id = _chat_fields(data); print(text)", "ক্যানারি"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("reason", "file", "line", "instead", "found"), UNPROTECTED, ids=[row[0] for row in UNPROTECTED])
def test_the_search_finds_what_is_not_protected(
    reason: str, file: str, line: str, instead: str, found: str, tmp_path: Path
) -> None:
    """The same run in a copy of the code with one line of protection removed."""
    copy, folder = tmp_path / "copy", tmp_path / "run"
    folder.mkdir()
    for name in ("bot", "actions", "content", "locales", "web", "data"):
        shutil.copytree(ROOT / name, copy / name)
    for name in ("config.yml", "domain.yml", "requirements.lock"):
        shutil.copy(ROOT / name, copy / name)
    source = copy / file
    text = source.read_text()
    assert line in text, f"the line of protection has moved: {line}"
    source.write_text(text.replace(line, instead, 1))
    server = Server(folder, copy, AMPARO_MODEL=str(ROOT / "models" / "amparo.tar.gz")).wait()
    try:
        for planted in TEXTS:
            server.sms(planted, NUMBER_PLANTED)
            server.chat(text=planted)
    finally:
        server.stop()
    assert found in {mark for _, mark in search(folder)}


def test_the_forms_are_found(tmp_path: Path) -> None:
    """The search itself: each form of a mark, written at each offset."""
    mark = "ক্যানারি"
    for number, form in enumerate(
        [mark.encode(), json.dumps({"text": "x" + mark}).encode(), mark.encode().hex().encode()]
        + [base64.b64encode(b"x" * offset + mark.encode() + b"yz") for offset in range(4)]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "f").write_bytes(b"before" + form + b"after")
        assert search(folder) == [("f", mark)], form
