"""When pharmacies are closed: against the calendar of others, and minute by minute."""

from datetime import UTC, date, datetime, time, timedelta

import holidays as calendars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.opening_hours import BRUSSELS, Window, disturbed, holidays, next_quiet

HALF_HOUR = timedelta(minutes=30)
HOUR = timedelta(hours=1)
ALWAYS_SUNDAYS = {"Pasen", "Pinksteren"}
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
moments = st.timedeltas(HOUR, timedelta(days=16 * 365)).map(lambda since: FIRST + since)


def brussels(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BRUSSELS).astimezone(UTC)


def is_open(moment: datetime) -> bool:
    """As one reads it on the door."""
    local = moment.astimezone(BRUSSELS)
    if local.weekday() == 6 or local.date() in holidays(local.year):
        return False
    return time(8, 30) <= local.time() < (time(13) if local.weekday() == 5 else time(19))


def is_quiet(window: Window) -> bool:
    """Openings begin and end on half hours: whoever looks at each of them misses none."""
    start = window.starts_at.replace(minute=window.starts_at.minute // 30 * 30, second=0, microsecond=0)
    looks = [window.starts_at]
    while (start := start + HALF_HOUR) < window.ends_at:
        looks.append(start)
    return not any(is_open(look) for look in looks)


def test_holidays_are_those_of_the_belgian_calendar() -> None:
    for year in range(2000, 2060):
        theirs = calendars.country_holidays("BE", years=year, language="nl")

        assert holidays(year) == {day for day, name in theirs.items() if name not in ALWAYS_SUNDAYS}


@pytest.mark.parametrize(
    ("began", "ended", "hours"),
    [
        ((2022, 7, 1, 22), (2022, 7, 2, 0), 0),  # Friday night
        ((2022, 7, 1, 18), (2022, 7, 1, 20), 1),
        ((2022, 7, 1, 8), (2022, 7, 1, 8, 30), 0),
        ((2022, 7, 2, 12), (2022, 7, 2, 15), 1),  # Saturday
        ((2022, 7, 3, 0), (2022, 7, 4, 0), 0),  # Sunday
        ((2022, 7, 21, 9), (2022, 7, 21, 18), 0),  # the national holiday, a Thursday
        ((2026, 4, 6, 9), (2026, 4, 6, 18), 0),  # Easter Monday
        ((2022, 7, 1, 0), (2022, 7, 3, 0), 15),  # Friday and Saturday
    ],
)
def test_work_disturbs_where_it_falls_in_opening_hours(
    began: tuple[int, ...], ended: tuple[int, ...], hours: int
) -> None:
    window = Window(brussels(*began), brussels(*ended))

    found = disturbed(window)

    assert sum((each.ends_at - each.starts_at for each in found), timedelta()) == hours * HOUR


def test_the_next_quiet_window_begins_when_pharmacies_close() -> None:
    assert next_quiet(brussels(2022, 7, 1, 14), 2 * HOUR) == Window(
        brussels(2022, 7, 1, 19), brussels(2022, 7, 1, 21)
    )


def test_a_window_that_is_quiet_already_is_its_own() -> None:
    at = brussels(2022, 7, 1, 22)

    assert next_quiet(at, 2 * HOUR) == Window(at, at + 2 * HOUR)


def test_what_does_not_fit_a_night_waits_for_the_weekend() -> None:
    assert next_quiet(brussels(2022, 7, 4, 9), 14 * HOUR) == Window(
        brussels(2022, 7, 9, 13), brussels(2022, 7, 10, 3)
    )


@pytest.mark.parametrize(
    ("saturday", "hours"),
    [(date(2026, 10, 17), 43.5), (date(2026, 10, 24), 44.5), (date(2026, 3, 28), 42.5)],
)
def test_a_weekend_in_which_the_clocks_change_is_an_hour_longer_or_shorter(
    saturday: date, hours: float
) -> None:
    closes = brussels(saturday.year, saturday.month, saturday.day, 13)

    fits, too_long = (next_quiet(closes, timedelta(hours=h)) for h in (hours, hours + 0.5))

    assert fits == Window(closes, brussels(saturday.year, saturday.month, saturday.day + 2, 8, 30))
    assert too_long is not None
    assert too_long.starts_at > closes


def test_no_quiet_is_as_long_as_a_week() -> None:
    assert next_quiet(brussels(2022, 7, 1), timedelta(days=7)) is None


@given(moments, st.timedeltas(HOUR / 4, timedelta(hours=43)))
def test_the_proposed_window_is_quiet_has_the_length_and_is_the_first(
    after: datetime, length: timedelta
) -> None:
    found = next_quiet(after, length)

    assert found is not None
    assert found.ends_at - found.starts_at == length
    assert is_quiet(found)
    assert found.starts_at >= after
    earlier = found.starts_at - HALF_HOUR
    assert earlier < after or not is_quiet(Window(earlier, earlier + length))
    assert found.starts_at == after or is_open(found.starts_at - timedelta(seconds=1))


@given(moments, st.timedeltas(HOUR / 4, timedelta(days=7)))
def test_what_is_said_to_be_disturbed_is_open_and_nothing_is_where_nothing_is_said(
    began: datetime, length: timedelta
) -> None:
    window = Window(began, began + length)

    found = disturbed(window)

    assert (found == []) == is_quiet(window)
    for stretch in found:
        assert window.starts_at <= stretch.starts_at < stretch.ends_at <= window.ends_at
        assert is_open(stretch.starts_at)
        assert is_open(stretch.ends_at - timedelta(microseconds=1))
