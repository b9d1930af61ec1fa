"""Translations: i18n."""

from __future__ import annotations

import argparse
from datetime import datetime, time, timezone

from bot.cli.common import Commands
from bot.knowledge import Knowledge, UnknownId


def add(commands: Commands) -> None:
    """Add the commands to the parser."""
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
