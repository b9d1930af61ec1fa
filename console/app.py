"""The console's process: every address in one place, and who may call it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot.channels.http import Headers
from bot.knowledge import Knowledge
from bot.privacy.keys import utc_now
from bot.privacy.logs import logger
from bot.settings import Settings
from bot.store import StoreError
from bot.store.console import ConsoleStore
from console import desk, keep, office
from console.web import ADMIN, CONTENT, DESK, EVERYBODY, HERE, PUBLIC, SIGN_IN, Console, Page

FORGET_EVERY = 300.0  # seconds

PAGES = [
    Page(SIGN_IN, "GET", PUBLIC, office.sign_in_page),
    Page(SIGN_IN, "POST", PUBLIC, office.sign_in),
    Page("/console/sign-out", "POST", EVERYBODY, office.sign_out),
    Page("/console/", "GET", EVERYBODY, office.home),
    Page("/console/open", "GET", DESK, desk.open_page),
    Page("/console/open", "POST", DESK, desk.open_code),
    Page("/console/start", "GET", DESK, desk.start_page),
    Page("/console/start", "POST", DESK, desk.start),
    Page("/console/look", "GET", EVERYBODY, desk.look_page),
    Page("/console/look", "POST", EVERYBODY, desk.look),
    Page("/console/answers/{id}", "GET", EVERYBODY, desk.answer),
    Page("/console/due", "GET", CONTENT, keep.due),
    Page("/console/facts/{id}", "GET", CONTENT, keep.fact_page),
    Page("/console/facts/{id}", "POST", CONTENT, keep.look_again),
    Page("/console/changes", "GET", CONTENT, keep.changes),
    Page("/console/changes", "POST", CONTENT, keep.decide),
    Page("/console/changes.patch", "GET", CONTENT, keep.patch_file),
    Page("/console/holds", "GET", CONTENT, keep.holds),
    Page("/console/holds", "POST", CONTENT, keep.hold_or_release),
    Page("/console/flags", "GET", CONTENT, keep.flags),
    Page("/console/unreviewed", "GET", CONTENT, keep.unreviewed),
    Page("/console/tallies", "GET", EVERYBODY, office.tally),
    Page("/console/audit", "GET", ADMIN, office.audit),
]


def make_console(
    settings: Settings,
    knowledge: Knowledge,
    store: ConsoleStore,
    clock: Callable[[], datetime] = utc_now,
    refuse_after: float = 1.0,
) -> Starlette:
    """The application. `clock` gives the present instant (aware)."""
    number = settings.twilio.number if settings.twilio else None
    console = Console(knowledge, store, number, settings.public_url, clock, refuse_after)

    async def top(_: Request) -> Response:
        return RedirectResponse("/console/", 302)

    async def health(_: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        job = asyncio.create_task(_forget(store, clock))
        yield
        job.cancel()
        store.close()

    return Starlette(
        routes=[
            Route("/", top),
            Route("/console", top),
            Route("/console/health", health),
            *console.routes(PAGES),
            Mount("/console/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[Middleware(Headers)],
        lifespan=lifespan,
    )


async def _forget(store: ConsoleStore, clock: Callable[[], datetime]) -> None:
    """Erase what is past its time, also where no public process runs beside this one."""
    while True:
        try:
            await asyncio.to_thread(store.forget, clock())
        except StoreError:
            logger().error("store", reason="forget")
        await asyncio.sleep(FORGET_EVERY)
