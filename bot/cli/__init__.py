"""`amparo`: the commands, by subject; each module adds its own. What takes long to import is imported where it is used."""

from __future__ import annotations

import argparse
import sys

from bot.cli import console, content, demo, desk, paper, serve, talk, translate
from bot.knowledge import ContentError, UnknownId, UnknownLocale
from bot.settings import SettingsError


def main(argv: list[str] | None = None) -> int:
    """Exit codes: 0 done, 1 not done (a line on stderr says why), 2 wrong use."""
    parser = argparse.ArgumentParser(prog="amparo", description="A know-your-rights assistant, over SMS and web chat.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for subject in (serve, demo, talk, content, paper, desk, translate, console):
        subject.add(commands)
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
