"""The plan is proposed with its reason, started by a person, or declined for now."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.models import Checklist, PlanDeclined
from comms.operations import plan, standard_plan
from comms.plan.proposing import proposals
from incidents import operations as incidents
from incidents.models import Incident, Phase, ServiceStatus, Severity
from tests import factories
from tests.factories import OUTAGE

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lead() -> User:
    return factories.user(Role.LEAD, language="en")


def reasons(at: datetime) -> list[str]:
    with translation.override("en"):
        open_ = Incident.objects.open().prefetch_related("phase_changes", "impacts")
        return [proposal.reason for proposal in proposals(list(open_), at)]


@pytest.mark.parametrize(
    ("severity", "minutes", "said"),
    [
        (Severity.S1, 0, ["it is an S1"]),
        (Severity.S2, 14, []),
        (Severity.S2, 15, ["it is an S2 for more than 15 minutes"]),
        (Severity.S3, 600, []),
    ],
)
def test_an_s1_and_an_s2_that_lasts_ask_for_the_plan(
    severity: Severity, minutes: int, said: list[str]
) -> None:
    factories.incident(severity=severity)

    assert reasons(OUTAGE + minutes * MINUTE) == said


@pytest.mark.parametrize(("hours", "drill", "asks"), [(3, False, True), (5, False, False), (3, True, False)])
def test_a_second_fault_on_the_same_service_within_four_hours_asks_for_it(
    lead: User,
    hours: int,
    drill: bool,  # noqa: FBT001
    asks: bool,  # noqa: FBT001
) -> None:
    service = factories.service()
    earlier = factories.incident(
        services={service: ServiceStatus.MAJOR}, began_at=OUTAGE - timedelta(hours=hours + 1), drill=drill
    )
    incidents.move(earlier, Phase.RESOLVED, by=lead, occurred_at=OUTAGE - timedelta(hours=hours), at=OUTAGE)
    factories.incident(services={service: ServiceStatus.DEGRADED}, severity=Severity.S3)

    assert reasons(OUTAGE) == (["the same service failed within the last 4 hours"] if asks else [])


def test_an_incident_that_opens_again_asks_for_it(lead: User) -> None:
    incident = factories.incident(severity=Severity.S3)
    incidents.move(incident, Phase.RESOLVED, by=lead, at=OUTAGE)
    incidents.move(incident, Phase.INVESTIGATING, by=lead, reason="again", at=OUTAGE + MINUTE)

    assert reasons(OUTAGE + 2 * MINUTE) == ["it was resolved and is open again"]


def test_it_is_declined_with_a_reason_until_it_gets_worse(lead: User) -> None:
    incident = factories.incident(severity=Severity.S2)
    at = OUTAGE + 20 * MINUTE
    with pytest.raises(Refused):
        plan.decline_plan(incident, reason=" ", by=lead, at=at)
    with pytest.raises(NotAllowed):
        plan.decline_plan(incident, reason="x", by=factories.user(Role.AGENT), at=at)
    asked = reasons(at)
    plan.decline_plan(incident, reason="planned work", by=lead, at=at)
    declined = reasons(at)
    incidents.amend(incident, severity=Severity.S1, by=lead, at=at)

    assert (len(asked), declined, reasons(at)) == (1, [], ["it is an S1"])
    assert incident.entries.filter(kind="plan").get().text == "planned work"


def test_every_page_proposes_it_and_one_click_starts_it(client: Client, lead: User) -> None:
    template = standard_plan.install()
    incident = factories.incident(began_at=timezone.now())
    client.force_login(lead)

    page = client.get(reverse("comms:messages")).text
    none_yet = Checklist.objects.exists()
    started = client.post(reverse("comms:plan_start", args=[incident.public_id]), {"template": template.key})
    after = client.get(reverse("comms:messages")).text

    assert ("it is an S1" in page, f'value="{template.key}"' in page, none_yet) == (True, True, False)
    assert (started.status_code, "it is an S1" in after, Checklist.objects.count()) == (302, False, 1)


def test_who_may_not_start_it_is_not_asked_and_a_missing_reason_is_said_beside_the_field(
    client: Client, lead: User
) -> None:
    standard_plan.install()
    incident = factories.incident(began_at=timezone.now())
    client.force_login(factories.user(language="en"))
    page = client.get(reverse("comms:messages")).text
    client.force_login(lead)
    address = reverse("comms:plan_decline", args=[incident.public_id])

    refused = client.post(address, {"reason": "x" * 301})
    done = client.post(address, {"reason": "<b>no</b>"})

    assert "it is an S1" not in page
    assert (refused.status_code, 'id="reason-error"' in refused.text, "x" * 301 in refused.text) == (
        422,
        True,
        True,
    )
    assert (done.status_code, PlanDeclined.objects.get().reason) == (302, "<b>no</b>")
