"""The chat page and its JSON. Works by plain form posts; a small script only spares the reload.

The token names a conversation: made here, kept in the page alone, and only its keyed hash is stored.
"""

from __future__ import annotations

import html
import json
import re
import secrets
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot.channels.http import TooLarge, read_body
from bot.dialogue.assistant import Assistant, Incoming, Outcome
from bot.dialogue.plan import Rendered
from bot.knowledge import Knowledge, formatting, reviews
from bot.knowledge.flows import PAPERS
from bot.knowledge.yamlfile import load
from bot.privacy.keys import Keys
from bot.privacy.logs import logger, where
from bot.settings import ROOT
from bot.store import Store, StoreError

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
MAX_TEXT = 1600


class WebChannel:
    """Pages at /<locale>/, POST /chat, POST /chat/erase, and the files they need."""

    def __init__(
        self, assistant: Assistant, knowledge: Knowledge, store: Store, keys: Keys, clock: Callable[[], datetime]
    ) -> None:
        self._assistant, self._knowledge, self._store, self._keys, self._clock = (
            assistant,
            knowledge,
            store,
            keys,
            clock,
        )
        self._served = [info.code for info in knowledge.served()]
        page = load(ROOT / "content" / "web.yml")
        self._suggestions, self._leave_to = page["suggestions"], page["leave_to"]
        self._reviews = reviews.load_reviews()
        self._templates = Environment(
            loader=FileSystemLoader(ROOT / "web" / "templates"),
            autoescape=select_autoescape(default=True),
            trim_blocks=True,
        )
        self.routes = [
            Route("/", self.choose, methods=["GET"]),
            Route("/chat", self.chat, methods=["POST"]),
            Route("/chat/erase", self.erase, methods=["POST"]),
            *(Route(f"/{code}/", self.page, methods=["GET", "POST"], name=f"page-{code}") for code in self._served),
            Mount("/static", StaticFiles(directory=ROOT / "web" / "static")),
        ]

    # --- addresses ------------------------------------------------------------------------------------------------------

    async def choose(self, request: Request) -> Response:
        """To the page in the first of the browser's languages that we write."""
        return RedirectResponse(f"/{_preferred(request.headers.get('accept-language', ''), self._served)}/", status_code=302)

    async def page(self, request: Request) -> Response:
        """The chat page. POST (`token`, and `text`, `option` or `repeat`) answers in the page itself, without any script."""
        locale = request.url.path.strip("/")
        # Made before the first message, so that even that one can be sent again, and erased while it is being answered.
        token, shown, options = secrets.token_urlsafe(32), [], []
        if request.method == "POST":
            if _from_elsewhere(request):
                return Response(status_code=403)
            try:
                fields = parse_qsl((await read_body(request)).decode("utf-8", "replace"), keep_blank_values=True)
                form = dict(fields)
            except TooLarge:
                return Response(status_code=413)
            token = form["token"] if TOKEN.fullmatch(form.get("token", "")) else token
            text, option = form.get("text", "")[:MAX_TEXT], form.get("option")
            if option and option.endswith(PAPERS):
                option = "|".join([option, *(value for name, value in fields if name == "tick")])
            if form.get("repeat"):
                option, text = self._last(token), ""
            if text.strip() or option:
                token, outcome = await self._respond(token, text, option, locale, None)
                shown = [self._reply(message, outcome.locale) for message in outcome.messages]
                options = self._options(outcome)
                if outcome.locale != locale and not form.get("repeat"):
                    locale = outcome.locale
        return HTMLResponse(self._page(locale, token, shown, options, form.get("text", "") if request.method == "POST" else ""))

    async def chat(self, request: Request) -> Response:
        """JSON {token?, text | option, locale?, message_id} -> {token, locale, dir, replies, options}. 400 for anything else."""
        if _from_elsewhere(request):
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
        token, outcome = await self._respond(token, text, option, locale, message_id)
        info = self._knowledge.locale(outcome.locale)
        return JSONResponse(
            {
                "token": token,
                "locale": info.code,
                "dir": info.dir,
                "replies": [self._reply(message, outcome.locale) for message in outcome.messages],
                "options": self._options(outcome),
            }
        )

    async def erase(self, request: Request) -> Response:
        """Erase the conversation of a token. Also sent as the page closes ("Leave now")."""
        if _from_elsewhere(request):
            return Response(status_code=403)
        try:
            token = json.loads(await read_body(request)).get("token", "")
        except (TooLarge, ValueError, AttributeError, RecursionError):
            return Response(status_code=400)
        if isinstance(token, str) and TOKEN.fullmatch(token):
            try:
                await self._assistant.erase((self._keys.token_id(token),))
            except StoreError:
                return Response(status_code=503)
        return Response(status_code=204)

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

    def _last(self, token: str) -> str | None:
        """The answer that a conversation was given last."""
        if not TOKEN.fullmatch(token):
            return None
        try:
            conversation = self._store.conversation((self._keys.token_id(token),))
        except StoreError:
            return None
        return conversation.resumed(self._clock()).last_id if conversation else None

    def _reply(self, message: Rendered, locale: str) -> dict[str, Any]:
        said = message.said
        dates = [
            {**source, "collected": formatting.month(date.fromisoformat(source["checked"]), self._knowledge.style(locale))}
            for source in said.sources
        ]
        return {
            "id": said.id,
            "html": message.html or f"<p>{html.escape(message.text)}</p>",
            "text": message.text,
            "say": message.say,
            "spelled": self._knowledge.spelled(said.id, locale) if message.say else None,
            "sources": dates,
            "expired": said.expired,
            "translation": said.translation,
            "reviewed": reviews.state(self._knowledge, self._reviews, said.id, locale) == "reviewed",
        }

    def _options(self, outcome: Outcome) -> list[dict[str, str]]:
        found = []
        for option in outcome.plan.options:
            target, _, label = option.partition("|")
            one = {"id": option, "label": self._knowledge.label(label or target, outcome.locale, "web")}
            # Of papers a person may have several.
            found.append({**one, "tick": label} if target.endswith(PAPERS) and "/paper_" in label else one)
        return found

    def _page(self, locale: str, token: str, shown: list[dict[str, Any]], options: list[dict[str, str]], asked: str) -> str:
        info, at = self._knowledge.locale(locale), self._clock()

        def word(name: str) -> str:
            return self._knowledge.say(f"system/web_{name}", locale, "web", at).text

        suggestions = [{"id": id_, "label": self._knowledge.title(id_, locale, "web")} for id_ in self._suggestions]
        return self._templates.get_template("chat.html").render(
            info=info,
            locales=self._knowledge.served(),
            word=word,
            welcome=self._knowledge.say("system/welcome_web", locale, "web", at).html,
            human=self._knowledge.say("system/human_route_basic", locale, "web", at).html,
            token=token,
            count=self._knowledge.label("system/choice_count", locale, "web"),
            shown=shown,
            asked=asked,
            options=options or ([] if shown else suggestions),
            leave_to=self._leave_to,
            government=self._knowledge.operator.get("kind") == "government",
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


def _from_elsewhere(request: Request) -> bool:
    """Whether another site's page makes the browser send this: it could plant a token of its own and then read the conversation.
    (Browsers tell; the Origin header says nothing here, since our own pages send no referrer.)"""
    return request.headers.get("sec-fetch-site", "same-origin") in ("cross-site", "same-site")


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
