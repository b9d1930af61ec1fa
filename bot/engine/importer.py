"""Rasa's domain, rules and training data, derived from the catalogue, so that they cannot drift apart from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.training_data.loading import load_data
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.knowledge.catalogue import Question, load_catalogue

ROOT = Path(__file__).resolve().parents[2]
# Which action a guided conversation belongs to; an intent without one is answered.
FLOW_ACTIONS = {
    "appointment": "action_appointment",
    "handoff": "action_handoff",
    "delete": "action_delete",
}


def action_for(question: Question) -> str:
    """The action that the generated rule of a catalogue id runs."""
    if question.flow is None:
        return "action_answer"
    return FLOW_ACTIONS.get(question.flow, "action_flow")


class CatalogueImporter(RasaFileImporter):
    """Adds to the files that Rasa would read anyway: each catalogue id as an intent, a rule for each, and the locale of each
    training example (the name of its file)."""

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(config_file, domain_path, training_data_paths)
        self._questions = load_catalogue(ROOT / "content" / "catalogue.yml")

    def get_domain(self) -> Domain:
        return super().get_domain().merge(Domain.from_dict({"intents": list(self._questions)}))

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        graph = super().get_stories(exclusion_percentage)
        rules: list[dict[str, Any]] = [
            {"rule": f"answer {id_}", "steps": [{"intent": id_}, {"action": action_for(question)}]}
            for id_, question in self._questions.items()
        ]
        reader = YAMLStoryReader()
        steps = reader.read_from_parsed_yaml({"version": "3.1", "rules": rules})
        return graph.merge(StoryGraph(steps))

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        examples = []
        for file in sorted(self._nlu_files):  # not merged file by file: each merge copies all that went before
            for example in load_data(file, language or "en").training_examples:
                example.set("locale", Path(file).stem)
                examples.append(example)
        return TrainingData(examples)
