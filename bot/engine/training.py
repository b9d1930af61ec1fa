"""Train the model when it is missing or out of date."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What a model is made from. When the content of one of these changes, the model is out of date.
_FIXED = (
    "config.yml", "domain.yml", "content/catalogue.yml", "requirements.lock",
    "bot/nlu/components.py", "bot/nlu/encoder.py", "bot/nlu/encoder.npz", "bot/nlu/e5file.py", "bot/nlu/layers.py",
    "bot/nlu/language.py", "bot/nlu/text.py", "bot/nlu/gazetteer.py", "bot/engine/importer.py",
)  # fmt: skip


def fingerprint(root: Path = ROOT) -> str:
    """A hash over the content of all that a model is made from."""
    digest = hashlib.sha256()
    for path in [
        *(root / name for name in _FIXED),
        *sorted((root / "data").rglob("*.yml")),
        *sorted((root / "data" / "languages").glob("*.txt")),
    ]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def stamp(model: Path) -> Path:
    """The small file beside a model that says what it was made from."""
    return model.with_name(model.name + ".json")


def language_file(model: Path) -> Path:
    """The language identifier for the public process, beside the model."""
    return model.with_name("language.npz")


def is_current(model: Path) -> bool:
    """Whether there is a model, made from what is here now."""
    try:
        made_from = json.loads(stamp(model).read_text())["fingerprint"]
    except (OSError, ValueError, KeyError):
        return False
    return model.exists() and language_file(model).exists() and made_from == fingerprint()


def train(model: Path) -> None:
    """Train with Rasa and put the model at `model`, with its stamp and the language identifier. Raises RuntimeError when
    Rasa makes none. Imports Rasa only here: a start with a current model does not need to."""
    from bot.privacy import logs

    logs.configure()
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["LOG_LEVEL"] = "ERROR"  # without Rasa's many small bars; our own progress lines stay
    from rasa.model_training import train as rasa_train

    made_from = fingerprint()
    started = time.monotonic()
    say("training: reading examples, encoding new ones, fitting the classifier ...")
    model.parent.mkdir(parents=True, exist_ok=True)
    name = f"making-{os.getpid()}"
    result = rasa_train(
        domain=str(ROOT / "domain.yml"),
        config=str(ROOT / "config.yml"),
        training_files=[str(ROOT / "data")],
        output=str(model.parent),
        fixed_model_name=name,
        force_training=True,
    )
    if result.model is None:
        raise RuntimeError("Rasa made no model")
    _train_languages(language_file(model))
    Path(result.model).replace(model)
    stamp(model).write_text(json.dumps({"fingerprint": made_from}) + "\n")
    say(f"training: done in {time.monotonic() - started:.0f} s")


def _train_languages(target: Path) -> None:
    from rasa.shared.nlu.constants import TEXT

    from bot.engine.importer import CatalogueImporter
    from bot.nlu.language import LanguageIdentifier, samples

    data = CatalogueImporter(training_data_paths=[str(ROOT / "data")]).get_nlu_data()
    examples = [(m.get(TEXT), m.get("locale")) for m in data.intent_examples]
    LanguageIdentifier.fit(examples, samples()).save(target)


def say(line: str) -> None:
    """Progress for whoever waits."""
    print(line, file=sys.stderr, flush=True)
