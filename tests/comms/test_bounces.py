"""Who is not there is written to no more, unless the mail server refuses everybody."""

import pytest
from django.db import transaction
from django.utils import timezone

from comms import relay
from comms.models import ListMember, Mailing, Subscriber
from comms.operations import deliveries
from comms.operations.bounces import MOST_IN_A_ROW
from tests import factories
from tests.comms.receivers import MailServer

pytestmark = pytest.mark.django_db

NOBODY = "550 5.1.1 no such box"


def publish() -> None:
    at = timezone.now()
    with transaction.atomic():
        deliveries.owe(factories.update(published_at=at), at=at)


def test_a_subscription_ends_when_the_box_is_not_there_and_is_told_nothing_more(mail: MailServer) -> None:
    factories.subscriber_channel()
    gone, there = (
        factories.subscriber("gone@pharmacy.example"),
        factories.subscriber("there@pharmacy.example"),
    )
    mail.answers["gone@pharmacy.example"] = NOBODY

    publish()
    relay.run_once()
    publish()
    relay.run_once()

    assert [Subscriber.objects.get(pk=row.pk).state for row in (gone, there)] == ["ended", "active"]
    assert mail.recipients == ["there@pharmacy.example"] * 2
    assert list(gone.deliveries.values_list("state", "error")) == [("failed", NOBODY)]
    assert Mailing.objects.filter(finished=True).count() == 2


def test_an_address_on_two_lists_is_marked_on_both_whatever_its_letters(mail: MailServer) -> None:
    factories.mail_channel("Gone@apb.example", "a@apb.example")
    factories.mail_channel("gone@apb.example")
    mail.answers["Gone@apb.example"] = NOBODY

    publish()
    relay.run_once()
    publish()
    relay.run_once()

    assert ListMember.objects.filter(refused_at__isnull=False, refusal=NOBODY).count() == 2
    assert mail.recipients == ["a@apb.example"] * 2


def test_a_box_that_is_full_for_now_keeps_its_subscription(mail: MailServer) -> None:
    factories.subscriber_channel()
    row = factories.subscriber()
    mail.answers["reader@pharmacy.example"] = "452 4.2.2 box is full"

    publish()
    relay.run_once()

    assert Subscriber.objects.get(pk=row.pk).state == "active"
    assert row.deliveries.get().state == "queued"


def test_a_server_that_refuses_one_after_the_other_ends_few_subscriptions(mail: MailServer) -> None:
    factories.subscriber_channel()
    rows = [factories.subscriber(f"{n}@pharmacy.example") for n in range(MOST_IN_A_ROW + 7)]
    mail.answers = {f"{n}@pharmacy.example": "550 relay not permitted" for n in range(len(rows))}

    publish()
    relay.run_once()

    assert Subscriber.objects.active().count() == len(rows) - MOST_IN_A_ROW


def test_refusals_between_others_that_are_taken_end_each_subscription(mail: MailServer) -> None:
    factories.subscriber_channel()
    number = 2 * MOST_IN_A_ROW + 4
    for n in range(number):
        factories.subscriber(f"{n}@pharmacy.example")
    mail.answers = {f"{n}@pharmacy.example": NOBODY for n in range(0, number, 2)}

    publish()
    relay.run_once()

    assert Subscriber.objects.active().count() == number / 2
