"""What several commands share."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from bot.settings import Settings, SettingsError, read

if TYPE_CHECKING:
    from bot.store import Store

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


@contextlib.contextmanager
def open_store() -> Iterator[Store]:
    """The service's own database, opened for a command. Raises SettingsError when it cannot be."""
    from bot.store import Store, StoreError

    try:
        store = Store.open(read().database_url)
    except StoreError as error:
        raise SettingsError(str(error)) from None
    try:
        yield store
    finally:
        store.close()


def train_if_needed(settings: Settings) -> None:
    """In a process of its own: training loads all of Rasa, which the public process never needs. Raises SettingsError."""
    import subprocess

    from bot.engine import training

    if not training.is_current(settings.model):
        training.say("training: the model is missing or out of date")
        if subprocess.run([sys.executable, "-m", "bot.cli", "train"], check=False).returncode:
            raise SettingsError("training failed; its messages are above")
