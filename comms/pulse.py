"""Whether what is owed leaves the house, and how long it has waited."""

from datetime import datetime, timedelta

from django.db.models import Max, Min
from django.utils import timezone

from comms.models import Delivery, DeliveryState, Mailing, SignOfLife

PATIENCE = timedelta(seconds=30)  # that a due delivery may wait, and senders may give no sign of life


def oldest_unsent() -> datetime | None:
    """When the oldest message that has not left was owed; None when nothing waits. What is switched off is left out."""
    waiting = Delivery.objects.ours().filter(
        state__in=[DeliveryState.QUEUED, DeliveryState.SENDING], channel__enabled=True
    )
    mailings = Mailing.objects.unfinished().filter(channel__enabled=True)
    moments = (
        waiting.aggregate(oldest=Min("created_at"))["oldest"],
        mailings.aggregate(oldest=Min("created_at"))["oldest"],
    )
    return min((moment for moment in moments if moment), default=None)


def stopped_since(at: datetime | None = None) -> datetime | None:
    """Since when nothing sends, None while all is well.

    Neither relay nor worker gave a sign of life for half a minute; or they do, and yet nothing takes what is due.
    """
    at = at or timezone.now()
    seen = SignOfLife.objects.aggregate(newest=Max("seen_at"))["newest"]
    if seen and at - seen > PATIENCE:
        return seen  # type: ignore[no-any-return]  # of an aggregate nothing is known
    busy = Delivery.objects.held(at).values("channel")
    waiting = Delivery.objects.due(at - PATIENCE).exclude(channel__in=busy)
    return waiting.order_by("not_before").values_list("not_before", flat=True).first()
