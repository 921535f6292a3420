"""What is written to a subscriber beside the updates: a link to confirm with, or to what the address has already.

Which of the two is decided here, when it is written, so that asking for a subscription tells nobody whether an
address is known. So is whether it is too soon to write to that address again.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_noop

from comms import secrets
from comms.channels.base import TransportError
from comms.models import Delivery, DeliveryAttempt, Notice, Subscriber

PAUSE = timedelta(minutes=10)
MOST_A_DAY = 5

TOO_SOON = gettext_noop("The address was written to a moment ago, or too often today.")
ENDED = gettext_noop("The subscription has ended, or the time to confirm it.")
WRONG_KEY = gettext_noop("The address was sealed with another SECRET_KEY.")


@dataclass(frozen=True)
class Written:
    """*subscriber*: whose links it carries. *confirms*: it asks to confirm, else it tells what there is already."""

    subscriber: Subscriber
    address: str
    confirms: bool


def written(delivery: Delivery) -> Written:
    """What to write now, to an address that is not written to more than once in ten minutes and five times a day.

    What a member of staff sends is not counted. Raises TransportError.
    """
    subscriber = delivery.subscriber
    if subscriber is None:
        raise ValueError("An update is no notice.")
    address = address_of(subscriber)
    known = secrets.fingerprints(address)
    active = Subscriber.objects.active().of(known).first()
    if active is None and not subscriber.confirmable(timezone.now()):
        raise TransportError(ENDED, permanent=True)
    if delivery.notice == Notice.SIGN_UP and _too_soon(delivery, known):
        raise TransportError(TOO_SOON, permanent=True)
    return Written(active or subscriber, address, confirms=active is None)


def subscribed(delivery: Delivery) -> Subscriber:
    """The subscriber who is told of an update. Raises TransportError when she has unsubscribed meanwhile."""
    subscriber = delivery.subscriber
    if subscriber is None:
        raise ValueError("This delivery is nobody's subscription.")
    if subscriber.ended_at:
        raise TransportError(ENDED, permanent=True)
    return subscriber


def address_of(subscriber: Subscriber) -> str:
    """Raises TransportError."""
    try:
        return secrets.unseal(subscriber.sealed_address)
    except secrets.Unreadable as error:
        raise TransportError(WRONG_KEY, permanent=True) from error


def _too_soon(delivery: Delivery, known: list[str]) -> bool:
    """Counts what was begun, not what arrived; of one notice its repeats count once, and those held back here never.

    Messages about incidents are no reason to wait: she asked for them.
    """
    now = timezone.now()
    others = DeliveryAttempt.objects.filter(
        delivery__subscriber__fingerprint__in=known,
        delivery__notice=Notice.SIGN_UP,
        started_at__gt=now - timedelta(days=1),
    ).exclude(detail=TOO_SOON)
    others = others.exclude(delivery=delivery)
    today = others.values_list("delivery").distinct().count()
    return today >= MOST_A_DAY or others.filter(started_at__gt=now - PAUSE).exists()
