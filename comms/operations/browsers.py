"""Reminders for the browser of a member of staff: her open pages ask for them, and each is shown by one of these."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from comms.channels.reminding import USEFUL_FOR
from comms.models import ChannelKind, Delivery, DeliveryState, Notice, ReminderShown


def take(*, by: User, at: datetime | None = None) -> list[Delivery]:
    """What is to be shown to *by* now, the oldest first: from here on it is shown, and given to no other page.

    What nobody asked for within a quarter of an hour is given to none.
    """
    at = at or timezone.now()
    waiting = Delivery.objects.ours().filter(
        channel__kind=ChannelKind.STAFF_BROWSER,
        notice=Notice.REMINDER,
        state=DeliveryState.SENT,
        recipient=by.username,
        created_at__gt=at - USEFUL_FOR,
        shown=None,
    )
    return [delivery for delivery in waiting.order_by("created_at", "pk") if _shown(delivery, at)]


def _shown(delivery: Delivery, at: datetime) -> bool:
    """Whether nobody had it yet."""
    try:
        with transaction.atomic():
            ReminderShown.objects.create(delivery=delivery, at=at)
    except IntegrityError:
        return False
    return True
