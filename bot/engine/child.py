"""The engine child: loads the model and serves turns on a Unix socket. Started and watched by bot.engine.supervisor.

Ends by itself when its standard input closes, so that it never outlives the process that started it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.engine.exchange import Request
from bot.engine.turn import Engine, ModelMissing  # configures logging before Rasa is imported
from bot.knowledge import ContentError, Knowledge
from bot.privacy.logs import logger, where

EXIT_NO_MODEL, EXIT_CONTENT = 3, 4


def app(engine: Engine) -> Starlette:
    """POST /turn: exchange.Request in, exchange.Reply out. GET /ready: 204 once turns are served."""

    async def turn(http: HttpRequest) -> Response:
        try:
            request = Request.from_json(await http.json())
        except (KeyError, TypeError, ValueError):
            return Response(status_code=400)
        try:
            reply = await engine.turn(request)
        except Exception as error:  # whatever it was, its message may hold what the person wrote
            logger().error("turn failed", error=type(error).__name__, where=where(error))
            return Response(status_code=500)
        return JSONResponse(reply.as_json())

    async def ready(_: HttpRequest) -> Response:
        return Response(status_code=204)

    return Starlette(routes=[Route("/turn", turn, methods=["POST"]), Route("/ready", ready)])


def main() -> int:
    """Returns 3 when there is no model, 4 when the content cannot be read."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        engine = Engine.load(options.model, Knowledge.load(pseudo=bool(os.environ.get("AMPARO_PSEUDO"))))
    except ModelMissing:
        logger().error("engine", reason="no model", path=options.model.name)
        return EXIT_NO_MODEL
    except ContentError:
        logger().error("engine", reason="content")
        return EXIT_CONTENT
    config = uvicorn.Config(app(engine), uds=str(options.socket), log_config=None, access_log=False, lifespan="off", ws="none")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the parent decides
    _Server(config).run()
    return 0


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals as they are: SIGTERM ends the process at once, which holds nothing."""
        yield


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
