"""Names of places, papers and agencies in a message, in every language that we write (content/gazetteer.yml).

spaCy's phrase matcher over folded words where words stand apart; in scripts that join words, or put endings on them (Chinese, Korean, Bengali,
Arabic letters), a name may stand inside a longer word. Only ids come out: no word of the person's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import spacy
from spacy.matcher import PhraseMatcher

from bot.knowledge.yamlfile import load
from bot.nlu.text import fold

_INSIDE = re.compile("[\u0600-\u06ff\u0980-\u09ff\u1100-\u11ff\u3130-\u318f\uac00-\ud7af\u3400-\u9fff]")
_ZIP = re.compile(r"(?<!\d)(\d{5})(?:-\d{4})?(?!\d)")
SECTIONS = ("places", "papers", "agencies")


@dataclass(frozen=True)
class Name:
    """`section` is one of SECTIONS; `id` the entry's; `layer` (nyc, ny, us) whose rules hold in a place, `borough` where it lies."""

    section: str
    id: str
    layer: str | None = None
    borough: str | None = None


class Gazetteer:
    """`find` gives the names in a message. Build it with `load`; raises ContentError."""

    def __init__(self, forms: dict[str, Name], zips: list[tuple[int, int, str]]) -> None:
        self._zips = zips
        self._inside = {form: name for form, name in forms.items() if _INSIDE.search(form)}
        self._nlp = spacy.blank("xx")
        self._names = {form: name for form, name in forms.items() if form not in self._inside}
        self._matcher = PhraseMatcher(self._nlp.vocab, attr="ORTH")
        self._matcher.add("name", [self._nlp.make_doc(form) for form in self._names])

    @classmethod
    def load(cls, path: Path) -> Gazetteer:
        data = load(path)
        forms: dict[str, Name] = {}
        for section in SECTIONS:
            for id_, entry in data[section].items():
                name = Name(
                    section, id_, entry.get("layer"), entry.get("borough") or (id_ if entry.get("kind") == "borough" else None)
                )
                for found in entry["forms"].values():
                    for form in found:
                        folded = fold(str(form)).strip()
                        if folded and forms.setdefault(folded, name).section == section and forms[folded].id != id_:
                            raise entry.error("forms", f"{form!r} stands under {forms[folded].id} and {id_}")
        zips = [
            (int(low), int(high), layer) for layer, ranges in data["zips"].items() for low, high in (r.split("-") for r in ranges)
        ]
        return cls(forms, zips)

    def find(self, text: str) -> list[Name]:
        """The names in a message, each once, longer names before the shorter ones inside them (which are left out)."""
        folded = fold(text)
        spans = [(form, name) for form, name in self._inside.items() if form in folded] if _INSIDE.search(folded) else []
        doc = self._nlp.make_doc(folded.strip())
        spans += [(doc[start:end].text, self._names[doc[start:end].text]) for _, start, end in self._matcher(doc)]
        spans.sort(key=lambda span: -len(span[0]))
        kept: list[tuple[str, Name]] = []
        for form, name in spans:
            if not any(_within(form, longer) and other.section == name.section for longer, other in kept):
                kept.append((form, name))
        found = list(dict.fromkeys(name for _, name in kept))
        return found or self._by_zip(text)

    def _by_zip(self, text: str) -> list[Name]:
        match = _ZIP.search(text)
        number = int(match.group(1)) if match else 0
        return [Name("places", "zip", layer) for low, high, layer in self._zips if low <= number <= high][:1]


def _within(form: str, longer: str) -> bool:
    """Whether a form stands inside a longer one: as whole words, or anywhere in scripts that join words."""
    if form == longer:
        return False
    return form in longer if _INSIDE.search(form) else f" {form} " in f" {longer} "
