"""Subscriptions: asked for by anyone, confirmed by whoever reads the address, ended by one click.

Asking costs the same for every address and answers the same: a row, and a notice in the outbox. Whether the address
is subscribed already is looked up when the notice is written, by the sender (comms.channels.notices).
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_urlsafe

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.languages import Language
from accounts.models import User
from accounts.refusals import Refused
from comms import secrets
from comms.models import Channel, ChannelKind, Delivery, Notice, Scope, Subscriber, SubscriberKind
from comms.models.subscriber import CONFIRMABLE_FOR
from comms.permissions import check_find_subscriber
from incidents.models import Incident, Service

log = structlog.get_logger(__name__)

FORGOTTEN_AFTER = timedelta(days=30)
# An incident's last message must still reach those who asked for that incident alone.
OVER_AFTER = timedelta(days=1)

_CHANNELS = {
    SubscriberKind.EMAIL: (ChannelKind.SUBSCRIBER_EMAIL, "subscribers-email", "Subscribers, e-mail"),
    SubscriberKind.WEBHOOK: (ChannelKind.SUBSCRIBER_WEBHOOK, "subscribers-hook", "Subscribers, webhooks"),
}


@dataclass(frozen=True)
class Wish:
    """What someone wants to be told of, and in which language; services and incident as the scope asks for."""

    language: Language
    scope: Scope
    services: Collection[Service] = field(default=())
    incident: Incident | None = None


@dataclass(frozen=True)
class Asked:
    """*secret*: of a webhook, what signs its posts; shown once, for it is kept sealed. Empty for e-mail."""

    subscriber: Subscriber
    secret: str


@transaction.atomic
def request_subscription(
    *, kind: SubscriberKind, address: str, wish: Wish, at: datetime | None = None
) -> Asked:
    """Make a pending subscription of *address* (normal, see comms.channels) and owe it a notice.

    Writes the same rows in the same number of queries whether or not the address is known.
    """
    at = at or timezone.now()
    secret = token_urlsafe(32) if kind == SubscriberKind.WEBHOOK else ""
    subscriber = Subscriber.objects.create(
        kind=kind,
        sealed_address=secrets.seal(address),
        fingerprint=secrets.fingerprints(address)[0],
        sealed_secret=secrets.seal(secret) if secret else "",
        language=wish.language,
        scope=wish.scope,
        incident=wish.incident,
        created_at=at,
    )
    subscriber.services.set(wish.services)
    _owe(subscriber, Notice.SIGN_UP, at=at)
    return Asked(subscriber, secret)


def _owe(subscriber: Subscriber, notice: Notice, *, at: datetime) -> None:
    Delivery.objects.create(
        subscriber=subscriber,
        notice=notice,
        channel=_channel(SubscriberKind(subscriber.kind)),
        language=subscriber.language,
        environment=settings.DESK_ENVIRONMENT_ID,
        created_at=at,
        not_before=at,
    )


def _channel(kind: SubscriberKind) -> Channel:
    """The lane of all subscribers of a kind, made for the first of them."""
    channel_kind, key, name = _CHANNELS[kind]
    channel, _created = Channel.objects.get_or_create(
        key=key, defaults={"kind": channel_kind, "name": name, "position": 100}
    )
    return channel


@transaction.atomic
def confirm(subscriber: Subscriber, *, at: datetime | None = None) -> Subscriber:
    """Begin the subscription; returns the one that is active for the address from now on.

    That is another when an earlier sign-up was confirmed meanwhile; confirming twice changes nothing. Raises Refused
    when it has ended, or was asked for more than three days ago.
    """
    at = at or timezone.now()
    # Two sign-ups of one address may be confirmed at once: all rows of it are locked, in one order.
    known = secrets.fingerprints(secrets.unseal(subscriber.sealed_address))
    rows = list(Subscriber.objects.select_for_update().of(known).order_by("pk"))
    if active := next((row for row in rows if row.confirmed_at and not row.ended_at), None):
        return active
    locked = next((row for row in rows if row.pk == subscriber.pk), None)
    if locked is None or not locked.confirmable(at):
        raise Refused(_("This subscription was not confirmed in time, or has ended. Ask for it again."))
    locked.confirmed_at = at
    locked.save(update_fields=["confirmed_at"])
    return locked


def answered(subscriber: Subscriber, *, at: datetime | None = None) -> None:
    """A webhook answered its challenge, which confirms it; unless it has ended while it was asked."""
    try:
        confirm(subscriber, at=at)
    except Refused as refusal:
        log.info("subscription_not_confirmed", key=str(subscriber.key), reason=refusal.message)


@transaction.atomic
def change(subscriber: Subscriber, *, wish: Wish) -> Subscriber:
    """Replace what the subscriber is told of, and the language. Raises Refused unless it is active."""
    locked = Subscriber.objects.select_for_update().active().filter(pk=subscriber.pk).first()
    if locked is None:
        raise Refused(_("This subscription is not active, so there is nothing to change."))
    locked.language, locked.scope, locked.incident = wish.language, wish.scope, wish.incident
    locked.save(update_fields=["language", "scope", "incident"])
    locked.services.set(wish.services)
    return locked


def unsubscribe(subscriber: Subscriber, *, at: datetime | None = None) -> None:
    """End the subscription, confirmed or not; what has ended stays as it is."""
    Subscriber.objects.filter(pk=subscriber.pk, ended_at=None).update(ended_at=at or timezone.now())


def end(subscriber: Subscriber, *, by: User, at: datetime | None = None) -> None:
    """Somebody asked the desk to end it. Raises Refused when it has ended already."""
    check_find_subscriber(by)
    rows = Subscriber.objects.filter(pk=subscriber.pk, ended_at=None)
    if not rows.update(ended_at=at or timezone.now(), ended_by=by):
        raise Refused(_("This subscription has ended already."))


@transaction.atomic
def send_link(subscriber: Subscriber, *, by: User, at: datetime | None = None) -> None:
    """Owe an active subscriber the link to her subscription. Raises Refused unless it is active."""
    check_find_subscriber(by)
    if not Subscriber.objects.active().filter(pk=subscriber.pk).exists():
        raise Refused(_("This subscription is not active, so there is nothing to change."))
    _owe(subscriber, Notice.MANAGE, at=at or timezone.now())


def find(kind: SubscriberKind, address: str, *, by: User) -> list[Subscriber]:
    """The rows of a whole normal address, the newest first. Raises NotAllowed."""
    check_find_subscriber(by)
    rows = Subscriber.objects.of(secrets.fingerprints(address)).filter(kind=kind)
    return list(rows.select_related("incident", "ended_by").prefetch_related("services").order_by("-pk"))


@transaction.atomic
def tidy(at: datetime | None = None) -> None:
    """End what asked for an incident that is over; forget what was not confirmed in 3 days or ended 30 days ago."""
    at = at or timezone.now()
    over = Incident.objects.resolved().exclude(phase_changes__occurred_at__gt=at - OVER_AFTER)
    Subscriber.objects.active().filter(incident__in=over.values("pk")).update(ended_at=at)
    unconfirmed = Q(confirmed_at=None, created_at__lte=at - CONFIRMABLE_FOR)
    Subscriber.objects.filter(unconfirmed | Q(ended_at__lte=at - FORGOTTEN_AFTER)).delete()
