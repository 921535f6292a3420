"""What fits into an SMS: 3GPP TS 23.038 (once GSM 03.38) for the alphabets, TS 23.040 for the parts."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii
from gsm0338.charset import BASIC_CHARACTER_SET, BASIC_CHARACTER_SET_EXTENSION

ONE, PART = 160, 153  # septets of the GSM alphabet; a part gives seven to its header
ONE_UCS2, PART_UCS2 = 70, 67  # code units

# Septets of each character. The escape to the second table is none, and a form feed no text.
_SEPTETS = {unicodedata.lookup(name): 1 for name in BASIC_CHARACTER_SET.values() if name != "ESCAPE"} | {
    unicodedata.lookup(name): 2 for name in BASIC_CHARACTER_SET_EXTENSION.values() if name != "FORM FEED"
}
_NO_LETTERS = {"So", "Sk", "Cc", "Cf", "Mn", "Co", "Cn", "Cs"}  # Unicode categories
# Where the nearest plain spelling is not the one that a table of all Unicode would give.
_FRENCH_QUOTES = re.compile(r"«[ \u00a0\u202f]?|[ \u00a0\u202f]?»")
_PLAIN = {"‹": "'", "›": "'", "`": "'", "ˋ": "'", "•": "-", "·": "-", "→": "->", "\t": " "}


@dataclass(frozen=True)
class Measured:
    """*used* septets, or code units of UCS-2, in as many *parts*; so many fit into one SMS of that alphabet."""

    alphabet: str
    used: int
    parts: int

    @property
    def most(self) -> int:
        return ONE if self.alphabet == "GSM" else ONE_UCS2


@lru_cache(maxsize=500)
def measure(text: str) -> Measured:
    """How *text* travels. A character that takes two places (€, [, an emoji) does not straddle two parts."""
    if is_gsm(text):
        return _measured("GSM", [_SEPTETS[character] for character in text], ONE, PART)
    return _measured(
        "UCS-2", [2 if ord(character) > 0xFFFF else 1 for character in text], ONE_UCS2, PART_UCS2
    )


def _measured(alphabet: str, sizes: list[int], one: int, part: int) -> Measured:
    used = sum(sizes)
    return Measured(alphabet, used, 1 if used <= one else _parts(sizes, part))


def _parts(sizes: list[int], part: int) -> int:
    parts, filled = 1, 0
    for size in sizes:
        if filled + size > part:
            parts, filled = parts + 1, 0
        filled += size
    return parts


def share_of_one(text: str) -> int:
    """Septets; of a text that needs UCS-2 as many as would fill an SMS to the same extent."""
    measured = measure(text)
    return -(-measured.used * ONE // measured.most)


@lru_cache(maxsize=500)
def plain(text: str) -> str:
    """*text* in the GSM alphabet: ê becomes e and ’ becomes ', a no-break space a space; what has no letter goes."""
    text = _FRENCH_QUOTES.sub('"', unicodedata.normalize("NFC", text.replace("\r\n", "\n")))
    return "".join(_plain_characters(text))


def _plain_characters(text: str) -> Iterator[str]:
    for character in text:
        if is_gsm(character):
            yield character
        elif character in _PLAIN:
            yield _PLAIN[character]
        elif unicodedata.category(character) not in _NO_LETTERS:
            yield "".join(letter for letter in anyascii(character) if is_gsm(letter))


def is_gsm(text: str) -> bool:
    return all(character in _SEPTETS for character in text)
