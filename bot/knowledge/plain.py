"""Plain language, measured: the US school grade of English sentences (Flesch-Kincaid, by textstat)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import textstat

from bot.knowledge.answers import PLACEHOLDER
from bot.knowledge.errors import ContentError
from bot.knowledge.knowledge import Knowledge

SHORT_GRADE, LONG_GRADE, SENTENCE_WORDS = 6.0, 7.0, 20.0
# Names that a reader knows or must be told as they are: each counts as one short word. At most 60 (checked by the tests).
PROPER_NOUNS = (
    "Immigration Legal Support", "Family Justice Center", "Human Rights Commission", "Port Authority", "District Attorneys",
    "District Attorney", "State Police", "New Americans Hotline", "Social Security", "Labor Department", "Administration for Children's Services",
    "New York City", "New York State", "New York", "Staten Island", "New Jersey", "Long Island", "Legal Aid", "Supplement B",
    "Temporary Protected Status", "Special Immigrant Juvenile", "ActionNYC", "Amparo", "Amtrak", "Brooklyn", "Manhattan", "Medicaid",
    "Spanish", "English", "Chinese", "Arabic", "Haitian", "Haiti", "Venezuela", "Ukraine", "Nassau", "Suffolk", "Westchester", "Catholic Charities",
    "HOPE", "IDNYC", "NYPD", "USCIS", "DACA", "VAWA", "SNAP", "ICE", "MTA", "TPS", "DMV",
)  # fmt: skip


def simplified(text: str) -> str:
    """The text as it is measured: values and names as one short word each, list marks and bold as sentence ends."""
    text = PLACEHOLDER.sub("Ann", text)
    for name in PROPER_NOUNS:
        text = re.sub(rf"\b{re.escape(name)}\b", "Ann", text)
    text = re.sub(r"\*\*", "", text)
    text = re.sub(r"(?m)^- (.*?)[.;,:]?$", r"\1.", text)
    return re.sub(r":\s", ". ", text)


def grade(text: str) -> float:
    """US school grade. Texts under three sentences swing widely: judge an answer's parts together."""
    return float(textstat.flesch_kincaid_grade(simplified(text)))


def words_a_sentence(text: str) -> float:
    """Average length of the sentences."""
    return float(textstat.avg_sentence_length(simplified(text)))


def problems(knowledge: Knowledge) -> Iterator[ContentError]:
    """Answers whose SMS parts (together) or whose long text are above the grade, or have long sentences."""
    for id_ in knowledge.questions:
        answer = knowledge.answers.get(id_)
        if answer is None:
            continue
        short = " ".join(answer.texts[name] for name in answer.parts)
        texts = [("short", short, SHORT_GRADE)] + ([("long", answer.texts["long"], LONG_GRADE)] if "long" in answer.texts else [])
        for field, text, limit in texts:
            if grade(text) > limit:
                yield answer.error(field, f"{field} reads at grade {grade(text):.1f}, at most {limit:.0f}")
            if words_a_sentence(text) > SENTENCE_WORDS:
                yield answer.error(
                    field, f"{field} has {words_a_sentence(text):.0f} words a sentence, at most {SENTENCE_WORDS:.0f}"
                )
