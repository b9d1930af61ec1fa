"""Two phones on a page, for development and demonstration: they speak the real webhook, signed with a token of this start.

Only fictional numbers can send from here, and the whole page exists only outside production.
"""

from __future__ import annotations

import json
import secrets
from typing import Any
from xml.etree import ElementTree

import httpx
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator

from bot.channels.http import TooLarge, read_body
from bot.channels.sms import FICTIONAL, PATH, SmsChannel
from bot.knowledge import Knowledge, segments
from bot.settings import ROOT

OUR_NUMBER = "+12125550100"


class Simulator:
    """GET /demo shows the phones; POST /demo/send {from, body} posts to the webhook and gives its messages back."""

    def __init__(self, channel: SmsChannel, knowledge: Knowledge, public_url: str, price: float | None = None) -> None:
        """`price` of a segment in US dollars, where the operator has given one."""
        self._channel, self._knowledge, self._public_url, self._price = channel, knowledge, public_url, price
        self.app: Any = None  # the application itself, set once it is made
        self._templates = Environment(
            loader=FileSystemLoader(ROOT / "web" / "templates"), autoescape=select_autoescape(default=True)
        )
        self.routes = [Route("/demo", self.page), Route("/demo/send", self.send, methods=["POST"])]

    async def page(self, request: Request) -> Response:
        """Two phones; their numbers are new with each load, so that every load starts new conversations."""
        numbers = [f"+1{area}55501{secrets.randbelow(100):02d}" for area in (212, 718)]
        return HTMLResponse(self._templates.get_template("demo.html").render(numbers=numbers))

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
        messages = [
            {"text": t, "segments": n, "encoding": segments.encoding(t), "cost": self._price and round(n * self._price, 4)}
            for t, n in ((text, segments.count(text)) for text in texts)
        ]
        return JSONResponse({"status": answer.status_code, "messages": messages})
