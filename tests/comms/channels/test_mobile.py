import re

import pytest

from comms.channels.mobile import NOT_A_NUMBER, NOT_MOBILE, NotAMobile, mobile


@pytest.mark.parametrize(
    "typed",
    [
        "0470/55.00.01",
        "0470 55 00 01",
        "+32 470 55 00 01",
        "+32 (0)470 55 00 01",
        "0032470550001",
        " 0470550001 ",
    ],
)
def test_a_belgian_mobile_has_one_spelling(typed: str) -> None:
    assert mobile(typed) == "+32470550001"


@pytest.mark.parametrize("typed", ["+33 6 12 34 56 78", "+352 621 123 456", "+31 6 12345678"])
def test_a_neighbours_mobile_is_reached_too(typed: str) -> None:
    assert mobile(typed) == typed.replace(" ", "")


@pytest.mark.parametrize("typed", ["", "x", "0470", "0470 55 00 0", "0470 55 00 011", "+999 1", "\x00"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(NotAMobile, match=re.escape(NOT_A_NUMBER)):
        mobile(typed)


@pytest.mark.parametrize("typed", ["02 555 12 12", "0800 12 345", "0903 12 345"])
def test_what_no_sms_reaches_is_refused(typed: str) -> None:
    with pytest.raises(NotAMobile, match=NOT_MOBILE):
        mobile(typed)
