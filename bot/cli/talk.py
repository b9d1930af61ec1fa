"""Talking to it: understand, say, chat, flow."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timezone
from typing import Any

from bot.cli.common import Commands, train_if_needed
from bot.knowledge import Knowledge, UnknownId
from bot.settings import SettingsError, read


def add(commands: Commands) -> None:
    """Add the commands to the parser."""
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

    flow = commands.add_parser("flow", help="the outline of a guided conversation, for reviewers")
    flow.add_argument("id", metavar="ID")
    flow.add_argument("--channel", choices=["sms", "web"], default="web")
    flow.add_argument("--lang", default="en")
    flow.set_defaults(run=_flow)


def _understand(options: argparse.Namespace) -> int:
    assistant = in_process(options.channel)
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
    assistant = in_process(options.channel)

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


def _flow(options: argparse.Namespace) -> int:
    knowledge = Knowledge.load()
    if options.id not in knowledge.flows:
        raise UnknownId(options.id)
    knowledge.locale(options.lang)
    flow, at = knowledge.flows[options.id], datetime.now(timezone.utc)
    for id_ in flow.reached(options.channel):
        node = flow.nodes[id_]
        kind = "end" if not node.choices else "leaf" if node.leaf else "place"
        print(f"{id_.rsplit('/', 1)[1]} ({kind})")
        for line in knowledge.say(id_, options.lang, options.channel, at).text.splitlines():
            print(f"    {line}" if line else "")
        for choice in node.choices:
            print(f"    -> {choice.to.rsplit('/', 1)[1]}: {knowledge.label(choice.label, options.lang, options.channel)}")
        print()
    return 0


def in_process(channel: Any, clock: Callable[[], datetime] | None = None, knowledge: Knowledge | None = None) -> Any:
    """The whole assistant in this process, with the engine inside and a database in memory: (text, sender) -> Outcome. `clock` and
    `knowledge`: others than a running service's own."""
    from bot.dialogue.assistant import Assistant, Incoming
    from bot.dialogue.choices import ChoiceWords
    from bot.dialogue.control import ControlWords
    from bot.dialogue.danger import DangerDetector
    from bot.engine import training
    from bot.engine.turn import Engine, ModelMissing  # first: it configures logging before Rasa is imported
    from bot.privacy.keys import utc_now
    from bot.settings import ROOT
    from bot.store.memory import MemoryStore

    settings = read()
    if not training.is_current(settings.model):
        train_if_needed(settings)
    knowledge = knowledge or Knowledge.load(operator={**settings.operator, "web": settings.public_url}, desks=settings.desks)
    try:
        engine = Engine.load(settings.model, knowledge)
    except ModelMissing as error:
        raise SettingsError(str(error)) from None
    assistant = Assistant(
        knowledge, MemoryStore(), engine,
        ControlWords.load(ROOT / "content" / "control_words.yml"), ChoiceWords.load(ROOT / "content" / "choice_words.yml"), DangerDetector.load(ROOT / "content" / "danger.yml"),
        None, clock or utc_now,
    )  # fmt: skip

    async def respond(text: str, sender: str) -> Any:
        return await assistant.respond(Incoming(channel, (f"{channel}-{sender}",), text))

    return respond
