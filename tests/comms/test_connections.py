"""However many lanes there are, each comes to a connection to the database, whatever hangs in the others."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Self, cast

import pytest
from django.db import connection, transaction
from django.utils import timezone

from comms import relay
from comms.channels.base import Capabilities, Doubt, Receipt, Setting, Transport
from comms.models import Channel, Delivery
from comms.operations import deliveries
from farmaflux_desk.configuration import CONNECTIONS
from farmaflux_desk.postgresql import MOST_PREPARED
from farmaflux_desk.runner import LaneJob, Runner, wait_for_connections
from tests import factories

PATIENCE = 60  # seconds until a test that waits for nothing fails


class Hanging:
    """Takes many at once, as mail does, and hangs until *go_on*."""

    capabilities = Capabilities(in_doubt=Doubt.REPEAT, batch=100)
    settings: tuple[Setting, ...] = ()
    go_on = threading.Event()

    def __init__(self, channel: Channel) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def prepare(self, delivery: Delivery) -> Delivery:
        return delivery

    def send(self, message: Delivery) -> Receipt:
        assert self.go_on.wait(PATIENCE)
        return Receipt("ok")

    def find(self, message: Delivery) -> Receipt | None:
        raise NotImplementedError


class Quick(Hanging):
    capabilities = Capabilities(in_doubt=Doubt.ASK)

    def send(self, message: Delivery) -> Receipt:
        return Receipt("ok")


def by(channel: Channel) -> Transport:
    return cast(Transport, (Hanging if channel.kind == "email" else Quick)(channel))


@contextmanager
def pool_of(connections: int) -> Iterator[None]:
    """As the relay waits for one."""
    options = connection.settings_dict["OPTIONS"]
    before = options["pool"]
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
    options["pool"] = {"min_size": 1, "max_size": connections, "timeout": 1}
    wait_for_connections()
    try:
        yield
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        options["pool"] = before


def test_those_who_keep_a_connection_leave_half_of_them_to_the_others() -> None:
    assert relay.KEEPERS._initial_value == CONNECTIONS / 2  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_who_may_not_keep_a_connection_yet_has_claimed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = factories.mail_channel("a@apb.example")
    with transaction.atomic():
        deliveries.owe(factories.update(published_at=factories.OUTAGE), at=timezone.now())
    asked: list[Any] = []

    class Full:
        """The second time somebody has let go."""

        def acquire(self, *, blocking: bool = True) -> bool:
            asked.append((blocking, Delivery.objects.get().state))
            return blocking

        def release(self) -> None:
            asked.append(Delivery.objects.get().state)

    monkeypatch.setattr(relay, "KEEPERS", Full())
    monkeypatch.setattr(Hanging, "go_on", threading.Event())
    Hanging.go_on.set()

    relay.send_through(f"{channel.pk}/0", by=by)

    assert asked[:3] == [(False, "queued"), (True, "queued"), "sent"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no pool")
@pytest.mark.django_db
def test_a_connection_keeps_the_plans_of_more_questions_than_a_desk_asks() -> None:
    connection.ensure_connection()

    assert connection.connection.prepared_max == MOST_PREPARED > 100


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no pool")
@pytest.mark.django_db(transaction=True)
def test_many_lanes_that_hang_leave_connections_to_many_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(8):
        factories.mail_channel(f"reader{n}@apb.example")
    for _ in range(37):
        factories.webhook_channel("https://hooks.example.org/")
    with transaction.atomic():
        deliveries.owe(factories.update(published_at=factories.OUTAGE), at=timezone.now())
    monkeypatch.setattr(relay, "KEEPERS", threading.BoundedSemaphore(2))
    monkeypatch.setattr(Hanging, "go_on", threading.Event())
    failed: list[Exception] = []

    def deliver(lane: str, stopping: relay.Stopping) -> None:
        try:
            relay.send_through(lane, stopping, by=by)
        except Exception as error:
            failed.append(error)
            raise

    with pool_of(4):
        runner = Runner([LaneJob("deliver", relay.lanes, deliver, timedelta(seconds=1))])
        thread = threading.Thread(target=runner.run)
        thread.start()
        try:
            waiting = Delivery.objects.exclude(channel__kind="email").exclude(state="sent")
            assert until(lambda: not waiting.exists())
            Hanging.go_on.set()
            assert until(lambda: not Delivery.objects.exclude(state="sent").exists())
        finally:
            Hanging.go_on.set()
            runner.stop()
            thread.join()

    assert failed == []


def until(true: Any) -> bool:
    came = threading.Event()
    for _ in range(PATIENCE * 10):
        if true():
            return True
        came.wait(0.1)
    return False
