"""An answer to one person's mail, owed like any message."""

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from uuid import UUID

from django.conf import settings
from django.db import transaction

from comms.channels.letter import domain
from comms.models import Channel, Delivery, DeliveryState, Notice


def reply_id(key: UUID) -> str:
    """The Message-ID of the reply of that key."""
    return f"<{key}@{domain()}>"


def owe_reply(
    channel: Channel,
    *,
    key: UUID,
    to: str,
    language: str,
    subject: str,
    text: str,
    answers: Sequence[str],
    at: datetime,
) -> Delivery:
    """Owe *text* to the address *to*, in the caller's transaction. *answers*: the Message-IDs of the thread.

    Kept in the delivery is the mail as it will leave, without its addresses.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("What is owed is part of the decision to say it.")
    written = EmailMessage()
    written["Subject"] = subject
    if answers:
        written["In-Reply-To"] = answers[-1]
        written["References"] = " ".join(answers)
    written.set_content(text, cte="8bit")
    return Delivery.objects.create(
        key=key,
        channel=channel,
        notice=Notice.REPLY,
        language=language,
        recipient=to,
        text=written.as_string(),
        state=DeliveryState.QUEUED,
        environment=settings.DESK_ENVIRONMENT_ID,
        created_at=at,
        not_before=at,
    )
