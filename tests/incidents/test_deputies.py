"""Deputies stand in, and a role is handed over with one click."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.models import Delivery, PlanPhase, PlanStep, PlanTemplate
from comms.operations.plan import start_plan
from comms.operations.reminders import remind
from comms.plan.board import board, checklists
from incidents import operations
from incidents.models import EntryKind, Incident, ResponseRole, RoleAssignment
from incidents.timeline import describe
from tests import factories
from tests.factories import OUTAGE

pytestmark = pytest.mark.django_db
SCRIBE = ResponseRole.SCRIBE


@pytest.fixture
def lead() -> User:
    return factories.user(Role.LEAD, language="en")


@pytest.fixture
def incident(lead: User) -> Incident:
    return factories.incident(by=lead)


@pytest.fixture
def manon() -> User:
    return factories.user(first_name="Manon", email="manon@apb.example")


@pytest.fixture
def lou() -> User:
    return factories.user(first_name="Lou", email="lou@apb.example")


def current(incident: Incident) -> set[tuple[str, bool]]:
    rows = RoleAssignment.objects.current().filter(incident=incident)
    return {(row.person.first_name, row.deputy) for row in rows}


def both(incident: Incident, lead: User, manon: User, lou: User) -> None:
    operations.assign_role(incident, SCRIBE, manon, by=lead)
    operations.assign_role(incident, SCRIBE, lou, deputy=True, by=lead)


def test_who_holds_a_role_hands_it_to_her_deputy_and_stands_in_from_then_on(
    incident: Incident, lead: User, manon: User, lou: User
) -> None:
    both(incident, lead, manon, lou)
    with pytest.raises(NotAllowed):
        operations.hand_over(incident, SCRIBE, by=lou)

    now = operations.hand_over(incident, SCRIBE, word="à table", by=manon)

    assert (now, current(incident)) == (lou, {("Lou", False), ("Manon", True)})
    told = [describe(entry) for entry in incident.entries.filter(kind=EntryKind.ROLE).order_by("sequence")]
    assert told[1:] == [
        "secrétaire de crise, suppléant\N{NO-BREAK SPACE}: Lou",
        "secrétaire de crise\N{NO-BREAK SPACE}: Lou, auparavant Manon\N{NO-BREAK SPACE}: à table",
        "secrétaire de crise, suppléant\N{NO-BREAK SPACE}: Manon",
    ]


def test_without_a_deputy_nothing_is_handed_over_and_nobody_stands_in_for_herself(
    incident: Incident, lead: User, manon: User
) -> None:
    operations.assign_role(incident, SCRIBE, manon, by=lead)

    with pytest.raises(Refused):
        operations.hand_over(incident, SCRIBE, by=manon)
    with pytest.raises(Refused) as refused:
        operations.assign_role(incident, SCRIBE, manon, deputy=True, by=lead)
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleAssignment.objects.create(incident=incident, role=SCRIBE, person=lead, assigned_at=OUTAGE)

    assert (refused.value.field, current(incident)) == ("scribe_deputy", {("Manon", False)})


def test_one_click_in_the_room_hands_over_and_the_form_names_deputies(
    client: Client, incident: Incident, lead: User, manon: User, lou: User
) -> None:
    client.force_login(lead)
    given = {"scribe": manon.pk, "initial-scribe": "", "scribe_deputy": lou.pk, "initial-scribe_deputy": ""}
    saved = client.post(reverse("incidents:roles", args=[incident.public_id]), given)
    client.force_login(manon)
    address = reverse("incidents:hand_over", args=[incident.public_id, "scribe"])

    offered = address in client.get(reverse("desk:room", args=[incident.public_id])).text
    answer = client.post(address, {"word": "x" * 301})
    client.post(address)

    assert (saved.status_code, offered, answer.status_code) == (302, True, 302)
    assert current(incident) == {("Lou", False), ("Manon", True)}
    assert client.post(reverse("incidents:hand_over", args=[incident.public_id, "nobody"])).status_code == 404
    assert client.post(address).status_code == 403


def test_a_deputy_is_reminded_while_nobody_holds_the_role_and_when_it_escalates(
    incident: Incident, lead: User, manon: User, lou: User
) -> None:
    template = PlanTemplate.objects.create(key="short", name_fr="Short", name_nl="Short")
    PlanStep.objects.create(
        template=template,
        number=1,
        phase=PlanPhase.RUN,
        title_fr="A",
        title_nl="B",
        anchor="plan_start",
        owners=["scribe"],
    )
    start_plan(incident, template, by=lead, at=OUTAGE)
    operations.assign_role(incident, SCRIBE, lou, deputy=True, by=lead)

    remind(OUTAGE)
    alone = set(Delivery.objects.values_list("recipient", flat=True))
    operations.assign_role(incident, SCRIBE, manon, by=lead)
    Delivery.objects.all().delete()
    remind(OUTAGE + timedelta(minutes=10))

    [owner] = board(checklists().get(), OUTAGE).items[0].owners
    assert (alone, owner.person, owner.deputy) == ({"lou@apb.example"}, manon, lou)
    assert set(Delivery.objects.values_list("recipient", flat=True)) == {
        "manon@apb.example",
        "lou@apb.example",
    }
