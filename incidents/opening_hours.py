"""When pharmacies are open, and when work disturbs the fewest of them. Hours are those of Brussels' clocks.

Monday to Friday from 8:30 to 19:00, Saturday to 13:00, never on a public holiday; pharmacies on duty are always
open somewhere, so that no hour is without anybody.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil.easter import easter

BRUSSELS = ZoneInfo("Europe/Brussels")
OPENS = time(8, 30)
CLOSES = {weekday: time(19) for weekday in range(5)} | {5: time(13)}
# The ten of the Act of 4 January 1974 and the Royal Decree of 18 April 1974: by date, and by days after Easter.
FIXED = ((1, 1), (5, 1), (7, 21), (8, 15), (11, 1), (11, 11), (12, 25))
AFTER_EASTER = (1, 39, 50)
FURTHEST = timedelta(days=366)


class Window(NamedTuple):
    """From starts_at to ends_at, the latter not included."""

    starts_at: datetime
    ends_at: datetime


@cache
def holidays(year: int) -> frozenset[date]:
    """The public holidays of Belgium that can fall on another day than Sunday."""
    moving = (easter(year) + timedelta(days=days) for days in AFTER_EASTER)
    return frozenset([*(date(year, month, day) for month, day in FIXED), *moving])


def open_on(day: date) -> Window | None:
    """When pharmacies are open on *day*, None where they are not."""
    if day.weekday() not in CLOSES or day in holidays(day.year):
        return None
    opens, closes = (datetime.combine(day, t, BRUSSELS) for t in (OPENS, CLOSES[day.weekday()]))
    return Window(opens.astimezone(UTC), closes.astimezone(UTC))


def disturbed(window: Window) -> list[Window]:
    """The stretches of *window* in which pharmacies are open, in order."""
    return [
        Window(max(opening.starts_at, window.starts_at), min(opening.ends_at, window.ends_at))
        for opening in _openings(window)
    ]


def next_quiet(after: datetime, length: timedelta) -> Window | None:
    """The first window of *length* from *after* on with all pharmacies closed; None where none is that long."""
    start = after.astimezone(UTC)
    while start < after + FURTHEST:
        window = Window(start, start + length)
        last = next(iter(reversed(list(_openings(window)))), None)
        if last is None:
            return window
        start = last.ends_at
    return None


def _openings(window: Window) -> Iterator[Window]:
    """The whole openings that *window* touches."""
    day = window.starts_at.astimezone(BRUSSELS).date()
    until = window.ends_at.astimezone(BRUSSELS).date()
    while day <= until:
        opening = open_on(day)
        if opening and opening.starts_at < window.ends_at and window.starts_at < opening.ends_at:
            yield opening
        day += timedelta(days=1)
