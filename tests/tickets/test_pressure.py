from datetime import datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from tests import factories
from tests.factories import OUTAGE
from tickets import pressure
from tickets.models import Callback, ContactImpact
from tickets.pressure import Quarter

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def test_quarters_run_from_an_hour_before_the_incident_to_now_with_the_quiet_ones(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    incident = factories.incident(began_at=OUTAGE + 5 * MINUTE)
    for minutes in (-20, 14, 15, 29, 31):
        factories.contact(incident=incident, at=OUTAGE + minutes * MINUTE)
    factories.contact(incident=incident, at=OUTAGE + 16 * MINUTE, impact=ContactImpact.PATIENT_WAITING)
    factories.contact(at=OUTAGE + 16 * MINUTE)

    with django_assert_num_queries(1):
        quarters = pressure.per_quarter(incident, OUTAGE + 30 * MINUTE)

    assert quarters == [
        Quarter(OUTAGE - 60 * MINUTE, 0, 0),
        Quarter(OUTAGE - 45 * MINUTE, 0, 0),
        Quarter(OUTAGE - 30 * MINUTE, 1, 0),
        Quarter(OUTAGE - 15 * MINUTE, 0, 0),
        Quarter(OUTAGE, 1, 0),
        Quarter(OUTAGE + 15 * MINUTE, 3, 1),
        Quarter(OUTAGE + 30 * MINUTE, 0, 0, running=True),
    ]


def test_a_long_incident_shows_its_last_day(utc: type[datetime]) -> None:
    incident = factories.incident()

    quarters = pressure.per_quarter(incident, OUTAGE + timedelta(days=9))

    assert (len(quarters), quarters[-1].start) == (96, OUTAGE + timedelta(days=9))


def test_callers_and_calls_are_counted_apart(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    incident, pharmacy = factories.incident(), factories.pharmacy()
    first = factories.contact(incident=incident, pharmacy=pharmacy)
    factories.contact(incident=incident, pharmacy=pharmacy, impact=ContactImpact.PATIENT_WAITING)
    factories.contact(incident=incident, caller_text="anonymous")
    factories.contact()
    Callback.objects.create(contact=first, number="8003")

    with django_assert_num_queries(1):
        assert pressure.totals(incident) == pressure.Totals(
            contacts=3, pharmacies=1, urgent=1, open_callbacks=1
        )


def test_the_last_fifteen_minutes_count_the_newest_minute_and_not_the_one_just_gone() -> None:
    incident = factories.incident()
    for minutes in (0, 1, 15, 16):
        factories.contact(incident=incident, at=OUTAGE + minutes * MINUTE)
    factories.contact(at=OUTAGE + 5 * MINUTE)

    at = OUTAGE + 15 * MINUTE
    assert pressure.last_quarter_of_an_hour(at) == 3
    assert pressure.last_quarter_of_an_hour(at, incident=incident) == 2
