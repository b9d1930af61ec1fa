"""Whether an installation is set up to text people: what can be seen from its settings, its files and its database."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from bot.knowledge import Knowledge
from bot.knowledge.errors import ContentError
from bot.settings import ROOT, Settings, SettingsError, read


@dataclass(frozen=True)
class Finding:
    """`what` in words; whether it is `good`."""

    what: str
    good: bool


def examine(environ: Mapping[str, str], profile: str = "production") -> list[Finding]:
    """Everything that is found, in the order in which an operator would mend it. Asks nobody: neither Twilio nor the network."""
    try:
        settings = read(environ, profile)
    except SettingsError as error:
        return [Finding(f"settings: {error}", False)]
    return [
        Finding("settings can be read", True),
        *_twilio(settings),
        *_keys(environ, settings),
        *_content(settings),
        *_store(settings),
    ]


def _twilio(settings: Settings) -> list[Finding]:
    twilio = settings.twilio
    if twilio is None:
        return [Finding("Twilio: no account is set (TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_NUMBER)", False)]
    tokens = len(twilio.auth_tokens)
    return [
        Finding(
            "Twilio: the account's id has its form (AC and 32 digits)", bool(re.fullmatch(r"AC[0-9a-f]{32}", twilio.account_sid))
        ),
        Finding("Twilio: the number is written +1 and ten digits", bool(re.fullmatch(r"\+1\d{10}", twilio.number))),
        Finding(f"Twilio: {tokens} token{'s: drop the old one once rotated' if tokens > 1 else ''}", True),
        Finding(f"public address {settings.public_url} is https", settings.public_url.startswith("https://")),
        Finding("static answers for the fallback addresses are there (amparo fallback)", _fallbacks_current()),
        *_in_twilios_console(settings),
    ]


def _in_twilios_console(settings: Settings) -> list[Finding]:
    """What must be chosen in Twilio's console, which cannot be seen from here."""
    site = settings.public_url
    choices = (
        "its handling of STOP, START and HELP and Advanced Opt-Out OFF, redaction ON: the two exclude each other, and ours do the words (6)",
        "the number in a Messaging Service whose validity period is 600 seconds or less (5)",
        f"POST {site}/webhooks/sms for messages and {site}/webhooks/voice for calls, with fallbacks on another host (4)",
        f"for registering: {site}/en/privacy and {site}/en/terms (3)",
    )
    return [Finding(f"not seen from here, to choose at Twilio (docs/sms.md): {choice}", True) for choice in choices]


def _fallbacks_current() -> bool:
    from bot.channels.sms import fallbacks

    folder = ROOT / "deploy" / "twilio"
    try:
        return all(
            (folder / name).read_text(encoding="utf-8").strip() == text for name, text in fallbacks(Knowledge.load()).items()
        )
    except (OSError, ContentError):
        return False


def _keys(environ: Mapping[str, str], settings: Settings) -> list[Finding]:
    file = settings.hash_key_file
    if file is None:
        return [Finding("the hash key is set (AMPARO_HASH_KEY_FILE, or AMPARO_HASH_KEY)", bool(environ.get("AMPARO_HASH_KEY")))]
    try:
        mode = file.stat().st_mode
    except OSError:
        return [Finding(f"the hash key's file {file} is there", False)]
    return [Finding(f"the hash key's file {file} is for its owner alone", not mode & (stat.S_IRWXG | stat.S_IRWXO))]


def _content(settings: Settings) -> list[Finding]:
    from bot.engine import training
    from bot.knowledge import audit

    try:
        knowledge = Knowledge.load()
    except ContentError as error:
        return [Finding(f"content: {error}", False)]
    today = datetime.now(timezone.utc).date()
    expired = list(audit.within(knowledge, today, 0))
    before_launch = list(audit.launch(knowledge))
    return [
        Finding("the model is trained on today's content", training.is_current(settings.model)),
        Finding(f"no fact has expired ({len(expired)} have)", not expired),
        Finding(
            f"every fact was confirmed on its live page, every telephone dialled ({len(before_launch)} were not)",
            not before_launch,
        ),
        Finding(f"recordings for callers: {_recordings(settings.voice_dir)} (none is needed)", True),
    ]


def _recordings(folder: Path | None) -> int:
    return len(list(folder.glob("*.mp3"))) if folder else 0


def _store(settings: Settings) -> list[Finding]:
    from bot.channels.sms import TWILIO_ANSWERED
    from bot.store import Store, StoreError

    try:
        store = Store.open(settings.database_url)
    except StoreError as error:
        return [Finding(f"database: {error}", False)]
    try:
        since = datetime.now(timezone.utc) - timedelta(days=7)
        counts = store.counts(since.date())
    finally:
        store.close()
    by_twilio = sum(count for name, _, count in counts if name in (TWILIO_ANSWERED, "status 21610"))
    failed: dict[str, int] = {}
    for name, _, count in counts:
        if name.startswith("status ") and name not in ("status delivered", "status read"):
            failed[name] = failed.get(name, 0) + count
    listed = ", ".join(f"{name.removeprefix('status ')} {count}" for name, count in sorted(failed.items())) or "none"
    where = "SQLite" if settings.database_url.startswith("sqlite") else "a server"
    return [
        Finding(f"database: {where}, opened and up to date", True),
        Finding(
            f"messages that did not arrive in seven days: {listed}",
            not any(code in name for name in failed for code in ("30007", "30032", "30034")),
        ),
        Finding(
            f"Twilio's own keywords and blocks are off: in seven days it answered or blocked {by_twilio} in our place",
            by_twilio == 0,
        ),
        Finding(f"free space in {settings.data_dir}", _free(settings.data_dir) > 200_000_000),
    ]


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
