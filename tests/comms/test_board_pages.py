"""The plan as a board: by phase, by role, on paper, and a poll that brings nothing when nothing changed."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.roles import Role
from comms.models import Checklist
from comms.operations.plan import start_plan
from comms.operations.standard_plan import install
from comms.plan.agenda import clock
from comms.plan.board import board, checklists
from incidents import operations as incidents
from incidents.models import ResponseRole
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def checklist(client: Client) -> Checklist:
    lead = factories.user(Role.LEAD, language="en", first_name="Marc")
    client.force_login(lead)
    at = timezone.now() - timedelta(minutes=12)
    made = start_plan(factories.incident(began_at=at), install(), by=lead, at=at)
    incidents.assign_role(made.incident, ResponseRole.CRISIS_LEAD, lead, by=lead)
    return made


def test_lanes_by_role_name_who_holds_it_and_a_role_nobody_holds_is_a_problem(checklist: Checklist) -> None:
    checklist.items.filter(number=25).update(owners=[])
    lanes = board(checklists().get(), timezone.now()).role_lanes

    assert [(lane.key, lane.problem) for lane in lanes][:2] == [
        ("crisis_lead", False),
        ("communications_lead", True),
    ]
    assert (lanes[-1].key, [row.item.number for row in lanes[-1].items]) == ("none", [25])
    assert sum(len(lane.items) for lane in lanes) >= 25


def test_the_board_stands_by_phase_and_by_role_and_on_paper(client: Client, checklist: Checklist) -> None:
    address = reverse("comms:board", args=[checklist.incident.public_id])

    by_phase, by_role = client.get(address).text, client.get(address, {"by": "role"}).text
    paper = client.get(reverse("comms:board_paper", args=[checklist.incident.public_id])).text

    assert ('id="lane-restore"' in by_phase, 'id="lane-scribe"' in by_phase) == (True, False)
    assert ('id="lane-restore"' in by_role, 'id="lane-scribe"' in by_role) == (False, True)
    assert ("Marc" in by_role, "data-print" in paper, paper.count("fx-tickbox")) == (True, True, 25)


def test_a_poll_without_news_brings_nothing_and_the_board_costs_what_the_plan_does(
    client: Client, checklist: Checklist, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    address = reverse("comms:board", args=[checklist.incident.public_id])
    clock(timezone.now())
    with django_assert_max_num_queries(36):
        page = client.get(address)

    poll = client.get(address, {"seen": page.context["version"]}, headers={"HX-Request": "true"})
    moved = client.get(address, {"seen": "x"}, headers={"HX-Request": "true"})

    assert (poll.status_code, moved.status_code, "<html" in moved.text) == (204, 200, False)


def test_without_a_plan_there_is_no_board(client: Client, checklist: Checklist) -> None:
    other = factories.incident()

    pages = [reverse(f"comms:{name}", args=[other.public_id]) for name in ("board", "board_paper")]

    assert [client.get(page).status_code for page in pages] == [404, 404]
