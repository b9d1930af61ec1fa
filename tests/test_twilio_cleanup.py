"""Copies at Twilio are deleted by message id, against a server on loopback that answers as Twilio's API does."""

import asyncio
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
