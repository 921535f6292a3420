"""What is owed when a message is published, and what a person may decide about it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.models import Claim, Delivery, DeliveryState, Update
from comms.operations import deciding, deliveries
from incidents import timeline
from incidents.models import EntryKind
from tests import factories

pytestmark = pytest.mark.django_db


def owe(update: Update, at: datetime = factories.OUTAGE) -> list[Delivery]:
    with transaction.atomic():
        return list(deliveries.owe(update, at=at))


def published(**fields: object) -> Update:
    return factories.update(published_at=factories.OUTAGE, **fields)  # type: ignore[arg-type]


def owed(update: Update) -> list[tuple[str, str, str]]:
    return [(d.channel.key, d.language, d.recipient) for d in update.deliveries.select_related("channel")]


def test_each_member_is_owed_a_message_in_her_language_and_a_webhook_one_with_all() -> None:
    factories.mail_channel("a@apb.example", ("b@apb.example", "nl"), key="committee")
    hook = factories.webhook_channel(position=1)
    update = published()

    owe(update)

    assert owed(update) == [
        ("committee", "fr", "a@apb.example"),
        ("committee", "nl", "b@apb.example"),
        (hook.key, "", ""),
    ]
    assert set(
        update.deliveries.values_list("state", "environment", "created_at", "not_before", "attempts_made")
    ) == {("queued", "embedded", factories.OUTAGE, factories.OUTAGE, 0)}


@pytest.mark.parametrize(
    "channel", [lambda: factories.mail_channel("a@apb.example"), factories.webhook_channel]
)
def test_a_message_is_owed_once(channel: Callable[[], object]) -> None:
    channel()
    update = published()
    first = owe(update)

    with pytest.raises(IntegrityError):
        owe(update, at=factories.OUTAGE + timedelta(hours=1))
    assert list(update.deliveries.all()) == first


def test_who_is_on_two_lists_is_written_to_once() -> None:
    factories.mail_channel("a@apb.example", key="first", position=1)
    factories.mail_channel("A@APB.example", "c@apb.example", key="second", position=2)
    update = published()

    owe(update)

    assert owed(update) == [("first", "fr", "a@apb.example"), ("second", "fr", "c@apb.example")]


def test_a_reader_whose_language_is_missing_gets_french() -> None:
    factories.mail_channel(("d@apb.example", "de"), key="committee")
    update = published()

    owe(update)

    assert owed(update) == [("committee", "fr", "d@apb.example")]


def test_a_channel_that_is_off_is_owed_nothing() -> None:
    factories.mail_channel("a@apb.example", enabled=False)
    update = published()

    assert owe(update) == []


def test_what_is_owed_goes_when_the_decision_is_undone(transactional_db: None) -> None:
    factories.mail_channel("a@apb.example")
    update = published()

    with transaction.atomic():
        deliveries.owe(update, at=factories.OUTAGE)
        transaction.set_rollback(True)

    assert not Delivery.objects.exists()


def test_owing_outside_a_transaction_is_a_fault(transactional_db: None) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        deliveries.owe(published(), at=factories.OUTAGE)


def stuck(state: DeliveryState) -> Delivery:
    factories.mail_channel("a@apb.example", key="committee")
    [delivery] = owe(published())
    Delivery.objects.filter(pk=delivery.pk).update(state=state, error="550 no such box", attempts_made=1)
    delivery.refresh_from_db()
    return delivery


def test_a_failed_delivery_is_queued_again_and_the_timeline_says_who_asked() -> None:
    delivery = stuck(DeliveryState.FAILED)
    asked_at = timezone.now()

    deciding.retry(delivery, by=factories.user(Role.COMMUNICATIONS, username="manon"), at=asked_at)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.not_before) == (DeliveryState.QUEUED, asked_at)
    entry = delivery.message.incident.entries.get(kind=EntryKind.DELIVERY)
    assert entry.author is not None
    assert (entry.author.username, timeline.describe(entry)) == (
        "manon",
        entry.data["said"]["fr"],
    )
    assert "a@apb.example" not in str(entry.data)


def test_an_unknown_delivery_that_went_out_is_sent_and_never_queued() -> None:
    delivery = stuck(DeliveryState.UNKNOWN)
    at = timezone.now()

    deciding.settle(delivery, by=factories.user(Role.COMMUNICATIONS), sent=True, at=at)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.sent_at) == (DeliveryState.SENT, at)


def test_an_unknown_delivery_that_did_not_go_out_is_queued_again() -> None:
    delivery = stuck(DeliveryState.UNKNOWN)

    deciding.settle(delivery, by=factories.user(Role.COMMUNICATIONS), sent=False)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.sent_at) == (DeliveryState.QUEUED, None)


@pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.UNKNOWN])
def test_only_a_failed_delivery_is_tried_again(state: DeliveryState) -> None:
    delivery = stuck(DeliveryState.FAILED)
    made = Claim.objects.create(channel=delivery.channel, made_at=timezone.now(), lease_until=timezone.now())
    held = made if state == DeliveryState.SENDING else None
    Delivery.objects.filter(pk=delivery.pk).update(state=state, claim=held)

    with pytest.raises(Refused):
        deciding.retry(delivery, by=factories.user(Role.COMMUNICATIONS))

    delivery.refresh_from_db()
    assert delivery.state == state


def test_a_delivery_is_settled_once() -> None:
    delivery = stuck(DeliveryState.UNKNOWN)
    by = factories.user(Role.COMMUNICATIONS)
    deciding.settle(delivery, by=by, sent=True)

    with pytest.raises(Refused):
        deciding.settle(delivery, by=by, sent=False)

    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.SENT


def test_nothing_is_queued_again_on_a_channel_that_is_off() -> None:
    delivery = stuck(DeliveryState.FAILED)
    delivery.channel.enabled = False
    delivery.channel.save()

    with pytest.raises(Refused):
        deciding.retry(delivery, by=factories.user(Role.COMMUNICATIONS))


def test_the_delivery_of_another_installation_is_not_queued_again(settings: Settings) -> None:
    delivery = stuck(DeliveryState.FAILED)
    settings.DESK_ENVIRONMENT_ID = "restored"

    with pytest.raises(Refused):
        deciding.retry(delivery, by=factories.user(Role.COMMUNICATIONS))


DECISIONS: dict[str, tuple[DeliveryState, Callable[..., Delivery]]] = {
    "retry": (DeliveryState.FAILED, deciding.retry),
    "went out": (DeliveryState.UNKNOWN, lambda d, **by: deciding.settle(d, sent=True, **by)),
    "did not": (DeliveryState.UNKNOWN, lambda d, **by: deciding.settle(d, sent=False, **by)),
}


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("role", [Role.AGENT, Role.OBSERVER])
def test_who_may_not_decide_on_deliveries_changes_nothing(role: Role, decision: str) -> None:
    state, decide = DECISIONS[decision]
    delivery = stuck(state)

    with pytest.raises(NotAllowed):
        decide(delivery, by=factories.user(role))

    delivery.refresh_from_db()
    assert delivery.state == state
    assert not delivery.message.incident.entries.exists()


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("role", [Role.COMMUNICATIONS, Role.LEAD, Role.ADMINISTRATOR])
def test_who_may_decide_on_deliveries_changes_them(role: Role, decision: str) -> None:
    state, decide = DECISIONS[decision]
    delivery = stuck(state)

    decide(delivery, by=factories.user(role))

    delivery.refresh_from_db()
    assert delivery.state != state


def test_what_a_person_posted_herself_counts_as_sent_with_its_address() -> None:
    delivery = stuck(DeliveryState.BY_HAND)
    at = timezone.now()

    done = deciding.posted_by_hand(
        delivery, url="https://social.example/7", by=factories.user(Role.COMMUNICATIONS), at=at
    )

    assert (done.state, done.sent_at, done.external_url) == ("sent", at, "https://social.example/7")
    assert done.message.incident.entries.filter(kind=EntryKind.DELIVERY).count() == 1


@pytest.mark.parametrize("url", ["javascript:alert(1)", "social.example/7", "https://x.example/" + "a" * 500])
def test_an_address_that_is_none_is_refused_beside_its_field(url: str) -> None:
    delivery = stuck(DeliveryState.BY_HAND)

    with pytest.raises(Refused) as refused:
        deciding.posted_by_hand(delivery, url=url, by=factories.user(Role.COMMUNICATIONS))

    assert refused.value.field == "url"
    assert Delivery.objects.get().state == DeliveryState.BY_HAND


@pytest.mark.parametrize(
    "state", [DeliveryState.QUEUED, DeliveryState.UNKNOWN, DeliveryState.FAILED, DeliveryState.DROPPED]
)
def test_only_what_was_left_to_a_person_is_posted_by_hand(state: DeliveryState) -> None:
    delivery = stuck(state)

    with pytest.raises(Refused):
        deciding.posted_by_hand(delivery, url="", by=factories.user(Role.COMMUNICATIONS))

    assert Delivery.objects.get().state == state


@pytest.mark.parametrize(("send", "state"), [(True, "queued"), (False, "dropped")])
def test_what_waited_too_long_leaves_or_is_let_go_as_a_person_decides(*, send: bool, state: str) -> None:
    delivery = stuck(DeliveryState.STALE)
    by = factories.user(Role.COMMUNICATIONS)

    assert deciding.decide_stale(delivery.message, delivery.channel, send=send, by=by) == 1
    with pytest.raises(Refused):
        deciding.decide_stale(delivery.message, delivery.channel, send=send, by=by)

    stored = Delivery.objects.get()
    assert (stored.state, stored.confirmed_at is not None) == (state, send)


def test_an_agent_decides_on_none_of_it() -> None:
    delivery = stuck(DeliveryState.BY_HAND)
    agent = factories.user(Role.AGENT)

    with pytest.raises(NotAllowed):
        deciding.posted_by_hand(delivery, url="", by=agent)
    with pytest.raises(NotAllowed):
        deciding.let_go(delivery, by=agent)
    with pytest.raises(NotAllowed):
        deciding.decide_stale(delivery.message, delivery.channel, send=True, by=agent)

    assert Delivery.objects.get().state == DeliveryState.BY_HAND
