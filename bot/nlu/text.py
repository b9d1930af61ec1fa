"""The form in which texts are compared, whatever accents, marks and punctuation people leave out."""

from __future__ import annotations

import re
import unicodedata

_SEAM = re.compile(r"(?<=[a-z0-9])(?=[\u0600-\uffff])|(?<=[\u0600-\uffff])(?=[a-z0-9])")
# Letters that people type for each other: on another keyboard, in a hurry, or as their country writes them.
_SAME = str.maketrans(
    {
        "ł": "l",
        "œ": "oe",
        "æ": "ae",
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ة": "ه",
        "ى": "ي",
        "ی": "ي",
        "ک": "ك",
        "ھ": "ه",
        "ہ": "ه",
        "ё": "е",
    }
)
_ARABIC_MARKS = re.compile("[\u064b-\u0652\u0640\u0670]")


def fold(text: str) -> str:
    """The form in which phrases are compared: NFKC, case folded, no accents on Latin and Cyrillic letters, no Arabic vowel signs,
    letters that are typed for each other made one, punctuation to spaces, a space between Latin letters and those of other scripts, one space at each end."""
    text = _ARABIC_MARKS.sub("", unicodedata.normalize("NFKC", text).casefold()).translate(_SAME)
    kept: list[str] = []
    for char in unicodedata.normalize("NFD", text):
        category = unicodedata.category(char)
        if category == "Mn" and kept and (kept[-1].isascii() or "\u0400" <= kept[-1] <= "\u04ff"):
            continue
        if char in "\u200d\u200c":
            continue
        kept.append(char if category[0] in "LMN" else " ")
    # "ICE在門口", "ICE가": a Latin word ends where another script begins.
    parted = _SEAM.sub(" ", unicodedata.normalize("NFC", "".join(kept)))
    return f" {' '.join(parted.split())} "
