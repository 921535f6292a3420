"""The internal desks read the current answer and say so, each for each message."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.refusals import Refused
from accounts.roles import Role
from comms.models import BriefReceipt, InternalDesk
from comms.operations.briefs import acknowledge
from comms.operations.plan import start_plan
from comms.operations.standard_plan import install
from comms.plan.briefing import briefed
from incidents.models import Incident
from incidents.timeline import describe
from tests import factories
from tests.factories import OUTAGE

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident() -> Incident:
    return factories.incident(began_at=timezone.now() - timedelta(minutes=30))


@pytest.fixture
def clerk(client: Client) -> User:
    person = factories.user(Role.OBSERVER, language="en", first_name="Anne")
    client.force_login(person)
    return person


def page_of(incident: Incident) -> str:
    return reverse("comms:brief", args=[incident.public_id])


def read(client: Client, incident: Incident, number: int, desk: str = "reception") -> int:
    return client.post(reverse("comms:brief_read", args=[incident.public_id, number, desk])).status_code


def test_a_desk_reads_the_newest_message_once_and_the_timeline_tells(
    client: Client, clerk: User, incident: Incident
) -> None:
    sent = factories.update(incident, published_at=timezone.now(), texts={"fr": "Texte", "nl": "<b>Tekst"})

    before = client.get(page_of(incident)).text
    answers = [read(client, incident, 1) for _again in range(2)]
    after = client.get(page_of(incident)).text

    assert 0 < before.index("&lt;b&gt;Tekst") < before.index("Read, for reception")
    assert (answers, "Read, for reception" in after, "Anne" in after) == ([302, 302], False, True)
    receipt = BriefReceipt.objects.get()
    assert (receipt.update, receipt.desk, receipt.by) == (sent, InternalDesk.RECEPTION, clerk)
    assert [describe(entry) for entry in incident.entries.filter(kind="plan")] == [
        "réception\N{NO-BREAK SPACE}: v1 lu"
    ]


def test_a_newer_message_is_to_be_read_anew(client: Client, clerk: User, incident: Incident) -> None:
    first = factories.update(incident, published_at=OUTAGE)
    acknowledge(first, InternalDesk.RECEPTION, by=clerk)
    second = factories.update(incident, published_at=timezone.now())

    with pytest.raises(Refused):
        acknowledge(first, InternalDesk.MEMBERS, by=clerk)
    refused = read(client, incident, 1, "members")
    page = client.get(page_of(incident)).text

    assert (refused, read(client, incident, 1, "nobody"), read(client, incident, 9)) == (422, 404, 404)
    assert [(row.receipt, row.earlier and row.earlier.update) for row in briefed(incident, second)][:2] == [
        (None, first),
        (None, None),
    ]
    assert "v1 read" in page


def test_before_the_first_message_it_says_so_and_a_poll_without_news_brings_nothing(
    client: Client, clerk: User, incident: Incident
) -> None:
    page = client.get(page_of(incident))
    poll = client.get(page_of(incident), {"seen": page.context["version"]}, headers={"HX-Request": "true"})

    assert ("promise no time" in page.text, poll.status_code) == (True, 204)


def test_the_step_shows_who_has_not_read_and_offers_those_who_have_as_evidence(
    client: Client, clerk: User, incident: Incident
) -> None:
    sent = factories.update(incident, published_at=timezone.now())
    start_plan(incident, install(), by=factories.user(Role.LEAD))
    acknowledge(sent, InternalDesk.RECEPTION, by=clerk)
    client.force_login(factories.user(Role.AGENT, language="en"))

    page = client.get(reverse("comms:plan", args=[incident.public_id])).text

    assert "<em>member service: not read</em>" in page
    assert 'name="acknowledged" maxlength="150" value="reception ' in page
