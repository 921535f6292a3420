"""Subscriptions as rows: asked for, confirmed once per address, ended, forgotten."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.languages import Language
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms import secrets
from comms.models import Channel, Delivery, Notice, Scope, Subscriber, SubscriberKind
from comms.operations import deliveries
from comms.operations import subscribers as operations
from comms.operations.subscribers import Asked, Wish
from farmaflux_desk.jobs import jobs
from incidents.models import Phase, PhaseChange
from tests import factories

pytestmark = pytest.mark.django_db

AT = factories.OUTAGE
DAY = timedelta(days=1)
EVERYTHING = Wish(Language.NL, Scope.EVERYTHING)


def ask(address: str = "reader@pharmacy.example", wish: Wish = EVERYTHING) -> Asked:
    return operations.request_subscription(kind=SubscriberKind.EMAIL, address=address, wish=wish, at=AT)


def kept(subscriber: Subscriber) -> Subscriber:
    return Subscriber.objects.get(pk=subscriber.pk)


def test_asking_makes_a_pending_subscription_and_owes_one_notice() -> None:
    asked = ask()

    row = Subscriber.objects.get()
    assert (row, row.state, row.language, row.scope) == (asked.subscriber, "pending", "nl", "everything")
    delivery = Delivery.objects.get()
    assert (delivery.subscriber, delivery.notice, delivery.language) == (row, Notice.SIGN_UP, "nl")
    assert (delivery.recipient, delivery.update, delivery.channel.kind) == ("", None, "subscriber-email")


def test_no_column_of_any_row_holds_the_address() -> None:
    ask("somebody@pharmacy.example")

    written: list[QuerySet[Subscriber] | QuerySet[Delivery]] = [
        Subscriber.objects.all(),
        Delivery.objects.all(),
    ]
    assert "somebody" not in str([list(rows.values()) for rows in written])
    assert secrets.unseal(Subscriber.objects.get().sealed_address) == "somebody@pharmacy.example"


def test_a_webhook_gets_a_secret_that_is_kept_sealed() -> None:
    asked = operations.request_subscription(
        kind=SubscriberKind.WEBHOOK, address="https://hooks.example/x", wish=EVERYTHING, at=AT
    )

    row = Subscriber.objects.get()
    assert len(asked.secret) >= 32
    assert asked.secret not in row.sealed_secret
    assert secrets.unseal(row.sealed_secret) == asked.secret
    assert Channel.objects.get().kind == "subscriber-hook"


def test_asking_for_a_known_address_is_the_same_work_as_for_an_unknown_one() -> None:
    ask("first@pharmacy.example")  # makes the lane
    factories.subscriber("known@pharmacy.example")
    done = []
    for address in ("unknown@pharmacy.example", "known@pharmacy.example"):
        rows = Subscriber.objects.count(), Delivery.objects.count()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            ask(address)
        added = Subscriber.objects.count() - rows[0], Delivery.objects.count() - rows[1]
        statements = [re.sub(r"\d+", "n", query["sql"].partition("VALUES")[0]) for query in queries]
        done.append((added, statements))

    assert done[0] == done[1]
    assert done[0][0] == (1, 1)


def test_confirming_begins_it_and_confirming_again_changes_nothing() -> None:
    row = factories.subscriber(active=False)

    assert operations.confirm(row, at=AT + DAY) == row
    assert operations.confirm(row, at=AT + 2 * DAY) == row
    assert (kept(row).state, kept(row).confirmed_at) == ("active", AT + DAY)


def test_a_second_sign_up_of_an_address_is_not_confirmed_beside_the_first() -> None:
    first = factories.subscriber()
    second = factories.subscriber(active=False)

    assert operations.confirm(second, at=AT) == first
    assert kept(second).state == "pending"


def test_the_database_knows_one_active_subscription_for_each_address() -> None:
    factories.subscriber()
    factories.subscriber(active=False)
    factories.subscriber(ended_at=AT)
    factories.subscriber("other@pharmacy.example")

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.subscriber()


@pytest.mark.parametrize("after", [3 * DAY, 30 * DAY])
def test_three_days_later_it_is_too_late_to_confirm(after: timedelta) -> None:
    row = factories.subscriber(active=False)

    with pytest.raises(Refused):
        operations.confirm(row, at=AT + after)
    assert kept(row).state == "pending"
    operations.confirm(row, at=AT + 3 * DAY - timedelta(seconds=1))


def test_what_has_ended_is_not_confirmed() -> None:
    row = factories.subscriber(active=False)
    operations.unsubscribe(row, at=AT)

    with pytest.raises(Refused):
        operations.confirm(row, at=AT)
    assert kept(row).confirmed_at is None


@pytest.mark.django_db(transaction=True)
def test_of_two_sign_ups_of_one_address_confirmed_at_once_one_is_active() -> None:
    rows = [factories.subscriber(active=False, created_at=timezone.now()) for _ in range(4)]
    start, begun = threading.Barrier(4), []

    def confirm(row: Subscriber) -> None:
        start.wait()
        begun.append(operations.confirm(row))
        connection.close()

    threads = [threading.Thread(target=confirm, args=(row,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(begun) == 4
    assert [*Subscriber.objects.active()] == list(set(begun))


def test_changing_replaces_what_is_told() -> None:
    old, new = factories.service("dpp"), factories.service("raotd")
    row = factories.subscriber(services=(old,))

    operations.change(row, wish=Wish(Language.DE, Scope.SERVICES, [new]))

    assert (kept(row).language, kept(row).scope, [*row.services.all()]) == ("de", "services", [new])

    incident = factories.incident()
    operations.change(row, wish=Wish(Language.DE, Scope.INCIDENT, (), incident))

    assert (kept(row).scope, kept(row).incident, [*row.services.all()]) == ("incident", incident, [])


@pytest.mark.parametrize("fields", [{"active": False}, {"ended_at": AT}])
def test_what_is_not_active_is_not_changed(fields: dict[str, object]) -> None:
    row = factories.subscriber(**fields)  # type: ignore[arg-type]

    with pytest.raises(Refused):
        operations.change(row, wish=EVERYTHING)
    assert kept(row).language == "fr"


def test_unsubscribing_twice_keeps_the_first_moment() -> None:
    row, other = factories.subscriber(), factories.subscriber("other@pharmacy.example")

    operations.unsubscribe(row, at=AT + DAY)
    operations.unsubscribe(row, at=AT + 2 * DAY)

    assert (kept(row).ended_at, kept(row).state, kept(other).state) == (AT + DAY, "ended", "active")


def test_who_unsubscribed_may_subscribe_again() -> None:
    first = factories.subscriber()
    operations.unsubscribe(first, at=AT)
    second = factories.subscriber(active=False)

    assert operations.confirm(second, at=AT) == second


def test_unconfirmed_is_forgotten_in_three_days_and_ended_in_thirty_with_all_that_was_owed() -> None:
    asked = ask("late@pharmacy.example").subscriber
    ended = factories.subscriber("ended@pharmacy.example", ended_at=AT)
    recent = factories.subscriber("recent@pharmacy.example", ended_at=AT + 28 * DAY)
    active = factories.subscriber("active@pharmacy.example")

    operations.tidy(AT + 3 * DAY - timedelta(seconds=1))
    assert Subscriber.objects.count() == 4

    operations.tidy(AT + 3 * DAY)
    assert [*Subscriber.objects.all()] == [ended, recent, active]
    assert not Delivery.objects.filter(subscriber=asked.pk).exists()

    operations.tidy(AT + 30 * DAY)
    assert [*Subscriber.objects.all()] == [recent, active]


def test_a_subscription_to_an_incident_ends_a_day_after_it_was_resolved() -> None:
    over, lasting = factories.incident(), factories.incident()
    row = factories.subscriber(incident=over)
    others = [
        factories.subscriber("lasting@pharmacy.example", incident=lasting),
        factories.subscriber("all@pharmacy.example"),
    ]
    PhaseChange.objects.create(
        incident=over, phase=Phase.RESOLVED, occurred_at=AT + DAY, recorded_at=AT + DAY, by=over.declared_by
    )

    operations.tidy(AT + 2 * DAY - timedelta(seconds=1))
    assert kept(row).state == "active"

    operations.tidy(AT + 2 * DAY + timedelta(seconds=1))
    assert (kept(row).state, kept(row).ended_by) == ("ended", None)
    assert [kept(other).state for other in others] == ["active", "active"]


def test_an_administrator_finds_and_ends_a_subscription_and_is_named() -> None:
    row = factories.subscriber()
    administrator = factories.user(Role.ADMINISTRATOR)

    assert operations.find(SubscriberKind.EMAIL, "reader@pharmacy.example", by=administrator) == [row]
    assert operations.find(SubscriberKind.EMAIL, "reader@pharmacy.exampl", by=administrator) == []
    operations.end(row, by=administrator, at=AT)

    assert (kept(row).ended_at, kept(row).ended_by) == (AT, administrator)
    with pytest.raises(Refused):
        operations.end(row, by=administrator)


def test_nobody_else_finds_or_ends_one() -> None:
    row, lead = factories.subscriber(), factories.user(Role.LEAD)

    for act in (
        lambda: operations.find(SubscriberKind.EMAIL, "reader@pharmacy.example", by=lead),
        lambda: operations.end(row, by=lead),
        lambda: operations.send_link(row, by=lead),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert kept(row).state == "active"
    assert not Delivery.objects.exists()


def test_an_administrator_has_the_link_sent_to_an_active_subscriber() -> None:
    administrator = factories.user(Role.ADMINISTRATOR)
    row, ended = factories.subscriber(), factories.subscriber("ended@pharmacy.example", ended_at=AT)

    operations.send_link(row, by=administrator)
    with pytest.raises(Refused):
        operations.send_link(ended, by=administrator)

    assert list(Delivery.objects.values_list("subscriber", "notice")) == [(row.pk, "manage")]


def test_after_a_new_secret_key_the_address_is_known_and_not_subscribed_twice(settings: Settings) -> None:
    first = factories.subscriber()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret-key-of-a-good-length-0123"
    second = factories.subscriber(active=False)

    assert second.fingerprint != first.fingerprint
    assert operations.confirm(second, at=AT) == first


def test_tidying_is_a_job_of_the_relay() -> None:
    assert operations.tidy in [job.function for job in jobs("relay")]


def test_publishing_an_update_owes_subscribers_nothing_yet() -> None:
    ask()
    factories.subscriber("active@pharmacy.example")

    with transaction.atomic():
        owed = deliveries.owe(factories.update(published_at=AT), at=AT)

    assert not owed.exists()
    assert [delivery.notice for delivery in Delivery.objects.all()] == ["sign_up"]
