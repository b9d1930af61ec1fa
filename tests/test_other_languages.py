"""Languages that we do not write: a name alone, or after "I speak", gets the English words for an interpreter."""

import re

import pytest

from bot.dialogue import plan as plans
from bot.dialogue.control import ControlWords
from bot.dialogue.languages import LanguageNames
from bot.dialogue.plan import Piece, Plan, render
from bot.knowledge import Knowledge
from bot.knowledge.answers import PLACEHOLDER
from bot.knowledge.check import load_rules
from tests.conftest import NOON, ROOT


@pytest.fixture(scope="module")
def names(knowledge: Knowledge) -> LanguageNames:
    return LanguageNames(knowledge.unwritten, knowledge.frames)


NAMED = [
    ("Mam", None, "mam", "alone"),
    ("mam", "pl", None, "in Polish: I have"),
    ("I speak K'iche'", None, "quc", "after English words"),
    ("hablo mixteco", "es", "mixtec", "after Spanish words"),
    ("je parle pulaar", None, "ff_sn", "after French words"),
    ("Wolof!", None, "wo", "with a mark"),
    ("karen", None, None, "a first name"),
    ("i speak karen", None, "ksw", "after words that make it a language"),
    ("i need a mixtec interpreter", None, "mixtec", "around"),
    ("नेपाली", None, "ne", "in its own script"),
    ("more", None, None, "a control word, not Mooré"),
    ("english", None, None, "a language that we write is the control words'"),
    ("can i get a garifuna interpreter at the hospital", None, None, "a sentence is not a name"),
]


@pytest.mark.parametrize(("text", "locale", "key", "reason"), NAMED)
def test_names(text: str, locale: str | None, key: str | None, reason: str, names: LanguageNames) -> None:
    assert names.find(text, locale) == key, reason


def test_no_name_is_a_command_or_stands_twice(knowledge: Knowledge) -> None:
    commands = ControlWords.load(ROOT / "content" / "control_words.yml")
    seen: dict[str, str] = {}
    for language in knowledge.unwritten.values():
        for form in language.typed:
            assert commands.find(form) is None, f"{form} ({language.key})"
            assert seen.setdefault(form, language.key) == language.key, form


def test_the_words_to_show(knowledge: Knowledge) -> None:
    (message,) = render(knowledge, Plan(((Piece("mam", "language"),),)), "es", "sms", NOON)
    assert '"I speak Mam, not Spanish. I need a Mam interpreter by phone.' in message.text
    assert "311" in message.text and "911" in message.text


def test_unserved_languages_have_every_urgent_line(knowledge: Knowledge) -> None:
    urgent = {id_ for id_, question in knowledge.questions.items() if question.urgent}
    hidden = re.compile("|".join(load_rules().preview["en"]))
    for code, texts in knowledge.unserved.items():
        assert set(texts) == {"interpreter", *urgent}, code
        for name, text in texts.items():
            filled = knowledge.in_unserved(code, name) or ""
            assert not PLACEHOLDER.search(filled) and not hidden.search(filled[:40]), (code, name)
            assert not re.search(r"\d", PLACEHOLDER.sub("", text)), "numbers are facts"
    plan = plans.with_first_line(knowledge, Plan(((Piece("ice_here_now"),),)), "pt")
    first, second = render(knowledge, plan, "en", "sms", NOON)  # too long for one message
    assert first.text.startswith("Fique calmo.") and "Stay calm." in second.text
