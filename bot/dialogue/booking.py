"""Where somebody who wants an appointment is sent. The hotline is the default; an organisation with a booking system of its own names
its class in AMPARO_BOOKING (`package.module:Class`)."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol


class Booking(Protocol):
    """Made once, without arguments, in the engine. It learns the language and the hour, and nothing of the person."""

    def offer(self, locale: str, at: datetime) -> str:
        """The node of content/flows/appointment.yml that says how to get an appointment now, as `flow/appointment/<node>`."""
        ...


class Hotline:
    """The City's hotline: keeps nothing."""

    def offer(self, locale: str, at: datetime) -> str:
        return REGULAR


REGULAR = "flow/appointment/regular"


class BookingError(Exception):
    """AMPARO_BOOKING does not name a class that can be used."""


def load_booking(environ: Mapping[str, str] = os.environ) -> Booking:
    """Raises BookingError."""
    name = environ.get("AMPARO_BOOKING")
    if not name:
        return Hotline()
    module, _, class_name = name.partition(":")
    try:
        booking: Booking = getattr(importlib.import_module(module), class_name)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise BookingError(f"AMPARO_BOOKING {name} cannot be used: {type(error).__name__}") from None
    return booking
