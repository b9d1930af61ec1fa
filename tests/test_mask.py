"""What people must not send is masked before anything reads it; what they ask about stays."""

import time

import pytest

from bot.nlu.mask import mask

MASKED = [
    ("an A-number", "my a number is A123 456 789 what now", "my a number is (...) what now"),
    ("an A-number, short form", "A# 012345678", "(...)"),
    ("a Social Security number", "ssn 123-45-6789", "ssn (...)"),
    ("a telephone number", "call me at 917 555 0142 please", "call me at (...) please"),
    ("a number from abroad", "+8801712345678", "(...)"),
    ("Arabic digits", "رقمي ٩١٧٥٥٥٠١٤٢", "رقمي (...)"),
    ("a card", "4111 1111 1111 1111", "(...)"),
    ("a receipt of USCIS", "IOE0912345678 status", "(...) status"),
    ("an address", "i live at 123 East 45th Street apt 4B in bronx", "i live at (...) in bronx"),
    ("an e-mail address", "write to someone.here@example.org ok", "write to (...) ok"),
    ("a name in English", "my name is Jane Example and i need help", "my name is (...) and i need help"),
    ("a name in Spanish", "me llamo Fulana vivo en queens", "me llamo (...) vivo en queens"),
    ("a name in Russian", "меня зовут Иван, мне нужен адвокат", "меня зовут (...), мне нужен адвокат"),
    ("a name in Bengali", "আমার নাম রহিম আমি", "আমার নাম (...) আমি"),
    ("a name in Latin Urdu", "mera naam Ali hai", "mera naam (...) hai"),
    ("a name in Polish", "mam na imię Jan Kowalski", "mam na imię (...)"),
    ("a name in Chinese", "我叫王小明，我想问", "我叫(...)，我想问"),
]  # fmt: skip
KEPT = [
    "call 911 now", "form I-918 costs 2025 dollars", "zip 11372", "court on 12/05/2026 at 9:30", "I-589 from 2023-01-05", "988", "2",
    "there are 10 st on my list", "what is my name on the idnyc", "¿cuánto cuesta el idnyc en 2026?", "আমার নাম",
]  # fmt: skip


@pytest.mark.parametrize(("text", "masked"), [row[1:] for row in MASKED], ids=[row[0] for row in MASKED])
def test_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize("text", KEPT)
def test_kept(text: str) -> None:
    assert mask(text) == text


def test_no_text_makes_it_slow() -> None:
    for text in ("1" * 1600, "1-" * 800, "a " * 800, "my name is " * 140, "12 a b c " * 170):
        begun = time.perf_counter()
        mask(text)
        assert time.perf_counter() - begun < 0.2
