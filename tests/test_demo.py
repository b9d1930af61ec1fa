"""For a forum: the scenes are understood in every language, the demonstration keeps nothing and reaches nobody."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from bot.channels.http import HEADERS
from bot.cli import main
from bot.cli.demo import REAL, in_memory
from bot.dialogue.assistant import Incoming
from bot.dialogue.state import Conversation
from bot.knowledge import ContentError, Knowledge
from bot.knowledge.scenes import Scene, load_scenes
from bot.privacy.keys import Keys
from bot.settings import Settings, Twilio
from bot.store import Store
from tests.conftest import NOON, ROOT, Server, free_port
from tests.test_dialogues import make_assistant
from tests.test_privacy import MARKS, TEXTS, search

SCENES = load_scenes(ROOT / "content" / "scenes.yml", [info.code for info in Knowledge.load().served()])
NIGHT = datetime(2026, 11, 22, 7, tzinfo=timezone.utc)  # a Sunday, 2 in the morning: lines are closed, and answers say so
# What an assistant says that did not understand, or has nothing to go on from.
LOST = {
    "system/unsure",
    "system/fallback",
    "system/neutral_opening",
    "system/nothing_to_repeat",
    "system/no_more",
    "out_of_scope",
    "menu",
}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment with nothing real in it."""
    for name in REAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AMPARO_DATA_DIR", str(tmp_path / "data"))
    return monkeypatch


# --- scenes -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "at"), [("sms", NOON), ("sms", NIGHT), ("web", NOON)], ids=["sms", "sms, lines closed", "web"]
)
@pytest.mark.parametrize("scene", SCENES, ids=[scene.id for scene in SCENES])
def test_a_scene_is_understood_in_every_language(scene: Scene, channel: str, at: datetime, knowledge: Knowledge, engine) -> None:
    assistant = make_assistant(knowledge, engine, lambda: at)
    for locale, steps in scene.steps.items():
        hint = locale if channel == "web" else None
        outcomes = [
            asyncio.run(assistant.respond(Incoming(channel, (f"{channel} {locale}",), step.text, hint=hint)))
            for step in steps
            if channel in step.channels
        ]
        first = outcomes[0]
        gated = scene.answer == "domestic_violence" and channel == "sms"
        assert first.plan.ids[0] == ("system/gate" if gated else scene.answer), (locale, first.plan.ids)
        assert first.locale == locale, (locale, first.locale)
        for step, outcome in zip(steps, outcomes, strict=False):
            assert outcome.messages and not LOST & set(outcome.plan.ids), (locale, step.text, outcome.plan.ids)


def test_scenes_are_two_to_four_messages_and_their_titles_name_no_private_topic(knowledge: Knowledge) -> None:
    assert len(SCENES) == 7
    for scene in SCENES:
        assert all(2 <= len(steps) <= 4 for steps in scene.steps.values()), scene.id
        assert not re.search(r"(?i)\b(ice|police|violence|abuse|victim|traffick|deport)", scene.title), scene.title
        assert scene.answer in knowledge.questions


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: {title: T, topic: t, answer: x, en: [hi]}", "no `es`"),
        ("a: {title: T, topic: t, answer: x, en: [hi], es: [hola], xx: [y]}", "unknown key `xx`"),
        ("a: {title: T, topic: t, answer: x, en: [hi], es: [{fax: hola}]}", "a message must be a text"),
        ("a: [hi]", "must be a mapping"),
    ],
)
def test_a_scene_that_is_not_sound_is_refused_by_line(text: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "scenes.yml"
    file.write_text(text)
    with pytest.raises(ContentError, match=problem):
        load_scenes(file, ["en", "es"])


# --- what a demonstration refuses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REAL)
def test_real_credentials_are_refused(name: str, environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environ.setenv(name, "something-real-0123456789abcdef0123456789")
    assert main(["demo", "--port", str(free_port())]) == 1
    said = capsys.readouterr().err
    assert name in said and "something-real" not in said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "amparo.example", ""])
def test_other_hosts_are_refused(host: str, environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--host", host, "--port", str(free_port())]) == 1
    assert "this computer only" in capsys.readouterr().err


def settings(profile: str, folder: Path) -> Settings:
    return Settings(
        profile=profile, data_dir=folder, database_url="", hash_key_file=None, development_key=None,
        public_url="https://amparo.example", operator={"name": "x", "kind": "test", "contact": "x"}, desks=(),
        twilio=Twilio("AC1", ("t",), "+1", "http://127.0.0.1:9") if profile == "production" else None, model=folder / "none",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "path", "status", "policy"),
    [
        ("production", "/en/", 200, "frame-ancestors 'none'"),
        ("production", "/en/", 200, "frame-src 'none'"),
        ("production", "/present", 404, "frame-src 'none'"),
        ("demo", "/en/", 200, "frame-ancestors 'self'"),  # so that the presenter's screen can show it
        ("demo", "/en/", 200, "frame-src 'none'"),
        ("demo", "/present", 200, "frame-src 'self'"),
        ("demo", "/present", 200, "frame-ancestors 'none'"),
    ],
)
def test_only_the_presenters_screen_shows_a_frame(
    profile: str, path: str, status: int, policy: str, knowledge: Knowledge, tmp_path: Path
) -> None:
    from bot.channels.app import make_app

    app = make_app(settings(profile, tmp_path), knowledge, in_memory(), Keys(b"k" * 32))
    answer = TestClient(app).get(path)  # not entered: nothing is started
    assert answer.status_code == status
    assert policy in answer.headers["content-security-policy"]
    assert set(HEADERS) <= set(answer.headers)


# --- nothing is kept ----------------------------------------------------------------------------------------------------------


class Demo(Server):
    """`amparo demo`; all that it, its child and their libraries put anywhere temporary lies under `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.sid = folder, free_port(), 0
        self.data, self.log, self.temporary = folder / "data", folder / "output.log", folder / "tmp"
        self.temporary.mkdir()
        self.url = f"http://127.0.0.1:{self.port}"
        environ = {name: value for name, value in os.environ.items() if name not in REAL}
        self._stream = self.log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "demo", "--port", str(self.port)],
            cwd=ROOT,
            env={**environ, "AMPARO_DATA_DIR": str(self.data), "TMPDIR": str(self.temporary), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=self._stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def text(self, body: str, number: str) -> str:
        """What comes back for a text message."""
        answer = self.client.post("/demo/send", json={"from": number, "body": body})
        assert answer.status_code == 200
        return "\n".join(message["text"] for message in answer.json()["messages"])

    def number(self) -> str:
        """That of the phone on a newly opened screen."""
        return re.findall(r'data-from="(\+\d+)"', self.client.get("/present").text)[0]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory):
    running = Demo(tmp_path_factory.mktemp("demo")).wait()
    yield running
    running.stop()


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        signal.SIGINT,
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.full),
        pytest.param(signal.SIGHUP, marks=pytest.mark.full),
    ],
)
def test_nothing_is_left_however_it_ends(how: signal.Signals, tmp_path: Path) -> None:
    running = Demo(tmp_path).wait()
    try:
        for text in TEXTS:
            assert running.text(text, "+17185550142")
            token = running.client.post("/chat", json={"text": text, "message_id": "m"}).json()["token"]
            running.client.post("/en/", data={"token": token, "text": text})
        assert search(tmp_path) == [], "while it runs"
        assert not [path for path in tmp_path.rglob("*") if "sqlite" in path.name]
    finally:
        running.stop(how)
    assert search(tmp_path) == []
    left = [path for path in running.temporary.glob("amparo-demo-*") if how != signal.SIGKILL or any(path.iterdir())]
    assert left == [], "no folder, and after a kill an empty one"
    assert running.log.stat().st_size > 0


def test_the_search_would_find_it(tmp_path: Path) -> None:
    (tmp_path / "left").write_text(f"text: {MARKS[0]}")
    assert search(tmp_path) == [("left", MARKS[0])]


def test_the_database_in_memory_is_a_whole_one() -> None:
    """One database for all threads, with the tables that migrations make."""
    from concurrent.futures import ThreadPoolExecutor

    store = in_memory()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda i: store.save(Conversation(f"c{i}", "sms", NOON)), range(50)))
        assert all(threads.map(lambda i: store.conversation((f"c{i}",)) is not None, range(50)))
    assert store.ready() and store.forget(NOON.replace(year=2027)) == 50


def test_what_is_held_on_this_computer_is_held_at_a_forum_too(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from bot.cli.demo import held_here

    assert held_here() == {}
    store = Store.open(f"sqlite:///{tmp_path / 'data' / 'amparo.sqlite'}")
    store.hold("idnyc_cost", "fee changed", NOON)
    store.close()
    assert list(held_here()) == ["idnyc_cost"]


# --- between people -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_reset_erases_both_conversations(demo: Demo, knowledge: Knowledge) -> None:
    number = demo.number()
    assert "IDNYC" in demo.text("what is idnyc", number)
    token = demo.client.post("/chat", json={"text": "what is idnyc", "message_id": "a"}).json()["token"]
    assert (
        demo.client.post("/chat", json={"token": token, "text": "more", "message_id": "b"}).json()["replies"][0]["id"]
        == "idnyc_what"
    )
    answer = demo.client.post("/present/reset", json={"number": number, "token": token})
    assert answer.status_code == 200 and answer.json()["number"] not in ("", number)
    assert "IDNYC" not in demo.text("MORE", number)
    again = demo.client.post("/chat", json={"token": token, "text": "more", "message_id": "c"})
    assert again.status_code != 200 or again.json()["replies"][0]["id"] != "idnyc_what"


@pytest.mark.slow
def test_after_the_reset_a_stop_is_forgotten(demo: Demo) -> None:
    number = demo.number()
    demo.text("STOP", number)
    assert demo.text("what is idnyc", number) == ""
    demo.client.post("/present/reset", json={"number": number, "token": ""})
    assert "IDNYC" in demo.text("what is idnyc", number)


@pytest.mark.slow
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"{", b'{"number": "+12125551234"}', b'{"number": 5}', b"[" * 5000])
def test_a_reset_of_something_else_is_refused(body: bytes, demo: Demo) -> None:
    assert demo.client.post("/present/reset", content=body).status_code == 400


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "idle"), [("", "90"), ("?idle=5", "5"), ("?idle=0", "90"), ("?idle=x", "90"), ("?idle=99999", "90")]
)
def test_idle_time(query: str, idle: str, demo: Demo) -> None:
    assert f'data-idle="{idle}"' in demo.client.get(f"/present{query}").text


@pytest.mark.slow
def test_every_phone_is_a_new_one(demo: Demo) -> None:
    numbers = [demo.number() for _ in range(200)]
    assert len(set(numbers)) == 200
