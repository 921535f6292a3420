from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.personal_data import emails, mask_national_numbers, national_numbers, phone_numbers


@pytest.mark.parametrize(
    "number",
    [
        "85.07.30-033.28",
        "93.05.18-223.61",
        "99.12.31-997.42",
        "00.01.25-567.77",
        "17.07.30-033.84",
        "26.01.01-002.65",
        "01.02.03-004.38",
        "01.02.03-004.67",
        "85.07.30-061.97",
        "85.07.30-060.01",
        "40.00.00-957.77",
        "85.27.30-100.04",
        "85.47.30-033.17",
    ],
)
def test_a_national_number_is_masked_but_for_the_date(number: str) -> None:
    assert mask_national_numbers(f"Patient {number}.") == (f"Patient {number[:8]}-•••.••.", 1)


@pytest.mark.parametrize(
    "text",
    [
        "85.07.30-033.29",
        "85.70.30-033.28",
        "85.07.32-033.41",
        "850730033280",
        "185073003328",
        "0475/12.34.56",
        "+32 475 12 34 56",
        "02/555.12.12",
        "3225551212",
        "GTIN 5412345678908",
        "le 01/07/2022 13:30, ticket 104233",
        "",
        "²²²²²²²²²²²",
    ],
)
def test_what_is_no_national_number_stays(text: str) -> None:
    assert mask_national_numbers(text) == (text, 0)


@pytest.mark.parametrize(
    "text",
    [
        "85073003328",
        "85 07 30 033 28",
        "85\u00a007\u00a030\u00a0033\u00a028",
        "85\u202f07\u202f30\u202f033\u202f28",
        "850730-033-28",
        "850730 03328",
        "85/07/30-033/28",
        "85.07.30 – 033.28",
        "８５.０７.３０-０３３.２８",
        "８５０７３００３３２８",
        "٨٥٠٧٣٠٠٣٣٢٨",
        "8507 3003 328",
    ],
)
def test_every_spelling_is_caught(text: str) -> None:
    masked, count = mask_national_numbers(f"né {text} ok")

    assert (masked, count) == ("né 85.07.30-•••.•• ok", 1)


def test_digits_that_stand_before_or_after_do_not_hide_a_number() -> None:
    assert mask_national_numbers("le 12 85.07.30-033.28 2 fois, 17073003384") == (
        "le 12 85.07.30-•••.•• 2 fois, 17.07.30-•••.••",
        2,
    )


def test_a_mobile_that_passes_the_check_is_a_mobile() -> None:
    """32475123456 is no national number by luck; these three have the right check digits too."""
    passing = [number for number in (f"324701{n:05d}" for n in range(10000, 32000)) if _passes(number)][:3]

    assert len(passing) == 3
    assert [national_numbers(number) for number in passing] == [[], [], []]
    assert [national_numbers(f"+{number}") for number in passing] == [[], [], []]
    assert len(national_numbers(_spelled(passing[0], ".", ".", "-", "."))) == 1


def test_addresses_and_telephone_numbers_are_found_where_they_stand() -> None:
    text = "Écrire à jo.peeters@example.be ou appeler le 02/555.12.12 (réf. 104233)."

    (address,), (phone,) = emails(text), phone_numbers(text)

    assert text[address.start : address.end] == "jo.peeters@example.be"
    assert text[phone.start : phone.end] == "02/555.12.12"


def _passes(digits: str) -> bool:
    return int(digits[9:]) == 97 - int(digits[:9]) % 97


def _spelled(digits: str, *separators: str) -> str:
    groups = digits[:2], digits[2:4], digits[4:6], digits[6:9], digits[9:]
    return "".join(part for pair in zip(groups, (*separators, ""), strict=False) for part in pair if part)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A national or bis number of somebody born between 1900 and 2025."""
    born = draw(st.dates(date(1900, 1, 1), date(2025, 12, 31)))
    month = born.month + draw(st.sampled_from([0, 0, 20, 40]))
    first = f"{born.year % 100:02d}{month:02d}{born.day:02d}{draw(st.integers(1, 998)):03d}"
    return f"{first}{97 - int(('2' if born.year >= 2000 else '') + first) % 97:02d}"


SEPARATORS = st.sampled_from(["", "", ".", "-", "/", " ", "\u00a0", "\u202f", " - ", "–"])


@given(numbers(), st.lists(SEPARATORS, min_size=4, max_size=4), st.sampled_from([0, 0xFEE0]))
def test_numbers_are_caught_however_they_are_spelled(
    number: str, separators: list[str], to_full_width: int
) -> None:
    spelled = _spelled(number, *separators)
    spelled = "".join(chr(ord(c) + to_full_width) if c.isdigit() else c for c in spelled)
    is_a_mobile = number.startswith("324") and not all(separators)

    _masked, count = mask_national_numbers(f"Patient : {spelled}, urgent")

    assert count == (0 if is_a_mobile else 1)


MOBILES = st.from_regex(r"04[6-9][0-9]/[0-9]{2}\.[0-9]{2}\.[0-9]{2}", fullmatch=True)
LANDLINES = st.from_regex(r"0(2|3|9)/[2-7][0-9]{2}\.[0-9]{2}\.[0-9]{2}", fullmatch=True)
INTERNATIONAL = st.from_regex(r"(\+|00)32 ?4[6-9][0-9] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2}", fullmatch=True)
GTINS = st.from_regex(r"54[0-9]{11}", fullmatch=True)
TICKETS = st.from_regex(r"(INC|#)[0-9]{5,8}", fullmatch=True)


@given(st.one_of(MOBILES, LANDLINES, INTERNATIONAL, GTINS, TICKETS))
def test_telephone_numbers_articles_and_tickets_stay(text: str) -> None:
    assert national_numbers(f"Voir {text}.") == []


@given(st.text())
def test_any_text_is_read_and_masking_leaves_nothing_to_mask(text: str) -> None:
    masked, _count = mask_national_numbers(text)

    assert mask_national_numbers(masked) == (masked, 0)
