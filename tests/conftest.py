"""Shared by the tests: content read once, the real server as a process of its own, and a clock that stands where it is put."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import httpx
import pytest
from twilio.request_validator import RequestValidator

from bot.knowledge import Knowledge

ROOT = Path(__file__).resolve().parents[1]
# A Tuesday noon in New York, when every line is open; tests never ask what day it is today.
NOON = datetime(2026, 11, 24, 17, tzinfo=timezone.utc)
ACCOUNT, TOKEN, OLD_TOKEN, NUMBER = "AC" + "a" * 32, "primary-token", "secondary-token", "+12125550199"
PUBLIC = "https://amparo.example"


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return Knowledge.load()


@pytest.fixture(scope="session")
def engine(knowledge: Knowledge):
    """The real engine with the trained model, in this process: a function (text, **request fields) -> Reply."""
    from bot.dialogue.state import Conversation
    from bot.engine.exchange import Request
    from bot.engine.turn import Engine  # first: it configures logging before Rasa is imported

    loaded = Engine.load(ROOT / "models" / "amparo.tar.gz", knowledge)

    def turn(text: str, conversation: Conversation | None = None, **fields):
        request = Request(text, conversation or Conversation("x", "sms", NOON), NOON, **fields)
        return asyncio.run(loaded.turn(request))

    turn.engine = loaded  # type: ignore[attr-defined]
    return turn


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`amparo serve` as a process group of its own; all that it prints goes to `log`."""

    def __init__(self, folder: Path, root: Path = ROOT, **environ: str) -> None:
        self.folder, self.port = folder, free_port()
        self.data, self.log = folder / "data", folder / "output.log"
        self.url = f"http://127.0.0.1:{self.port}"
        self.sid = 0
        settings = {
            "AMPARO_DATA_DIR": str(self.data),
            "AMPARO_PUBLIC_URL": PUBLIC,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": f"{TOKEN},{OLD_TOKEN}",
            "TWILIO_NUMBER": NUMBER,
            "AMPARO_TWILIO_API": "http://127.0.0.1:9",  # nobody answers there
            "PYTHONPATH": str(root),
            **environ,
        }
        self._stream = self.log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "serve", "--port", str(self.port)],
            cwd=root,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=self._stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def wait(self, seconds: float = 90, *, ready: bool = True) -> Server:
        """Until it serves; `ready`: and the engine takes turns."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended: {self.log.read_text(errors='replace')[-2000:]}")
            try:
                if self.client.get("/ready" if ready else "/health").status_code == 200:
                    return self
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"the server did not become ready: {self.log.read_text(errors='replace')[-2000:]}")

    def until_ready_again(self, seconds: float = 60) -> None:
        self.wait(seconds)

    def child(self) -> int:
        """The engine child's process id."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", "bot.engine.child"],
            capture_output=True,
            text=True,
            check=False,
        )
        return int(found.stdout.split()[-1])

    @staticmethod
    def process_runs(pid: int) -> bool:
        """Whether a process is there (and no zombie)."""
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def form(self, body: str, sender: str = "+12125550123", sid: str | None = None, **fields: str) -> dict[str, str]:
        """The fields that Twilio posts, blank ones included."""
        self.sid += 1
        sid = sid or f"SM{self.sid:032x}"
        return {
            "ToCountry": "US", "ToState": "NY", "SmsMessageSid": sid, "NumMedia": "0", "ToCity": "NEW YORK",
            "FromZip": "", "SmsSid": sid, "FromState": "NY", "SmsStatus": "received", "FromCity": "", "Body": body,
            "FromCountry": "US", "To": NUMBER, "ToZip": "10001", "NumSegments": "1", "MessageSid": sid,
            "AccountSid": ACCOUNT, "From": sender, "ApiVersion": "2010-04-01", **fields,
        }  # fmt: skip

    def sms(
        self, body: str, sender: str = "+12125550123", sid: str | None = None, token: str = TOKEN, **fields: str
    ) -> httpx.Response:
        """A message as Twilio sends it, signed over the public address."""
        form = self.form(body, sender, sid, **fields)
        signature = RequestValidator(token).compute_signature(PUBLIC + "/webhooks/sms", form)
        return self.client.post("/webhooks/sms", data=form, headers={"x-twilio-signature": signature})

    def chat(self, **fields: str) -> httpx.Response:
        return self.client.post("/chat", json={"message_id": f"m{time.monotonic_ns()}", **fields})

    def stop(self, how: int = signal.SIGINT) -> int:
        """Ctrl-C, to the whole process group."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(5)
                raise AssertionError("the server did not stop within 20 s of Ctrl-C") from None
        self.client.close()
        self._stream.close()
        return self.process.returncode


def texts(response: httpx.Response) -> list[str]:
    """The messages in a TwiML answer."""
    from xml.etree import ElementTree

    assert response.status_code == 200, response.status_code
    assert response.headers["content-type"].startswith("text/xml")
    return [node.text or "" for node in ElementTree.fromstring(response.content).iter("Message")]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that leave it as it was."""
    running = Server(tmp_path_factory.mktemp("server")).wait()
    yield running
    running.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server for one test, which may break it."""
    running = Server(tmp_path).wait()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, for the tests that `make test-full` runs. (For a module: while it is open, asyncio.run does not work.)"""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    assert chromium, "Chromium is not installed: run make system"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


def accessibility(page) -> list[str]:
    """What axe-core finds wrong with a Playwright page: rule and places."""
    page.evaluate((ROOT / "tests" / "npm" / "node_modules" / "axe-core" / "axe.min.js").read_text())
    return page.evaluate("axe.run().then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target).join(' ')))")
