"""Finds what must not be kept or published: national numbers, e-mail addresses, telephone numbers.

A national number (NISS/INSZ) is eleven digits YYMMDD SSS CC; CC is 97 minus the first nine digits modulo 97,
with a 2 put before them for who was born from 2000. Bis numbers add 20 or 40 to the month; day and month may
be 00. Of random strings of eleven digits 0.26 % pass all that, so telephone numbers are recognised first.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from phonenumbers import Leniency, PhoneNumberMatcher
from stdnum.be import bis, nn

MOST_MASKED = "•••.••"
# Dots, spaces of every width, dashes and slashes, up to three in a row as in "30 - 033".
SEPARATOR = r"[\s.\-/\\_,·\u200b\u2010-\u2015\u2044\u2212\u2215\uff0e\uff0d\uff0f]"
ELEVEN_DIGITS = re.compile(rf"(?<!\d)(?=(\d(?:{SEPARATOR}{{0,3}}\d){{10}})(?!\d))")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# After which digits a national number is usually broken: YY MM DD SSS CC.
USUAL_BREAKS = {2, 4, 6, 9}


class Span(NamedTuple):
    """text[start:end]."""

    start: int
    end: int


def national_numbers(text: str) -> list[Span]:
    """Where *text* holds national numbers, in reading order, none overlapping another.

    Of two that overlap, as where a day stands right before a number, the one in its usual groups is meant.
    """
    found: list[Span] = []
    phones: list[Span] | None = None
    for span in _eleven_digits(text):
        if not _is_national_number(_digits(text, span)):
            continue
        phones = phone_numbers(text) if phones is None else phones
        if _is_rather_a_mobile(text, span) or _is_rather_a_phone_number(text, span, phones):
            continue
        if not found or span.start >= found[-1].end:
            found.append(span)
        elif _in_its_groups(text, span) and not _in_its_groups(text, found[-1]):
            found[-1] = span
    return found


def mask_national_numbers(text: str) -> tuple[str, int]:
    """*text* with 85.07.30-•••.•• for each national number, and how many there were."""
    spans = national_numbers(text)
    for span in reversed(spans):
        digits = _digits(text, span)
        masked = f"{digits[:2]}.{digits[2:4]}.{digits[4:6]}-{MOST_MASKED}"
        text = text[: span.start] + masked + text[span.end :]
    return text, len(spans)


def emails(text: str) -> list[Span]:
    return [Span(*match.span()) for match in EMAIL.finditer(text)]


def phone_numbers(text: str) -> list[Span]:
    """Where *text* holds telephone numbers that exist, as one writes them in Belgium or with a country code."""
    matches = PhoneNumberMatcher(text, "BE", leniency=Leniency.VALID)
    return [Span(match.start, match.end) for match in matches]


def _eleven_digits(text: str) -> Iterator[Span]:
    """Every run of eleven digits, overlapping ones too: a date may stand right before a number."""
    for match in ELEVEN_DIGITS.finditer(text):
        yield Span(*match.span(1))


def _digits(text: str, span: Span) -> str:
    return "".join(str(unicodedata.digit(c)) for c in text[span.start : span.end] if c.isdecimal())


def _is_national_number(digits: str) -> bool:
    return int(digits[4:6]) <= 31 and bool(nn.is_valid(digits) or bis.is_valid(digits))


def _is_rather_a_mobile(text: str, span: Span) -> bool:
    """A Belgian mobile with its country code and no plus, whether or not its range is handed out already."""
    return _digits(text, span).startswith("324") and _breaks(text, span) != USUAL_BREAKS


def _is_rather_a_phone_number(text: str, span: Span, phones: list[Span]) -> bool:
    """Part of a telephone number with its plus, or of one in groups that a national number does not have.

    Else the national number it is: to miss one is worse than to mask a telephone number.
    """
    phones = [phone for phone in phones if phone.start < span.end and span.start < phone.end]
    return any(text[phone.start] == "+" or not _in_its_groups(text, span) for phone in phones)


def _in_its_groups(text: str, span: Span) -> bool:
    return _breaks(text, span) <= USUAL_BREAKS


def _breaks(text: str, span: Span) -> set[int]:
    """After which digit, counted from 1, something else stands."""
    breaks, seen = set(), 0
    for character in text[span.start : span.end]:
        if character.isdecimal():
            seen += 1
        else:
            breaks.add(seen)
    return breaks
