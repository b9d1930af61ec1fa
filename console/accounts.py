"""Signing in: a password (Argon2id) and a code of a second factor (TOTP), each tried a few times at most."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from datetime import datetime

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.store.console import ConsoleStore, Role, Staff

NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
SHORTEST, LONGEST = 12, 200  # characters of a password
ISSUER = "Amparo console"
STEP = 30  # seconds that a code of the second factor lasts (RFC 6238)

_HASHER = PasswordHasher()  # argon2-cffi's defaults: RFC 9106, low memory (64 MiB, 3 passes, 4 lanes)
_ONE_BY_ONE = threading.BoundedSemaphore(2)  # each hash takes 64 MiB
# What a password and a code are compared with for a name that nobody has, so that it takes as long.
_NOBODY = Staff("", "agent", _HASHER.hash(secrets.token_urlsafe()), pyotp.random_base32())


class BadAccount(Exception):
    """An account that cannot be made; `str()` says why."""


def add(store: ConsoleStore, name: str, role: Role, password: str) -> str:
    """Make an account. Returns the otpauth address for the second factor's app. Raises BadAccount."""
    if not NAME.fullmatch(name):
        raise BadAccount("a name has 2 to 32 small letters, digits, dots or hyphens, and begins with a letter")
    if len(password) < SHORTEST:
        raise BadAccount(f"a password has at least {SHORTEST} characters")
    if len(password) > LONGEST:
        raise BadAccount(f"a password has at most {LONGEST} characters")
    secret = pyotp.random_base32()
    if not store.add_staff(Staff(name, role, _HASHER.hash(password), secret)):
        raise BadAccount(f"there is an account {name} already: remove it first")
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def sign_in(store: ConsoleStore, name: str, password: str, code: str, now: datetime) -> str | None:
    """The cookie of a new session; None for anything wrong, whatever it is: an unknown name, a locked account, a code used before."""
    known = store.staff(name) if NAME.fullmatch(name) else None
    account = known or _NOBODY
    may_try = store.take_try(account.name, "sign_in", now)
    right = _is_password(account.password, password)
    step = _step_of(account.totp, code, now)
    if known is None or not may_try or not right or step is None or not store.use_totp(name, step):
        if known is not None and may_try:
            store.note(name, "sign-in refused", now)
        return None
    store.was_right(name, "sign_in")
    cookie = secrets.token_urlsafe(32)
    store.begin_session(session_id(cookie), name, secrets.token_urlsafe(32), now)
    store.note(name, "signed in", now)
    return cookie


def session_id(cookie: str) -> str:
    """What is stored of a cookie."""
    return hashlib.sha256(cookie.encode()).hexdigest()


def _is_password(hashed: str, password: str) -> bool:
    with _ONE_BY_ONE:
        try:
            return _HASHER.verify(hashed, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """The 30-second step that a code belongs to: the present one, the one before or the next (RFC 6238, 5.2); None for no such code."""
    totp, present = pyotp.TOTP(secret), int(now.timestamp()) // STEP
    plain = "".join(code.split())[:12]
    found = None
    for step in (present - 1, present, present + 1):
        if secrets.compare_digest(totp.generate_otp(step).encode(), plain.encode()):
            found = step
    return found
