"""What stands at the head of every desk page, and is asked for anew every few seconds."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from time_machine import TimeMachineFixture

from accounts.models import User
from accounts.roles import Role
from comms.models import Anchor, PlanPhase, PlanStep, PlanTemplate
from comms.operations.plan import start_plan
from farmaflux_desk.header import Header
from incidents.models import Incident, Phase, ServiceStatus, Severity
from tests import factories

pytestmark = pytest.mark.django_db
BEGAN = factories.OUTAGE  # 13:30 in Brussels
NOON = BEGAN + timedelta(minutes=110)  # 15:20


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def lead() -> User:
    return factories.user(Role.LEAD, language="en")


@pytest.fixture
def outage(lead: User) -> Incident:
    return factories.incident(services={factories.service("eforms"): ServiceStatus.MAJOR}, by=lead)


def shown(user: User, *, at: datetime = NOON, public_id: str = "") -> Header:
    return Header(user=user, at=at, public_id=public_id)


def with_a_late_step(incident: Incident, lead: User, *, key: str = "plan", steps: int = 1) -> None:
    template = PlanTemplate.objects.create(key=key, name_fr="Plan", name_nl="Plan")
    for number in range(1, steps + 1):
        PlanStep.objects.create(
            template=template,
            number=number,
            phase=PlanPhase.RUN,
            title_fr="Prévenir le comité",
            title_nl="Het comité verwittigen",
            title_en="Tell the committee",
            anchor=Anchor.PLAN_START,
            offset_minutes=10,
            owners=["scribe"],
        )
    start_plan(incident, template, by=lead, at=BEGAN + timedelta(minutes=5))


def test_it_tells_the_worst_status_the_minutes_and_the_time_to_the_promised_message(
    outage: Incident, lead: User
) -> None:
    factories.update(outage, published_at=BEGAN, next_update_at=BEGAN + timedelta(minutes=135))

    header = shown(lead)

    assert (header.incident, header.mark, header.age) == (outage, "major", "110 min")
    assert (header.next_minutes, header.next_late) == (25, False)


def test_a_promise_that_has_passed_is_late_by_the_minute(outage: Incident, lead: User) -> None:
    factories.update(outage, published_at=BEGAN, next_update_at=NOON - timedelta(minutes=3))

    assert (shown(lead).next_minutes, shown(lead).next_late) == (3, True)


def test_the_step_that_is_late_the_longest_is_named_in_the_readers_language(
    outage: Incident, lead: User
) -> None:
    with_a_late_step(outage, lead)

    assert (len(shown(lead).late), shown(lead).late_first) == (1, "Tell the committee +95 min")


def test_without_an_open_incident_it_says_that_all_is_calm(client: Client, lead: User) -> None:
    client.force_login(lead)

    page = client.get(reverse("desk:keys")).text

    assert ("No open incident" in page, "Next message promised" in page) == (True, False)


def test_the_gravest_open_incident_is_shown_unless_the_page_is_about_another(
    outage: Incident, lead: User
) -> None:
    minor = factories.incident(by=lead, severity=Severity.S3, title_fr="Lenteurs", title_nl="Traag")
    factories.incident(by=lead, phase=Phase.RESOLVED)

    assert shown(lead).incident == outage
    assert shown(lead, public_id=minor.public_id).incident == minor
    assert [other.current for other in shown(lead, public_id=minor.public_id).others] == [False, True]


def test_the_other_open_incidents_are_links_with_alt_and_their_number(
    client: Client, outage: Incident, lead: User
) -> None:
    factories.incident(by=lead, severity=Severity.S3)
    client.force_login(lead)

    page = client.get(reverse("desk:keys")).text

    assert [f'data-incident="{number}"' in page for number in (1, 2, 3)] == [False, True, False]


def poll(client: Client, header: Header) -> int:
    return client.get(f"{reverse('desk:header')}?{header.poll_query}").status_code


def test_a_poll_is_answered_only_when_something_shown_has_changed(
    client: Client, outage: Incident, lead: User, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(NOON, tick=False)
    client.force_login(lead)
    header = shown(lead, at=timezone.now())

    unchanged = poll(client, header)
    factories.update(outage)
    with_a_draft = poll(client, header)
    header = shown(lead, at=timezone.now())
    time_machine.move_to(NOON + timedelta(minutes=1), tick=False)

    assert (unchanged, with_a_draft, poll(client, header)) == (204, 200, 200)


def test_a_poll_brings_the_counts_of_the_rail_too(client: Client, outage: Incident, lead: User) -> None:
    factories.update(outage)
    client.force_login(lead)

    answer = client.get(reverse("desk:header")).text

    assert '<span id="count-messages" hx-swap-oob="true" class="fx-count"' in answer
    assert "1 draft" in answer


def test_a_phone_has_a_bar_of_four_and_the_rest_is_one_tap_away(lead: User) -> None:
    header = shown(lead)

    assert [item.key for item in header.rail_first] == ["calls", "urgent", "room", "plan"]
    assert header.rail == [*header.rail_first, *header.rail_rest]


@pytest.mark.parametrize("rows", [1, 3])
def test_however_much_is_going_on_it_asks_as_little(lead: User, client: Client, rows: int) -> None:
    service = factories.service("eforms")
    incidents = [
        factories.incident(services={service: ServiceStatus.MAJOR} if not number else {}, by=lead)
        for number in range(rows)
    ]
    for incident in incidents:
        factories.update(incident, published_at=BEGAN)
        factories.contact(incident=incident)
    for number, incident in enumerate(incidents):
        with_a_late_step(incident, lead, key=f"plan-{number}", steps=rows)
    client.force_login(lead)
    client.get(reverse("desk:header"))

    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(reverse("desk:header"))

    assert len(queries) == 13


def test_reports_without_an_incident_are_a_hint_that_leads_to_declaring_one(
    client: Client, lead: User
) -> None:
    service, now = factories.service("dpp"), timezone.now()
    client.force_login(lead)
    before = client.get(reverse("desk:header"))
    for _ in range(3):
        factories.report(service, at=now)
    seen = before.text.partition("seen=")[2].partition('"')[0]

    after = client.get(f"{reverse('desk:header')}?seen={seen}")

    address = f"{reverse('incidents:declare')}?service={service.public_id}"
    assert "<b>3 reports</b> on dpp fr in 15 minutes, no incident open." in after.text
    assert f'href="{address}"' in after.text
    assert "no incident open" not in before.text
    assert f'value="{ServiceStatus.PARTIAL}" checked' in client.get(address).text


def test_who_may_not_declare_sees_the_hint_without_the_way(client: Client) -> None:
    for _ in range(3):
        factories.report(factories.service("dpp"), at=timezone.now())
    client.force_login(factories.user(Role.AGENT, language="en"))

    page = client.get(reverse("desk:header")).text

    assert "<b>3 reports</b> on dpp fr" in page
    assert reverse("incidents:declare") not in page


def test_an_unknown_incident_in_the_address_falls_back_to_the_gravest(
    client: Client, outage: Incident, lead: User
) -> None:
    client.force_login(lead)

    answer = client.get(reverse("desk:header"), QueryDict("incident=%00&seen=%FF").dict())

    assert (answer.status_code, "Panne des eForms" in answer.text) == (200, True)


@pytest.mark.parametrize(
    ("role", "view"),
    [(Role.AGENT, "tickets:calls"), (Role.LEAD, "incidents:list"), (Role.OBSERVER, "incidents:list")],
)
def test_everyone_lands_where_she_works_when_all_is_calm(client: Client, role: Role, view: str) -> None:
    client.force_login(factories.user(role))

    assert client.get(reverse("desk:home"))["Location"] == reverse(view)


def test_a_lead_lands_in_the_room_of_the_gravest_incident(
    client: Client, outage: Incident, lead: User
) -> None:
    factories.incident(by=lead, severity=Severity.S3)
    client.force_login(lead)

    assert client.get(reverse("desk:home"))["Location"] == reverse("desk:room", args=[outage.public_id])


def test_livez_asks_nothing_of_the_database(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        answer = client.get("/livez")

    assert (answer.status_code, answer.text, len(queries)) == (200, "ok\n", 0)


def test_readyz_asks_the_database_and_nothing_else(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        answer = client.get("/readyz")

    assert (answer.status_code, [query["sql"] for query in queries]) == (200, ["SELECT 1"])


def test_readyz_is_503_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError
    from django.db.backends.base.base import BaseDatabaseWrapper

    def gone(_: BaseDatabaseWrapper) -> None:
        raise OperationalError

    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", gone)

    assert client.get("/readyz").status_code == 503
