"""How many SMS segments a text costs, as Twilio counts them (research note on messaging, 3.7).

A text whose every character is in GSM 03.38 goes as GSM-7: 160 units in one segment, 153 in each of several; the characters of
the extension table cost two units. Any other text goes as UCS-2: 70 and 67 UTF-16 units. What a reader sees as a single character
(an escaped extension character, a letter with its signs, an emoji of several) is never cut in two.
"""

from __future__ import annotations

import regex

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = frozenset("\f^{}\\[~]|€")

# Marks that a writing program puts in and a phone does not need. Only whole-message changes of no meaning: letters stay.
LOOK_ALIKES = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "–": "-", "—": "-", "−": "-", "…": "...", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "•": "-",
    }
)  # fmt: skip


_GRAPHEME = regex.compile(r"\r|\n|\X")


def is_gsm(text: str) -> bool:
    """Whether every character can go as GSM-7."""
    return all(char in GSM_BASIC or char in GSM_EXTENSION for char in text)


def encoding(text: str) -> str:
    """`GSM-7` or `UCS-2`."""
    return "GSM-7" if is_gsm(text) else "UCS-2"


def simplify(text: str) -> str:
    """The text with typographic marks replaced, if that alone lets it go as GSM-7; else the text as it is."""
    plain = text.translate(LOOK_ALIKES)
    return plain if is_gsm(plain) else text


def units(grapheme: str, gsm: bool) -> int:
    """Septets (GSM-7) or UTF-16 units (UCS-2) that a character takes, with its signs."""
    if gsm:
        return sum(2 if char in GSM_EXTENSION else 1 for char in grapheme)
    return sum(2 if ord(char) > 0xFFFF else 1 for char in grapheme)


def count(text: str) -> int:
    """The number of segments of a text; an empty one costs one, since Twilio bills it so."""
    gsm = is_gsm(text)
    single, multi = (160, 153) if gsm else (70, 67)
    if units(text, gsm) <= single:
        return 1
    segments, used = 1, 0
    for grapheme in text if gsm else _GRAPHEME.findall(text):
        size = units(grapheme, gsm)
        if used + size > multi:
            segments, used = segments + 1, 0
        used += size
    return segments
