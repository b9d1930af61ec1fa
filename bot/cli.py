"""`amparo`: serve, train, understand, say, chat, check, i18n."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
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

    check = commands.add_parser("check", help="whether the content keeps its own rules, and how far it may be trusted")
    check.add_argument("words", nargs="*", help="only problems whose line holds one of these")
    check.add_argument("--brief", action="store_true", help="only problems: not what is due, held or unreviewed today")
    check.add_argument("--on", type=date.fromisoformat, metavar="DATE", help="what that day would look like")
    check.add_argument("--within", metavar="30d", help="fails when a fact falls due in that time")
    check.add_argument(
        "--launch", action="store_true", help="fails while a fact is unconfirmed on its live page or a phone not dialled"
    )
    check.add_argument("--load", action="store_true", help="how many facts fall due each week; fails above 40")
    check.add_argument("--unreviewed", action="store_true", help="answers that nobody has signed as they stand")
    check.set_defaults(run=_check)

    flow = commands.add_parser("flow", help="the outline of a guided conversation, for reviewers")
    flow.add_argument("id", metavar="ID")
    flow.add_argument("--channel", choices=["sms", "web"], default="web")
    flow.add_argument("--lang", default="en")
    flow.set_defaults(run=_flow)

    hold = commands.add_parser("hold", help="take an answer, or all that rest on a fact, out of service within a minute")
    hold.add_argument("target", nargs="?", metavar="ID|FACT", help="without one: list what is held")
    hold.add_argument("--why")
    hold.set_defaults(run=_hold)

    release = commands.add_parser("release", help="put back what was held")
    release.add_argument("target", metavar="ID|FACT")
    release.set_defaults(run=_release)

    handoff = commands.add_parser("handoff", help="codes between here and 311").add_subparsers(dest="what", required=True)
    new = handoff.add_parser("new", help="a code that starts a conversation in a language, at a topic")
    new.add_argument("--lang", default="en", metavar="LOCALE")
    new.add_argument("--topic", default="menu", metavar="ID", help="a catalogue id (default: menu)")
    new.set_defaults(run=_handoff_new)
    taken = handoff.add_parser("open", help="show what a person's code stands for; it is then spent")
    taken.add_argument("code")
    taken.set_defaults(run=_handoff_open)

    corrections = commands.add_parser("corrections", help="which answers people called wrong, when and why")
    corrections.set_defaults(run=_corrections)

    doctor = commands.add_parser("doctor", help="whether this installation is set up to text people, and what is missing")
    doctor.add_argument("--profile", choices=PROFILES, default=os.environ.get("AMPARO_PROFILE", "production"))
    doctor.set_defaults(run=_doctor)

    fallback = commands.add_parser("fallback", help="write the static answers for Twilio's fallback addresses (deploy/twilio)")
    fallback.set_defaults(run=_fallback)

    book = commands.add_parser("book", help="write the review book: every answer beside its facts, to print and sign")
    book.add_argument("--lang", default="en", metavar="LOCALE")
    book.add_argument("--out", metavar="FILE", help="default: build/review-LOCALE.html")
    book.set_defaults(run=_book)

    sign = commands.add_parser("sign", help="record that a person has read an answer with its facts")
    sign.add_argument("id")
    sign.add_argument("--role", required=True, help="such as: immigration lawyer, native speaker (no name)")
    sign.add_argument("--lang", default="en", metavar="LOCALE")
    sign.set_defaults(run=_sign)

    i18n = commands.add_parser("i18n", help="translations").add_subparsers(dest="what", required=True)
    status = i18n.add_parser(
        "status", help="a table of the languages: what is translated, stale, reviewed, and what it costs to send"
    )
    status.set_defaults(run=_i18n_status)
    update = i18n.add_parser("update", help="bring a locale's catalogue in step with the content")
    update.add_argument("locale")
    update.set_defaults(run=_i18n_update)
    wording = i18n.add_parser(
        "wording", help="the English of these sentences changed in wording only: their translations keep serving"
    )
    wording.add_argument("sentences", nargs="+", metavar="MSGCTXT")
    wording.set_defaults(run=_i18n_wording)
    export = i18n.add_parser("export", help="a PO file for a translator, with the screen and the cost of each sentence")
    export.add_argument("locale")
    export.add_argument("--out", metavar="FILE", help="default: build/LOCALE.po")
    export.set_defaults(run=_i18n_export)
    taken = i18n.add_parser("import", help="take a translator's PO file back")
    taken.add_argument("locale")
    taken.add_argument("file")
    taken.set_defaults(run=_i18n_import)
    new = i18n.add_parser("new", help="start another language, and what it lacks; again: what it still lacks")
    new.add_argument("locale")
    new.add_argument("--name", help="its own name for itself (default: Babel's)")
    new.add_argument("--cldr", help="Babel's locale for its numbers and dates (default: the same)")
    new.add_argument("--rtl", action="store_true", help="written from right to left")
    new.set_defaults(run=_i18n_new)

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
    pseudo = settings.profile == "development" and bool(os.environ.get("AMPARO_PSEUDO"))
    knowledge = Knowledge.load(operator={**settings.operator, "web": settings.public_url}, desks=settings.desks, pseudo=pseudo)
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
    from bot.knowledge import audit, check, reviews

    if not any((options.on, options.within, options.launch, options.load, options.unreviewed)):
        broken = check.main(options.words)
        if not options.brief and not options.words:
            _print_state()
        return broken
    knowledge, today, failed = Knowledge.load(), date.today(), False
    if options.on:
        lines = list(audit.on(knowledge, options.on))
        print(*lines, f"on {options.on}: {len(lines)} of {len(knowledge.answers)} texts with a notice or withheld", sep="\n")
    if options.within:
        lines = list(audit.within(knowledge, today, int(options.within.removesuffix("d"))))
        print(*lines, f"{len(lines)} facts expire within {options.within}", sep="\n")
        failed |= bool(lines)
    if options.launch:
        lines = list(audit.launch(knowledge))
        print(*lines, f"{len(lines)} facts stand before a launch", sep="\n")
        failed |= bool(lines)
    if options.load:
        weeks = audit.load_by_week(knowledge)
        for monday, count in weeks:
            print(f"week of {monday}: {count:3} facts{' (too many)' if count > audit.WEEKLY_LOAD else ''}")
        failed |= any(count > audit.WEEKLY_LOAD for _, count in weeks)
    if options.unreviewed:
        lines = list(audit.unreviewed(knowledge, reviews.load_reviews()))
        print(*lines, f"{len(lines)} answers that nobody has signed as they stand", sep="\n")
    return 1 if failed else 0


def _print_state() -> None:
    """What is no mistake in the content but must be known: due, expired, held, unreviewed."""
    from bot.knowledge import audit, reviews

    knowledge = Knowledge.load(strict=False)
    with _store() as store:
        knowledge.held = frozenset(store.holds())
    sections = [
        ("expired, or due within 30 days", list(audit.within(knowledge, date.today(), 30))),
        ("held", list(audit.held(knowledge))),
        ("not reviewed", list(audit.unreviewed(knowledge, reviews.load_reviews()))),
    ]
    for title, lines in sections:
        print(f"\n{title}: {len(lines)}", *lines, sep="\n  ")


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


def _hold(options: argparse.Namespace) -> int:
    from bot.privacy.keys import utc_now

    with _store() as store:
        if options.target is None:
            for target, (why, since) in store.holds().items():
                print(f"{target}\tsince {since:%Y-%m-%d %H:%M} UTC\t{why}")
            return 0
        if not options.why:
            print("amparo: say why, for whoever releases it: --why TEXT", file=sys.stderr)
            return 2
        knowledge = Knowledge.load()
        if options.target not in knowledge.answers and options.target not in knowledge.facts:
            raise UnknownId(options.target)
        store.hold(options.target, options.why, utc_now())
        knowledge.held = frozenset(store.holds())
        held = [id_ for id_ in knowledge.answers if knowledge.is_held(id_)]
    print(f"held; {len(held)} texts are out of service within a minute: {', '.join(held[:20])}")
    return 0


def _release(options: argparse.Namespace) -> int:
    with _store() as store:
        if not store.release(options.target):
            print(f"amparo: {options.target} was not held", file=sys.stderr)
            return 1
    print(f"released: {options.target} is back within a minute")
    return 0


def _handoff_new(options: argparse.Namespace) -> int:
    from bot.dialogue.assistant import STAFF_DIGITS
    from bot.privacy.keys import utc_now
    from bot.store import Handoff

    knowledge = Knowledge.load()
    if options.topic not in knowledge.questions:
        raise UnknownId(options.topic)
    language = knowledge.locale(options.lang).name
    with _store() as store:
        code = store.hand_off(STAFF_DIGITS, Handoff(options.lang, options.topic), utc_now())
    print(code)
    title = knowledge.title(options.topic, "en", "web")
    print(f"The person texts or types {code}: {language}, {title}. It works a single time, for 24 hours.", file=sys.stderr)
    return 0


def _handoff_open(options: argparse.Namespace) -> int:
    from bot.dialogue.assistant import PRIVATE
    from bot.privacy.keys import utc_now

    knowledge, now = Knowledge.load(), utc_now()
    with _store() as store:
        found = store.open_handoff("".join(options.code.split()).replace("-", ""), now)
    if found is None:
        print("amparo: no such code, or it was opened before, or it is older than 24 hours", file=sys.stderr)
        return 1
    if found.topic == PRIVATE:
        print(f"Language: {knowledge.locale(found.locale).name} ({found.locale})\nPrivate: ask how to help.")
        return 0
    known = [id_ for id_ in found.given if id_ in knowledge.answers]
    print(f"Language: {knowledge.locale(found.locale).name} ({found.locale})")
    print(f"Topic: {knowledge.label(found.topic, 'en', 'web') if found.topic in knowledge.answers else found.topic}")
    print("Answers given, the last one first:" if known else "No answer was given yet.")
    for id_ in reversed(known):
        print(f"- {id_}: {knowledge.say(id_, 'en', 'sms', now).parts[0]}")
    return 0


def _corrections(options: argparse.Namespace) -> int:
    reasons = ("no reason given", "not true", "too old", "not what was asked", "hard to understand")
    with _store() as store:
        flags = store.flags()
    for id_, day, reason, count in flags:
        print(f"{day}\t{id_}\t{reasons[reason]}\t{count}")
    if not flags:
        print("no answer was called wrong", file=sys.stderr)
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


def _book(options: argparse.Namespace) -> int:
    from pathlib import Path

    from bot.knowledge import reviews
    from bot.knowledge.book import book
    from bot.settings import ROOT

    text = book(Knowledge.load(), reviews.load_reviews(), options.lang, date.today())
    file = Path(options.out) if options.out else ROOT / "build" / f"review-{options.lang}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    print(f"{file}: {len(text) // 1024} kB")
    return 0


def _sign(options: argparse.Namespace) -> int:
    from bot.knowledge import reviews

    reviews.sign(Knowledge.load(), options.id, options.lang, options.role, date.today())
    print(f"signed: {options.id} ({options.lang}) as {options.role}, until a sentence or a value changes")
    return 0


def _i18n_status(options: argparse.Namespace) -> int:
    from bot.knowledge import i18n, reviews

    knowledge = Knowledge.load(strict=False)
    at = datetime.combine(knowledge.collected, time(17), timezone.utc)  # segments as on a day when nothing has expired
    columns = "locale sentences current stale kept missing signed median most urgent name"
    print(("{:9}" + "{:>10}" * 9 + "  {}").format(*columns.split()))
    for row in i18n.status(knowledge, reviews.load_reviews(), at):
        counts = [row.sentences, row.current, row.stale, row.kept, row.missing, row.signed, row.median, row.most, row.urgent]
        print(f"{row.locale:9}" + "".join(f"{count:>10g}" for count in counts) + f"  {row.name}")
    print(
        "\ncurrent: made from today's English, all machine drafts until signed. stale: the English has changed in meaning; withheld. kept: it"
    )
    print("changed in wording only. signed: answers that a person has signed. median, most, urgent: SMS segments of a message.")
    return 0


def _i18n_update(options: argparse.Namespace) -> int:
    from bot.knowledge import i18n

    knowledge = Knowledge.load(strict=False)
    knowledge.locale(options.locale)
    print(f"{options.locale}: {i18n.write(knowledge, options.locale)} sentences without a translation")
    return 0


def _i18n_wording(options: argparse.Namespace) -> int:
    from bot.knowledge import i18n

    knowledge = Knowledge.load(strict=False)
    known = i18n.messages(knowledge)
    if unknown := [context for context in options.sentences if context not in known]:
        raise UnknownId(unknown[0])
    for info in knowledge.locales.values():
        if info.code != "en":
            i18n.write(knowledge, info.code, wording=options.sentences)
    print(f"marked in {len(knowledge.locales) - 1} languages: {', '.join(options.sentences)}")
    return 0


def _i18n_export(options: argparse.Namespace) -> int:
    from pathlib import Path

    from bot.knowledge import i18n, translations
    from bot.settings import ROOT

    knowledge = Knowledge.load(strict=False)
    knowledge.locale(options.locale)
    file = Path(options.out) if options.out else ROOT / "build" / f"{options.locale}.po"
    translations.write(
        file, i18n.export(knowledge, options.locale, datetime.combine(knowledge.collected, time(17), timezone.utc))
    )
    print(file)
    return 0


def _i18n_import(options: argparse.Namespace) -> int:
    from pathlib import Path

    from bot.knowledge import i18n

    knowledge = Knowledge.load(strict=False)
    knowledge.locale(options.locale)
    print(
        f"{options.locale}: {i18n.import_(knowledge, options.locale, Path(options.file))} sentences changed. Now run: amparo check"
    )
    return 0


def _i18n_new(options: argparse.Namespace) -> int:
    from babel import Locale, UnknownLocaleError

    from bot.knowledge import i18n

    if options.locale not in Knowledge.load(strict=False).locales:
        cldr = options.cldr or options.locale
        try:
            name = options.name or Locale.parse(cldr).get_display_name() or options.locale
        except (UnknownLocaleError, ValueError):
            name = options.name or options.locale
        i18n.start(options.locale, name, cldr, "rtl" if options.rtl else "ltr")
        print(f"{options.locale} stands in content/locales.yml, and is offered to nobody yet.")
    print("Missing:", *i18n.missing(Knowledge.load(strict=False), options.locale), sep="\n- ")
    print("When `amparo check` is content, set `served: true` there; `complete: true` once every answer is translated.")
    return 0


# --- shared -----------------------------------------------------------------------------------------------------------------


def _in_process(channel: Any) -> Any:
    """The whole assistant in this process, with the engine inside and a database in memory: (text, sender) -> Outcome."""
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
        _train_if_needed(settings)
    knowledge = Knowledge.load(operator={**settings.operator, "web": settings.public_url}, desks=settings.desks)
    try:
        engine = Engine.load(settings.model, knowledge)
    except ModelMissing as error:
        raise SettingsError(str(error)) from None
    assistant = Assistant(
        knowledge, MemoryStore(), engine,
        ControlWords.load(ROOT / "content" / "control_words.yml"), ChoiceWords.load(ROOT / "content" / "choice_words.yml"), DangerDetector.load(ROOT / "content" / "danger.yml"),
        None, utc_now,
    )  # fmt: skip

    async def respond(text: str, sender: str) -> Any:
        return await assistant.respond(Incoming(channel, (f"{channel}-{sender}",), text))

    return respond


@contextlib.contextmanager
def _store() -> Iterator[Any]:
    """The service's own database, opened for a command."""
    from bot.store import Store, StoreError

    try:
        store = Store.open(read().database_url)
    except StoreError as error:
        raise SettingsError(str(error)) from None
    try:
        yield store
    finally:
        store.close()


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
