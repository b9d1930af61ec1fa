"""Short codes for addresses and QR codes: they say nothing of a topic to whoever sees a screen, a history or a printed square.

A code is made of the id alone, so that what is printed stays right for as long as the id does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

# No vowels, so that no word can arise, and nothing that is mistaken for another when read aloud or copied by hand.
ALPHABET = "23456789bcdfghjkmnpqrstvwxz"
LENGTH = 4


def code_of(id_: str) -> str:
    """The code of an id: LENGTH characters of ALPHABET."""
    number = int.from_bytes(hashlib.sha256(id_.encode()).digest()[:8], "big")
    found = ""
    for _ in range(LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        found += ALPHABET[digit]
    return found


def by_code(ids: Iterable[str]) -> dict[str, str]:
    """Code -> id. Raises ValueError where two ids share one (rename the newer)."""
    found: dict[str, str] = {}
    for id_ in ids:
        other = found.setdefault(code_of(id_), id_)
        if other != id_:
            raise ValueError(f"{id_} and {other} have the same code {code_of(id_)}")
    return found
