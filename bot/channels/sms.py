"""Twilio's webhook: a signed form in, TwiML out. The reply goes in the webhook's own answer, so no number is ever stored.

Signatures are checked over the raw body with blank fields kept (Twilio signs them) and over the configured public address (a
proxy may rewrite scheme and host).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from bot.channels.http import TooLarge, read_body
from bot.dialogue.assistant import Assistant, Incoming
from bot.dialogue.plan import Piece, Plan, render
from bot.knowledge import Knowledge
from bot.privacy.keys import Keys
from bot.privacy.logs import logger, where
from bot.settings import Twilio
from bot.store import Store, StoreError

PATH = "/webhooks/sms"
STATUS_PATH = "/webhooks/sms/status"
# Numbers that are kept out of use for stories and examples (North American plan, 555-0100 to 555-0199).
FICTIONAL = re.compile(r"\+1[2-9]\d\d55501\d\d")
# A copy at Twilio is deleted when its message has come to rest: a reply is on its way for some minutes at most.
INBOUND_REST = timedelta(minutes=2)
FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "read"})


class Form:
    """Form fields in Twilio's order; a name may stand more than once."""

    def __init__(self, body: bytes) -> None:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, encoding="utf-8", errors="replace")
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def getlist(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def get(self, name: str) -> str:
        return self._values.get(name, [""])[0]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class SmsChannel:
    """`simulator_token` signs the simulator's requests; None where there is no simulator."""

    def __init__(
        self,
        assistant: Assistant,
        knowledge: Knowledge,
        store: Store,
        keys: Keys,
        twilio: Twilio | None,
        public_url: str,
        simulator: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self._assistant, self._knowledge, self._store, self._keys = assistant, knowledge, store, keys
        self._twilio, self._public_url, self._clock = twilio, public_url, clock
        self.simulator_token = secrets.token_hex(32) if simulator else None
        self.routes = [
            Route(PATH, self.receive, methods=["POST"]),
            Route(STATUS_PATH, self.status, methods=["POST"]),
        ]

    async def receive(self, request: Request) -> Response:
        """200 with TwiML for a message with a right signature; 403 for any other; 413 for a body that is no text message's."""
        try:
            form = Form(await read_body(request))
        except TooLarge:
            return Response(status_code=413)
        sender = form.get("From")
        if not self._signed(request, form, sender):
            logger().warning("sms refused", reason="signature")
            return Response(status_code=403)
        if not sender or not form.get("MessageSid"):
            return Response(status_code=400)
        try:
            current, previous = self._keys.conversation_ids("sms", sender, self._clock())
            incoming = Incoming(
                channel="sms",
                ids=(current, previous),
                text=form.get("Body"),
                message=self._keys.message_id(form.get("MessageSid")),
                optout=self._keys.optout_id(sender),
            )
            del sender
            outcome = await self._assistant.respond(incoming)
            texts = [message.text for message in outcome.messages]
            logger().info("sms", locale=outcome.locale, count=len(texts), state=_state(outcome.failed, outcome.repeated))
        except Exception as error:
            logger().error("sms failed", error=type(error).__name__, where=where(error))
            texts = self._last_resort()
        return self._twiml(texts, BackgroundTask(self._forget_at_twilio, form.get("MessageSid"), INBOUND_REST))

    async def status(self, request: Request) -> Response:
        """Twilio's report on a message that we sent: once it is at rest, its copy there is deleted."""
        try:
            form = Form(await read_body(request))
        except TooLarge:
            return Response(status_code=413)
        if not self._signed(request, form, form.get("To")):
            return Response(status_code=403)
        if form.get("MessageStatus") in FINAL and form.get("MessageSid"):
            return Response(
                status_code=204, background=BackgroundTask(self._forget_at_twilio, form.get("MessageSid"), timedelta(0))
            )
        return Response(status_code=204)

    def _signed(self, request: Request, form: Form, person: str) -> bool:
        """Whether the request is Twilio's, for our account and number; or the simulator's, for a fictional number."""
        signature = request.headers.get("x-twilio-signature", "")
        url = self._public_url + request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if self._twilio is not None:
            for token in self._twilio.auth_tokens:
                if RequestValidator(token).validate(url, form, signature):
                    ours = self._twilio.number in (form.get("To"), form.get("From"))
                    return form.get("AccountSid") == self._twilio.account_sid and ours
        if self.simulator_token is not None and FICTIONAL.fullmatch(person):
            return bool(RequestValidator(self.simulator_token).validate(url, form, signature))
        return False

    def _forget_at_twilio(self, sid: str, rest: timedelta) -> None:
        """Runs in a thread once the answer is on its way: a slow database must not hold it up."""
        if self._twilio is None or not re.fullmatch(r"(SM|MM)[0-9a-f]{32}", sid):
            return
        try:
            self._store.clean_up_later(sid, self._clock() + rest)
        except StoreError:
            logger().error("store", reason="cleanup")

    def _twiml(self, texts: list[str], background: BackgroundTask) -> Response:
        reply = MessagingResponse()
        callback = self._public_url + STATUS_PATH if self._twilio is not None else None
        for text in texts:
            reply.message(text, action=callback, method="POST" if callback else None)
        return Response(str(reply), media_type="text/xml", background=background)

    def _last_resort(self) -> list[str]:
        """What goes out when our own code has failed: the human route, in two languages."""
        plan = Plan(((Piece("system/human_route_basic"),),))
        # The person's language is not known here: English and Spanish, which most people here can have read to them.
        return [render(self._knowledge, plan, locale, "sms", self._clock())[0].text for locale in ("en", "es")]


def _state(failed: bool, repeated: bool) -> str:
    return "failed" if failed else "repeated" if repeated else "answered"
