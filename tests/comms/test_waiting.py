"""After a long standstill the newest message stands for the earlier ones, and an old one asks a person."""

from datetime import timedelta

import pytest
from django.db import transaction

from comms.channels.base import Capabilities, Doubt
from comms.models import Action, Channel, Delivery, DeliveryState, Mailing
from comms.operations import deliveries, sending, waiting
from incidents.models import Incident
from tests import factories

pytestmark = pytest.mark.django_db

AT = factories.OUTAGE
CAN = Capabilities(in_doubt=Doubt.REPEAT, batch=100)


def publish(incident: Incident, minutes: int) -> None:
    at = AT + timedelta(minutes=minutes)
    with transaction.atomic():
        deliveries.owe(factories.update(incident, published_at=at), at=at)


def claimed(channel: Channel, minutes: int) -> list[tuple[int | None, int]]:
    held = sending.claim(channel, can=CAN, at=AT + timedelta(minutes=minutes))
    return [(d.message.number, d.stands_for) for d in held.deliveries] if held else []


def states() -> list[tuple[int | None, str]]:
    return list(Delivery.objects.order_by("pk").values_list("update__number", "state"))


def test_after_a_short_pause_every_message_leaves_in_its_order() -> None:
    channel, incident = factories.mail_channel("a@apb.example"), factories.incident()
    publish(incident, 0)
    publish(incident, 4)

    assert claimed(channel, 4) == [(1, 0), (2, 0)]


def test_after_a_long_pause_the_newest_stands_for_all_and_says_for_how_many() -> None:
    channel, incident = factories.mail_channel("a@apb.example"), factories.incident()
    for minutes in (0, 10, 20):
        publish(incident, minutes)

    assert claimed(channel, 26) == [(3, 2)]
    assert states() == [(1, "dropped"), (2, "dropped"), (3, "sending")]
    assert set(Delivery.objects.filter(state="dropped").values_list("error", flat=True)) == {
        waiting.OVERTAKEN
    }


def test_only_who_missed_the_earlier_ones_is_told_so() -> None:
    channel = factories.mail_channel("a@apb.example", "b@apb.example")
    incident = factories.incident()
    publish(incident, 0)
    Delivery.objects.filter(recipient="b@apb.example").update(state=DeliveryState.SENT, sent_at=AT)
    publish(incident, 10)

    claimed(channel, 11)

    found = Delivery.objects.filter(update__number=2).values_list("recipient", "stands_for")
    assert list(found) == [("a@apb.example", 1), ("b@apb.example", 0)]


def test_a_message_about_another_incident_stands_for_none() -> None:
    channel = factories.mail_channel("a@apb.example")
    publish(factories.incident(), 0)
    publish(factories.incident(), 10)

    assert claimed(channel, 12) == [(1, 0), (1, 0)]


def test_a_newer_message_that_never_went_to_the_channel_stands_for_none() -> None:
    incident = factories.incident()
    channel = factories.mail_channel("a@apb.example", moments="first")
    publish(incident, 0)
    publish(incident, 10)

    assert claimed(channel, 12) == [(1, 0)]


def test_a_withdrawn_message_stands_for_none() -> None:
    channel, incident = factories.mail_channel("a@apb.example"), factories.incident()
    publish(incident, 0)
    publish(incident, 10)
    newest = incident.updates.get(number=2)
    newest.withdrawn_at, newest.withdrawn_by = AT, newest.published_by
    newest.save()

    assert (1, 0) in claimed(channel, 12)


def test_what_waited_for_half_an_hour_asks_a_person() -> None:
    channel, incident = factories.mail_channel("a@apb.example"), factories.incident()
    publish(incident, 0)

    assert claimed(channel, 30) == []
    assert states() == [(1, "stale")]


def test_what_a_person_confirmed_leaves_however_old_it_is() -> None:
    channel, incident = factories.mail_channel("a@apb.example"), factories.incident()
    publish(incident, 0)
    Delivery.objects.update(confirmed_at=AT + timedelta(minutes=40))

    assert claimed(channel, 45) == [(1, 0)]


def test_the_notice_of_a_withdrawal_leaves_however_late() -> None:
    channel, incident = factories.mail_channel("a@apb.example"), factories.incident()
    publish(incident, 0)
    Delivery.objects.update(action=Action.WITHDRAWAL)

    assert claimed(channel, 90) == [(1, 0)]


def test_subscribers_too_get_the_newest_alone_and_hear_that_it_stands_for_others() -> None:
    channel = factories.subscriber_channel()
    factories.subscriber("a@pharmacy.example")
    incident = factories.incident()
    publish(incident, 0)
    publish(incident, 10)

    assert claimed(channel, 12) == [(2, 1)]
    assert list(Mailing.objects.values_list("update__number", "finished")) == [(1, True), (2, True)]
