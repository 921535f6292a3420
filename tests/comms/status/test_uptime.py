"""How much of ninety days a service worked, and what each day was like."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comms.status import facts as facts_of
from comms.status import uptime
from comms.status.facts import PastImpact
from comms.status.moments import BRUSSELS
from comms.status.uptime import WHOLE, Day, History, Span, history
from incidents.models.states import MaintenanceStatus, ServiceStatus
from tests.comms.status.facts import BEGAN, facts, maintenance

AT = datetime(2022, 7, 2, tzinfo=BRUSSELS)  # as 1 July ends: ninety whole days, none of 23 or 25 hours
LONG_AGO = AT - timedelta(days=400)
HOUR = timedelta(hours=1)
MAJOR, PARTIAL = ServiceStatus.MAJOR, ServiceStatus.PARTIAL


def span(status: ServiceStatus, began: float, ended: float | None) -> Span:
    """Hours before AT."""
    return Span(status, AT - began * HOUR, None if ended is None else AT - ended * HOUR)


def told(*spans: Span, created_at: datetime = LONG_AGO, at: datetime = AT) -> History:
    return history(spans, since=created_at, at=at)


def worst(found: History) -> dict[date, ServiceStatus]:
    return {day.day: day.status for day in found.days}


SHOWN = AT - datetime(2022, 4, 4, tzinfo=BRUSSELS)  # AT is a second day's first instant


@pytest.mark.parametrize(
    ("spans", "hours_lost"),
    [
        ([span(MAJOR, 20, 10)], 10),
        ([span(PARTIAL, 20, 10)], 3),
        ([span(ServiceStatus.DEGRADED, 20, 10), span(ServiceStatus.MAINTENANCE, 20, 10)], 0),
        ([span(MAJOR, 20, 10), span(MAJOR, 15, 5)], 15),
        ([span(MAJOR, 20, 10), span(PARTIAL, 20, 0)], 13),
        ([span(PARTIAL, 20, None)], 6),
        ([span(MAJOR, 20, 10), span(MAJOR, 18, 12)], 10),
    ],
)
def test_an_outage_counts_whole_a_partial_one_three_tenths_and_what_overlaps_once(
    spans: list[Span], hours_lost: float
) -> None:
    lost = 1 - told(*spans).uptime / WHOLE

    assert lost == pytest.approx(hours_lost * HOUR / SHOWN, abs=1 / WHOLE)


def test_the_shortest_outage_is_not_rounded_away() -> None:
    second = span(MAJOR, 1 / 3600, 0)

    assert told(second).uptime == WHOLE - 1
    assert told().uptime == WHOLE


def test_a_day_is_one_of_brussels_and_has_its_worst_status() -> None:
    night = Span(PARTIAL, datetime(2022, 6, 28, 21, 30, tzinfo=UTC), datetime(2022, 6, 28, 22, 0, tzinfo=UTC))
    past = Span(MAJOR, datetime(2022, 6, 28, 21, 59, tzinfo=UTC), datetime(2022, 6, 28, 22, 1, tzinfo=UTC))

    assert worst(told(night)) == {date(2022, 6, 28): PARTIAL}
    assert worst(told(night, past)) == {date(2022, 6, 28): MAJOR, date(2022, 6, 29): MAJOR}


def test_the_day_on_which_clocks_change_has_the_hours_it_has() -> None:
    at = datetime(2022, 3, 28, tzinfo=BRUSSELS)
    day = Span(MAJOR, datetime(2022, 3, 27, tzinfo=BRUSSELS), at)
    short = history((day,), since=datetime(2022, 3, 26, tzinfo=BRUSSELS), at=at)

    assert worst(short) == {date(2022, 3, 27): MAJOR}
    assert short.uptime == WHOLE * 24 // 47


def test_what_was_before_the_service_was_known_is_neither_good_nor_bad() -> None:
    young = told(span(MAJOR, 24, 12), created_at=AT - 48 * HOUR)

    assert young.known == date(2022, 6, 30)
    assert young.uptime == WHOLE * 3 // 4


def test_an_outage_that_began_before_the_service_was_entered_is_not_cut() -> None:
    assert told(span(MAJOR, 48, 24), created_at=AT).uptime == WHOLE // 2


def test_planned_work_counts_from_its_real_beginning() -> None:
    planned = maintenance(id="p00000000000", starts_at=BEGAN - 40 * HOUR)
    done = maintenance(
        status=MaintenanceStatus.COMPLETED, started_at=BEGAN - 20 * HOUR, completed_at=BEGAN - 19 * HOUR
    )
    found = uptime.histories(facts(maintenances=(planned, done)))

    assert worst(found["service00000"]) == {date(2022, 6, 30): ServiceStatus.MAINTENANCE}
    assert worst(found["service00001"]) == {}


def test_a_day_says_how_long_it_was_in_each_state_and_which_incidents_did_it() -> None:
    at = [datetime(2022, 6, 30, hour, tzinfo=BRUSSELS) for hour in (9, 11, 14)]
    impacts = (
        PastImpact("service00000", "one000000000", PARTIAL, at[0], at[2]),
        PastImpact("service00000", "two000000000", MAJOR, at[0], at[1]),
        PastImpact("elsewhere000", "none00000000", MAJOR, at[0], at[2]),
    )

    assert uptime.histories(facts(past_impacts=impacts))["service00000"].days == (
        Day(
            date(2022, 6, 30),
            MAJOR,
            ((MAJOR, 2 * HOUR), (PARTIAL, 3 * HOUR)),
            ("one000000000", "two000000000"),
        ),
    )


hours = st.floats(min_value=0, max_value=2400, allow_nan=False)
spans = st.lists(
    st.builds(
        lambda status, ends: span(status, max(ends), min(ends)),
        st.sampled_from(list(ServiceStatus)),
        st.tuples(hours, hours),
    ),
    max_size=12,
)


@given(spans, spans)
def test_more_trouble_is_never_more_uptime_and_order_is_nothing(some: list[Span], more: list[Span]) -> None:
    less, all_of_it = told(*some), told(*more, *some)

    assert 0 <= all_of_it.uptime <= less.uptime <= WHOLE
    assert told(*reversed([*more, *some])) == all_of_it
    assert told(*some, *some) == less
    assert all(worst(all_of_it)[day].rank >= status.rank for day, status in worst(less).items())


@given(spans, st.integers(0, 23))
def test_the_sum_over_hours_is_what_the_walk_finds_at_any_hour_of_a_day(some: list[Span], late: int) -> None:
    at, begin = AT + late * HOUR, AT - SHOWN
    later = late * HOUR
    whole = [Span(s.status, _hour(s.began_at) + later, _hour(s.ended_at or AT) + later) for s in some]
    lost, down = 0, defaultdict[date, Counter[ServiceStatus]](Counter)
    for number in range(int((at - begin) / HOUR)):
        hour = begin + number * HOUR
        status = facts_of.worst(s.status for s in whole if s.began_at <= hour < (s.ended_at or at))
        lost += uptime.TENTHS_LOST.get(status, 0)
        if status != ServiceStatus.OPERATIONAL:
            down[hour.date()][status] += 1
    found = told(*whole, at=at)

    assert found.uptime == WHOLE - -(-WHOLE * lost // int((at - begin) / HOUR * 10))
    assert [(day.day, {status: lasted // HOUR for status, lasted in day.down}) for day in found.days] == [
        *down.items()
    ]


def _hour(moment: datetime) -> datetime:
    return AT - round((AT - moment) / HOUR) * HOUR
