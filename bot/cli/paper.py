"""What goes on paper: cards and sheets as files that need nothing else."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from bot.cli.common import Commands
from bot.cli.demo import held_here
from bot.knowledge import Knowledge
from bot.settings import read


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    pack = commands.add_parser("pack", help="write cards, hand-outs and the sheet of languages as files to print")
    pack.add_argument("--lang", default="en", metavar="LOCALE[,LOCALE]", help="such as bn,es; `all` for every language")
    pack.add_argument("--out", default="build/pack", metavar="FOLDER")
    pack.add_argument("--pdf", action="store_true", help="as PDF too (needs Chromium)")
    pack.set_defaults(run=_pack)


def _pack(options: argparse.Namespace) -> int:
    from bot.channels.page import Pages
    from bot.channels.sheets import SheetPages

    settings = read()
    knowledge = Knowledge.load(operator={**settings.operator, "web": settings.public_url})
    knowledge.held = frozenset(held_here())
    served = [info.code for info in knowledge.served()]
    locales = served if options.lang == "all" else options.lang.split(",")
    for locale in locales:
        knowledge.locale(locale)  # before anything is written
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") if options.pdf else None
    if options.pdf and chromium is None:
        print("amparo: --pdf needs Chromium, which is not there; `make system` installs it", file=sys.stderr)
        return 1
    number = settings.twilio.number if settings.twilio else None
    pages = SheetPages(Pages(knowledge, lambda: datetime.now(timezone.utc)), settings.public_url, number)
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for locale in locales:
        (folder / f"{locale}.html").write_text(pages.listing(locale, folder=True, locales=locales), encoding="utf-8")
        for code in pages.codes:
            file = folder / f"{locale}-{code}.html"
            file.write_text(pages.sheet(locale, code, folder=True), encoding="utf-8")
            written += 1
        if chromium:
            # Cards for the languages that we do not write are left as pages: a PDF takes Chromium a second.
            for code in pages.main_codes:
                _to_pdf(chromium, folder / f"{locale}-{code}.html")
    first = (folder / f"{locales[0]}.html").read_text(encoding="utf-8")
    (folder / "index.html").write_text(first, encoding="utf-8")
    if number is None:
        print("amparo: no number to text is set (TWILIO_NUMBER), so none is printed", file=sys.stderr)
    print(f"{written} sheets in {len(locales)} languages: {folder / 'index.html'}; codes lead to {settings.public_url}")
    return 0


def _to_pdf(chromium: str, page: Path) -> None:
    """Print a page to the PDF beside it."""
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
        f"--print-to-pdf={page.with_suffix('.pdf')}", page.resolve().as_uri(),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=60, capture_output=True)
