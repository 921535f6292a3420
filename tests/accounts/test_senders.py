import time
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import RequestFactory
from pytest_django import Settings

from accounts.senders import first_time, sender, too_many

NOON = "2022-07-01T12:00:00Z"
HOUR = timedelta(hours=1)


@pytest.fixture
def _cache_of_our_clock(settings: Settings) -> None:
    """Redis has a clock of its own, which no test sets."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


def came_from(address: str, *, through: str = "") -> str:
    forwarded = {"x-forwarded-for": through} if through else {}
    return sender(RequestFactory().get("/", REMOTE_ADDR=address, headers=forwarded))


def test_the_same_address_is_the_same_sender_today_and_another_tomorrow() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        today = came_from("192.0.2.1")
        again, other = came_from("192.0.2.1"), came_from("192.0.2.2")
        clock.shift(timedelta(days=1))
        tomorrow = came_from("192.0.2.1")

    assert (again == today, other == today, tomorrow == today) == (True, False, False)


@pytest.mark.usefixtures("_cache_of_our_clock")
def test_the_salt_is_drawn_by_chance_and_gone_when_its_day_is() -> None:
    with time_machine.travel("2022-07-01T23:59:00Z", tick=False) as clock:
        first = came_from("192.0.2.1")
        cache.clear()
        assert came_from("192.0.2.1") != first
        key = f"senders-salt:{int(time.time()) // 86400}"
        assert cache.get(key)
        clock.shift(timedelta(minutes=2))
        assert cache.get(key) is None


def test_one_ipv6_network_is_one_sender_and_so_is_an_ipv4_address_in_both_spellings() -> None:
    assert came_from("2001:db8:1:2::3") == came_from("2001:db8:1:2:ffff::9") != came_from("2001:db8:1:3::3")
    assert came_from("::ffff:192.0.2.1") == came_from("192.0.2.1")


def test_who_forwards_a_request_is_believed_only_as_often_as_we_have_proxies(settings: Settings) -> None:
    direct = came_from("192.0.2.1")
    assert came_from("192.0.2.1", through="198.51.100.7") == direct

    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    assert came_from("10.0.0.1", through="203.0.113.9, 192.0.2.1") == direct


@pytest.mark.usefixtures("_cache_of_our_clock")
def test_the_one_over_the_limit_is_too_many_until_the_time_is_over() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        counted = [too_many("a", what="report", most=2, within=HOUR) for _ in range(3)]
        others = [
            too_many("b", what="report", most=2, within=HOUR),
            too_many("a", what="x", most=2, within=HOUR),
        ]
        clock.shift(HOUR + timedelta(seconds=1))
        later = too_many("a", what="report", most=2, within=HOUR)

    assert (counted, others, later) == ([False, False, True], [False, False], False)


@pytest.mark.usefixtures("_cache_of_our_clock")
def test_what_was_done_is_not_done_for_the_first_time_until_the_time_is_over() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        told = [first_time(who, what="eforms", within=HOUR) for who in ("a", "a", "b")]
        clock.shift(HOUR + timedelta(seconds=1))
        later = first_time("a", what="eforms", within=HOUR)

    assert (told, later) == ([True, False, True], True)


def test_without_a_cache_nobody_is_counted_and_nobody_is_over(settings: Settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",  # nobody listens there
        }
    }

    assert came_from("192.0.2.1") == ""
    for who in ("", "known-before"):
        assert not too_many(who, what="report", most=0, within=HOUR)
        assert first_time(who, what="report", within=HOUR)
        assert first_time(who, what="report", within=HOUR)
