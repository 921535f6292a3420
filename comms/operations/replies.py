"""An answer to one person, to her mail or her post, owed like any message."""

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from uuid import UUID

from django.conf import settings
from django.db import transaction

from comms.channels.kinds import capabilities
from comms.channels.letter import domain
from comms.models import Channel, ChannelKind, Delivery, DeliveryState, Notice, Update
from comms.posting import answer_text


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
    written = EmailMessage()
    written["Subject"] = subject
    if answers:
        written["In-Reply-To"] = answers[-1]
        written["References"] = " ".join(answers)
    written.set_content(text, cte="8bit")
    return _owe(channel, key=key, to=to, language=language, text=written.as_string(), at=at)


def addressed(channel: Channel, author: str, text: str) -> str:
    """*text* as it is posted: on Mastodon only who is named in a post is told of it."""
    named = channel.kind == ChannelKind.MASTODON and author.casefold() not in text.casefold()
    return f"{author} {text}" if named else text


def too_many(channel: Channel, text: str) -> int:
    """By how many characters *text* is longer than what the network takes."""
    limit = capabilities(channel).limit
    return max(0, limit.count(text) - limit.most) if limit else 0


def owe_post(channel: Channel, *, key: UUID, to: str, language: str, text: str, at: datetime) -> Delivery:
    """Owe *text* as an answer to the post that the network calls *to*, in the caller's transaction."""
    return _owe(channel, key=key, to=to, language=language, text=text, at=at)


def owe_answer(
    update: Update, channel: Channel, *, key: UUID, to: str, author: str, language: str, at: datetime
) -> Delivery:
    """Owe what *update* tells as an answer to *author*'s post *to*, in the caller's transaction.

    Of an exercise it is rehearsed: written down, never sent.
    """
    spoken, text = answer_text(update, channel, language, before=addressed(channel, author, ""))
    state = DeliveryState.REHEARSED if update.incident.drill else DeliveryState.QUEUED
    return _owe(channel, key=key, to=to, language=spoken, text=text, at=at, state=state)


def _owe(
    channel: Channel,
    *,
    key: UUID,
    to: str,
    language: str,
    text: str,
    at: datetime,
    state: DeliveryState = DeliveryState.QUEUED,
) -> Delivery:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("What is owed is part of the decision to say it.")
    return Delivery.objects.create(
        key=key,
        channel=channel,
        notice=Notice.REPLY,
        language=language,
        recipient=to,
        text=text,
        state=state,
        environment=settings.DESK_ENVIRONMENT_ID,
        created_at=at,
        not_before=at,
    )
