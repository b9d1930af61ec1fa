"""Keep the gettext catalogues in step with content: extract by stable id, never by similarity.

Babel's own update was seen to give one sentence's translation to another that looks alike, and to lose a changed one.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog

from bot.knowledge import translations
from bot.knowledge.knowledge import ROOT, Knowledge

_NO_DATE = datetime(2026, 1, 1, tzinfo=timezone.utc)  # a header that changes with every run would hide what changed
ENGLISH_HASH = "english "  # a translator comment: the hash of the English that the translation was made from


def messages(knowledge: Knowledge) -> dict[str, tuple[str | tuple[str, str], str]]:
    """Every sentence to translate: msgctxt -> (English, file and line). Counted units are (one, other)."""
    found: dict[str, tuple[str | tuple[str, str], str]] = {}
    for answer in knowledge.answers.values():
        where = str(answer.path.relative_to(ROOT)) if answer.path.is_relative_to(ROOT) else answer.path.name
        for field, text in answer.texts.items():
            found[answer.context(field)] = (text, where)
    for unit, forms in knowledge.units.items():
        found[f"unit/{unit}"] = (forms, "content/system/units.yml")
    return found


def update(knowledge: Knowledge, locale: str, new: dict[str, str | list[str]] | None = None, root: Path = ROOT) -> Catalog:
    """The locale's catalogue with one entry for each sentence, in content's order.

    A translation stays with its `msgctxt`, and with the English that it was made from (so that a change of the English shows as
    stale) unless `new` brings another: msgctxt -> translation, made from today's English. Raises KeyError for a context in `new`
    that no sentence has, ContentError for a catalogue that cannot be read.
    """
    file = translations.path(root / "locales", locale)
    old = {m.context: m for m in translations.read(file, locale) if m.context} if file.exists() else {}
    wanted = messages(knowledge)
    for context in new or {}:
        if context not in wanted:
            raise KeyError(context)
    catalogue = Catalog(
        locale=knowledge.locale(locale).cldr,
        domain=translations.DOMAIN,
        project="Amparo",
        version="1",
        msgid_bugs_address="none",
        last_translator="machine draft",
        language_team="none",
        header_comment=f"# {knowledge.locale(locale).name}: machine draft, not reviewed by a native speaker.",
        creation_date=_NO_DATE,
        revision_date=_NO_DATE,
        fuzzy=False,
    )
    for context, (english, where) in wanted.items():
        source: Any = english
        string: Any = "" if isinstance(english, str) else ("",) * catalogue.num_plurals
        if new and context in new:
            given = new[context]
            string = given if isinstance(given, str) else tuple(given)
        elif context in old and old[context].string:
            source, string = old[context].id, old[context].string
        plain = source if isinstance(source, str) else source[0]
        comments = [ENGLISH_HASH + translations.english_hash(plain)] if any(string) else []
        catalogue.add(source, string, locations=[(where, 0)], context=context, user_comments=comments)
    return catalogue


def write(knowledge: Knowledge, locale: str, new: dict[str, str | list[str]] | None = None, root: Path = ROOT) -> int:
    """Update the locale's file. Returns how many of its sentences have no translation."""
    catalogue = update(knowledge, locale, new, root)
    translations.write(translations.path(root / "locales", locale), catalogue)
    return sum(1 for message in catalogue if message.context and not any(message.string or ()))
