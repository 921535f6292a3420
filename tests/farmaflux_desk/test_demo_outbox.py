"""Nothing leaves the machine of a demonstration, by whichever channel; from any other database it does."""

import ipaddress
from collections.abc import Iterator

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.languages import Language
from comms import links
from comms.models import Channel, ChannelKind, Delivery, DeliveryState, Scope, Subscriber, SubscriberKind
from comms.operations import deliveries, subscribers
from farmaflux_desk.demo.outbox import NOTHING_LEFT
from farmaflux_desk.jobs import jobs
from farmaflux_desk.models import Demonstration
from farmaflux_desk.runner import LaneJob
from tests import factories
from tests.comms.conftest import use_mail_server
from tests.comms.receivers import HookServer, MailServer, hook_server, mail_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def hook(settings: Settings) -> Iterator[HookServer]:
    settings.DESK_WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with hook_server() as server:
        yield server


@pytest.fixture
def mail(settings: Settings) -> Iterator[MailServer]:
    with mail_server() as server:
        use_mail_server(settings, server.port)
        yield server


def publish_by(*channels: Channel) -> None:
    """Owed, and delivered."""
    with transaction.atomic():
        deliveries.owe(factories.update(published_at=timezone.now()), at=timezone.now())
    for channel in channels:
        deliver(channel)


def deliver(channel: Channel) -> None:
    """By the background job that delivers."""
    [job] = [job for job in jobs("relay") if job.name == "deliver"]
    assert isinstance(job, LaneJob)
    job.function(f"{channel.pk}/0", lambda: False)


def answers() -> list[tuple[str, str]]:
    rows = Delivery.objects.order_by("pk").prefetch_related("attempts")
    return [(row.state, row.last_attempt.detail if row.last_attempt else "") for row in rows]


def test_a_message_of_a_demonstration_is_noted_and_reaches_nobody(hook: HookServer, mail: MailServer) -> None:
    Demonstration.objects.create(pk=1, loaded_at=timezone.now(), live=True)
    somewhere = hook.url.replace("127.0.0.1", "localhost")  # a name, and nobody asks where it leads

    publish_by(factories.webhook_channel(somewhere), factories.mail_channel("chair@apb.example"))

    assert (hook.connections, mail.accepted) == (0, [])
    assert answers() == [(DeliveryState.SENT, NOTHING_LEFT)] * 2


def test_a_receiver_of_this_machine_is_posted_to_by_a_demonstration(hook: HookServer) -> None:
    Demonstration.objects.create(pk=1, loaded_at=timezone.now(), live=True)

    publish_by(factories.webhook_channel(hook.url))

    [received] = hook.received
    assert "FarmaFlux-Signature" in received.headers
    assert answers() == [(DeliveryState.SENT, "HTTP 200")]


def test_a_receiver_of_this_machine_confirms_its_subscription_to_a_demonstration(hook: HookServer) -> None:
    Demonstration.objects.create(pk=1, loaded_at=timezone.now(), live=True)
    channel = factories.subscriber_channel(ChannelKind.SUBSCRIBER_WEBHOOK, key="subscribers-hook")
    wish = subscribers.Wish(Language.FR, Scope.EVERYTHING)
    asked = subscribers.request_subscription(kind=SubscriberKind.WEBHOOK, address=hook.url, wish=wish)
    hook.body = links.challenge(asked.subscriber).encode()

    deliver(channel)

    assert Subscriber.objects.get().state == "active"


def test_the_same_message_of_any_other_database_leaves(hook: HookServer, mail: MailServer) -> None:
    publish_by(factories.webhook_channel(hook.url), factories.mail_channel("chair@apb.example"))

    assert (len(hook.received), mail.recipients) == (1, ["chair@apb.example"])
    assert {state for state, _detail in answers()} == {DeliveryState.SENT}


def test_what_a_demonstration_could_not_make_is_refused_as_anywhere(hook: HookServer) -> None:
    Demonstration.objects.create(pk=1, loaded_at=timezone.now(), live=True)

    publish_by(factories.webhook_channel(hook.url, sealed_secrets=""))

    assert answers()[0][0] == DeliveryState.FAILED


def test_a_demonstration_writes_its_mail_to_files_where_no_server_is_set() -> None:
    Demonstration.objects.create(pk=1, loaded_at=timezone.now(), live=True)

    publish_by(factories.mail_channel("chair@apb.example"))

    assert answers() == [(DeliveryState.SENT, "written to a file: no mail server is set")]
