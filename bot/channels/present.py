"""The presenter's screen: a phone and the chat page side by side for a room, run by one key. It exists only outside production.

Between people everything is erased: both conversations on the server, the screen, and the phone's number, which is a new one.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from bot.channels.http import TooLarge, policy, read_body
from bot.channels.page import Pages
from bot.channels.simulator import Simulator
from bot.channels.sms import FICTIONAL
from bot.channels.web import TOKEN
from bot.dialogue.assistant import Assistant
from bot.knowledge.scenes import Scene
from bot.privacy.keys import Keys
from bot.store import Store, StoreError

IDLE = 90  # seconds without a key or a touch, after which the screen is cleared for the next person


class Presenter:
    """GET /present shows the screen (`?idle=30`: another time, in seconds); POST /present/reset {number, token} erases both
    conversations and gives {number}, a new one."""

    def __init__(self, simulator: Simulator, pages: Pages, assistant: Assistant, keys: Keys, store: Store) -> None:
        self._simulator, self._pages, self._assistant, self._keys, self._store = simulator, pages, assistant, keys, store
        self.routes = [Route("/present", self.page), Route("/present/reset", self.reset, methods=["POST"])]

    async def page(self, request: Request) -> Response:
        """The screen. It alone may show another page of ours inside itself."""
        asked = request.query_params.get("idle", "")
        idle = int(asked) if asked.isascii() and asked.isdecimal() and 1 <= int(asked[:5]) <= 3600 else IDLE
        page = self._pages.render(
            "present.html", "en", "", idle=idle, number=self._simulator.number(), data=shown(self._simulator.scenes, self._pages)
        )
        return HTMLResponse(page, headers={"content-security-policy": policy(frames="'self'")})

    async def reset(self, request: Request) -> Response:
        """400 for anything but {number, token} with a fictional number; 503 where the database fails."""
        try:
            data = json.loads(await read_body(request))
            number, token = str(data["number"]), str(data.get("token", ""))
        except (TooLarge, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return JSONResponse({"error": "expected {number, token}"}, status_code=400)
        if not FICTIONAL.fullmatch(number):
            return JSONResponse({"error": "only +1 … 555 01xx numbers"}, status_code=400)
        try:
            await self._assistant.erase(self._keys.conversation_ids("sms", number, self._pages.clock()))
            await asyncio.to_thread(self._store.opt_in, self._keys.optout_id(number))  # the number comes again, for somebody else
            if TOKEN.fullmatch(token):
                await self._assistant.erase((self._keys.token_id(token),))
        except StoreError:
            return JSONResponse({"error": "not erased"}, status_code=503)
        return JSONResponse({"number": self._simulator.number()})


def shown(scenes: list[Scene], pages: Pages) -> dict[str, Any]:
    """Scenes and languages as web/static/scenes.js reads them: {scenes: [{id, title, steps: {locale: [[text, channels]]}}], locales}."""
    return {
        "scenes": [
            {
                "id": scene.id,
                "title": scene.title,
                "steps": {code: [[step.text, list(step.channels)] for step in steps] for code, steps in scene.steps.items()},
            }
            for scene in scenes
        ],
        "locales": [{"code": info.code, "name": info.name, "dir": info.dir} for info in pages.knowledge.served()],
    }
