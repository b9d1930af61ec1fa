"""The language of short messages: by script, by our own examples, and never flipped by an English word."""

from __future__ import annotations

import pytest

from bot.engine.training import language_file
from bot.nlu.language import LanguageIdentifier, script_of
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def languages() -> LanguageIdentifier:
    return LanguageIdentifier.load(language_file(ROOT / "models" / "amparo.tar.gz"))


TABLE = [
    ("necesito un abogado", None, "es"), ("where can i get a lawyer", None, "en"), ("mi esposo me pega", None, "es"),
    ("আমার স্বামী আমাকে মারে", None, "bn"), ("我需要律师", None, "zh_Hans"), ("我需要律師", None, "zh_Hant"), ("도와주세요", None, "ko"),
    ("мне нужен адвокат", None, "ru"), ("أحتاج إلى محام", None, "ar"), ("مجھے وکیل چاہیے", None, "ur"),
    ("мені потрібен адвокат, дякую", None, "uk"), ("मुझे वकील चाहिए", None, "hi"),
    ("mwen bezwen yon avoka", None, "ht"), ("potrzebuję prawnika", None, "pl"), ("j'ai besoin d'un avocat", None, "fr"),
    ("amar shami amake mare", None, "bn"), ("mera shohar mujhe marta hai", None, "ur"), ("muzh menya byot", None, "ru"),
    ("hola", None, "es"), ("buenas", None, "es"), ("bonjour", None, "fr"), ("bonjou", None, "ht"), ("privet", None, "ru"), ("dzień dobry", None, "pl"),
    ("gracias", None, "es"), ("olá, bom dia, preciso de um advogado", None, "pt"), ("tôi cần luật sư", None, "vi"),
    ("he has a gun help me", None, "en"), ("he hits me", None, "en"), ("how much is idnyc", None, "en"),
    ("ICE", "es", "es"), ("idnyc", "bn", "bn"), ("u visa", "ru", "ru"), ("yes", "es", "es"), ("hello", "es", "es"), ("ok", "ar", "ar"),
    ("kol yom byeshtemni 3ashan ana men masr", None, "ar"), ("警察截查我 可唔可以唔答", None, "zh_Hant"), ("唔该", None, "zh_Hans"), ("可唔可以", "zh_Hans", "zh_Hans"),
    ("hi", None, "und"), ("", None, "und"), ("123", "es", "es"), ("律", "zh_Hant", "zh_Hant"), ("律", None, "zh_Hans"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "prior", "language"), TABLE, ids=[f"{row[0]} ({row[1]})" for row in TABLE])
def test_identify(text: str, prior: str | None, language: str, languages: LanguageIdentifier) -> None:
    assert languages.identify(text, prior)[0] == language


def test_a_clear_change_of_language_is_followed(languages: LanguageIdentifier) -> None:
    language, sure = languages.identify("can my daughter go to school without papers", "es")
    assert language == "en" and sure > 0.8


def test_script_of_mixed_text() -> None:
    assert script_of("ICE আমার দরজায়") == "bn"
    assert script_of("I need help with আ") is None
    assert script_of("lawyer") is None
