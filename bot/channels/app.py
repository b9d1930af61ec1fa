"""The public process: every address in one place, the engine child beside it, and the jobs that forget."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.channels.http import CompressPages, Headers
from bot.channels.page import Pages
from bot.channels.pages import PagesChannel
from bot.channels.present import Presenter
from bot.channels.sheets import SheetPages
from bot.channels.simulator import OUR_NUMBER, Simulator
from bot.channels.sms import SmsChannel
from bot.channels.twilio_cleanup import sweep
from bot.channels.web import WebChannel
from bot.dialogue.assistant import Assistant
from bot.dialogue.choices import ChoiceWords
from bot.dialogue.control import ControlWords
from bot.dialogue.danger import DangerDetector
from bot.dialogue.records import Records
from bot.engine.supervisor import Supervisor
from bot.engine.training import language_file
from bot.knowledge import Knowledge, formatting
from bot.nlu.language import LanguageIdentifier
from bot.privacy.keys import Keys, utc_now
from bot.privacy.logs import logger, where
from bot.settings import ROOT, Settings
from bot.store import Store, StoreError

FORGET_EVERY = 60.0  # seconds
LOOK_FOR_HOLDS_EVERY = 5.0  # a hold must reach every process within 60
FLUSH_EVERY = 5.0  # what the database did not take is tried again


def make_app(settings: Settings, knowledge: Knowledge, store: Store, keys: Keys) -> Starlette:
    """The application; starting it starts the engine child, ending it ends the child. Raises ContentError for word lists that
    cannot be read."""
    supervisor = Supervisor(settings.model)
    danger = DangerDetector.load(ROOT / "content" / "danger.yml")
    assistant = Assistant(
        knowledge=knowledge,
        store=store,
        engine=supervisor,
        control=ControlWords.load(ROOT / "content" / "control_words.yml"),
        choices=ChoiceWords.load(ROOT / "content" / "choice_words.yml"),
        danger=danger,
        languages=_languages(settings),
        clock=utc_now,
        segments_a_day=settings.segments_a_day,
    )
    sms = SmsChannel(
        assistant, knowledge, store, keys, settings.twilio, settings.public_url, settings.simulator, utc_now, settings.voice_dir
    )
    number = settings.twilio.number if settings.twilio else OUR_NUMBER if settings.simulator else None
    pages = Pages(knowledge, utc_now)
    web = WebChannel(assistant, pages, store, keys, formatting.telephone(number) if number else None)
    reading = PagesChannel(pages, supervisor, danger, store)
    sheets = SheetPages(pages, settings.public_url, number)
    simulator = Simulator(sms, pages, settings.public_url, settings.segment_price) if settings.simulator else None

    async def health(_: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    async def ready(_: Request) -> Response:
        parts = {"engine": supervisor.ready, "database": await asyncio.to_thread(store.ready)}
        return JSONResponse(parts, status_code=200 if all(parts.values()) else 503)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await _read_holds(store, knowledge)
        await supervisor.start()
        work = (_forget(store, settings), _watch_holds(store, knowledge), _write_what_waits(assistant.records))
        jobs = [asyncio.create_task(job) for job in work]
        yield
        for job in jobs:
            job.cancel()
        await supervisor.stop()
        await _step("flush", assistant.records.flush(utc_now()))
        store.close()

    demo = [*simulator.routes, *Presenter(simulator, pages, assistant, keys, store).routes] if simulator else []
    app = Starlette(
        routes=[
            Route("/health", health),
            Route("/ready", ready),
            *sms.routes,
            *web.routes,
            *reading.routes,
            *sheets.routes,
            *demo,
        ],
        middleware=[Middleware(Headers, framed=settings.simulator), Middleware(CompressPages)],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # Starlette's own would name a scheme, and behind a proxy a wrong one
    app.state.supervisor = supervisor
    if simulator:
        simulator.app = app
    return app


async def _forget(store: Store, settings: Settings) -> None:
    """Erase what is past its time, here and at Twilio, for as long as the process runs."""
    async with httpx.AsyncClient() as client:
        while True:
            await _step("forget", _erase(store))
            if settings.twilio is not None:
                await _step("cleanup", sweep(store, settings.twilio, client))
            await asyncio.sleep(FORGET_EVERY)


async def _erase(store: Store) -> None:
    gone = await asyncio.to_thread(store.forget, utc_now())
    if gone:
        logger().info("forgot", count=gone)


async def _write_what_waits(records: Records) -> None:
    """Also when nobody writes."""
    while True:
        await asyncio.sleep(FLUSH_EVERY)
        await _step("flush", records.flush(utc_now()))


async def _step(name: str, work: Awaitable[Any]) -> None:
    """One step of a job. Whatever goes wrong in it is logged, by type and place, and does not end the job: nothing would be erased any more."""
    try:
        await work
    except Exception as error:
        logger().error("job", reason=name, error=type(error).__name__, where=where(error))


async def _watch_holds(store: Store, knowledge: Knowledge) -> None:
    """Every process looks, so that a hold acts everywhere within a minute, without a deploy."""
    while True:
        await asyncio.sleep(LOOK_FOR_HOLDS_EVERY)
        await _step("holds", _read_holds(store, knowledge))


async def _read_holds(store: Store, knowledge: Knowledge) -> None:
    try:
        held = frozenset(await asyncio.to_thread(store.holds))
    except StoreError:
        logger().error("store", reason="holds")
        return  # what was held stays held
    if held != knowledge.held:
        logger().info("holds", count=len(held))
        knowledge.held = held


def _languages(settings: Settings) -> LanguageIdentifier | None:
    """For failure answers only; without it they are in the conversation's or the page's language."""
    try:
        return LanguageIdentifier.load(language_file(settings.model))
    except (OSError, ValueError, KeyError):
        return None
