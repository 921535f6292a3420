"""The cases are those of the telephone contract."""

import pytest

from accounts.refusals import Refused
from tickets import phone

CONTRACT = [
    ("02/555.12.12", "+3225551212"),
    ("+32 (0)2 555 12 12", "+3225551212"),
    ("3225551212", "+3225551212"),
    ("0032 71 12 34 56", "+3271123456"),
    ("071/12.34.56", "+3271123456"),
    ("04 226 88 88", "+3242268888"),
    ("0475/12.34.56", "+32475123456"),
    ("32475123456", "+32475123456"),
    ("02/123.45.67", "+3221234567"),
    ("+31 20 123 45 67", "+31201234567"),
    ("+33 6 12 34 56 78", "+33612345678"),
    ("+352 26 12 34 56", "+35226123456"),
    ("0800 12 345", "+3280012345"),
]


@pytest.mark.parametrize(("typed", "e164"), CONTRACT)
def test_every_belgian_spelling_becomes_one_number_and_keeps_what_was_typed(typed: str, e164: str) -> None:
    assert phone.parse(f" {typed} ") == phone.Number(typed, e164)


@pytest.mark.parametrize("typed", ["8003", "1733", "anonymous", "anonyme", ""])
def test_short_codes_and_words_are_kept_as_typed(typed: str) -> None:
    assert phone.parse(typed) == phone.Number(typed, "")


@pytest.mark.parametrize("typed", ["02 555 12 1", "02 555 12", "0123456789012345", "0032 71 12 34 56 78"])
def test_a_number_with_digits_missing_or_too_many_is_refused(typed: str) -> None:
    with pytest.raises(Refused, match=r"not a possible telephone number|pas un numéro|geen mogelijk"):
        phone.parse(typed)


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("0475/12.34.56 Marie, comptoir", "+32475123456"),
        ("Apotheek De Linde, 02 555 12 12", "+3225551212"),
        ("Apotheek De Linde", ""),
        ("APB 123456", ""),
        ("02 555 12 1", ""),
        ("8003", ""),
    ],
)
def test_a_number_is_found_in_free_text_which_is_never_refused(text: str, e164: str) -> None:
    assert phone.find_in(text) == e164


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("02 555", "2555"),
        ("+32 (0)2 555", "2555"),
        ("0032 2555", "2555"),
        ("32475123456", "475123456"),
        ("555", "555"),
    ],
)
def test_a_part_of_a_number_is_stripped_to_its_significant_digits(typed: str, digits: str) -> None:
    assert phone.significant_digits(typed) == digits


def test_paying_numbers_are_told_from_free_ones() -> None:
    assert [phone.is_premium(e164) for e164 in ("+3290012345", "+3290312345", "+3280012345", "")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_number_is_shown_as_people_read_it() -> None:
    assert [phone.spoken(e164) for e164 in ("+3225551212", "+31201234567")] == [
        "02 555 12 12",
        "+31 20 123 4567",
    ]
