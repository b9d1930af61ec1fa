"""Twilio's webhook: a signed form in, TwiML out. The reply goes in the webhook's own answer, so no number is ever stored.

Signatures are checked over the raw body with blank fields kept (Twilio signs them) and over the configured public address (a
proxy may rewrite scheme and host).
"""

from __future__ import annotations

import re
import secrets
import time as clock_time
from collections.abc import Callable
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import VoiceResponse

from bot.channels.http import TooLarge, read_body
from bot.channels.reactions import Reactions
from bot.dialogue.assistant import Assistant, Incoming
from bot.dialogue.plan import Piece, Plan, render
from bot.knowledge import Knowledge
from bot.privacy.keys import Keys
from bot.privacy.logs import logger, where
from bot.settings import ROOT, Twilio
from bot.store import Store, StoreError

PATH = "/webhooks/sms"
STATUS_PATH = "/webhooks/sms/status"
VOICE_PATH = "/webhooks/voice"
# Numbers that are kept out of use for stories and examples (North American plan, 555-0100 to 555-0199).
FICTIONAL = re.compile(r"\+1[2-9]\d\d55501\d\d")
# A copy at Twilio is deleted when its message has come to rest: a reply is on its way for some minutes at most.
INBOUND_REST = timedelta(minutes=2)
SENT_REST = timedelta(hours=1)  # some carriers report no delivery: then `sent` is the last word
# People write from telephones: a short code or a name is a machine, and two machines would answer each other for ever.
TELEPHONE = re.compile(r"\+[1-9]\d{6,14}")
# Twilio's codes for messages that did not arrive, and what an operator is told (docs/sms.md says what to do).
CODES = {
    "21610": "opted out at the carrier",
    "30003": "telephone off or out of reach",
    "30004": "blocked",
    "30005": "unknown number",
    "30006": "landline, or a carrier that cannot be reached",
    "30007": "filtered by the carrier",
    "30008": "unknown error",
    "30032": "toll-free number not verified",
    "30034": "number not registered",
    "30036": "not sent on within the validity period",
}
ALARMS = frozenset({"30007", "30032", "30034"})  # nobody is reached until somebody acts
TWILIO_ANSWERED = "keyword answered by Twilio"  # a count of a day
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


def signed_by(tokens: tuple[str, ...], url: str, form: Form, signature: str) -> bool:
    """Whether the signature is one of Twilio's over this address and form, with one of the tokens. The address with and without its port
    counts, as in Twilio's own validator."""
    return any(RequestValidator(token).validate(url, form, signature) for token in tokens)


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
        voice_dir: Path | None = None,
    ) -> None:
        self._voice_dir, self._reactions = voice_dir, Reactions.load(ROOT / "content" / "reactions.yml")
        self._assistant, self._knowledge, self._store, self._keys = assistant, knowledge, store, keys
        self._twilio, self._public_url, self._clock = twilio, public_url, clock
        self.simulator_token = secrets.token_hex(32) if simulator else None
        self.routes = [
            Route(PATH, self.receive, methods=["POST"]),
            Route(STATUS_PATH, self.status, methods=["POST"]),
            Route(VOICE_PATH, self.voice, methods=["POST"]),
            Route("/voice/{locale}.mp3", self.recording),
        ]

    async def receive(self, request: Request) -> Response:
        """200 with TwiML for a message with a right signature; 403 for any other; 413 for a body that is no text message's."""
        arrived = clock_time.monotonic()
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
        forget = BackgroundTask(self._forget_at_twilio, form.get("MessageSid"), INBOUND_REST)
        if form.get("OptOutType"):  # Twilio has answered already, and refuses what we would say
            ids = self._keys.conversation_ids("sms", sender, self._clock())
            await self._opt_out(form.get("OptOutType"), self._keys.optout_id(sender), ids)
            return self._twiml([], forget)
        if not TELEPHONE.fullmatch(sender) or self._reactions.find(form.get("Body")):
            return self._twiml([], forget)
        try:
            current, previous = self._keys.conversation_ids("sms", sender, self._clock())
            incoming = Incoming(
                channel="sms",
                ids=(current, previous),
                text=form.get("Body"),
                message=self._keys.message_id(form.get("MessageSid")),
                optout=self._keys.optout_id(sender),
                media=form.get("NumMedia") not in ("", "0"),
            )
            del sender
            outcome = await self._assistant.respond(incoming)
            texts = [message.text for message in outcome.messages]
            ms = round(1000 * (clock_time.monotonic() - arrived))
            logger().info("sms", locale=outcome.locale, count=len(texts), state=_state(outcome.failed, outcome.repeated), ms=ms)
        except Exception as error:
            logger().error("sms failed", error=type(error).__name__, where=where(error))
            texts = self._last_resort()
        return self._twiml(texts, forget)

    async def status(self, request: Request) -> Response:
        """Twilio's report on a message that we sent: once it is at rest, its copy there is deleted."""
        try:
            form = Form(await read_body(request))
        except TooLarge:
            return Response(status_code=413)
        if not self._signed(request, form, form.get("To")):
            return Response(status_code=403)
        if form.get("MessageStatus") == "sent":
            return Response(status_code=204, background=BackgroundTask(self._forget_at_twilio, form.get("MessageSid"), SENT_REST))
        if form.get("MessageStatus") not in FINAL or not form.get("MessageSid"):
            return Response(status_code=204)
        return Response(
            status_code=204,
            background=BackgroundTask(self._at_rest, form.get("MessageSid"), form.get("MessageStatus"), form.get("ErrorCode")),
        )

    async def voice(self, request: Request) -> Response:
        """Somebody calls the number: a fixed text in English and Spanish, and a recording for each language that has one. No menu."""
        try:
            form = Form(await read_body(request))
        except TooLarge:
            return Response(status_code=413)
        if not self._signed(request, form, form.get("From")):
            return Response(status_code=403)
        recorded = [f"{self._public_url}/voice/{code}.mp3" for code in self._recordings()]
        return Response(spoken(self._knowledge, self._clock(), recorded), media_type="text/xml")

    async def recording(self, request: Request) -> Response:
        """The operator's recording of the voice text in a language."""
        locale = request.path_params["locale"]
        if self._voice_dir is None or locale not in self._recordings():
            return Response(status_code=404)
        return FileResponse(self._voice_dir / f"{locale}.mp3", media_type="audio/mpeg")

    def _recordings(self) -> list[str]:
        if self._voice_dir is None:
            return []
        return [info.code for info in self._knowledge.served() if (self._voice_dir / f"{info.code}.mp3").is_file()]

    async def _opt_out(self, kind: str, optout: str, ids: tuple[str, ...]) -> None:
        """Twilio's own keywords were left on: remember what they did."""
        records = self._assistant.records
        if kind in ("STOP", "START"):
            await records.opt(optout, self._clock(), out=kind == "STOP", locale="en")
        try:
            if kind == "STOP":
                await self._assistant.erase(ids)
            await records.write(self._store.count, TWILIO_ANSWERED, self._clock())  # `amparo doctor` says so: it must not be
        except StoreError:
            logger().error("store", reason="optout")

    def _at_rest(self, sid: str, status: str, code: str) -> None:
        """A message of ours has come to rest: counted by its code, and its copy is deleted."""
        name = code if code in CODES else "other" if code else status
        (logger().error if code in ALARMS else logger().info)("sms status", state=status, code=name, reason=CODES.get(code, ""))
        try:
            self._store.count(f"status {name}", self._clock())
        except StoreError:
            logger().error("store", reason="count")
        self._forget_at_twilio(sid, timedelta(0))

    def _signed(self, request: Request, form: Form, person: str) -> bool:
        """Whether the request is Twilio's, for our account and number; or the simulator's, for a fictional number."""
        signature = request.headers.get("x-twilio-signature", "")
        url = self._public_url + request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if self._twilio is not None and signed_by(self._twilio.auth_tokens, url, form, signature):
            ours = self._twilio.number in (form.get("To"), form.get("From"))
            return form.get("AccountSid") == self._twilio.account_sid and ours
        if self.simulator_token is not None and FICTIONAL.fullmatch(person):
            return signed_by((self.simulator_token,), url, form, signature)
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


def fallbacks(knowledge: Knowledge) -> dict[str, str]:
    """TwiML files for Twilio's fallback addresses, for when nothing of ours answers: they name 911 and 311 alone, and hold no date."""
    at = datetime.combine(knowledge.collected, time(17), timezone.utc)
    reply = MessagingResponse()
    for locale in ("en", "es"):
        reply.message(knowledge.say("system/human_route_basic", locale, "sms", at).parts[0])
    return {"fallback-sms.xml": str(reply), "fallback-voice.xml": spoken(knowledge, at, [])}


def spoken(knowledge: Knowledge, at: datetime, recorded: list[str]) -> str:
    """TwiML for a call: the voice text in English and Spanish, then recordings by address."""
    reply = VoiceResponse()
    for locale, language in (("en", "en-US"), ("es", "es-US")):
        text = knowledge.say("system/voice", locale, "web", at).text
        reply.say(re.sub(r"\d+", lambda match: " ".join(match.group()), text), language=language)
    for address in recorded:
        reply.play(address)
    return str(reply)


def _state(failed: bool, repeated: bool) -> str:
    return "failed" if failed else "repeated" if repeated else "answered"
