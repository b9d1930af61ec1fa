"""Running it: serve, train, doctor, fallback."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from typing import TYPE_CHECKING

from bot.cli.common import Commands, train_if_needed
from bot.knowledge import Knowledge
from bot.settings import PROFILES, read

if TYPE_CHECKING:
    from starlette.applications import Starlette


def add(commands: Commands) -> None:
    """Add the commands to the parser."""
    serve = commands.add_parser("serve", help="serve the chat page, the webhook and (outside production) the simulator")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
    serve.add_argument("--profile", choices=PROFILES, default=os.environ.get("AMPARO_PROFILE", "development"))
    serve.set_defaults(run=_serve)

    train = commands.add_parser("train", help="train the model if it is missing or out of date")
    train.add_argument("--force", action="store_true", help="train even if the model is up to date")
    train.set_defaults(run=_train)

    doctor = commands.add_parser("doctor", help="whether this installation is set up to text people, and what is missing")
    doctor.add_argument("--profile", choices=PROFILES, default=os.environ.get("AMPARO_PROFILE", "production"))
    doctor.set_defaults(run=_doctor)

    fallback = commands.add_parser("fallback", help="write the static answers for Twilio's fallback addresses (deploy/twilio)")
    fallback.set_defaults(run=_fallback)


def _serve(options: argparse.Namespace) -> int:
    from bot.privacy import logs
    from bot.privacy.keys import KeyProblem, load_keys
    from bot.store import Store, StoreError

    logs.configure()
    settings = read(profile=options.profile, port=options.port)
    taken = port_problem(options.host, options.port)
    if taken:
        print(f"amparo: {taken}", file=sys.stderr)
        return 1
    pseudo = settings.profile == "development" and bool(os.environ.get("AMPARO_PSEUDO"))
    knowledge = Knowledge.load(operator={**settings.operator, "web": settings.public_url}, desks=settings.desks, pseudo=pseudo)
    train_if_needed(settings)
    try:
        keys, made = load_keys(settings.hash_key_file, development=settings.development_key)
        store = Store.open(settings.database_url)
    except (KeyProblem, StoreError) as error:
        print(f"amparo: {error}", file=sys.stderr)
        return 1
    if made:
        print(f"amparo: hash key in {settings.development_key}, for development only", file=sys.stderr)
    from bot.channels.app import make_app

    app = make_app(settings, knowledge, store, keys)
    simulator = f", SMS simulator at http://localhost:{options.port}/demo" if settings.simulator else ""
    print(f"amparo: {settings.profile}: http://localhost:{options.port}{simulator}. Ctrl-C stops it.", file=sys.stderr)

    listen(app, options.host, options.port)
    return 0


def listen(app: Starlette, host: str, port: int) -> None:
    """Serve the application until Ctrl-C."""
    import uvicorn

    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, server_header=False,
        proxy_headers=False, ws="none", timeout_graceful_shutdown=10, h11_max_incomplete_event_size=32 * 1024,
    )  # fmt: skip
    uvicorn.Server(config).run()


def _train(options: argparse.Namespace) -> int:
    from bot.engine import training

    settings = read()
    Knowledge.load()  # a content error before a minute of training, not after
    if training.is_current(settings.model) and not options.force:
        training.say(f"training: {settings.model.name} is up to date")
        return 0
    training.train(settings.model)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from bot import doctor

    findings = doctor.examine(os.environ, options.profile)
    for finding in findings:
        print(f"{'ok  ' if finding.good else 'MISS'}  {finding.what}")
    missing = sum(not finding.good for finding in findings)
    print(f"{missing} missing. What cannot be seen from here (Twilio's console, the carriers): docs/sms.md.")
    return 1 if missing else 0


def _fallback(options: argparse.Namespace) -> int:
    from bot.channels.sms import fallbacks
    from bot.settings import ROOT

    folder = ROOT / "deploy" / "twilio"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in fallbacks(Knowledge.load()).items():
        (folder / name).write_text(text + "\n", encoding="utf-8")
        print(folder / name)
    return 0


def port_problem(host: str, port: int) -> str | None:
    """Why the port cannot be listened on, or None."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return f"cannot listen on {host} port {port} ({error.strerror}): choose another with PORT=8001 make run, or --port"
    return None
