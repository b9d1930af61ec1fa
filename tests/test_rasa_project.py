"""The Rasa project as Rasa's own tools see it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.knowledge import Knowledge
from tests.conftest import ROOT

RASA = [str(Path(sys.executable).with_name("rasa"))]


@pytest.mark.slow
def test_data_validate_is_clean() -> None:
    done = subprocess.run(
        [*RASA, "data", "validate", "--fail-on-warnings"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_rasa_test_runs_every_rule_and_a_path_of_each_flow(knowledge: Knowledge, tmp_path: Path) -> None:
    stories = yaml.safe_load((ROOT / "tests" / "rasa" / "test_stories.yml").read_text())["stories"]
    assert set(knowledge.questions) <= {story["story"] for story in stories}
    assert {f"a path through {flow}" for flow in knowledge.flows} <= {story["story"] for story in stories}
    model = ["--model", str(ROOT / "models" / "amparo.tar.gz")]
    done = subprocess.run(
        [*RASA, "test", "core", *model, "--stories", "tests/rasa", "--out", str(tmp_path), "--no-plot", "--fail-on-prediction-errors"],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = json.loads((tmp_path / "story_report.json").read_text())
    assert report["conversation_accuracy"]["correct"] == report["conversation_accuracy"]["total"] == len(stories)


def test_intents_and_rules_come_from_the_catalogue(knowledge: Knowledge) -> None:
    from bot.engine.importer import CatalogueImporter, action_for

    importer = CatalogueImporter(str(ROOT / "config.yml"), str(ROOT / "domain.yml"), [str(ROOT / "data")])
    domain = importer.get_domain()
    assert set(knowledge.questions) <= set(domain.intents)
    rules = {}
    for step in importer.get_stories().story_steps:
        events = [event for event in step.events if hasattr(event, "intent_name") or hasattr(event, "action_name")]
        intent = next((event.intent_name for event in events if getattr(event, "intent_name", None)), None)
        action = next((e.action_name for e in events if getattr(e, "action_name", "").startswith("action_a") or
                       getattr(e, "action_name", "").startswith(("action_f", "action_h", "action_d"))), None)  # fmt: skip
        if intent in knowledge.questions:
            rules[intent] = action
    assert rules == {id_: action_for(question) for id_, question in knowledge.questions.items()}


def test_every_id_has_examples_in_each_served_language(knowledge: Knowledge) -> None:
    from bot.engine.importer import CatalogueImporter

    data = CatalogueImporter(training_data_paths=[str(ROOT / "data")]).get_nlu_data()
    counts: dict[tuple[str, str], int] = {}
    for example in data.intent_examples:
        key = (example.get("locale"), example.get("intent"))
        counts[key] = counts.get(key, 0) + 1
    for info in knowledge.served():
        files = ("zh_Hans", "zh_Hant") if info.code.startswith("zh") else (info.code,)  # Chinese: over both scripts
        few = [id_ for id_ in knowledge.questions if sum(counts.get((file, id_), 0) for file in files) < 20]
        assert few == [], info.code


def test_telemetry_is_off_for_every_start() -> None:
    """Without any variable set by us: the environment's own Python start sets it."""
    environ = {key: value for key, value in os.environ.items() if key != "RASA_TELEMETRY_ENABLED"}
    code = "import os; print(os.environ['RASA_TELEMETRY_ENABLED'])"
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "false"


@pytest.mark.parametrize("name", ["rest", "socketio"])
def test_rasas_own_channels_are_for_loopback_only(name: str) -> None:
    assert name in (ROOT / "credentials.yml").read_text()
    script = (ROOT / "tools" / "rasa_dev.sh").read_text()
    assert "-i 127.0.0.1" in script and "SANIC_HOST=127.0.0.1" in script
