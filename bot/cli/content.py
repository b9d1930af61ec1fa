"""Keeping the content true: check, hold, release, corrections, book, sign."""

from __future__ import annotations

import argparse
import sys
from datetime import date

from bot.cli.common import Commands, open_store
from bot.knowledge import Knowledge, UnknownId


def add(commands: Commands) -> None:
    """Add the commands to the parser."""
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

    hold = commands.add_parser("hold", help="take an answer, or all that rest on a fact, out of service within a minute")
    hold.add_argument("target", nargs="?", metavar="ID|FACT", help="without one: list what is held")
    hold.add_argument("--why")
    hold.set_defaults(run=_hold)

    release = commands.add_parser("release", help="put back what was held")
    release.add_argument("target", metavar="ID|FACT")
    release.set_defaults(run=_release)

    corrections = commands.add_parser("corrections", help="which answers people called wrong, when and why")
    corrections.set_defaults(run=_corrections)

    book = commands.add_parser("book", help="write the review book: every answer beside its facts, to print and sign")
    book.add_argument("--lang", default="en", metavar="LOCALE")
    book.add_argument("--out", metavar="FILE", help="default: build/review-LOCALE.html")
    book.set_defaults(run=_book)

    sign = commands.add_parser("sign", help="record that a person has read an answer with its facts")
    sign.add_argument("id")
    sign.add_argument("--role", required=True, help="such as: immigration lawyer, native speaker (no name)")
    sign.add_argument("--lang", default="en", metavar="LOCALE")
    sign.set_defaults(run=_sign)


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
    with open_store() as store:
        knowledge.held = frozenset(store.holds())
    sections = [
        ("expired, or due within 30 days", list(audit.within(knowledge, date.today(), 30))),
        ("held", list(audit.held(knowledge))),
        ("not reviewed", list(audit.unreviewed(knowledge, reviews.load_reviews()))),
    ]
    for title, lines in sections:
        print(f"\n{title}: {len(lines)}", *lines, sep="\n  ")


def _hold(options: argparse.Namespace) -> int:
    from bot.privacy.keys import utc_now

    with open_store() as store:
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
    with open_store() as store:
        if not store.release(options.target):
            print(f"amparo: {options.target} was not held", file=sys.stderr)
            return 1
    print(f"released: {options.target} is back within a minute")
    return 0


def _corrections(options: argparse.Namespace) -> int:
    reasons = ("no reason given", "not true", "too old", "not what was asked", "hard to understand")
    with open_store() as store:
        flags = store.flags()
    for id_, day, reason, count in flags:
        print(f"{day}\t{id_}\t{reasons[reason]}\t{count}")
    if not flags:
        print("no answer was called wrong", file=sys.stderr)
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
