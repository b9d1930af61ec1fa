"""From a phone number to two keyed hashes, and then it is forgotten (design, "One message, from phone to phone", step 2).

A plain hash of a phone number can be undone by trying them all; a keyed one cannot without the key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from datetime import datetime, timedelta, timezone
from pathlib import Path

EPOCH = timedelta(days=7)
MINIMUM = 32  # bytes


class KeyProblem(Exception):
    """No usable key; `str()` says what to do."""


class Keys:
    """Hashes with keys derived from one secret. All results are 64 hexadecimal digits."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MINIMUM:
            raise KeyProblem(f"the hash key must have at least {MINIMUM} bytes")
        self._secret = secret

    def conversation_ids(self, channel: str, sender: str, now: datetime) -> tuple[str, str]:
        """The sender's conversation id by the current key, and by the one before it. The key changes every 7 days."""
        epoch = int(now.timestamp() // EPOCH.total_seconds())
        return self._hash(f"conversation {epoch}", channel, sender), self._hash(f"conversation {epoch - 1}", channel, sender)

    def optout_id(self, sender: str) -> str:
        """The id under which STOP is remembered: by a key that never changes, or a STOP would be forgotten."""
        return self._hash("optout", sender)

    def message_id(self, sid: str) -> str:
        """The id under which a message is known to have been answered."""
        return self._hash("message", sid)

    def token_id(self, token: str) -> str:
        """The conversation id of a web page's token."""
        return self._hash("token", token)

    def _hash(self, purpose: str, *parts: str) -> str:
        key = hmac.digest(self._secret, purpose.encode(), hashlib.sha256)
        return hmac.new(key, "\0".join(parts).encode(), hashlib.sha256).hexdigest()


def load_keys(file: Path | None, *, development: Path | None) -> tuple[Keys, bool]:
    """The keys of `file`, or those of the environment's AMPARO_HASH_KEY. With neither, those of the file `development`, made if need
    be; the second value is then True. Raises KeyProblem when `development` is None and there is no key, or it is too short."""
    if file is not None:
        try:
            return Keys(file.read_bytes().strip()), False
        except OSError as error:
            raise KeyProblem(f"cannot read AMPARO_HASH_KEY_FILE {file}: {error.strerror}") from error
    if os.environ.get("AMPARO_HASH_KEY"):
        return Keys(os.environ["AMPARO_HASH_KEY"].encode()), False
    if development is None:
        raise KeyProblem("set AMPARO_HASH_KEY_FILE to a file of at least 32 random bytes, outside the data directory")
    if not development.exists():
        development.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(development, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_hex(32))
    return Keys(development.read_bytes().strip()), True


def utc_now() -> datetime:
    """The clock of a running service; everything else is given the time."""
    return datetime.now(timezone.utc)
