"""A fact's value as each reader reads it."""

from datetime import date

import pytest

from bot.knowledge import Knowledge, formatting
from bot.knowledge.facts import load_facts

FACTS = """
phone: &base
  about: a test value
  kind: phone
  value: {phone: 800-555-0100}
  source: {title: A page, url: "https://example.org"}
  checked: 2026-11-21
  how: archived_copy
  confidence: high
"""
VALUES = [
    ("{phone: 800-555-0100}", "en", "800-555-0100", "a phone is never changed"),
    ("{phone: 800-555-0100}", "ar", "\u200e800-555-0100", "nor turned round after Arabic"),
    ("{money: 50}", "en", "$50", "no cents where there are none"),
    ("{money: 22.13}", "en", "$22.13", "cents where there are some"),
    ("{money: 50}", "es", "$50", "US dollars in US Spanish"),
    ("{count: 14, unit: year}", "en", "14 years", "number and unit together"),
    ("{count: 1, unit: year}", "en", "1 year", "one is singular"),
    ("{count: 14, unit: year}", "es", "14 años", "in the reader's language"),
    ("{count: 4, unit: point}", "en", "4 points", "a unit that Babel does not know"),
    ("{count: 1, unit: point}", "en", "1 point", "and its singular"),
    ("{number: 10000}", "en", "10,000", "separators"),
    ("{date: 2026-12-31}", "en", "December 31, 2026", "a day"),
    ("{date: 2026-12-31}", "es", "31 de diciembre de 2026", "a day"),
    ("{hours: always}", "en", "day and night", "always open"),
    ("{hours: {mon-fri: 09:00-18:00}}", "en", "Mon-Fri 9 AM-6 PM", "hours without minutes"),
    ("{hours: {mon-fri: 08:00-20:00, sat-sun: 09:30-17:00}}", "en", "Mon-Fri 8 AM-8 PM, Sat-Sun 9:30 AM-5 PM", "runs"),
    ("{date: 2026-08-31}", "ht", "31 out 2026", "Haitian Creole has its own months, not the French ones"),
    ("{count: 5, unit: year}", "ht", "5 an", "and units"),
    ("{hours: {mon-fri: 09:00-18:00}}", "ht", "len-van 9 AM-6 PM", "and days"),
    ("{number: 10000}", "ht", "10,000", "separators as in New York"),
    ("{text: I-918}", "ar", "\u200eI-918", "a form's name"),
]


@pytest.mark.parametrize(("value", "locale", "shown", "reason"), VALUES, ids=[f"{r[1]} {r[0]}" for r in VALUES])
def test_plain(value: str, locale: str, shown: str, reason: str, knowledge: Knowledge, tmp_path) -> None:
    (tmp_path / "f.yml").write_text(FACTS.replace("{phone: 800-555-0100}", value))
    fact = load_facts(tmp_path)["phone"]
    assert formatting.plain(fact, knowledge._style(knowledge.locale(locale))) == shown, reason


def test_html_is_tappable_and_escaped(knowledge: Knowledge, tmp_path) -> None:
    (tmp_path / "f.yml").write_text(FACTS)
    fact = load_facts(tmp_path)["phone"]
    markup = formatting.as_html(fact, knowledge._style(knowledge.locale("ar")))
    assert 'href="tel:+18005550100"' in markup and 'dir="ltr"' in markup and 'translate="no"' in markup


def test_month(knowledge: Knowledge) -> None:
    assert formatting.month(date(2026, 11, 21), knowledge.style("en")) == "Nov 2026"
    assert formatting.month(date(2026, 11, 21), knowledge.style("es")) == "nov 2026"
