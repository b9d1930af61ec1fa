"""The catalogue: every question the assistant must recognise, by its stable id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.knowledge.yamlfile import Entry, load


@dataclass(frozen=True)
class Question:
    """One catalogue entry. `id` is also the name of the Rasa intent and of the answer."""

    id: str
    topic: str
    about: str
    urgent: bool
    flow: str | None


# Sexual harm and control that SMS must not spell out before the person says that the phone is theirs to use
# (design, "What a turn on SMS looks like": the gate).
GATED = frozenset(
    {
        "domestic_violence",
        "trafficked_now",
        "sexual_assault",
        "crime_victim_help",
        "vawa",
        "u_visa_eligibility",
        "t_visa_eligibility",
        "t_visa_trafficking_signs",
    }
)

# After these the conversation is forgotten sooner and says nothing of itself (design, "One message", step 9).
PRIVATE_TOPICS = frozenset({"safety", "u_visa", "t_visa"})
# And after these questions of other topics: mostly somebody who was hurt asks them.
PRIVATE_IDS = frozenset({"hate_crime", "police_report_crime"})


def load_catalogue(path: Path) -> dict[str, Question]:
    """The questions of `path` by id, in the file's order. Raises ContentError."""
    data = load(path)
    questions: dict[str, Question] = {}
    for topic, entries in data.items():
        if topic in ("version", "boundaries"):
            continue
        if not isinstance(entries, Entry):
            raise data.error(topic, f"{topic} must hold catalogue entries")
        for id_, entry in entries.items():
            if not isinstance(entry, Entry) or not isinstance(entry.get("about"), str):
                raise entries.error(id_, f"{id_} needs `about`")
            if id_ in questions:
                raise entries.error(id_, f"{id_} stands twice")
            unknown = set(entry) - {"about", "urgent", "flow"}
            if unknown:
                raise entries.error(id_, f"{id_}: unknown key {sorted(unknown)[0]}")
            questions[id_] = Question(id_, topic, entry["about"], bool(entry.get("urgent")), entry.get("flow"))
    return questions
