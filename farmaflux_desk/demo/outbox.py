"""The outbox of a demonstration: messages are made as ever and leave this machine by no way, nor is anybody asked.

What needs no way out is done: mail is written to files, and a webhook at a loopback address is posted to.
"""

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from django.core.mail import mailers
from django.utils.translation import gettext_noop

from comms import relay
from comms.channels import addresses, kinds, smtp
from comms.channels.base import Receipt, Transport
from comms.channels.email import EmailTransport
from comms.channels.webhook import Post, WebhookTransport
from comms.models import Channel, Delivery
from farmaflux_desk.models import Demonstration
from tickets import mentions

POST = "demonstration-"  # and the delivery's key: the name of a post that nobody can see
NOTHING_LEFT = gettext_noop("The demonstration sends nothing: here it would have left.")


def deliver(lane: str, stopping: relay.Stopping = lambda: False) -> int:
    """As comms.relay.send_through; of a demonstration nothing leaves this machine, whoever added the channel."""
    by = indoors if Demonstration.objects.exists() else kinds.transport
    return relay.send_through(lane, stopping, by=by)


def accounts() -> list[str]:
    """As tickets.mentions.accounts; of a demonstration none is read."""
    return [] if Demonstration.objects.exists() else mentions.accounts()


def indoors(channel: Channel) -> Transport:
    """Mail is written to files where no mail server is set, as everywhere; webhooks of this machine are posted to; all
    else is noted and goes nowhere."""
    way = kinds.transport(channel)
    if isinstance(way, EmailTransport) and not isinstance(mailers["default"], smtp.Backend):
        return way
    return WebhooksIndoors(way) if isinstance(way, WebhookTransport) else Indoors(way)


@dataclass(frozen=True)
class Unsent:
    """A message as it would have left."""

    delivery: Delivery
    message: Any


class Indoors:
    """Makes the messages of another transport, whose refusals hold, and never opens its connection."""

    def __init__(self, way: Transport) -> None:
        self._way = way
        self.capabilities = way.capabilities
        self.settings = way.settings

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def prepare(self, delivery: Delivery) -> Any:
        return Unsent(delivery, self._way.prepare(delivery))

    def send(self, message: Any) -> Receipt:
        """Named after the delivery, so that it can be corrected and removed as a post can."""
        return Receipt(NOTHING_LEFT, id=f"{POST}{message.delivery.key}")

    def find(self, message: Any) -> Receipt | None:
        return None


class WebhooksIndoors(Indoors):
    """Posts to receivers of this machine, where DESK_WEBHOOK_NETWORKS allows it, for who tries webhooks out."""

    def __enter__(self) -> Self:
        self._way.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._way.__exit__(kind, error, trace)

    def prepare(self, delivery: Delivery) -> Any:
        message: Post = self._way.prepare(delivery)
        return message if addresses.loopback(message.url) else Unsent(delivery, message)

    def send(self, message: Any) -> Receipt:
        return super().send(message) if isinstance(message, Unsent) else self._way.send(message)
