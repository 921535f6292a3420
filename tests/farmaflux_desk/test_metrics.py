"""What Prometheus reads of the desk."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import IntakeKind
from comms.models import Delivery, DeliveryState
from tests import factories

pytestmark = pytest.mark.django_db


def read(client: Client) -> dict[tuple[str, ...], float]:
    _intake, token = factories.intake(IntakeKind.MONITORING, name="Prometheus")
    page = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert (page.status_code, page["Content-Type"].partition(";")[0]) == (200, "text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


def test_what_is_open_what_waits_and_what_was_not_sent_is_counted(client: Client) -> None:
    now = timezone.now()
    incident = factories.incident(began_at=now - timedelta(hours=1))
    factories.incident(began_at=now - timedelta(hours=1), drill=True)
    factories.callback(factories.contact(incident=incident))
    update = factories.update(incident, published_at=now - timedelta(minutes=30))
    channel = factories.mail_channel("a@example.org", key="desk")
    for state, minutes in (
        (DeliveryState.QUEUED, 5),
        (DeliveryState.QUEUED, -5),
        (DeliveryState.DROPPED, 30),
    ):
        Delivery.objects.create(
            update=update,
            channel=channel,
            language="fr",
            recipient=f"{state}{minutes}@example.org",
            state=state,
            environment="embedded",
            created_at=now,
            not_before=now - timedelta(minutes=minutes),
        )

    told = read(client)

    assert told["desk_incidents_open",] == 1
    assert (told["desk_waiting", "callbacks"], told["desk_waiting", "drafts"]) == (1, 0)
    assert (told["desk_deliveries", "queued"], told["desk_deliveries", "failed"]) == (2, 0)
    assert ("desk_deliveries", "dropped") not in told
    assert 300 <= told["desk_delivery_overdue_seconds",] < 360


def test_who_has_no_token_of_monitoring_learns_nothing(client: Client) -> None:
    _pbx, token = factories.intake(IntakeKind.TELEPHONE)

    answers = [
        client.get("/metrics", headers=headers).status_code
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {token}"})
    ]

    assert answers == [404, 404, 404]
