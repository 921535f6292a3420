"""More calls than usual about what no incident explains."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from time_machine import TimeMachineFixture

from accounts.models import User
from accounts.roles import Role
from incidents.models import Impact, Incident, Phase, Service, ServiceStatus
from tests import factories
from tickets.models import RiseDismissed, SoftwareHouse
from tickets.rises import rises

pytestmark = pytest.mark.django_db
NOW = factories.OUTAGE
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _now(time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def dpp() -> Service:
    return factories.service("dpp")


@pytest.fixture
def lead(client: Client) -> User:
    lead = factories.user(Role.LEAD, language="en")
    client.force_login(lead)
    return lead


def calls(count: int, *, minutes_ago: int = 5, **fields: Any) -> None:
    at = NOW - minutes_ago * MINUTE
    for _ in range(count):
        factories.contact(**{"pharmacy": factories.pharmacy(), "at": at, **fields})


def of_house(count: int, house: SoftwareHouse, **fields: Any) -> None:
    for _ in range(count):
        calls(1, pharmacy=factories.pharmacy(software_house=house), **fields)


def fixed(service: Service, *, minutes_ago: int, phase: Phase = Phase.RESOLVED) -> Incident:
    began, ended = NOW - timedelta(hours=5), NOW - minutes_ago * MINUTE
    incident = factories.incident(services={service: ServiceStatus.MAJOR}, began_at=began)
    Impact.objects.update(ended_at=ended)
    incident.phase_changes.create(phase=phase, occurred_at=ended, recorded_at=ended, by=incident.declared_by)
    return incident


def test_a_rise_on_a_service_without_an_incident_is_told_in_numbers(dpp: Service) -> None:
    calls(6, service=dpp)
    for week in (1, 2, 3, 4):
        calls(5, service=dpp, minutes_ago=7 * 24 * 60 * week + 5)

    [rise] = rises(NOW)

    assert (rise.about, rise.calls, rise.callers, rise.usual) == (dpp, 6, 6, 1.0)
    assert (rise.relapse_of, rise.began_at) == (None, NOW - 5 * MINUTE)


def test_what_is_usual_what_one_caller_says_and_what_is_explained_is_no_rise(dpp: Service) -> None:
    calls(3, service=dpp)
    calls(6, service=factories.service("usual"))
    for week in (1, 2, 3, 4):
        calls(15, service=factories.service("usual"), minutes_ago=7 * 24 * 60 * week + 5)
    calls(6, service=factories.service("one"), pharmacy=factories.pharmacy())
    calls(6, service=factories.service("old"), minutes_ago=16)
    broken = factories.service("broken")
    calls(6, service=broken)
    factories.incident(services={broken: ServiceStatus.MAJOR}, began_at=NOW - 60 * MINUTE)
    calls(6, service=factories.service("drilled"), incident=factories.incident(drill=True))
    calls(6, service=factories.service("attached"), incident=factories.incident())

    assert rises(NOW) == []


def test_a_rise_after_fixed_is_a_relapse_for_four_hours_and_counts_the_calls_since(dpp: Service) -> None:
    incident = fixed(dpp, minutes_ago=42)
    calls(4, service=dpp, incident=incident)
    calls(1, service=dpp)
    calls(9, service=dpp, incident=incident, minutes_ago=50)

    [rise] = rises(NOW)

    assert (rise.relapse_of, rise.fixed_for, rise.calls) == (incident, 42, 5)
    Impact.objects.update(ended_at=NOW - timedelta(hours=4, minutes=1))
    assert rises(NOW) == []
    calls(3, service=dpp)
    assert [rise.relapse_of for rise in rises(NOW)] == [None]


def test_a_rise_of_one_software_house_is_its_own_unless_a_service_explains_it(dpp: Service) -> None:
    house = factories.software_house(name="Galénis")
    of_house(4, house)
    of_house(1, house, service=factories.service("eforms"))

    [rise] = rises(NOW)

    assert (rise.house, rise.calls, rise.service) == (house, 5, factories.service("eforms"))
    other = factories.software_house()
    of_house(5, other, service=dpp)
    assert {rise.about for rise in rises(NOW)} == {house, dpp}


def test_every_page_proposes_it_and_one_click_leads_to_the_form_filled_in(
    client: Client, lead: User, dpp: Service
) -> None:
    incident = fixed(dpp, minutes_ago=42)
    calls(5, service=dpp)

    page = client.get(reverse("desk:keys")).text

    assert "<b>5 calls</b> from 5 callers about dpp fr in 15 minutes, 0 as usual, 42 min after" in page
    (address,) = re.findall(r'href="(/desk/incidents/declare/\?service=[^"]+)"', page)
    form = client.get(address.replace("&amp;", "&")).text
    assert f'value="{ServiceStatus.PARTIAL}" checked' in form
    assert f'value="{incident.public_id}" selected' in form
    assert f'name="shown" value="{incident.public_id}"' in form
    assert "13:25" in form


def test_of_a_software_house_the_titles_are_begun(client: Client, lead: User) -> None:
    of_house(5, factories.software_house(name="Galénis"))

    (address,) = re.findall(r'href="(/desk/incidents/declare/\?[^"]+)"', client.get("/desk/pressure/").text)[
        :1
    ]

    assert "Problème chez Galénis" in client.get(address.replace("&amp;", "&")).text


@pytest.mark.parametrize(
    "asked",
    [
        {"began_at": "soon", "relapse_of": "\x00", "service": "\x00", "partner": "\x00" + "x" * 500},
        {"began_at": "0001-01-01T00:00:00+02:00"},
        {"began_at": "9999-12-31T23:59:59-02:00"},
        {"began_at": "2022-99-99T00:00:00+00:00"},
    ],
)
def test_an_address_that_makes_no_sense_is_an_empty_form(
    client: Client, lead: User, asked: dict[str, str]
) -> None:
    assert client.get(reverse("incidents:declare"), asked).status_code == 200


def test_it_is_dismissed_with_a_reason_for_an_hour_unless_twice_as_many_call(
    client: Client, lead: User, dpp: Service, time_machine: TimeMachineFixture
) -> None:
    calls(5, service=dpp)
    [rise] = rises(NOW)

    def dismiss(reason: str) -> Any:
        return client.post(reverse("tickets:rise_dismiss"), {"rise": rise.key, "reason": reason})

    for reason in ("", "\x00", "x" * 301):
        page = dismiss(reason)
        assert (page.status_code, page.text.count('class="fx-err"')) == (422, 1)
    assert dismiss("Formation DPP").status_code == 302
    assert rises(NOW) == []
    assert "Formation DPP" in client.get("/desk/pressure/").text
    assert dismiss("again").status_code == 302
    assert RiseDismissed.objects.count() == 1
    calls(5, service=dpp)
    assert [rise.calls for rise in rises(NOW)] == [10]


def test_who_may_not_declare_is_told_and_dismisses_nothing(client: Client, dpp: Service) -> None:
    calls(5, service=dpp)
    client.force_login(factories.user(language="en"))

    page = client.get("/desk/pressure/").text

    assert ("<b>5 calls</b>" in page, "/desk/incidents/declare/" in page) == (True, False)
    sent = {"rise": rises(NOW)[0].key, "reason": "x"}
    assert client.post(reverse("tickets:rise_dismiss"), sent).status_code == 403


def test_in_calm_it_costs_one_query_and_in_a_storm_as_many_for_few_as_for_many(
    dpp: Service, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        rises(NOW)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert rises(timezone.now())
        return len(asked)

    calls(5, service=dpp)
    few = queries()
    for _ in range(4):
        calls(5, service=factories.service(uuid.uuid4().hex[:8]))
    assert queries() == few <= 7
