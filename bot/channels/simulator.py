"""Two phones on a page, for development and demonstration: they speak the real webhook, signed with a token of this start.

Only fictional numbers can send from here, and the whole page exists only outside production.
"""

from __future__ import annotations

import itertools
import json
import secrets
from typing import Any
from xml.etree import ElementTree

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator

from bot.channels.http import TooLarge, read_body
from bot.channels.page import Pages
from bot.channels.sms import FICTIONAL, PATH, SmsChannel
from bot.knowledge import segments
from bot.knowledge.scenes import load_scenes
from bot.settings import ROOT

OUR_NUMBER = "+12125550100"
AREAS = (212, 347, 646, 718, 917, 929)


class Simulator:
    """GET /demo shows the phones; POST /demo/send {from, body} posts to the webhook and gives its messages back."""

    def __init__(self, channel: SmsChannel, pages: Pages, public_url: str, price: float | None = None) -> None:
        """`price` of a segment in US dollars, where the operator has given one."""
        self._channel, self._pages, self._public_url, self._price = channel, pages, public_url, price
        self.app: Any = None  # the application itself, set once it is made
        numbers = [f"+1{area}55501{last:02d}" for area in AREAS for last in range(100)]
        numbers.remove(OUR_NUMBER)
        secrets.SystemRandom().shuffle(numbers)
        self._numbers = itertools.cycle(numbers)
        self.scenes = load_scenes(ROOT / "content" / "scenes.yml", [info.code for info in pages.knowledge.served()])
        self.routes = [Route("/demo", self.page), Route("/demo/send", self.send, methods=["POST"])]

    def number(self) -> str:
        """A fictional number; each is given out once before any comes again, so that a phone starts a conversation of its own."""
        return next(self._numbers)

    async def page(self, request: Request) -> Response:
        """Two phones in two languages; their numbers are new with each load, so that every load starts new conversations."""
        openings = {
            info.code: [scene.steps[info.code][0].text for scene in self.scenes] for info in self._pages.knowledge.served()
        }
        phones = [(self.number(), locale) for locale in ("en", "es")]
        return HTMLResponse(self._pages.render("demo.html", "en", "", phones=phones, openings=openings))

    async def send(self, request: Request) -> Response:
        """400 for anything but a message from a fictional number; else {messages: [{text, segments, encoding, cost}], status}."""
        try:
            data = json.loads(await read_body(request))
            sender, body = str(data["from"]), str(data["body"])
        except (TooLarge, ValueError, TypeError, KeyError, RecursionError):
            return JSONResponse({"error": "expected {from, body}"}, status_code=400)
        if not FICTIONAL.fullmatch(sender):
            return JSONResponse({"error": "only +1 … 555 01xx numbers"}, status_code=400)
        form = {
            "MessageSid": "SM" + secrets.token_hex(16), "AccountSid": "AC" + "0" * 32, "From": sender, "To": OUR_NUMBER,
            "Body": body, "NumMedia": "0", "NumSegments": "1", "FromCity": "", "FromState": "NY", "FromCountry": "US",
        }  # fmt: skip
        signature = RequestValidator(self._channel.simulator_token).compute_signature(self._public_url + PATH, form)
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url=self._public_url, timeout=15) as client:
            answer = await client.post(PATH, data=form, headers={"x-twilio-signature": signature})
        texts = (
            [node.text or "" for node in ElementTree.fromstring(answer.text).iter("Message")] if answer.status_code == 200 else []
        )
        return JSONResponse({"status": answer.status_code, "messages": [counted(text, self._price) for text in texts]})


def counted(text: str, price: float | None) -> dict[str, Any]:
    """A text message as a phone on a page shows it: {text, segments, encoding, cost}; `cost` in US dollars, or None without a price."""
    count = segments.count(text)
    return {"text": text, "segments": count, "encoding": segments.encoding(text), "cost": price and round(count * price, 4)}
