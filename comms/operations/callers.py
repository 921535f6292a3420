"""Who called about an incident is told of a message, by the way out that a person chose."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import prefetch_related_objects

from comms.models import Action, Channel, Delivery, DeliveryState, Update
from comms.posting import LETTERS, post_text


def owe_callers(
    update: Update, channel: Channel, to: Iterable[tuple[str, str]], *, at: datetime
) -> dict[str, Delivery]:
    """Owe *update* to each language and address of *to* by *channel* (of CALLERS), in the caller's transaction.

    By address, the delivery. An address that is owed it already stays as it is. Each is told in her language where
    the message speaks it. Of an exercise everything is rehearsed: written down, never sent.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("What is owed is part of the decision to say it.")
    prefetch_related_objects([update], "texts", "services__service", "posts")
    spoken = {text.language: text for text in update.texts.all() if text.is_spoken}
    known = {row.recipient: row for row in _owed(update, channel)}
    texts: dict[str, str] = {}
    new: dict[str, Delivery] = {}
    for language, address in to:
        if address in known or address in new:
            continue
        text = spoken.get(language) or update.text_in(language)
        said = text.language if text else language
        if said not in texts:
            texts[said] = "" if channel.kind in LETTERS else post_text(update, channel, said).text
        new[address] = Delivery(
            update=update,
            channel=channel,
            language=said,
            recipient=address,
            text=texts[said],
            state=DeliveryState.REHEARSED if update.incident.drill else DeliveryState.QUEUED,
            environment=settings.DESK_ENVIRONMENT_ID,
            created_at=at,
            not_before=at,
        )
    Delivery.objects.bulk_create(new.values(), batch_size=500, ignore_conflicts=True)
    return {row.recipient: row for row in _owed(update, channel)}


def _owed(update: Update, channel: Channel) -> Iterable[Delivery]:
    return Delivery.objects.filter(update=update, channel=channel, action=Action.POST)
