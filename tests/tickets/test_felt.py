"""Reports as the room and the head of the page count them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents.models import Incident, Service, ServiceStatus
from incidents.models.states import MaintenanceStatus
from tests import factories
from tests.factories import OUTAGE
from tickets.felt import ENOUGH_FOR_A_HINT, Share, Shares, felt, felt_per_quarter, hints, version

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
AT = OUTAGE + 60 * MINUTE


@pytest.fixture
def service() -> Service:
    return factories.service("eforms")


@pytest.fixture
def incident(service: Service) -> Incident:
    return factories.incident(services={service: ServiceStatus.MAJOR})  # recorded two minutes later


def test_reports_count_by_service_and_by_software_house_the_most_first(
    incident: Incident, service: Service
) -> None:
    house, other = factories.software_house(name="Galénis"), factories.service("dpp")
    pharmacy = factories.pharmacy()
    for minutes in (5, 50, 55):
        factories.report(service, at=OUTAGE + minutes * MINUTE, incident=incident, pharmacy=pharmacy)
    factories.report(other, at=OUTAGE + 58 * MINUTE, incident=incident, software_house=house)
    factories.report(service, at=AT, incident=factories.incident())

    counted = felt(incident, AT)

    assert (counted.total, counted.recent, counted.pharmacies) == (4, 3, 1)
    assert counted.services == Shares([Share("eforms fr", 3), Share("dpp fr", 1)], others=0)
    assert counted.software_houses == Shares([Share("", 3), Share("Galénis", 1)], others=0)
    assert [report.received_at for report in counted.newest] == [
        OUTAGE + minutes * MINUTE for minutes in (58, 55, 50, 5)
    ]


def test_beyond_the_largest_four_the_others_are_counted_together(incident: Incident) -> None:
    for count in range(1, 7):
        failing = factories.service(f"s{count}")
        for _ in range(count):
            factories.report(failing, incident=incident)

    counted = felt(incident, AT).services

    assert ([share.count for share in counted.largest], counted.others) == ([6, 5, 4, 3], 3)


def test_what_came_in_the_hour_before_the_incident_was_declared_belongs_to_it(
    incident: Incident, service: Service
) -> None:
    for minutes in (-60, -1, 1):
        factories.report(service, at=OUTAGE + minutes * MINUTE)
    factories.report(service, at=OUTAGE - 61 * MINUTE)
    factories.report(service, at=OUTAGE + 2 * MINUTE)
    factories.report(factories.service("dpp"), at=OUTAGE - MINUTE)

    assert felt(incident, AT).total == 3
    assert felt(incident, OUTAGE).total == 2


def test_quarters_of_an_hour_count_the_reports_within_them(incident: Incident, service: Service) -> None:
    for minutes in (0, 14, 15, 60, 61):
        factories.report(service, at=OUTAGE + minutes * MINUTE, incident=incident)

    assert felt_per_quarter(incident, AT) == {OUTAGE: 2, OUTAGE + 15 * MINUTE: 1, AT: 1}


def test_the_version_changes_with_a_report_and_when_one_is_no_longer_recent(
    incident: Incident, service: Service
) -> None:
    before = version(incident, AT)
    factories.report(service, at=AT, incident=incident)

    seen = [version(incident, AT + minutes * MINUTE) for minutes in (0, 14, 15)]

    assert before != seen[0] == seen[1] != seen[2]


def test_enough_reports_on_a_service_without_an_incident_are_a_hint(service: Service) -> None:
    quiet, long_ago = factories.service("dpp"), factories.service("raotd")
    for number in range(ENOUGH_FOR_A_HINT):
        factories.report(service, at=AT - number * MINUTE)
        factories.report(long_ago, at=AT - (15 + number) * MINUTE)
        if number:
            factories.report(quiet, at=AT)

    assert [(hint.service, hint.count) for hint in hints(AT)] == [(service, ENOUGH_FOR_A_HINT)]


def test_the_most_reported_is_hinted_at_first() -> None:
    fewer, more = factories.service(), factories.service()
    for number in range(ENOUGH_FOR_A_HINT + 1):
        factories.report(more, at=AT)
        if number:
            factories.report(fewer, at=AT)

    assert [hint.service for hint in hints(AT)] == [more, fewer]


def test_the_hint_is_gone_once_an_incident_touches_the_service_and_back_when_it_no_longer_does(
    service: Service,
) -> None:
    for _ in range(ENOUGH_FOR_A_HINT):
        factories.report(service, at=AT)

    incident = factories.incident(services={service: ServiceStatus.MAJOR})
    assert hints(AT) == []

    incident.impacts.update(ended_at=AT)
    assert len(hints(AT)) == 1


def test_reports_on_what_is_being_worked_on_as_planned_are_no_hint(service: Service) -> None:
    for _ in range(ENOUGH_FOR_A_HINT):
        factories.report(service, at=AT)
    factories.maintenance(service, status=MaintenanceStatus.SCHEDULED)
    assert len(hints(AT)) == 1

    factories.maintenance(service, status=MaintenanceStatus.IN_PROGRESS)
    assert hints(AT) == []


def test_reports_on_an_incident_are_no_hint(service: Service) -> None:
    over = factories.incident()
    for _ in range(ENOUGH_FOR_A_HINT):
        factories.report(service, at=AT, incident=over)

    assert hints(AT) == []


@pytest.mark.parametrize("rows", [1, 3])
def test_counting_asks_the_database_as_often_however_many_there_are(incident: Incident, rows: int) -> None:
    for _ in range(rows):
        failing = factories.service()
        for _ in range(ENOUGH_FOR_A_HINT):
            factories.report(
                failing, at=AT, software_house=factories.software_house(), pharmacy=factories.pharmacy()
            )
            factories.report(failing, at=AT, incident=incident)
    counted = []
    for ask in (lambda: felt(incident, AT), lambda: felt_per_quarter(incident, AT), lambda: hints(AT)):
        with CaptureQueriesContext(connection) as queries:
            ask()
        counted.append(len(queries))

    assert counted == [4, 1, 2]
