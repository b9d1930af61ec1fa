"""Starts the engine child, watches it, and gives every turn an answer or a clear failure in time.

After 8 seconds without an answer the turn fails (the person gets the human route), its late reply is dropped, and a new child is
started at once; the old one is killed after 12 seconds, or when the new one is ready. (docs/decisions/2026-11-21-restart.md)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bot.engine.exchange import EngineUnavailable, Reply, Request
from bot.privacy.logs import logger

ANSWER_WITHIN = 8.0  # seconds
SILENT_AFTER = 7.0
KILL_AFTER = 12.0
AT_ONCE = 8  # turns that the child is given at a time; it takes them one after the other
WAITING = 40  # turns that wait to be given to it; who comes later is told at once, not after 8 seconds
# A page costs nothing to ask: however many do, text messages find places too.
WEB_AT_ONCE, WEB_WAITING = 4, 12
LOAD_WITHIN = 120.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class _Child:
    process: asyncio.subprocess.Process
    socket: Path
    client: httpx.AsyncClient
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class _Line:
    """So many places, and so many who may wait for one."""

    def __init__(self, places: int, waiting: int) -> None:
        self._places, self._may_wait, self._waiting = asyncio.Semaphore(places), waiting, 0

    @contextlib.asynccontextmanager
    async def place(self, deadline: float) -> AsyncIterator[None]:
        """Raises EngineUnavailable at the deadline, or at once where too many wait: the engine is not replaced for being asked much."""
        if self._waiting >= self._may_wait:
            raise EngineUnavailable("busy")
        self._waiting += 1
        try:
            await asyncio.wait_for(self._places.acquire(), max(0.0, deadline - asyncio.get_running_loop().time()))
        except asyncio.TimeoutError:
            raise EngineUnavailable("busy") from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()


class Supervisor:
    """One engine child at a time. `start`, then `turn` as often as needed, then `stop`."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._folder = Path(tempfile.mkdtemp(prefix="amparo-"))
        self._child: _Child | None = None
        self._given_up: list[_Child] = []
        self._generation = 0
        self._stopping = False
        self._ready = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._everybody, self._web = _Line(AT_ONCE, WAITING), _Line(WEB_AT_ONCE, WEB_WAITING)

    @property
    def ready(self) -> bool:
        """Whether a turn would be taken now."""
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        """The process id of the child that takes turns."""
        return self._child.process.pid if self._child else None

    async def start(self) -> None:
        """Start the child; does not wait until it is ready."""
        self._keeper = asyncio.create_task(self._keep())

    async def wait_ready(self, seconds: float) -> bool:
        """Whether the child became ready within `seconds`."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._ready.wait(), seconds)
        return self.ready

    async def stop(self) -> None:
        """End the child and wait for it."""
        self._stopping = True
        self._wake.set()
        for task in [self._keeper, *self._tasks]:
            if task is not None:
                task.cancel()
        await asyncio.gather(*(t for t in [self._keeper, *self._tasks] if t), return_exceptions=True)
        for child in self._given_up:
            await _end(child, kill=True)
        if self._child is not None:
            await _end(self._child)
        with contextlib.suppress(OSError):
            for leftover in self._folder.iterdir():
                leftover.unlink()
            self._folder.rmdir()

    async def turn(self, request: Request, within: float = ANSWER_WITHIN) -> Reply:
        """Run a turn. Raises EngineUnavailable after `within` seconds at most, or at once where too many wait."""
        deadline = asyncio.get_running_loop().time() + within
        async with contextlib.AsyncExitStack() as places:
            if request.conversation.channel == "web":
                await places.enter_async_context(self._web.place(deadline))
            await places.enter_async_context(self._everybody.place(deadline))
            return await self._turn(request, deadline)

    async def _turn(self, request: Request, deadline: float) -> Reply:
        loop = asyncio.get_running_loop()
        failed_before = False
        while True:
            if not await self._until_ready(deadline - loop.time()):
                raise EngineUnavailable("not ready")
            child = self._child
            assert child is not None
            sent = loop.time()
            post = asyncio.create_task(child.client.post("/turn", json=request.as_json()))
            done, _ = await asyncio.wait({post}, timeout=max(0.0, deadline - loop.time()))
            if not done:
                if loop.time() - sent >= SILENT_AFTER:
                    self._replace(child, post)
                else:
                    self._in_background(self._see(child, post, sent))
                raise EngineUnavailable("no answer in time")
            try:
                response = post.result()
                if response.status_code == 200:
                    return Reply.from_json(response.json())
                raise EngineUnavailable(f"status {response.status_code}")
            except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
                # The child died under this turn: its replacement may still be in time, once.
                self._lost(child)
                if failed_before:
                    raise EngineUnavailable(type(error).__name__) from None
                failed_before = True

    async def _see(self, child: _Child, post: asyncio.Task[httpx.Response], sent: float) -> None:
        """A turn was given up before the child can be called silent: give it the rest of its time."""
        done, _ = await asyncio.wait({post}, timeout=max(0.0, sent + ANSWER_WITHIN - asyncio.get_running_loop().time()))
        if done:
            post.exception()
        else:
            self._replace(child, post)

    async def _until_ready(self, seconds: float) -> bool:
        if self._ready.is_set():
            return True
        return seconds > 0 and await self.wait_ready(seconds)

    def _lost(self, child: _Child) -> None:
        if self._child is child:
            self._ready.clear()
            self._wake.set()

    def _replace(self, child: _Child, post: asyncio.Task[httpx.Response]) -> None:
        """Start a new child now; kill the silent one at 12 seconds."""
        logger().error("engine", reason="no answer in time", pid=child.process.pid)
        if child in self._given_up:
            return  # another turn waited for the same child
        self._given_up.append(child)
        if self._child is child:
            self._child = None
            self._ready.clear()
            self._wake.set()

        async def kill() -> None:
            await asyncio.wait({post}, timeout=KILL_AFTER - ANSWER_WITHIN)
            post.cancel()
            await _end(child, kill=True)
            self._given_up.remove(child)

        self._in_background(kill())

    def _in_background(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self) -> None:
        """Keep a child running: start one, wait until it ends or is given up, start the next."""
        pause = 0.0
        while not self._stopping:
            if not self._model.exists():
                await asyncio.sleep(0.5)
                continue
            await asyncio.sleep(pause)
            self._wake.clear()
            try:
                child = await self._launch()
            except OSError as error:  # no memory, no processes: there may be some again soon
                pause = min(10.0, pause * 2 + 1.0)
                logger().error("engine", reason="did not launch", error=type(error).__name__)
                continue
            self._child = child
            if await self._until_serving(child):
                pause = 0.0
                self._ready.set()
                logger().info("engine ready", pid=child.process.pid)
                await self._until_gone(child)
            else:
                pause = min(10.0, pause * 2 + 1.0)
                logger().error("engine", reason="did not start", code=child.process.returncode)
            self._ready.clear()
            if self._child is child:
                self._child = None
                await _end(child, kill=True)

    async def _launch(self) -> _Child:
        self._generation += 1
        socket = self._folder / f"engine-{self._generation}.sock"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.engine.child", "--socket", str(socket), "--model", str(self._model),
            stdin=asyncio.subprocess.PIPE,  # its closing tells the child that we are gone
            cwd=ROOT,
            # One thread: the other core is the public process's (two threads that fight for a core took twice as long as one).
            env={"OMP_NUM_THREADS": "1", **os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"},
        )  # fmt: skip
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        client = httpx.AsyncClient(transport=transport, base_url="http://engine", timeout=None)
        return _Child(process, socket, client)

    async def _until_serving(self, child: _Child) -> bool:
        deadline = asyncio.get_running_loop().time() + LOAD_WITHIN
        while asyncio.get_running_loop().time() < deadline:
            if child.process.returncode is not None:
                return False
            if child.socket.exists():
                with contextlib.suppress(httpx.HTTPError):
                    if (await child.client.get("/ready", timeout=2)).status_code == 204:
                        return True
            await asyncio.sleep(0.1)
        return False

    async def _until_gone(self, child: _Child) -> None:
        """Until the child's process ends, or it was given up."""
        ended = asyncio.create_task(child.process.wait())
        woken = asyncio.create_task(self._wake.wait())
        await asyncio.wait({ended, woken}, return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, woken):
            task.cancel()


async def _end(child: _Child, *, kill: bool = False) -> None:
    await child.client.aclose()
    if child.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.process.kill() if kill else child.process.terminate()
        try:
            await asyncio.wait_for(child.process.wait(), 3)
        except asyncio.TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                child.process.kill()
            await child.process.wait()
    child.socket.unlink(missing_ok=True)
