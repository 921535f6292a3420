"""To those who contacted us: the message of an incident in their language, or an answer to their mail."""

from email import message_from_string
from email.policy import default

from django.conf import settings
from django.core.mail import EmailMessage

from comms.channels.base import Capabilities, Doubt
from comms.channels.email import EmailTransport
from comms.channels.letter import domain
from comms.models import Delivery, Notice


class CallerMail(EmailTransport):
    """As to the members of a list, of whom there is none: the addresses are those of who called or wrote."""

    capabilities = Capabilities(in_doubt=Doubt.REPEAT, batch=100, senders=2)

    def prepare(self, delivery: Delivery) -> EmailMessage:
        return reply_letter(delivery) if delivery.notice == Notice.REPLY else super().prepare(delivery)


def reply_letter(delivery: Delivery) -> EmailMessage:
    """The same each time it is made, Message-ID included."""
    kept = message_from_string(delivery.text, policy=default)
    thread = {name: str(kept[name]) for name in ("In-Reply-To", "References") if kept[name]}
    return EmailMessage(
        subject=str(kept["Subject"]),
        body=kept.get_content(),
        to=[delivery.recipient],
        reply_to=[settings.DESK_MAIL_REPLY_TO] if settings.DESK_MAIL_REPLY_TO else [],
        headers={
            "Message-ID": f"<{delivery.key}@{domain()}>",
            "Content-Language": delivery.language,
            **thread,
        },
    )
