"""The plan's reminders: the text as it was owed, to one person by e-mail or in her browser; no use once it is old."""

from datetime import timedelta
from typing import Self

from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.translation import gettext_noop

from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.channels.email import EmailTransport
from comms.channels.letter import domain
from comms.models import Channel, Delivery, Notice

USEFUL_FOR = timedelta(minutes=15)
ASKED_FOR = timedelta(hours=2)  # to come: who is asked much later is no longer needed
TOO_OLD = gettext_noop("A reminder that waited for a quarter of an hour is of no use.")
ASKED_TOO_LATE = gettext_noop("It waited for two hours, so nobody is asked to come any more.")
STAFF_NOTICES = (Notice.REMINDER, Notice.CALL_IN)


def reminder(delivery: Delivery) -> str:
    """What is said. Raises TransportError when it is too late for that."""
    asks = delivery.notice == Notice.CALL_IN
    if timezone.now() - delivery.created_at > (ASKED_FOR if asks else USEFUL_FOR):
        raise TransportError(ASKED_TOO_LATE if asks else TOO_OLD, permanent=True)
    return delivery.text


class StaffMail(EmailTransport):
    """To a member of staff."""

    capabilities = Capabilities(in_doubt=Doubt.REPEAT, batch=20)

    def prepare(self, delivery: Delivery) -> EmailMessage:
        if delivery.notice not in STAFF_NOTICES:
            return super().prepare(delivery)
        text = reminder(delivery)
        first, _newline, rest = text.partition("\n")
        return EmailMessage(
            subject=" · ".join([first, *rest.splitlines()[:1]])[:200],
            body=text,
            to=[delivery.recipient],
            headers={
                "Message-ID": f"<{delivery.key}@{domain()}>",
                "Content-Language": delivery.language,
                "Auto-Submitted": "auto-generated",  # RFC 3834
                "X-Auto-Response-Suppress": "All",
                "Importance": "high",
            },
        )


class StaffBrowser:
    """To the open pages of a member of staff, which ask for it (comms.operations.browsers)."""

    capabilities = Capabilities(in_doubt=Doubt.REPEAT, batch=20)
    settings: tuple[Setting, ...] = ()

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def prepare(self, delivery: Delivery) -> Delivery:
        reminder(delivery)
        return delivery

    def send(self, message: Delivery) -> Receipt:
        return Receipt(gettext_noop("Waits for an open page of its recipient."))

    def find(self, message: Delivery) -> Receipt | None:
        return None
