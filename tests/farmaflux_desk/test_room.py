"""The room: everything about one incident, anew only where it changed, for little."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.roles import Role
from comms.models import Anchor, PlanPhase, PlanStep, PlanTemplate, Tick
from comms.operations.plan import start_plan, tick
from comms.plan.agenda import clock
from farmaflux_desk.room import Room
from incidents import timeline
from incidents.models import EntryKind, Incident, Phase, ServiceStatus
from incidents.operations import move, note_fact
from tests import factories
from tests.factories import OUTAGE

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident() -> Incident:
    began_at = timezone.now() - timedelta(minutes=50)
    return factories.incident(
        services={factories.service("transfer", name_fr="Transfert"): ServiceStatus.MAJOR}, began_at=began_at
    )


def address(incident: Incident, *, live: bool = False) -> str:
    return reverse("desk:room_live" if live else "desk:room", args=[incident.public_id])


def note(incident: Incident, text: str = "Sciensano est prêt.") -> None:
    note_fact(incident, key=uuid.uuid4(), kind=EntryKind.NOTE, text=text, by=factories.user(Role.LEAD))


def contact(incident: Incident) -> None:
    factories.contact(incident=incident, at=timezone.now() - timedelta(minutes=3))


def report(incident: Incident) -> None:
    factories.report(
        factories.service(),
        at=timezone.now() - timedelta(minutes=3),
        incident=incident,
        pharmacy=factories.pharmacy(name="Pharmacie <b>du Parc</b>"),
        software_house=factories.software_house(),
    )


def filled(incident: Incident, rows: int) -> None:
    """*rows* of everything a room shows."""
    template = PlanTemplate.objects.create(key=f"plan-{rows}", name_fr="Plan", name_nl="Plan")
    for number in range(1, rows + 1):
        PlanStep.objects.create(
            template=template,
            number=number,
            phase=PlanPhase.RUN,
            title_fr="Étape",
            title_nl="Stap",
            anchor=Anchor.PLAN_START,
            offset_minutes=10,
            owners=["scribe"],
        )
        note(incident)
        contact(incident)
        report(incident)
        factories.update(incident, published_at=timezone.now() - timedelta(minutes=40 - number))
    start_plan(incident, template, by=factories.user(Role.LEAD), at=timezone.now() - timedelta(minutes=30))


@pytest.mark.parametrize("rows", [1, 3])
def test_a_fuller_room_costs_no_more_queries(
    incident: Incident, rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    filled(incident, rows)
    client = Client()
    client.force_login(factories.user(Role.OBSERVER))
    clock(timezone.now())

    with django_assert_max_num_queries(63):
        page = client.get(address(incident))

    assert page.status_code == 200


def test_a_poll_that_knows_everything_is_answered_with_nothing(client: Client, incident: Incident) -> None:
    user = factories.user(Role.OBSERVER)
    client.force_login(user)
    seen = Room(incident, user=user, at=timezone.now()).seen

    assert client.get(address(incident, live=True), {"seen": seen}).status_code == 204


@pytest.mark.parametrize(
    ("change", "panels"),
    [
        (note, {"chain", "time", "people"}),
        (contact, {"press"}),
        (report, {"press"}),
        (lambda incident: factories.update(incident, published_at=timezone.now()), {"press", "deliv"}),
    ],
    ids=["entry", "contact", "report", "update"],
)
def test_a_poll_brings_the_panels_that_changed_and_no_other(
    client: Client, incident: Incident, change: Callable[[Incident], None], panels: set[str]
) -> None:
    user = factories.user(Role.OBSERVER)
    client.force_login(user)
    at = timezone.now()
    seen = Room(incident, user=user, at=at).seen
    change(incident)

    assert set(Room(incident, user=user, at=at).changed_since(seen)) == panels
    text = client.get(address(incident, live=True), {"seen": seen}).text
    assert {
        name for name in ("chain", "time", "press", "deliv", "people") if f'id="panel-{name}"' in text
    } == panels


def test_what_is_reported_online_stands_beside_the_calls(client: Client, incident: Incident) -> None:
    report(incident)
    client.force_login(factories.user(Role.OBSERVER, language="en"))

    page = " ".join(client.get(address(incident)).text.split())

    assert '<b class="fx-b num">1</b> · 1 pharmacy known · <b class="fx-b num">1</b> in the last 15' in page
    assert "Pharmacie &lt;b&gt;du Parc&lt;/b&gt;, Ottignies</a>" in page
    assert 'class="rp"' in page


def test_a_step_marked_done_changes_the_plan_s_panel(incident: Incident) -> None:
    filled(incident, 1)
    lead = factories.user(Role.LEAD)
    at = timezone.now()
    seen = Room(incident, user=lead, at=at).seen
    item = incident.checklist.items.get()

    tick(item, key=uuid.uuid4(), outcome=Tick.Outcome.DONE, by=lead)

    assert "plan" in Room(incident, user=lead, at=at).changed_since(seen)


def test_services_that_stand_alike_are_one_link_and_the_others_stand_beside(incident: Incident) -> None:
    factories.service("dpp", name_fr="DPP")
    room = Room(incident, user=factories.user(Role.OBSERVER), at=timezone.now())

    assert [(node.name, node.status) for node in room.nodes] == [("Transfert", ServiceStatus.MAJOR)]
    assert [(node.name, node.status) for node in room.untouched] == [("DPP", ServiceStatus.OPERATIONAL)]


@pytest.mark.parametrize(
    ("role", "may"),
    [(Role.OBSERVER, False), (Role.AGENT, False), (Role.COMMUNICATIONS, True), (Role.LEAD, True)],
)
def test_who_may_write_is_offered_to_write(client: Client, incident: Incident, role: Role, may: bool) -> None:  # noqa: FBT001
    client.force_login(factories.user(role))

    page = client.get(address(incident)).text

    assert (reverse("comms:draft", args=[incident.public_id]) in page) is may


def test_the_room_of_a_resolved_incident_stays_and_can_be_reopened(
    client: Client, incident: Incident
) -> None:
    lead = factories.user(Role.LEAD)
    move(incident, Phase.RESOLVED, by=lead)
    client.force_login(lead)

    page = client.get(address(incident))

    assert page.status_code == 200
    assert reverse("incidents:move", args=[incident.public_id]) in page.text
    assert reverse("comms:draft", args=[incident.public_id]) not in page.text


def test_the_list_behind_the_chart_holds_the_contacts_of_this_incident_alone(
    client: Client, incident: Incident
) -> None:
    mine = factories.contact(incident=incident, at=timezone.now() - timedelta(minutes=3))
    factories.contact(at=timezone.now() - timedelta(minutes=2))
    client.force_login(factories.user(Role.AGENT))
    room = client.get(address(incident)).text

    link = re.search(rf'href="({reverse("tickets:contacts")}\?[^"]*)"', room)
    assert link
    assert [contact.pk for contact in client.get(link[1]).context["contacts"]] == [mine.pk]


def test_a_timeline_of_several_days_names_them_and_one_of_today_does_not(
    client: Client, incident: Incident
) -> None:
    def days(of: Incident) -> list[str]:
        return re.findall(r'class="fx-day">([^<]+)<', client.get(address(of)).text)

    client.force_login(factories.user(Role.OBSERVER, language="fr"))

    note(incident)
    assert days(incident) == []

    other = factories.incident()
    for at in (OUTAGE, OUTAGE + timedelta(hours=1), OUTAGE + timedelta(hours=12)):
        with transaction.atomic():
            timeline.append(other, EntryKind.NOTE, by=None, text="x", at=at)
    assert days(other) == ["2 juillet 2022", "1 juillet 2022"]


def test_an_unknown_room_is_not_there(client: Client) -> None:
    client.force_login(factories.user(Role.LEAD))

    assert client.get("/desk/incidents/nosuchthing1/").status_code == 404


def test_what_people_wrote_is_text_and_never_markup(client: Client, incident: Incident) -> None:
    note(incident, "<script>alert(1)</script>")
    client.force_login(factories.user(Role.OBSERVER))

    page = client.get(address(incident)).text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
