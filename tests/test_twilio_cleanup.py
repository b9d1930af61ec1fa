"""Copies at Twilio are deleted by message id, against a server on loopback that answers as Twilio's API does."""

import asyncio
import json
import re
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from bot.channels.twilio_cleanup import sweep
from bot.privacy.keys import utc_now
from bot.settings import Twilio
from bot.store import Store
from tests.conftest import ROOT

SIDS = ["SM" + digit * 32 for digit in "123"]


@pytest.fixture
def api():
    """Deletes the first id, does not know the second, and fails on the third."""
    seen: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            seen.append((self.path, self.headers.get("authorization", "")))
            status = {SIDS[0]: 204, SIDS[1]: 404}.get(self.path.split("/")[-1].removesuffix(".json"), 500)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Twilio("AC" + "a" * 32, ("token",), "+12125550199", f"http://127.0.0.1:{server.server_port}"), seen
    server.shutdown()


def test_sweep(api, tmp_path: Path) -> None:
    twilio, seen = api
    store = Store.open(f"sqlite:///{tmp_path / 'db.sqlite'}")
    for sid in SIDS:
        store.clean_up_later(sid, utc_now() - timedelta(minutes=1))
    store.clean_up_later("SM" + "4" * 32, utc_now() + timedelta(hours=1))

    async def run() -> int:
        async with httpx.AsyncClient() as client:
            return await sweep(store, twilio, client)

    assert asyncio.run(run()) == 2
    assert [path.split("/")[-1] for path, _ in seen] == [f"{sid}.json" for sid in SIDS], "only those that are due"
    assert all(path.startswith(f"/2010-04-01/Accounts/{twilio.account_sid}/Messages/") for path, _ in seen)
    assert all(authorization.startswith("Basic ") for _, authorization in seen)
    assert store.to_clean_up(utc_now()) == [SIDS[2]], "what failed is tried again"
    store.close()


SPEC = ROOT.parent / "shared" / "third_party" / "twilio" / "twilio_api_v2010.json"


@pytest.fixture
def described_api():
    """A server that answers as Twilio's own description of its API says (read where it lies, not copied): only the paths and methods of
    the description, only ids of its form, only with a login. A message with pictures lists two."""
    if not SPEC.exists():
        pytest.skip(f"did not run: {SPEC} is not here")
    paths = json.loads(SPEC.read_text())["paths"]
    seen: list[tuple[str, str]] = []
    picture = "ME" + "e" * 32

    def described(method: str, path: str) -> str | None:
        for template, operations in paths.items():
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
            found = re.fullmatch(pattern, path)
            if found is None or method not in operations:
                continue
            known = {
                p["name"]: p["schema"].get("pattern", ".*") for p in operations[method].get("parameters", []) if p["in"] == "path"
            }
            if all(re.fullmatch(known[name], value) for name, value in found.groupdict().items()):
                return min(operations[method]["responses"])
        return None

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            status = described(self.command.lower(), self.path)
            seen.append((f"{self.command} {self.path.split('/Messages/')[-1]}", status or "not described"))
            login = self.headers.get("authorization", "").startswith("Basic ")
            self.send_response(int(status) if status and login else 400)
            self.end_headers()
            if status == "200":
                self.wfile.write(json.dumps({"media_list": [{"sid": picture}, {"sid": "../x"}]}).encode())

        do_GET = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Twilio("AC" + "a" * 32, ("token",), "+12125550199", f"http://127.0.0.1:{server.server_port}"), seen, picture
    server.shutdown()


def test_every_call_is_one_that_twilio_describes(described_api, tmp_path: Path) -> None:
    twilio, seen, picture = described_api
    store = Store.open(f"sqlite:///{tmp_path / 'db.sqlite'}")
    plain, with_picture = "SM" + "1" * 32, "MM" + "2" * 32
    for sid in (plain, with_picture):
        store.clean_up_later(sid, utc_now() - timedelta(minutes=1))

    async def run() -> int:
        async with httpx.AsyncClient() as client:
            return await sweep(store, twilio, client)

    assert asyncio.run(run()) == 2
    assert sorted(call for call, _ in seen) == sorted(
        [
            f"DELETE {plain}.json",
            f"GET {with_picture}/Media.json",
            f"DELETE {with_picture}/Media/{picture}.json",
            f"DELETE {with_picture}.json",
        ]
    ), "the picture goes, unseen, and nothing that is no picture's id"
    assert all(status in ("200", "204") for _, status in seen), seen
    store.close()


@pytest.mark.parametrize("status", [401, 429])
def test_when_twilio_refuses_all_it_is_not_asked_for_each(status: int, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'db.sqlite'}")
    for sid in SIDS:
        store.clean_up_later(sid, utc_now() - timedelta(minutes=1))
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    twilio = Twilio("AC" + "a" * 32, ("token",), "+12125550199", f"http://127.0.0.1:{server.server_port}")

    async def run() -> int:
        async with httpx.AsyncClient() as client:
            return await sweep(store, twilio, client)

    assert asyncio.run(run()) == 0 and len(asked) == 1
    assert len(store.to_clean_up(utc_now())) == len(SIDS), "all are tried again"
    server.shutdown()
    store.close()


@pytest.mark.parametrize(
    "listed", ["[]", '{"media_list": null}', '{"media_list": ["x", {"sid": "ME%s"}]}' % ("e" * 32), "no JSON", ""]
)
def test_one_message_that_twilio_refuses_holds_up_none_behind_it(listed: str, tmp_path: Path) -> None:
    """The oldest is a message whose pictures cannot be listed, or whose picture cannot be deleted."""
    store = Store.open(f"sqlite:///{tmp_path / 'db.sqlite'}")
    poison, behind = "MM" + "1" * 32, "SM" + "2" * 32
    store.clean_up_later(poison, utc_now() - timedelta(minutes=2))
    store.clean_up_later(behind, utc_now() - timedelta(minutes=1))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if listed else 500)
            self.end_headers()
            self.wfile.write(listed.encode())

        def do_DELETE(self) -> None:
            self.send_response(400 if "/Media/" in self.path else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    twilio = Twilio("AC" + "a" * 32, ("token",), "+12125550199", f"http://127.0.0.1:{server.server_port}")

    async def run() -> int:
        async with httpx.AsyncClient() as client:
            return await sweep(store, twilio, client)

    assert asyncio.run(run()) == 1
    assert store.to_clean_up(utc_now()) == [poison], "it alone is tried again"
    server.shutdown()
    store.close()


def test_a_silent_twilio_stops_nobody(tmp_path: Path) -> None:
    """The deletions run off the event loop's back: while Twilio takes its time, everything else goes on."""
    store = Store.open(f"sqlite:///{tmp_path / 'db.sqlite'}")
    store.clean_up_later(SIDS[0], utc_now() - timedelta(minutes=1))

    async def run() -> tuple[int, int]:
        async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(1)
            writer.close()

        ticks = 0
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with httpx.AsyncClient() as client:
            sweeping = asyncio.create_task(
                sweep(store, Twilio("AC" + "a" * 32, ("t",), "+12125550199", f"http://127.0.0.1:{port}"), client)
            )
            while not sweeping.done():
                await asyncio.sleep(0.01)
                ticks += 1
        server.close()
        return sweeping.result(), ticks

    done, ticks = asyncio.run(run())
    assert done == 0 and ticks > 30
    assert store.to_clean_up(utc_now()) == [SIDS[0]]
    store.close()


def test_what_cannot_be_deleted_is_gone_from_our_side_after_a_day(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """And the job says in the log how old the oldest row is: numbers only."""
    from bot.dialogue.state import Conversation
    from bot.privacy import logs

    logs.configure()
    store = Store.open(f"sqlite:///{tmp_path / 'db.sqlite'}")
    now = utc_now()
    store.clean_up_later(SIDS[0], now)
    store.save(Conversation("a" * 64, "sms", now, locale="es"))
    store.forget(now + timedelta(minutes=5))
    first = capfd.readouterr().err
    assert "id='conversation' seconds=300" in first and "id='twilio_cleanup' seconds=300" in first
    assert "a" * 64 not in first and SIDS[0] not in first
    store.forget(now + timedelta(minutes=6))
    assert "oldest" not in capfd.readouterr().err, "once an hour is enough while nothing goes"
    store.forget(now + timedelta(hours=24, minutes=1))
    assert store.to_clean_up(now + timedelta(days=2)) == [] and store.oldest(now) == {}
    store.close()
