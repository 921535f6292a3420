"""Days away, out of a calendar file (ICS) as every calendar program writes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from django.utils.translation import gettext as _

from accounts.refusals import Refused

BRUSSELS = ZoneInfo("Europe/Brussels")
MOST_BYTES = 1_000_000
MOST_STRETCHES = 500
AHEAD = timedelta(days=400)
LONGEST_WHAT = 120


@dataclass(frozen=True)
class Stretch:
    """Whole days, the last one included."""

    first: date
    last: date
    what: str


def read(content: bytes, *, today: date) -> list[Stretch]:
    """What of the calendar in *content* lasts on *today* or later, in order, as far as a good year ahead.

    Free time (TRANSP) and what was cancelled are left out; repeated events are unfolded. Raises Refused beside `file`.
    """
    from icalendar import Calendar  # it takes a tenth of a second, and only this needs it

    if len(content) > MOST_BYTES:
        raise Refused(_("This calendar is too large: at most 1 MB."), field="file")
    try:
        calendar = Calendar.from_ical(content)
        found = {stretch for event in calendar.walk("VEVENT") for stretch in _stretches(event, today)}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, IndexError):
        raise Refused(_("This is no calendar file (ICS)."), field="file") from None
    if len(found) > MOST_STRETCHES:
        raise Refused(
            _("This calendar holds too much: it should be that of the absences alone."), field="file"
        )
    return sorted(found, key=lambda stretch: (stretch.first, stretch.last, stretch.what))


def _stretches(event: Any, today: date) -> Iterator[Stretch]:
    if str(event.get("STATUS", "")) == "CANCELLED" or str(event.get("TRANSP", "")) == "TRANSPARENT":
        return
    start = event["DTSTART"].dt
    end = event["DTEND"].dt if "DTEND" in event else None
    if end is None and "DURATION" in event:
        end = start + event["DURATION"].dt
    first, last = _days(start, end)
    what = " ".join(str(event.get("SUMMARY", "")).replace("\x00", "").split())[:LONGEST_WHAT]
    for begins in _repeated(event, first, today):
        stretch = Stretch(begins, begins + (last - first), what)
        if stretch.last >= today and stretch.first <= today + AHEAD:
            yield stretch


def _days(start: date, end: date | None) -> tuple[date, date]:
    """DTEND is the first moment after it: midnight belongs to the day before."""
    if not isinstance(start, datetime):
        after = end if end and not isinstance(end, datetime) else start + timedelta(days=1)
        return start, max(start, after - timedelta(days=1))
    first = _local(start)
    last = _local(end) - timedelta(microseconds=1) if isinstance(end, datetime) else first
    return first.date(), max(first, last).date()


def _local(moment: datetime) -> datetime:
    return moment.astimezone(BRUSSELS) if moment.tzinfo else moment.replace(tzinfo=BRUSSELS)


def _repeated(event: Any, first: date, today: date) -> Iterator[date]:
    if "RRULE" not in event:
        yield first
        return
    rule = {name: value for name, value in event["RRULE"].items() if name.upper() != "UNTIL"}
    until = event["RRULE"].get("UNTIL")
    text = type(event["RRULE"])(rule).to_ical().decode()
    horizon = today + AHEAD
    if until:
        horizon = min(horizon, until[0].date() if isinstance(until[0], datetime) else until[0])
    begins = rrulestr(text, dtstart=datetime.combine(first, datetime.min.time()))
    for moment in islice(begins, 20_000):
        if moment.date() > horizon:
            return
        yield moment.date()
