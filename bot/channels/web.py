"""The chat page and its JSON. Works by plain form posts; a small script only spares the reload.

The token names a conversation: made here, kept in the page alone, and only its keyed hash is stored.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot.channels.http import TooLarge, from_elsewhere, read_body
from bot.channels.page import STATIC, Pages
from bot.dialogue.assistant import STAFF_DIGITS, Assistant, Incoming, Outcome
from bot.knowledge.flows import PAPERS
from bot.privacy.keys import Keys
from bot.privacy.logs import logger, where
from bot.store import Handoff, Store, StoreError

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
MAX_TEXT = 1600
REMEMBERED = 10_000  # erased conversations of which a form may still come


class WebChannel:
    """Pages at /<locale>/, POST /chat, /chat/text and /chat/erase, the way out without a script, and the files that pages need.

    `phone` is the number that text messages go to, as people write it; None where there is none.
    """

    def __init__(self, assistant: Assistant, pages: Pages, store: Store, keys: Keys, phone: str | None) -> None:
        self._assistant, self._pages, self._store, self._keys, self._phone = assistant, pages, store, keys, phone
        self._knowledge, self._clock = pages.knowledge, pages.clock
        self._served = [info.code for info in self._knowledge.served()]
        # Conversations that were erased by their page: a form that Back or Reload sends again starts nothing in them.
        self._over: dict[str, None] = {}
        self.routes = [
            Route("/", self.choose, methods=["GET"]),
            *(Route(f"/{code}", self.slash, methods=["GET"], name=f"slash-{code}") for code in self._served),
            Route("/chat", self.chat, methods=["POST"]),
            Route("/chat/text", self.text, methods=["POST"]),
            Route("/chat/erase", self.erase, methods=["POST"]),
            *(Route(f"/{code}/", self.page, methods=["GET", "POST"], name=f"page-{code}") for code in self._served),
            *(Route(f"/{code}/leave", self.leave, methods=["POST"], name=f"leave-{code}") for code in self._served),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]

    # --- addresses ------------------------------------------------------------------------------------------------------

    async def choose(self, request: Request) -> Response:
        """To the page in the first of the browser's languages that we write."""
        return RedirectResponse(f"/{_preferred(request.headers.get('accept-language', ''), self._served)}/", status_code=302)

    async def slash(self, request: Request) -> Response:
        """/es is /es/ (a path alone: a proxy's scheme is not known here)."""
        return RedirectResponse(f"{request.url.path}/", status_code=302)

    async def page(self, request: Request) -> Response:
        """The chat page. POST (`token`, and `text`, `option`, `repeat` or `bytext`) answers in the page itself, without any script."""
        locale = request.url.path.strip("/")
        # Made before the first message, so that even that one can be sent again, and erased while it is being answered.
        token, shown, options, asked, status = secrets.token_urlsafe(32), [], [], "", ""
        if request.method == "POST":
            if from_elsewhere(request):
                return Response(status_code=403)
            try:
                fields = parse_qsl((await read_body(request)).decode("utf-8", "replace"), keep_blank_values=True)
            except TooLarge:
                return Response(status_code=413)
            form = dict(fields)
            if form.get("token") and self._is_over(form["token"]):
                form = {}
            token = form["token"] if TOKEN.fullmatch(form.get("token", "")) else token
            asked, option = form.get("text", "")[:MAX_TEXT], form.get("option")
            if form.get("bytext"):
                status, asked = await self._code(token, locale), ""
            if option and option.endswith(PAPERS):
                option = "|".join([option, *(value for name, value in fields if name == "tick")])
            if form.get("repeat") or form.get("bytext"):
                option, asked = await asyncio.to_thread(self._last, token), ""
            if asked.strip() or option:
                message_id = None if form.get("repeat") or form.get("bytext") else form.get("message_id", "")[:100] or None
                token, outcome = await self._respond(token, asked, option, locale, message_id)
                shown = [self._pages.shown(message, outcome.locale) for message in outcome.messages]
                options = self._options(outcome)
                if outcome.locale != locale and not form.get("repeat"):
                    locale = outcome.locale
        return HTMLResponse(self._page(locale, token, shown, options, asked, status))

    async def leave(self, request: Request) -> Response:
        """Leave now, where no script runs: the conversation is erased, and the browser goes on by itself."""
        if from_elsewhere(request):
            return Response(status_code=403)
        try:
            form = dict(parse_qsl((await read_body(request)).decode("utf-8", "replace")))
        except TooLarge:
            return Response(status_code=413)
        gone = await self._end(form.get("token", ""))
        return HTMLResponse(self._pages.render("left.html", request.url.path.split("/")[1], "/", gone=gone))

    async def chat(self, request: Request) -> Response:
        """JSON {token?, text | option, locale?, message_id} -> {token, locale, dir, replies, options}. 400 for anything else."""
        if from_elsewhere(request):
            return Response(status_code=403)
        try:
            data = json.loads(await read_body(request))
            token, text, option, locale, message_id = _chat_fields(data)
        except TooLarge:
            return Response(status_code=413)
        except (ValueError, TypeError, RecursionError):
            return JSONResponse({"error": "expected {token?, text | option, locale?, message_id}"}, status_code=400)
        if option is not None and not self._knowledge.is_option(option):
            return JSONResponse({"error": "unknown option"}, status_code=400)
        if locale is not None and locale not in self._served:
            return JSONResponse({"error": "unknown locale", "locales": self._served}, status_code=400)
        token = None if token and self._is_over(token) else token
        token, outcome = await self._respond(token, text, option, locale, message_id)
        info = self._knowledge.locale(outcome.locale)
        return JSONResponse(
            {
                "token": token,
                "locale": info.code,
                "dir": info.dir,
                "replies": [self._pages.shown(message, outcome.locale) for message in outcome.messages],
                "options": self._options(outcome),
            }
        )

    async def text(self, request: Request) -> Response:
        """JSON {token, locale} -> {text}: how to go on by text message. 404 where no number is set up."""
        if from_elsewhere(request):
            return Response(status_code=403)
        try:
            data = json.loads(await read_body(request))
            token, locale = str(data.get("token", "")), str(data.get("locale", ""))
        except (TooLarge, ValueError, AttributeError, RecursionError):
            return Response(status_code=400)
        if self._phone is None or locale not in self._served or not TOKEN.fullmatch(token):
            return Response(status_code=404)
        return JSONResponse({"text": await self._code(token, locale)})

    async def erase(self, request: Request) -> Response:
        """Erase the conversation of a token. Also sent as the page closes ("Leave now")."""
        if from_elsewhere(request):
            return Response(status_code=403)
        try:
            token = json.loads(await read_body(request)).get("token", "")
        except (TooLarge, ValueError, AttributeError, RecursionError):
            return Response(status_code=400)
        return Response(status_code=204 if await self._end(token if isinstance(token, str) else "") else 503)

    # --- inside ---------------------------------------------------------------------------------------------------------

    async def _respond(
        self, token: str | None, text: str, option: str | None, locale: str | None, message_id: str | None
    ) -> tuple[str, Outcome]:
        """The token (a new one where it is none of ours) and the outcome."""
        if not token or not TOKEN.fullmatch(token):
            token = secrets.token_urlsafe(32)
        incoming = Incoming(
            channel="web",
            ids=(self._keys.token_id(token),),
            text=text,
            message=self._keys.message_id(f"{token} {message_id}") if message_id else None,
            chosen=option if option and self._knowledge.is_option(option) else None,
            hint=locale,
        )
        try:
            outcome = await self._assistant.respond(incoming)
        except Exception as error:
            logger().error("chat failed", error=type(error).__name__, where=where(error))
            raise
        logger().info(
            "chat", locale=outcome.locale, count=len(outcome.messages), state="failed" if outcome.failed else "answered"
        )
        return token, outcome

    async def _end(self, token: str) -> bool:
        """Erase the conversation of a token; whether that could be done."""
        if not TOKEN.fullmatch(token):
            return True
        id_ = self._keys.token_id(token)
        self._over[id_] = None
        for old in list(self._over)[: max(0, len(self._over) - REMEMBERED)]:
            del self._over[old]
        try:
            await self._assistant.erase((id_,))
        except StoreError:
            return False
        return True

    def _is_over(self, token: str) -> bool:
        return bool(TOKEN.fullmatch(token)) and self._keys.token_id(token) in self._over

    async def _code(self, token: str, locale: str) -> str:
        """Words with a code that starts a conversation by text message in this language, at the topic of the last answer. A private topic
        is not in it: the telephone may be another person's."""
        try:
            found = await asyncio.to_thread(self._store.conversation, (self._keys.token_id(token),))
            if found is None:  # a code costs a row: only a conversation gets one
                return self._pages.word("failed", locale)
            now = self._clock()
            conversation = found.resumed(now)
            open_topic = (
                conversation is not None and not conversation.private and conversation.last_id in self._knowledge.questions
            )
            topic = conversation.last_id if open_topic and conversation.last_id else "menu"
            code = await asyncio.to_thread(self._store.hand_off, STAFF_DIGITS, Handoff(locale, topic), now)
        except StoreError:
            logger().error("store", reason="code")
            return self._pages.word("failed", locale)
        phone = self._phone or ""
        return self._knowledge.say("system/web_by_text_how", locale, "web", now, phone=phone, code=code).text

    def _last(self, token: str) -> str | None:
        """The answer that a conversation was given last."""
        if not TOKEN.fullmatch(token):
            return None
        try:
            conversation = self._store.conversation((self._keys.token_id(token),))
        except StoreError:
            return None
        return conversation.resumed(self._clock()).last_id if conversation else None

    def _options(self, outcome: Outcome) -> list[dict[str, str]]:
        found = []
        for option in outcome.plan.options:
            target, _, label = option.partition("|")
            one = {"id": option, "label": self._knowledge.label(label or target, outcome.locale, "web")}
            # Of papers a person may have several.
            found.append({**one, "tick": label} if target.endswith(PAPERS) and "/paper_" in label else one)
        return found

    def _page(
        self, locale: str, token: str, shown: list[dict[str, Any]], options: list[dict[str, str]], asked: str, status: str
    ) -> str:
        at = self._clock()
        suggestions = [{"id": id_, "label": self._knowledge.title(id_, locale, "web")} for id_ in self._pages.suggestions]
        return self._pages.render(
            "chat.html",
            locale,
            "/",
            welcome=self._knowledge.say("system/welcome_web", locale, "web", at).html,
            token=token,
            message_id=secrets.token_urlsafe(12),
            count=self._knowledge.label("system/choice_count", locale, "web"),
            shown=shown,
            asked=asked,
            status=status,
            options=options or ([] if shown else suggestions),
            by_text=self._phone is not None,
        )


def _chat_fields(data: Any) -> tuple[str | None, str, str | None, str | None, str | None]:
    """(token, text, option, locale, message_id). Raises TypeError or ValueError for a shape that is not promised."""
    if not isinstance(data, dict):
        raise TypeError
    token, text, option = data.get("token"), data.get("text"), data.get("option")
    locale, message_id = data.get("locale"), data.get("message_id")
    for value in (token, text, option, locale, message_id):
        if value is not None and not isinstance(value, str):
            raise TypeError
    for value in (token, locale, message_id, option):
        (value or "").encode()  # an unpaired surrogate is a ValueError
    if (text is None) == (option is None) or len(message_id or "") > 100:
        raise ValueError
    return token, (text or "")[:MAX_TEXT], option, locale, message_id


def _preferred(header: str, served: list[str]) -> str:
    """The best of `served` for an Accept-Language header."""
    wanted = []
    for position, item in enumerate(header.split(",")[:20]):
        tag, _, weight = item.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), position, tag.strip().lower()))
        except ValueError:
            continue
    for _, _, tag in sorted(wanted):
        for code in served:
            if tag == code.lower().replace("_", "-") or tag.split("-")[0] == code:
                return code
        if tag.startswith("zh"):
            script = "zh_Hant" if re.search("hant|tw|hk|mo", tag) else "zh_Hans"
            if script in served:
                return script
    return "en"
