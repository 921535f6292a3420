"""The ways to subscribers. Each is one lane for all of them; an address that hangs costs the others seconds."""

import hmac
import json
import time
from dataclasses import dataclass, field
from email.utils import format_datetime
from uuid import uuid5

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from comms import links, secrets
from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.channels.email import EmailTransport
from comms.channels.http import Answer, judge
from comms.channels.letter import Reader, domain
from comms.channels.notices import WRONG_KEY, Written, address_of, subscribed, written
from comms.channels.stencil import Letter, Stencil
from comms.channels.webhook import Post, WebhookTransport
from comms.models import Action, Delivery, Notice, Scope, Subscriber
from comms.status import api
from comms.status.incident_facts import opaque
from comms.status.snapshot import snapshot

LONGEST = 30.0  # seconds after which no further post of a delivery is begun; its lease must not run out
TOO_SLOW = gettext_noop("The address answers too slowly to be told of each component.")
NOT_ANSWERED = gettext_noop("The address did not answer the challenge.")


class SubscriberMail(EmailTransport):
    """Notices, and updates for thousands: four connections side by side."""

    capabilities = Capabilities(in_doubt=Doubt.REPEAT, batch=100, senders=4)

    def prepare(self, delivery: Delivery) -> EmailMessage:
        if delivery.notice and delivery.notice != Notice.TEST:
            return notice_letter(delivery, written(delivery))
        return super().prepare(delivery)

    def reader(self, delivery: Delivery) -> Reader:
        subscriber = subscribed(delivery)
        return Reader(
            address_of(subscriber),
            manage=links.url(subscriber, links.Purpose.MANAGE),
            unsubscribe=links.url(subscriber, links.Purpose.UNSUBSCRIBE),
        )

    def send(self, message: EmailMessage) -> Receipt:
        """As every mail; what the server says of it is kept without the address, which is sealed elsewhere."""
        try:
            return super().send(message)
        except TransportError as error:
            [address] = message.to
            error.args = (str(error).replace(address, "…"),)
            raise


def notice_letter(delivery: Delivery, notice: Written) -> Letter:
    """In the language that was asked for; the same each time it is made, Message-ID included."""
    context = {
        "notice": notice,
        "subscriber": notice.subscriber,
        "language": delivery.language,
        "confirm": links.url(notice.subscriber, links.Purpose.CONFIRM),
        "manage": links.url(notice.subscriber, links.Purpose.MANAGE),
        "unsubscribe": links.url(notice.subscriber, links.Purpose.UNSUBSCRIBE),
    }
    with translation.override(delivery.language):
        subject = _("Confirm your subscription") if notice.confirms else _("You are subscribed already")
        stencil = Stencil.of(
            headers={
                "From": str(settings.DEFAULT_FROM_EMAIL),
                "Reply-To": settings.DESK_MAIL_REPLY_TO,
                "Subject": f"FarmaFlux · {subject}",
                "Date": format_datetime(timezone.localtime(delivery.created_at)),
                "Content-Language": delivery.language,
                "Auto-Submitted": "auto-generated",  # RFC 3834
                "X-Auto-Response-Suppress": "All",  # the same for Exchange
            },
            text=render_to_string("public/mail/notice.txt", context),
            html=render_to_string("public/mail/notice.html", context),
        )
    headers = {
        "Message-ID": f"<{delivery.key}@{domain()}>",
        "List-Unsubscribe": f"<{context['unsubscribe']}>",  # RFC 2369
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
    }
    return stencil.filled(to=notice.address, headers=headers, blanks={})


@dataclass(frozen=True)
class Challenge(Post):
    """A post that the address must answer with `expected` for *subscriber* to be confirmed."""

    subscriber: Subscriber = field(kw_only=True)
    expected: str = field(kw_only=True, repr=False)


@dataclass(frozen=True)
class Told(Post):
    """The incident as a message left it; *then* each component that the message changed, under a key of its own.

    Together they are one delivery: when one is not taken all are repeated, and recognised by their keys.
    """

    then: tuple[Post, ...] = field(kw_only=True, default=())


class SubscriberWebhook(WebhookTransport):
    capabilities = Capabilities(in_doubt=Doubt.REPEAT, idempotent=True, senders=4)
    settings: tuple[Setting, ...] = ()

    def prepare(self, delivery: Delivery) -> Post:
        if delivery.notice:
            return self._notice(delivery, written(delivery))
        return self._told(delivery, subscribed(delivery))

    def _told(self, delivery: Delivery, subscriber: Subscriber) -> "Told":
        facts, update = snapshot(timezone.now()), delivery.message
        incident, address, secret = update.incident.public_id, address_of(subscriber), _secret(subscriber)
        unsubscribe = links.url(subscriber, links.Purpose.UNSUBSCRIBE)
        changed = api.component_updates(
            facts, incident, opaque(f"update {update.key}"), unsubscribe=unsubscribe
        )
        wanted = {service.public_id for service in subscriber.services.all()}
        return Told(
            address,
            api.webhook(facts, incident, unsubscribe=unsubscribe),
            str(delivery.key),
            secret,
            then=tuple(
                Post(address, content, str(uuid5(delivery.key, component)), secret)
                for component, content in changed
                if delivery.action == Action.POST
                and (subscriber.scope != Scope.SERVICES or component in wanted)
            ),
        )

    def _notice(self, delivery: Delivery, notice: Written) -> Post:
        subscriber = notice.subscriber
        secret = _secret(subscriber)
        unsubscribe = links.url(subscriber, links.Purpose.UNSUBSCRIBE)
        if not notice.confirms:
            manage = links.url(subscriber, links.Purpose.MANAGE)
            said = {"type": "already_subscribed", "manage_url": manage, "unsubscribe_url": unsubscribe}
            return Post(notice.address, json.dumps(said).encode(), str(delivery.key), secret)
        expected = links.challenge(subscriber)
        said = {"type": "challenge", "challenge": expected, "unsubscribe_url": unsubscribe}
        return Challenge(
            notice.address,
            json.dumps(said).encode(),
            str(delivery.key),
            secret,
            subscriber=subscriber,
            expected=expected,
        )

    def send(self, message: Post) -> Receipt:
        """Each address is somebody else's: one that is not reached says nothing of the others."""
        begun = time.monotonic()
        answer = self._reached(message)
        judge(answer)
        if isinstance(message, Challenge) and not _answers(answer, message.expected):
            raise TransportError(NOT_ANSWERED)
        for post in message.then if isinstance(message, Told) else ():
            if time.monotonic() - begun > LONGEST:
                raise TransportError(TOO_SLOW, maybe_sent=True)
            judge(self._reached(post))
        return Receipt(f"HTTP {answer.status}")

    def _reached(self, post: Post) -> Answer:
        try:
            return self._answer(post)
        except TransportError as error:
            error.unreachable = False
            raise


def _secret(subscriber: Subscriber) -> str:
    try:
        return secrets.unseal(subscriber.sealed_secret)
    except secrets.Unreadable as error:
        raise TransportError(WRONG_KEY, permanent=True) from error


def _answers(answer: Answer, expected: str) -> bool:
    """The challenge alone, or JSON with the challenge under that name."""
    said = answer.document.get("challenge")
    given = said.encode() if isinstance(said, str) else answer.body.strip()
    return hmac.compare_digest(given, expected.encode())
