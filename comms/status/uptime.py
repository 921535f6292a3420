"""How a service did on each of the last 90 days of Brussels, and how much of them it was up.

Weights as Atlassian documents theirs: a major outage counts whole, a partial one 30 %, slow service and planned
maintenance nothing. Where impacts overlap the worst counts, once.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from comms.status.facts import Facts, worst
from comms.status.moments import BRUSSELS, local
from incidents.models.states import ServiceStatus

DAYS = 90
WHOLE = 10_000  # hundredths of a per cent
TENTHS_LOST = {ServiceStatus.MAJOR: 10, ServiceStatus.PARTIAL: 3}


class Span(NamedTuple):
    """Something that was done to a service; incident: whose page tells of it, ended_at: None while it lasts."""

    status: ServiceStatus
    began_at: datetime
    ended_at: datetime | None
    incident: str = ""


class Day(NamedTuple):
    """A day on which something was wrong, or worked on.

    status: the worst of the day; down: how long in each status but operational, the worst first, in whole minutes,
    one at least.
    """

    day: date
    status: ServiceStatus
    down: tuple[tuple[ServiceStatus, timedelta], ...]
    incidents: tuple[str, ...]


class History(NamedTuple):
    """first and last: the days shown; known: the first of which anything is known; days: the oldest first.

    uptime: hundredths of a per cent of the time that the service is known, rounded down.
    """

    first: date
    known: date
    last: date
    days: tuple[Day, ...]
    uptime: int


@lru_cache(maxsize=1)  # the same in each language
def histories(facts: Facts) -> Mapping[str, History]:
    """Of each service, by its id."""
    found: dict[str, list[Span]] = {service.id: [] for service in facts.services}
    for impact in facts.past_impacts:
        if impact.service_id in found:
            span = Span(impact.status, impact.began_at, impact.ended_at, impact.incident_id)
            found[impact.service_id].append(span)
    for maintenance in facts.maintenances:
        if maintenance.started_at:
            span = Span(ServiceStatus.MAINTENANCE, maintenance.started_at, maintenance.completed_at)
            for service_id in found.keys() & maintenance.service_ids:
                found[service_id].append(span)
    return {
        service.id: history(found[service.id], since=service.created_at, at=facts.at)
        for service in facts.services
    }


def history(spans: Sequence[Span], *, since: datetime, at: datetime) -> History:
    """Of one service that is known *since* then, or since the first thing that was done to it, as of *at*."""
    at = at.astimezone(UTC)  # moments of one zone would be subtracted by the clock on the wall
    last = local(at).date()
    since = min([since, *(span.began_at for span in spans)]).astimezone(UTC)
    first = max(_midnights(last)[0], min(since, at))
    today = max(_midnights(last)[-2], first)
    earlier = _over(tuple(span for span in spans if span.began_at < today), first, today, last)
    now = _stretch([span for span in spans if not span.ended_at or span.ended_at > today], today, at, last)
    lost = earlier.lost + now.lost
    whole = max(at - first, timedelta(microseconds=1))
    return History(
        first=last - timedelta(days=DAYS - 1),
        known=local(first).date(),
        last=last,
        days=earlier.days + now.days,
        uptime=WHOLE - -(-WHOLE * lost // (whole * 10)),
    )


ZERO, MINUTE = timedelta(), timedelta(minutes=1)


class _Stretch(NamedTuple):
    """What was wrong from one moment to another; lost: tenths of the time."""

    lost: timedelta
    days: tuple[Day, ...]


def _stretch(spans: Sequence[Span], first: datetime, until: datetime, last: date) -> _Stretch:
    """From *first* *until* then, within the 90 days up to *last*."""
    pieces = [piece for piece in _apart(spans, first, until) if piece.status != ServiceStatus.OPERATIONAL]
    lost = ((piece.ended_at - piece.began_at) * TENTHS_LOST.get(piece.status, 0) for piece in pieces)
    return _Stretch(sum(lost, ZERO), tuple(_days(pieces, _midnights(last))))


_over = lru_cache(maxsize=256)(_stretch)  # until this morning it is the same all day


class _Piece(NamedTuple):
    """A stretch of time in which nothing changed: what was worst, and the incidents it comes from."""

    began_at: datetime
    ended_at: datetime
    status: ServiceStatus
    incidents: frozenset[str]


def _apart(spans: Sequence[Span], first: datetime, at: datetime) -> Iterator[_Piece]:
    """The spans cut where one begins or ends: pieces that do not overlap, oldest first."""
    edges = []
    for place, span in enumerate(spans):
        began, ended = (
            max(span.began_at.astimezone(UTC), first),
            min((span.ended_at or at).astimezone(UTC), at),
        )
        if began < ended:
            edges += [(began, True, place), (ended, False, place)]
    lasting: set[int] = set()
    before = first
    for moment, begins, place in sorted(edges):
        if lasting and before < moment:
            found = [spans[each] for each in lasting]
            incidents = frozenset(span.incident for span in found if span.incident)
            yield _Piece(before, moment, worst(span.status for span in found), incidents)
        before = moment
        (lasting.add if begins else lasting.remove)(place)


def _days(pieces: list[_Piece], midnights: tuple[datetime, ...]) -> Iterator[Day]:
    down: dict[int, dict[ServiceStatus, timedelta]] = {}
    incidents: dict[int, set[str]] = {}
    for piece in pieces:
        began_at, place = piece.began_at, bisect_right(midnights, piece.began_at) - 1
        while began_at < piece.ended_at:
            ended_at = min(piece.ended_at, midnights[place + 1])
            of_day = down.setdefault(place, {})
            of_day[piece.status] = of_day.get(piece.status, ZERO) + (ended_at - began_at)
            incidents.setdefault(place, set()).update(piece.incidents)
            began_at, place = ended_at, place + 1
    first = local(midnights[0]).date()
    for place, of_day in sorted(down.items()):
        ordered = sorted(of_day, key=lambda status: -status.rank)
        day = first + timedelta(days=place)
        lasted = tuple((status, max(1, round(of_day[status] / MINUTE)) * MINUTE) for status in ordered)
        yield Day(day, ordered[0], lasted, tuple(sorted(incidents[place])))


@lru_cache(maxsize=8)
def _midnights(last: date) -> tuple[datetime, ...]:
    """Where the 90 days up to *last* begin, and where it ends: a day of Brussels may have 23 or 25 hours."""
    days = (last - timedelta(days=back) for back in range(DAYS - 1, -2, -1))
    return tuple(datetime(day.year, day.month, day.day, tzinfo=BRUSSELS).astimezone(UTC) for day in days)
