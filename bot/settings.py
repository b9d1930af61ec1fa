"""Settings from the environment: read once, checked all or none, before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.dialogue.booking import BookingError, load_booking
from bot.knowledge.errors import ContentError
from bot.knowledge.lines import Desk, load_desks
from bot.knowledge.yamlfile import load

ROOT = Path(__file__).resolve().parents[1]
Profile = Literal["development", "demo", "production"]
PROFILES = ("development", "demo", "production")


class SettingsError(Exception):
    """A setting that is missing or wrong; `str()` says which and what to do."""


@dataclass(frozen=True)
class Twilio:
    """Credentials. `auth_tokens` has two while one is being rotated."""

    account_sid: str
    auth_tokens: tuple[str, ...]
    number: str
    api_base: str  # another address only in tests


@dataclass(frozen=True)
class Settings:
    """`hash_key_file` None means the environment's AMPARO_HASH_KEY, or in development a key made on the spot."""

    profile: Profile
    data_dir: Path
    database_url: str
    hash_key_file: Path | None
    development_key: Path | None
    public_url: str
    operator: dict[str, str]
    desks: tuple[Desk, ...]
    twilio: Twilio | None
    model: Path
    segments_a_day: int = 20_000  # SMS segments sent in a day, from which only urgent answers go out whole
    segment_price: float | None = None  # US dollars, shown by the simulator
    voice_dir: Path | None = None  # recordings for callers, <locale>.mp3
    booking: str | None = None  # the class that books appointments, `package.module:Class`; the engine loads it

    @property
    def simulator(self) -> bool:
        """The simulator exists only where no real person can be reached."""
        return self.profile != "production"


def read(environ: Mapping[str, str] = os.environ, profile: str = "development", port: int = 8000) -> Settings:
    """Raises SettingsError for the first thing that is missing or wrong."""
    if profile not in PROFILES:
        raise SettingsError(f"no profile {profile!r}: use {', '.join(PROFILES)}")
    data_dir = Path(environ.get("AMPARO_DATA_DIR") or ROOT / ".amparo")
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"AMPARO_DATA_DIR {data_dir} cannot be used: {error.strerror}") from None
    key = Path(environ["AMPARO_HASH_KEY_FILE"]) if environ.get("AMPARO_HASH_KEY_FILE") else None
    if key is not None and key.resolve().is_relative_to(data_dir.resolve()):
        raise SettingsError("AMPARO_HASH_KEY_FILE must lie outside AMPARO_DATA_DIR: who copies the data must not get the key")
    twilio = _twilio(environ, profile)
    public_url = (environ.get("AMPARO_PUBLIC_URL") or "").rstrip("/")
    if profile == "production" and not public_url.startswith("https://"):
        raise SettingsError("production needs AMPARO_PUBLIC_URL, the https:// address that people and Twilio use")
    operator, desks = _operator(environ, profile)
    return Settings(
        profile=profile,  # type: ignore[arg-type]
        data_dir=data_dir,
        database_url=environ.get("AMPARO_DATABASE_URL") or f"sqlite:///{data_dir / 'amparo.sqlite'}",
        hash_key_file=key,
        development_key=None if profile == "production" else ROOT / ".cache" / "development-only-hash.key",
        public_url=public_url or f"http://localhost:{port}",
        operator=operator,
        desks=desks,
        twilio=twilio,
        model=Path(environ.get("AMPARO_MODEL") or ROOT / "models" / "amparo.tar.gz"),
        segments_a_day=_positive(environ, "AMPARO_SMS_SEGMENTS_A_DAY", 20_000),
        segment_price=_price(environ),
        voice_dir=Path(environ["AMPARO_VOICE_DIR"]) if environ.get("AMPARO_VOICE_DIR") else None,
        booking=_booking(environ),
    )


def _booking(environ: Mapping[str, str]) -> str | None:
    """Tried here, so that a mistake stops the start and not every turn of the engine."""
    try:
        load_booking(environ)
    except BookingError as error:
        raise SettingsError(str(error)) from None
    return environ.get("AMPARO_BOOKING") or None


def _price(environ: Mapping[str, str]) -> float | None:
    value = environ.get("AMPARO_SEGMENT_PRICE")
    try:
        return float(value) if value else None
    except ValueError:
        raise SettingsError(f"AMPARO_SEGMENT_PRICE must be dollars such as 0.0113, not {value!r}") from None


def _positive(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isdecimal() or int(value) == 0:
        raise SettingsError(f"{name} must be a whole number above 0, not {value!r}")
    return int(value)


def _twilio(environ: Mapping[str, str], profile: str) -> Twilio | None:
    names = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_NUMBER")
    given = [name for name in names if environ.get(name)]
    if not given:
        if profile == "production":
            raise SettingsError(f"production needs {', '.join(names)}")
        return None
    if len(given) < len(names):
        missing = next(name for name in names if name not in given)
        raise SettingsError(f"{given[0]} is set but {missing} is not: set all of {', '.join(names)}, or none")
    if profile == "demo":
        raise SettingsError("the demo profile refuses real Twilio credentials: unset " + ", ".join(names))
    tokens = tuple(token.strip() for token in environ["TWILIO_AUTH_TOKEN"].split(",") if token.strip())
    if not 1 <= len(tokens) <= 2:
        raise SettingsError("TWILIO_AUTH_TOKEN holds one token, or two by comma while rotating")
    base = environ.get("AMPARO_TWILIO_API", "https://api.twilio.com")
    return Twilio(environ["TWILIO_ACCOUNT_SID"], tokens, environ["TWILIO_NUMBER"], base)


def _operator(environ: Mapping[str, str], profile: str) -> tuple[dict[str, str], tuple[Desk, ...]]:
    """Who runs this: name, kind (`government` or another word), contact (production refuses to start without); and the desks that
    take people over by a code, where there are any."""
    file = environ.get("AMPARO_OPERATOR_FILE")
    if not file:
        if profile == "production":
            raise SettingsError("production needs AMPARO_OPERATOR_FILE: a YAML file with name, kind and contact of who runs it")
        return {"name": "a test installation", "kind": "test", "contact": "nobody"}, ()
    try:
        data = load(Path(file))
        desks = load_desks(data)
    except ContentError as error:
        raise SettingsError(f"AMPARO_OPERATOR_FILE: {error}") from None
    for key in ("name", "kind", "contact"):
        if not isinstance(data.get(key), str) or not data[key].strip():
            raise SettingsError(f"AMPARO_OPERATOR_FILE {file} has no `{key}`")
    return {key: data[key] for key in ("name", "kind", "contact")}, desks
