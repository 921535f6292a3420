"""What is owed to all subscribers reaches each who asked for it once, however the spreading is interrupted."""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.languages import Language
from accounts.roles import Role
from comms import relay
from comms.channels.base import Capabilities, Doubt, Receipt
from comms.models import (
    Action,
    Channel,
    ChannelKind,
    Claim,
    Correction,
    Delivery,
    Mailing,
    Subscriber,
    SubscriberKind,
)
from comms.operations import deliveries, mailing, sending
from incidents.models import Incident, Service, ServiceStatus
from tests import factories
from tests.comms.receivers import MailServer

AT = factories.OUTAGE
MINUTE = timedelta(minutes=1)
CAN = Capabilities(in_doubt=Doubt.REPEAT, batch=100, senders=4)


@dataclass(frozen=True)
class Wanting:
    """A subscriber as she is when a message is published; what she asked for, and whether it concerns her."""

    asked_for: str
    confirmed: int | None
    ended: bool
    language: Language
    kind: SubscriberKind

    @property
    def is_told(self) -> bool:
        """By e-mail. In words: she had confirmed by then, has not ended it, and asked for what the message is about."""
        return (
            self.confirmed is not None
            and self.confirmed <= 0
            and not self.ended
            and self.asked_for in {"everything", "named service", "touched service", "both", "incident"}
            and self.kind == SubscriberKind.EMAIL
        )


WANTING = st.builds(
    Wanting,
    asked_for=st.sampled_from(
        [
            "everything",
            "named service",
            "touched service",
            "both",
            "other service",
            "incident",
            "other incident",
        ]
    ),
    confirmed=st.none() | st.sampled_from([-1, 0, 1]),
    ended=st.booleans(),
    language=st.sampled_from(Language),
    kind=st.sampled_from(SubscriberKind),
)
TOLD = Wanting("everything", -1, ended=False, language=Language.DE, kind=SubscriberKind.EMAIL)


class Town:
    """An incident that touches one service, and a message about it that names another."""

    def __init__(self) -> None:
        self.named, self.touched, self.other = factories.service(), factories.service(), factories.service()
        self.incident = factories.incident(services={self.touched: ServiceStatus.MAJOR})
        self.elsewhere = factories.incident()
        self.channel = factories.subscriber_channel()

    def subscriber(self, wanting: Wanting, number: int) -> Subscriber:
        services: dict[str, tuple[Service, ...]] = {
            "named service": (self.named,),
            "touched service": (self.touched,),
            "both": (self.named, self.touched, self.other),
            "other service": (self.other,),
        }
        incidents: dict[str, Incident] = {"incident": self.incident, "other incident": self.elsewhere}
        fields: dict[str, Any] = {"kind": wanting.kind, "language": wanting.language, "active": False}
        if wanting.asked_for in incidents:
            fields["incident"] = incidents[wanting.asked_for]
        return factories.subscriber(
            f"{number}@pharmacy.example",
            services=services.get(wanting.asked_for, ()),
            created_at=AT - timedelta(days=1),
            confirmed_at=None if wanting.confirmed is None else AT + wanting.confirmed * MINUTE,
            ended_at=AT if wanting.ended else None,
            **fields,
        )

    def publish(self) -> Mailing:
        update = factories.update(
            self.incident, published_at=AT, statuses={self.named: ServiceStatus.PARTIAL}
        )
        with transaction.atomic():
            deliveries.owe(update, at=AT)
        return self.channel.mailings.get(update=update)


class Died(Exception):
    """The process, in the middle of its work."""


@pytest.mark.django_db
@settings(max_examples=25, deadline=None)
@given(wanting=st.lists(WANTING, max_size=9), deaths=st.lists(st.integers(0, 3), max_size=6))
@example(wanting=[TOLD] * 7, deaths=[0, 1, 2])
def test_each_who_asked_is_told_once_in_her_language_whatever_dies(
    wanting: list[Wanting], deaths: list[int]
) -> None:
    with transaction.atomic():
        town = Town()
        rows = [town.subscriber(each, number) for number, each in enumerate(wanting)]
        town.publish()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(mailing, "AT_ONCE", 2)
            for steps in deaths:
                die_after(steps, town.channel)
            spread_all(town.channel)

        owed = Counter(town.channel.deliveries.values_list("subscriber", "language"))
        assert owed == {
            (row.pk, each.language.value): 1 for row, each in zip(rows, wanting, strict=True) if each.is_told
        }
        transaction.set_rollback(True)


def die_after(steps: int, channel: Channel) -> None:
    """So many parts are committed, then one is lost whole; or, as after a restored backup, only its mark is."""
    for _ in range(steps):
        mailing.spread(channel, at=AT)
        channel.deliveries.update(not_before=AT + MINUTE)  # not due, so that the next part is spread
    with suppress(Died), transaction.atomic():
        mailing.spread(channel, at=AT)
        raise Died
    Mailing.objects.filter(finished=False).update(after=0)


def spread_all(channel: Channel) -> None:
    while Mailing.objects.unfinished().exists():
        mailing.spread(channel, at=AT)
        channel.deliveries.update(not_before=AT + MINUTE)


@pytest.mark.django_db
def test_publishing_costs_the_same_for_one_subscriber_and_for_many() -> None:
    town = Town()
    counts = []
    for number in (1, 30):
        for n in range(number):
            town.subscriber(TOLD, 100 * number + n)
        update = factories.update(town.incident, published_at=AT)
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            deliveries.owe(update, at=AT)
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert (Mailing.objects.count(), Delivery.objects.count()) == (2, 0)


@pytest.mark.django_db
def test_no_more_is_spread_than_is_about_to_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailing, "AT_ONCE", 3)
    town = Town()
    for n in range(10):
        town.subscriber(TOLD, n)
    town.publish()

    counts = []
    for _ in range(3):
        mailing.spread(town.channel, at=AT)
        counts.append(town.channel.deliveries.count())

    assert counts == [3, 3, 3]


@pytest.mark.django_db
@pytest.mark.parametrize("action", [Action.CORRECTION, Action.WITHDRAWAL])
def test_of_a_correction_or_withdrawal_are_told_those_who_may_have_read_the_message(action: Action) -> None:
    town = Town()
    rows = [town.subscriber(TOLD, n) for n in range(6)]
    update = town.publish().update
    mailing.spread(town.channel, at=AT)
    states: list[dict[str, Any]] = [
        {"state": "sent", "sent_at": AT},
        {"state": "unknown"},
        {"state": "sending", "claim": Claim.objects.create(channel=town.channel, made_at=AT, lease_until=AT)},
        {"state": "failed"},
        {"state": "queued"},
        {"state": "dropped"},
    ]
    for row, state in zip(rows, states, strict=True):
        town.channel.deliveries.filter(subscriber=row).update(**state)
    correction = None
    if action == Action.CORRECTION:
        correction = Correction.objects.create(
            update=update,
            key=update.key,
            before={},
            reason="typo",
            corrected_at=AT,
            corrected_by=factories.user(Role.COMMUNICATIONS),
        )
    Mailing.objects.create(
        update=update,
        channel=town.channel,
        action=action,
        correction=correction,
        environment=django_settings.DESK_ENVIRONMENT_ID,
        created_at=AT,
    )

    town.channel.deliveries.update(not_before=AT + MINUTE)
    mailing.spread(town.channel, at=AT)

    told = town.channel.deliveries.filter(action=action)
    assert sorted(told.values_list("subscriber", flat=True)) == [row.pk for row in rows[:3]]


@pytest.mark.django_db
def test_subscribers_by_mail_and_by_webhook_each_have_a_mailing_of_their_own() -> None:
    town = Town()
    hooks = factories.subscriber_channel(ChannelKind.SUBSCRIBER_WEBHOOK)
    by_mail = town.subscriber(TOLD, 1)
    by_hook = factories.subscriber("https://hooks.example/x", kind=SubscriberKind.WEBHOOK, created_at=AT)
    town.publish()

    for channel in (town.channel, hooks):
        mailing.spread(channel, at=AT)

    assert [d.subscriber for d in town.channel.deliveries.all()] == [by_mail]
    assert [d.subscriber for d in hooks.deliveries.all()] == [by_hook]


@pytest.mark.django_db(transaction=True)
def test_four_senders_in_the_lane_never_take_the_same_message_and_never_lock_each_other_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mailing, "AT_ONCE", 20)
    town = Town()
    for n in range(120):
        town.subscriber(TOLD, n)
    town.publish()
    taken: list[int] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            drain(town.channel, taken)
        except BaseException as error:  # noqa: BLE001  # the test tells of it
            failed.append(error)
        finally:
            connection.close()

    together(work)

    assert failed == []
    assert Counter(taken) == Counter(town.channel.deliveries.values_list("pk", flat=True))
    assert len(taken) == 120
    assert not Claim.objects.exists()


def together(work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def drain(channel: Channel, taken: list[int]) -> None:
    can = Capabilities(in_doubt=Doubt.REPEAT, batch=7, senders=4)
    while held := sending.claim(channel, can=can, at=AT):
        for delivery in held.deliveries:
            assert sending.reach(held, delivery, at=AT)
            taken.append(delivery.pk)
            sending.note_sent(held, delivery, Receipt("ok"), at=AT)
        sending.release(held, at=AT)


@pytest.mark.django_db
def test_many_leave_over_a_real_server_in_parts_each_over_a_connection_of_its_own(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "AT_ONCE", 50)
    monkeypatch.setattr("django.utils.timezone.now", lambda: AT + MINUTE)
    town = Town()
    for n in range(130):
        town.subscriber(TOLD, n)
    town.publish()

    relay.run_once()

    assert Counter(mail.recipients) == {f"{n}@pharmacy.example": 1 for n in range(130)}
    assert mail.connections == 3
    assert set(town.channel.deliveries.values_list("state", flat=True)) == {"sent"}
