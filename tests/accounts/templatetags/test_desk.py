from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.utils import translation
from time_machine import TimeMachineFixture

from accounts.models import User
from accounts.templatetags.desk import clock, clock_near, clock_only, day, icon, minutes_since, minutes_until

NOON = datetime(2022, 7, 1, 13, 20, tzinfo=UTC)  # 15:20 in Brussels


@pytest.fixture(autouse=True)
def _now(time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOON, tick=False)


def test_a_moment_of_today_is_its_time_in_brussels() -> None:
    assert (clock(NOON), clock_only(NOON), clock(None)) == ("15:20", "15:20", "")


def test_a_moment_of_another_day_is_told_with_its_day() -> None:
    just_before_midnight = datetime(2022, 6, 30, 21, 59, tzinfo=UTC)

    with translation.override("en"):
        assert (clock(just_before_midnight), clock_only(just_before_midnight)) == ("30 June 23:59", "23:59")


def test_a_time_of_the_last_or_next_half_day_needs_no_day_though_midnight_is_between() -> None:
    hour = timedelta(hours=1)

    assert [clock_near(NOON - hours * hour, NOON) for hours in (-11, 0, 11, 25)] == [
        "02:20",
        "15:20",
        "04:20",
        clock(NOON - 25 * hour),
    ]
    assert clock_near(None, NOON) == ""


def test_a_day_is_that_of_brussels_in_the_readers_language() -> None:
    half_past_midnight = datetime(2022, 6, 30, 22, 30, tzinfo=UTC)

    with translation.override("fr"):
        assert day(half_past_midnight) == "1 juillet 2022"


def test_minutes_are_whole_and_count_both_ways() -> None:
    moment = NOON - timedelta(minutes=10, seconds=59)

    assert (minutes_since(moment), minutes_until(moment)) == (10, -10)


def test_an_icon_is_hidden_from_readers() -> None:
    assert 'aria-hidden="true"' in icon("d-phone")
    assert "sprite.svg#d-phone" in icon("d-phone")


def fields(user: object, key: str = "") -> str:
    return Template("{% load desk %}{% client_key key %}").render(Context({"user": user, "key": key}))


def test_a_form_has_a_new_key_each_time_and_its_own_again_after_a_refusal() -> None:
    reader = User(pk=7)

    assert fields(reader) != fields(reader)
    assert 'name="key" value="the-same"' in fields(reader, key="the-same")


def test_a_form_says_who_types_in_a_way_nobody_can_forge() -> None:
    assert 'name="typed_by" value="7:' in fields(User(pk=7))
    assert 'name="typed_by" value=""' in fields(AnonymousUser())
