"""What the console's tests share: the real application over a real database, a clock of its own, and accounts that sign in."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import httpx
import pyotp
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot.knowledge import Knowledge
from bot.settings import read
from bot.store.console import ConsoleStore, Staff
from bot.store.tables import metadata
from console import accounts
from console.app import make_console
from console.web import COOKIE
from tests.conftest import ACCOUNT, NOON, NUMBER, PUBLIC, ROOT, free_port
from tests.test_cli import run
from tests.test_store import postgres_url

__all__ = ["PASSWORD", "ROLES", "Rig", "console", "postgres_url", "text_of"]
PASSWORD = "correct horse battery"
ROLES = ("agent", "content", "admin")


@dataclass
class Rig:
    """`now` may be moved; `clients` are browsers by account name, which keep cookies and follow nothing."""

    app: Starlette
    store: ConsoleStore
    knowledge: Knowledge
    now: datetime = NOON
    secrets: dict[str, str] = field(default_factory=dict)
    clients: dict[str, TestClient] = field(default_factory=dict)

    def browser(self) -> TestClient:
        return TestClient(self.app, base_url="http://127.0.0.1:8100", follow_redirects=False)

    def account(self, name: str, role: str) -> None:
        self.secrets[name] = pyotp.random_base32()
        assert self.store.add_staff(Staff(name, role, hashed(), self.secrets[name]))  # type: ignore[arg-type]

    def code(self, name: str, at: datetime | None = None) -> str:
        return pyotp.TOTP(self.secrets[name]).at(at or self.now)

    def sign_in(self, name: str) -> TestClient:
        """A browser of this account, with a session as signing in leaves it (which takes a while, and has tests of its own)."""
        client, cookie = self.browser(), secrets.token_urlsafe(32)
        self.store.begin_session(accounts.session_id(cookie), name, secrets.token_urlsafe(32), self.now)
        self.store.note(name, "signed in", self.now)
        client.cookies.set(COOKIE, cookie)
        self.clients[name] = client
        return client

    def staff(self, name: str, role: str | None = None) -> TestClient:
        """A browser of the account `name`, which is made, with the role of that name, on the first call."""
        if name not in self.secrets:
            self.account(name, role or name)
        return self.clients.get(name) or self.sign_in(name)

    def post(self, client: TestClient, path: str, **fields: str):
        """A form as its page would send it."""
        token = re.search(r'name="csrf" value="([^"]+)"', client.get("/console/look").text)
        assert token is not None, "not signed in"
        return client.post(path, data={"csrf": token[1], **fields})

    def acts(self) -> list[tuple[str, str, str]]:
        return [(act.staff, act.act, act.object) for act in reversed(self.store.audit())]


@lru_cache(maxsize=1)
def hashed() -> str:
    return accounts._HASHER.hash(PASSWORD)


def text_of(page: str) -> str:
    """What a page says in its main part, without marks and white space."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("<main>")[1].split("</main>")[0])).strip()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.full)])
def console(request: pytest.FixtureRequest, tmp_path: Path, knowledge: Knowledge) -> Iterator[Rig]:
    """The console over SQLite and, in `make test-full`, over PostgreSQL."""
    url = f"sqlite:///{tmp_path / 'db.sqlite'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    store, own = ConsoleStore.open(url), replace(knowledge, held=frozenset())
    environ = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "t", "TWILIO_NUMBER": NUMBER, "AMPARO_PUBLIC_URL": PUBLIC}
    settings = read({"AMPARO_DATA_DIR": str(tmp_path), **environ})
    rig = Rig(Starlette(), store, own)
    rig.app = make_console(settings, own, store, lambda: rig.now, refuse_after=0.0)
    yield rig
    with store._begin() as db:  # one PostgreSQL serves all tests
        for table in metadata.sorted_tables:
            db.execute(table.delete())
    store.close()


class Process:
    """`amparo console serve` over the data of a folder, with accounts made on the command line; what it prints goes to `log`."""

    def __init__(self, folder: Path, data: Path, **environ: str) -> None:
        self.port, self.log, self.data = free_port(), folder / "console.log", data
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {"AMPARO_DATA_DIR": str(data), "PYTHONPATH": str(ROOT), **environ}
        self.secrets: dict[str, str] = {}
        self._stream = self.log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "console", "serve", "--port", str(self.port)],
            cwd=ROOT, env={**os.environ, **self.environ}, stdin=subprocess.DEVNULL, stdout=self._stream, stderr=subprocess.STDOUT,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(self.url + "/console/health").status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError(f"the console did not start: {self.log.read_text(errors='replace')[-2000:]}")

    def account(self, name: str, role: str) -> None:
        made = run("console", "add-user", name, "--role", role, stdin=PASSWORD + "\n", **self.environ)
        self.secrets[name] = made.stdout.split("secret=")[1].split("&")[0]

    def code(self, name: str) -> str:
        return pyotp.TOTP(self.secrets[name]).now()

    def sign_in(self, name: str) -> httpx.Client:
        client = httpx.Client(base_url=self.url, timeout=30)
        form = {"name": name, "password": PASSWORD, "code": self.code(name)}
        assert client.post("/console/sign-in", data=form).status_code == 303
        return client

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self._stream.close()
