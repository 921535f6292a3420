"""The desk's pages of contacts cost as many queries with a thousand contacts as with a handful.

What they cost in time with a million is measured by bench.calls.
"""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.models import Incident
from tests import factories
from tickets.models import Callback, CallbackState, Contact, UrgentCase

pytestmark = pytest.mark.django_db
PAGES = (
    "calls/",
    "calls/?incident=",
    "calls/latest/",
    "calls/say/",
    "calls/lookup/?caller=gare",
    "contacts/",
    "contacts/?incident=none",
    "contacts/?text=gare",
    "contacts/?text=0255",
    "callbacks/",
    "callbacks/?closed=on",
    "phones/",
    "urgent/",
    "urgent/?closed=on",
    "pharmacies/",
    "pharmacies/?q=gare",
)


@pytest.fixture
def incident() -> Incident:
    incident = factories.incident(began_at=timezone.now() - timedelta(hours=1))
    factories.update(incident, published_at=timezone.now())
    return incident


def more_contacts(incident: Incident, count: int) -> None:
    agent, update = factories.user(), incident.updates.first()
    pharmacies = [factories.pharmacy(name=f"Pharmacie de la Gare {n}") for n in range(5)]
    made = Contact.objects.bulk_create(
        Contact(
            key=uuid.uuid4(),
            incident=incident if n % 2 else None,
            pharmacy=pharmacies[n % 5] if n % 7 else None,
            caller_text="02 555 12 12",
            language="fr",
            agent=agent,
            impact="patient_waiting" if n % 2 else "info",
            told_update=update if n % 2 else None,
            occurred_at=timezone.now() - timedelta(seconds=n),
            recorded_at=timezone.now(),
        )
        for n in range(count)
    )
    for n, contact in enumerate(made[: count // 4]):
        closed = (
            {"state": CallbackState.DONE, "closed_at": timezone.now(), "closed_by": agent} if n % 2 else {}
        )
        Callback.objects.create(contact=contact, number="8003", **closed)
        helped = {"answer": "paper", "closed_at": timezone.now(), "closed_by": agent} if n % 2 else {}
        UrgentCase.objects.create(contact=contact, claimed_by=agent, claimed_at=timezone.now(), **helped)


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"/desk/{address}").status_code == 200, address
    return len(asked)


def test_no_page_asks_more_often_when_there_is_more_to_show(client: Client, incident: Incident) -> None:
    client.force_login(factories.user())
    more_contacts(incident, 8)
    few = {page: queries(client, page) for page in PAGES}
    more_contacts(incident, 150)

    assert {page: queries(client, page) for page in PAGES} == few
