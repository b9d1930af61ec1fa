"""For a forum: a demonstration that keeps nothing, and a kit for a USB stick."""

from __future__ import annotations

import argparse
import ipaddress
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.common import Commands, open_store, train_if_needed
from bot.cli.serve import listen, port_problem
from bot.knowledge import Knowledge
from bot.settings import ROOT, read

if TYPE_CHECKING:
    from bot.store import Store

# What leads to real people or to what is kept of them: a demonstration has no use for any of it.
REAL = (
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_NUMBER",
    "AMPARO_DATABASE_URL",
    "AMPARO_HASH_KEY",
    "AMPARO_HASH_KEY_FILE",
)


def add(commands: Commands) -> None:
    """Add the commands to the parser."""
    demo = commands.add_parser("demo", help="show it at a forum: no network, this computer only, nothing is kept")
    demo.add_argument("--port", type=int, default=8000)
    demo.add_argument("--host", default="127.0.0.1", help="an address of this computer itself; any other is refused")
    demo.set_defaults(run=_demo)

    kit = commands.add_parser("kit", help="write a folder for a USB stick: recorded scenes and all answers, in every language")
    kit.add_argument("--out", metavar="FOLDER", default=str(ROOT / "build" / "kit"), help="default: build/kit")
    kit.set_defaults(run=_kit)


def _demo(options: argparse.Namespace) -> int:
    from bot.privacy import logs
    from bot.privacy.keys import Keys

    logs.configure()
    problem = refusal(os.environ, options.host) or port_problem(options.host, options.port)
    if problem:
        print(f"amparo: {problem}", file=sys.stderr)
        return 1
    # So that a closed terminal, too, ends it in order: the database goes with the process, the folder with this block.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda *_: sys.exit(0))
    held = held_here()
    with tempfile.TemporaryDirectory(prefix="amparo-demo-") as folder:
        settings = read({**os.environ, "AMPARO_DATA_DIR": folder}, profile="demo", port=options.port)
        knowledge = Knowledge.load(operator={**settings.operator, "web": settings.public_url}, desks=settings.desks)
        train_if_needed(settings)
        store = in_memory()
        for target, (why, since) in held.items():
            store.hold(target, why, since)
        from bot.channels.app import make_app

        app = make_app(settings, knowledge, store, Keys(secrets.token_bytes(32)))
        print(
            f"amparo: open http://localhost:{options.port}/present. Nothing is kept. Ctrl-C ends it.", file=sys.stderr, flush=True
        )
        listen(app, options.host, options.port)
    return 0


def refusal(environ: Mapping[str, str], host: str) -> str | None:
    """Why a demonstration will not start, or None."""
    given = [name for name in REAL if environ.get(name)]
    if given:
        return f"a demonstration refuses real credentials: unset {', '.join(given)}"
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    return None if loopback else f"a demonstration listens on this computer only, not on {host}: leave --host out"


def in_memory() -> Store:
    """A database that no file holds: it is gone with the process, however that ends."""
    import sqlalchemy as sa
    from sqlalchemy.pool import QueuePool

    from bot.store import Store
    from bot.store.tables import metadata

    # One connection, which every thread waits for in turn: a second one would open a second, empty database.
    engine = sa.create_engine(
        "sqlite://",
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        connect_args={"check_same_thread": False},
        hide_parameters=True,
    )
    metadata.create_all(engine)
    return Store(engine)


def held_here() -> dict[str, tuple[str, datetime]]:
    """What the content owner holds back on this computer (`amparo hold`): it is not shown at a forum either."""
    if not (read().data_dir / "amparo.sqlite").exists():
        return {}
    with open_store() as store:
        return store.holds()


def _kit(options: argparse.Namespace) -> int:
    import asyncio

    from bot import kit
    from bot.channels.page import Pages
    from bot.cli.talk import in_process
    from bot.knowledge.scenes import load_scenes
    from bot.privacy.keys import utc_now

    settings, now = read(), utc_now()
    at = kit.noon(now)
    knowledge = Knowledge.load(operator={**settings.operator, "web": settings.public_url}, desks=settings.desks)
    knowledge.held = frozenset(held_here())
    pages = Pages(knowledge, lambda: at)
    scenes = load_scenes(ROOT / "content" / "scenes.yml", [info.code for info in knowledge.served()])
    respond = in_process("sms", lambda: at, knowledge)
    try:
        size = asyncio.run(kit.write(Path(options.out), pages, scenes, respond, now))
    except (kit.NotAKit, OSError) as error:
        print(f"amparo: {error}", file=sys.stderr)
        return 1
    print(
        f"{options.out}: {size / 1e6:.1f} MB. Open {Path(options.out) / 'index.html'} in a browser, or copy the folder to a stick."
    )
    return 0
