from datetime import datetime

import pytest
from django.utils.timezone import localtime

from accounts.refusals import Refused
from tests.factories import OUTAGE
from tickets.moments import next_clock_time


def said(typed: str, after: datetime = OUTAGE) -> str:
    return localtime(next_clock_time(typed, after=after)).strftime("%d/%m %H:%M")


@pytest.mark.parametrize("typed", ["18:10", "18h10", "18u10", "1810", "18.10", " 18 : 10 "])
def test_a_time_is_understood_as_people_write_it(typed: str) -> None:
    assert said(typed) == "01/07 18:10"


def test_an_hour_alone_is_the_full_hour() -> None:
    assert [said("18"), said("18h"), said("9")] == ["01/07 18:00", "01/07 18:00", "02/07 09:00"]


def test_a_time_that_has_passed_is_tomorrows_but_just_now_is_todays() -> None:
    assert [said("13:00"), said("12:59"), said("13:31")] == ["01/07 13:00", "02/07 12:59", "01/07 13:31"]


@pytest.mark.parametrize("typed", ["", "25:00", "18:60", "soon", "9999", "-1", "1:2:3", "१८:१०", "\x00"])
def test_what_is_no_time_of_day_is_refused(typed: str) -> None:
    with pytest.raises(Refused):
        next_clock_time(typed, after=OUTAGE)
