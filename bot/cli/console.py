"""The console for 311 staff and for whoever keeps the content true: its process and its accounts."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from bot.cli.common import Commands
from bot.settings import SettingsError, read

if TYPE_CHECKING:
    from bot.store.console import ConsoleStore, Role

ROLES = ("agent", "content", "admin")


def add(commands: Commands) -> None:
    """Add the commands to the parser."""
    console = commands.add_parser("console", help="the console for staff: serve it, and its accounts (docs/console.md)")
    what = console.add_subparsers(dest="what", required=True)
    serve = what.add_parser("serve", help="serve the console; it needs no Rasa and no model")
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
    serve.add_argument("--port", type=int, default=8100)
    serve.set_defaults(run=_serve)
    new = what.add_parser("add-user", help="make an account; asks for a password twice, or reads it from a pipe")
    new.add_argument("name")
    new.add_argument("--role", choices=ROLES, required=True)
    new.set_defaults(run=_add_user)
    change = what.add_parser("set-role", help="change an account's role; its sessions end")
    change.add_argument("name")
    change.add_argument("--role", choices=ROLES, required=True)
    change.set_defaults(run=_set_role)
    remove = what.add_parser("remove-user", help="remove an account; its sessions end")
    remove.add_argument("name")
    remove.set_defaults(run=_remove_user)
    what.add_parser("users", help="list the accounts").set_defaults(run=_users)


def _open(url: str) -> ConsoleStore:
    from bot.store import StoreError
    from bot.store.console import ConsoleStore

    try:
        return ConsoleStore.open(url)
    except StoreError as error:
        raise SettingsError(str(error)) from None


def _serve(options: argparse.Namespace) -> int:
    from bot.cli.serve import listen, port_problem
    from bot.knowledge import Knowledge
    from bot.privacy import logs
    from console.app import make_console

    logs.configure()
    settings = read()
    if taken := port_problem(options.host, options.port):
        print(f"amparo: {taken}", file=sys.stderr)
        return 1
    knowledge = Knowledge.load(operator={**settings.operator, "web": settings.public_url}, desks=settings.desks)
    app = make_console(settings, knowledge, _open(settings.database_url))
    host = "localhost" if options.host == "127.0.0.1" else options.host
    print(f"amparo: console: http://{host}:{options.port}/console/. Ctrl-C stops it.", file=sys.stderr)
    listen(app, options.host, options.port)
    return 0


def _add_user(options: argparse.Namespace) -> int:
    import segno

    from bot.privacy.keys import utc_now
    from console import accounts

    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            print("amparo: the two passwords differ", file=sys.stderr)
            return 1
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    store = _open(read().database_url)
    try:
        address = accounts.add(store, options.name, options.role, password)
        store.note("command line", "added an account", utc_now(), options.name)
    except accounts.BadAccount as error:
        print(f"amparo: {error}", file=sys.stderr)
        return 1
    finally:
        store.close()
    print("Scan this with an app for one-time codes, now: it is not shown again.", file=sys.stderr)
    segno.make(address).terminal(out=sys.stdout, compact=True)
    print(address)
    return 0


def _set_role(options: argparse.Namespace) -> int:
    return _change(options.name, "changed a role", options.role)


def _remove_user(options: argparse.Namespace) -> int:
    return _change(options.name, "removed an account", None)


def _change(name: str, act: str, role: Role | None) -> int:
    from bot.privacy.keys import utc_now

    store = _open(read().database_url)
    try:
        done = store.remove_staff(name) if role is None else store.set_role(name, role)
        if done:
            store.note("command line", act, utc_now(), name)
    finally:
        store.close()
    if not done:
        print(f"amparo: there is no account {name}", file=sys.stderr)
        return 1
    print(f"{act}: {name}; its sessions have ended")
    return 0


def _users(_: argparse.Namespace) -> int:
    store = _open(read().database_url)
    try:
        for name, role in store.all_staff():
            print(f"{name}\t{role}")
    finally:
        store.close()
    return 0
