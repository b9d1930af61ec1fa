"""What every page of the console shares: who visits, what may be seen, and how a page is written out."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.channels.http import TooLarge, read_body
from bot.knowledge import Knowledge
from bot.knowledge.lines import NEW_YORK
from bot.privacy.logs import logger, where
from bot.store import StoreError
from bot.store.console import ConsoleStore, Role, Session
from bot.store.store import KEEP_SESSION
from console import find
from console.accounts import session_id

HERE = Path(__file__).parent
COOKIE = "amparo-console"
SIGN_IN = "/console/sign-in"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
DESK: tuple[Role, ...] = ("agent",)
CONTENT: tuple[Role, ...] = ("content", "admin")
ADMIN: tuple[Role, ...] = ("admin",)
EVERYBODY: tuple[Role, ...] = ("agent", "content", "admin")
PUBLIC: tuple[Role, ...] = ()
# The pages in the order of the menu: (path, key, name, who).
MENU = (
    ("/console/open", "o", "Open a code", DESK),
    ("/console/start", "s", "Start a code", DESK),
    ("/console/look", "l", "Look up", EVERYBODY),
    ("/console/due", "d", "Due", CONTENT),
    ("/console/changes", "c", "Changes", CONTENT),
    ("/console/holds", "h", "Holds", CONTENT),
    ("/console/flags", "w", "Wrong", CONTENT),
    ("/console/unreviewed", "u", "Unreviewed", CONTENT),
    ("/console/tallies", "t", "Tallies", EVERYBODY),
    ("/console/audit", "a", "Audit", ADMIN),
)


@dataclass(frozen=True)
class Visit:
    """One request, as a page sees it. `session` is None only on a public page; `form` and `query` hold what was typed, which is never
    logged and never put in the audit log."""

    now: datetime
    session: Session | None
    form: dict[str, str] = field(repr=False)
    query: dict[str, str] = field(repr=False)
    path: dict[str, str] = field(repr=False)

    @property
    def who(self) -> Session:
        """The signed-in staff member. Raises RuntimeError on a public page."""
        if self.session is None:
            raise RuntimeError("a public page has no session")
        return self.session


Handler = Callable[["Console", Visit], Response]


@dataclass(frozen=True)
class Page:
    """An address, and who may call it: `roles` is empty for a public one."""

    path: str
    method: Literal["GET", "POST"]
    roles: tuple[Role, ...]
    handler: Handler


class Console:
    """What pages work with. `number` is the one to text and `address` the web address, for a caller; a refused sign-in is answered
    `refuse_after` seconds after it came, whatever was wrong with it."""

    def __init__(
        self,
        knowledge: Knowledge,
        store: ConsoleStore,
        number: str | None,
        address: str,
        clock: Callable[[], datetime],
        refuse_after: float = 1.0,
    ) -> None:
        self.knowledge, self.store, self.number, self.address = knowledge, store, number, address
        self._clock, self._refuse_after = clock, refuse_after
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["new_york"] = lambda at: f"{at.astimezone(NEW_YORK):%a %b %-d, %Y, %-I:%M %p}"

    def page(self, visit: Visit, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The template written out, in the frame that all pages share."""
        role = visit.session.role if visit.session else None
        menu = [entry for entry in MENU if role in entry[3]]
        frame = {"session": visit.session, "menu": menu, "languages": find.languages(self.knowledge)}
        text = self._templates.get_template(template).render(**frame, **values)
        return HTMLResponse(text, status_code=status)

    def routes(self, pages: list[Page]) -> list[Route]:
        """A guarded route for each page."""
        return [Route(page.path, self._guarded(page), methods=[page.method]) for page in pages]

    def _guarded(self, page: Page) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            came = time.monotonic()
            try:
                response = await self._answer(page, request)
            except StoreError:
                logger().error("store", reason="console")
                return Response("The database does not answer. Go on without the console.", 503, media_type="text/plain")
            except Exception as error:
                logger().error("console failed", error=type(error).__name__, where=where(error))
                return Response("Something failed here. Go on without this page.", 500, media_type="text/plain")
            if response.status_code == 401:
                await asyncio.sleep(max(0.0, came + self._refuse_after - time.monotonic()))
            return response

        return endpoint

    async def _answer(self, page: Page, request: Request) -> Response:
        form: dict[str, str] = {}
        if page.method == "POST":
            if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                return Response(status_code=403)
            try:
                form = dict(parse_qsl((await read_body(request)).decode("utf-8", "replace"), keep_blank_values=True))
            except TooLarge:
                return Response(status_code=413)
        now, cookie = self._clock(), request.cookies.get(COOKIE, "")
        session = await run_in_threadpool(self.store.session, session_id(cookie), now) if cookie else None
        visit = Visit(now, session, form, dict(request.query_params), dict(request.path_params))
        if page.roles:
            if session is None:
                return RedirectResponse(SIGN_IN, 303)
            if session.role not in page.roles:
                return self.page(visit, "refused.html", status=403)
            if page.method == "POST" and not secrets.compare_digest(session.csrf.encode(), form.get("csrf", "").encode()):
                return self.page(visit, "refused.html", status=403)
            self.knowledge.held = frozenset(await run_in_threadpool(self.store.holds))
        response = await run_in_threadpool(page.handler, self, visit)
        if isinstance(response, Moved) and response.cookie is not None:
            set_cookie(response, response.cookie, request)
        return response


def set_cookie(response: Response, cookie: str, request: Request) -> None:
    """Give the browser its session, or take it away (an empty `cookie`). Without TLS only a browser on this machine gets one."""
    secure = request.url.scheme == "https" or request.headers.get("host", "").rsplit(":", 1)[0] not in LOOPBACK
    age = int(KEEP_SESSION.total_seconds()) if cookie else 0
    response.set_cookie(COOKIE, cookie, max_age=age, path="/console", secure=secure, httponly=True, samesite="strict")


class Moved(RedirectResponse):
    """On to another page, after a form was dealt with. `cookie`: a new session's, or empty to end one."""

    def __init__(self, path: str, cookie: str | None = None) -> None:
        super().__init__(path, 303)
        self.cookie = cookie
