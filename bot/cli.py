"""`amparo`: serve, train, understand, say, chat, check, i18n."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
from datetime import date, datetime, time, timezone
from typing import Any

from bot.knowledge import ContentError, Knowledge, UnknownId, UnknownLocale
from bot.settings import PROFILES, Settings, SettingsError, read


def main(argv: list[str] | None = None) -> int:
    """Exit codes: 0 done, 1 not done (a line on stderr says why), 2 wrong use."""
    parser = argparse.ArgumentParser(prog="amparo", description="A know-your-rights assistant, over SMS and web chat.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve the chat page, the webhook and (outside production) the simulator")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
    serve.add_argument("--profile", choices=PROFILES, default=os.environ.get("AMPARO_PROFILE", "development"))
    serve.set_defaults(run=_serve)

    train = commands.add_parser("train", help="train the model if it is missing or out of date")
    train.add_argument("--force", action="store_true", help="train even if the model is up to date")
    train.set_defaults(run=_train)

    understand = commands.add_parser("understand", help="one message a line on stdin; one JSON object a line on stdout")
    understand.add_argument("--channel", choices=("sms", "web"), default="sms")
    understand.set_defaults(run=_understand)

    say = commands.add_parser("say", help="print an answer as a channel gives it, as JSON")
    say.add_argument("id", nargs="?")
    say.add_argument("--all", action="store_true", help="every answer and system text, one JSON object a line")
    say.add_argument("--lang", default="en", metavar="LOCALE")
    say.add_argument("--channel", choices=("sms", "web"), default="sms")
    say.add_argument("--on", type=date.fromisoformat, metavar="DATE", help="as it would be said on that day")
    say.set_defaults(run=_say)

    chat = commands.add_parser("chat", help="talk to the assistant in this terminal")
    chat.add_argument("--channel", choices=("sms", "web"), default="sms")
    chat.set_defaults(run=_chat)

    check = commands.add_parser("check", help="whether the content keeps its own rules")
    check.add_argument("words", nargs="*", help="only problems whose line holds one of these")
    check.set_defaults(run=_check)

    i18n = commands.add_parser("i18n", help="bring a locale's catalogue in step with the content")
    i18n.add_argument("locale")
    i18n.set_defaults(run=_i18n)

    options = parser.parse_args(argv)
    try:
        code: int = options.run(options)
        return code
    except (ContentError, SettingsError, UnknownId, UnknownLocale) as error:
        print(f"amparo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1


# --- commands ---------------------------------------------------------------------------------------------------------------


def _serve(options: argparse.Namespace) -> int:
    from bot.privacy import logs
    from bot.privacy.keys import KeyProblem, load_keys
    from bot.store import Store, StoreError

    logs.configure()
    settings = read(profile=options.profile, port=options.port)
    taken = _port_problem(options.host, options.port)
    if taken:
        print(f"amparo: {taken}", file=sys.stderr)
        return 1
    knowledge = Knowledge.load(operator={**settings.operator, "web": settings.public_url})
    _train_if_needed(settings)
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

    import uvicorn

    config = uvicorn.Config(
        app, host=options.host, port=options.port, log_config=None, access_log=False, server_header=False,
        proxy_headers=False, ws="none", timeout_graceful_shutdown=10, h11_max_incomplete_event_size=32 * 1024,
    )  # fmt: skip
    uvicorn.Server(config).run()
    return 0


def _train(options: argparse.Namespace) -> int:
    from bot.engine import training

    settings = read()
    Knowledge.load()  # a content error before a minute of training, not after
    if training.is_current(settings.model) and not options.force:
        training.say(f"training: {settings.model.name} is up to date")
        return 0
    training.train(settings.model)
    return 0


def _train_if_needed(settings: Settings) -> None:
    """In a process of its own: training loads all of Rasa, which the public process never needs."""
    import subprocess

    from bot.engine import training

    if not training.is_current(settings.model):
        training.say("training: the model is missing or out of date")
        if subprocess.run([sys.executable, "-m", "bot.cli", "train"], check=False).returncode:
            raise SettingsError("training failed; its messages are above")


def _understand(options: argparse.Namespace) -> int:
    assistant = _in_process(options.channel)
    from bot.dialogue.assistant import clean

    async def run() -> None:
        for number, line in enumerate(sys.stdin.buffer):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            outcome = await assistant(text, f"line-{number}")
            ranking = [{"intent": id_, "confidence": round(share, 4)} for id_, share in outcome.ranking[:5]]
            first = ranking[0] if ranking else {"intent": None, "confidence": 0.0}
            result = {
                "text": clean(text),
                "language": outcome.language,
                "intent": first["intent"],
                "confidence": first["confidence"],
                "ranking": ranking,
                "urgent": outcome.urgent,
                "replies": outcome.plan.ids,
                "options": list(outcome.plan.options) if "system/unsure" in outcome.plan.ids else [],
            }
            print(json.dumps(result, ensure_ascii=False), flush=True)

    asyncio.run(run())
    return 0


def _say(options: argparse.Namespace) -> int:
    if bool(options.id) == options.all:
        print("amparo: give an ID, or --all", file=sys.stderr)
        return 2
    knowledge = Knowledge.load()
    knowledge.locale(options.lang)
    at = datetime.combine(options.on, time(17), timezone.utc) if options.on else datetime.now(timezone.utc)
    for id_ in list(knowledge.answers) if options.all else [options.id]:
        said = knowledge.say(id_, options.lang, options.channel, at)
        result: dict[str, Any] = {
            "id": said.id, "lang": said.lang, "channel": said.channel, "text": said.text, "parts": said.parts,
            "segments": said.segments, "encoding": said.encoding, "sources": said.sources,
            "translation": said.translation, "expired": said.expired,
        }  # fmt: skip
        print(json.dumps(result, ensure_ascii=False))
    return 0


def _chat(options: argparse.Namespace) -> int:
    print("loading ...", file=sys.stderr)
    assistant = _in_process(options.channel)

    async def run() -> None:
        while True:
            try:
                text = await asyncio.to_thread(input, "> ")
            except EOFError:
                return
            outcome = await assistant(text, "terminal")
            for message in outcome.messages:
                print(message.text + "\n")

    asyncio.run(run())
    return 0


def _check(options: argparse.Namespace) -> int:
    from bot.knowledge import check

    return check.main(options.words)


def _i18n(options: argparse.Namespace) -> int:
    from bot.knowledge import i18n

    knowledge = Knowledge.load(strict=False)
    knowledge.locale(options.locale)
    missing = i18n.write(knowledge, options.locale)
    print(f"{options.locale}: {missing} sentences without a translation")
    return 0


# --- shared -----------------------------------------------------------------------------------------------------------------


def _in_process(channel: Any) -> Any:
    """The whole assistant in this process, with the engine inside and a database in memory: (text, sender) -> Outcome."""
    from bot.dialogue.assistant import Assistant, Incoming
    from bot.dialogue.control import ControlWords
    from bot.dialogue.danger import DangerDetector
    from bot.engine import training
    from bot.engine.turn import Engine, ModelMissing  # first: it configures logging before Rasa is imported
    from bot.privacy.keys import utc_now
    from bot.settings import ROOT
    from bot.store.memory import MemoryStore

    settings = read()
    if not training.is_current(settings.model):
        _train_if_needed(settings)
    knowledge = Knowledge.load(operator={**settings.operator, "web": settings.public_url})
    try:
        engine = Engine.load(settings.model, knowledge)
    except ModelMissing as error:
        raise SettingsError(str(error)) from None
    assistant = Assistant(
        knowledge, MemoryStore(), engine,
        ControlWords.load(ROOT / "content" / "control_words.yml"), DangerDetector.load(ROOT / "content" / "danger.yml"),
        None, utc_now,
    )  # fmt: skip

    async def respond(text: str, sender: str) -> Any:
        return await assistant.respond(Incoming(channel, (f"{channel}-{sender}",), text))

    return respond


def _port_problem(host: str, port: int) -> str | None:
    """Why the port cannot be listened on, or None."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return f"cannot listen on {host} port {port} ({error.strerror}): choose another with PORT=8001 make run, or --port"
    return None


if __name__ == "__main__":
    sys.exit(main())
