"""Codes between here and 311: handoff."""

from __future__ import annotations

import argparse
import re
import sys

from bot.cli.common import Commands, open_store
from bot.knowledge import Knowledge, UnknownId


def add(commands: Commands) -> None:
    """Add the commands to the parser."""
    handoff = commands.add_parser("handoff", help="codes between here and 311").add_subparsers(dest="what", required=True)
    new = handoff.add_parser("new", help="a code that starts a conversation in a language, at a topic")
    new.add_argument("--lang", default="en", metavar="LOCALE")
    new.add_argument("--topic", default="menu", metavar="ID", help="a catalogue id (default: menu)")
    new.set_defaults(run=_handoff_new)
    taken = handoff.add_parser("open", help="show what a person's code stands for; it is then spent")
    taken.add_argument("code")
    taken.set_defaults(run=_handoff_open)


def _handoff_new(options: argparse.Namespace) -> int:
    from bot.dialogue.assistant import STAFF_DIGITS
    from bot.privacy.keys import utc_now
    from bot.store import Handoff

    knowledge = Knowledge.load()
    if options.topic not in knowledge.questions:
        raise UnknownId(options.topic)
    language = knowledge.locale(options.lang).name
    with open_store() as store:
        code = store.hand_off(STAFF_DIGITS, Handoff(options.lang, options.topic), utc_now())
    print(code)
    title = knowledge.title(options.topic, "en", "web")
    print(f"The person texts or types {code}: {language}, {title}. It works a single time, for 24 hours.", file=sys.stderr)
    return 0


def _handoff_open(options: argparse.Namespace) -> int:
    from bot.dialogue.handoff import PERSON_DIGITS
    from bot.privacy.keys import utc_now
    from console.handing import opened

    code = "".join(options.code.split()).replace("-", "")
    if not re.fullmatch(rf"[0-9]{{{PERSON_DIGITS}}}", code):
        print(f"amparo: a person's code has {PERSON_DIGITS} digits", file=sys.stderr)
        return 1
    knowledge, now = Knowledge.load(), utc_now()
    with open_store() as store:
        found = store.open_handoff(code, now)
    if found is None:
        print("amparo: no such code, or it was opened before, or it is older than 24 hours", file=sys.stderr)
        return 1
    print(f"Language: {knowledge.locale(found.locale).name} ({found.locale})")
    if found.interpreter in knowledge.unwritten:
        print(f"Interpreter: {knowledge.unwritten[found.interpreter].name}")
    if opened(knowledge, found, now).private:
        print("Private: ask how to help.")
        return 0
    known = [id_ for id_ in found.given if id_ in knowledge.answers]
    print(f"Topic: {knowledge.label(found.topic, 'en', 'web')}")
    print("Answers given, the last one first:" if known else "No answer was given yet.")
    for id_ in reversed(known):
        print(f"- {id_}: {knowledge.say(id_, 'en', 'sms', now).parts[0]}")
    return 0
