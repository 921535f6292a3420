"""How each channel fares: when something last left by it, what is wrong, how much waits."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from comms.models import Channel, Delivery, DeliveryState

WAITING = [DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.STALE]
STUCK = [DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.BY_HAND]


@dataclass(frozen=True)
class Lane:
    """*error*: what the newest message met, in English, unless one that was owed later has left since."""

    channel: Channel
    waiting: int
    sent_at: datetime | None
    error: str
    wrong_since: datetime | None


def lanes() -> list[Lane]:
    """In the order of the channels; one query, however many there are."""
    left = _newest(Delivery.objects.filter(state=DeliveryState.SENT))
    met = _newest(Delivery.objects.filter(state__in=[*STUCK, *WAITING]).exclude(error=""))
    waiting = _of_channel(Delivery.objects.filter(state__in=WAITING)).order_by().values("channel")
    channels = Channel.objects.select_related("mail_list").annotate(
        waiting=Coalesce(Subquery(waiting.annotate(number=Count("pk")).values("number")), 0),
        sent_at=Subquery(left.values("sent_at")[:1]),
        sent_created=Subquery(left.values("created_at")[:1]),
        met=Subquery(met.values("error")[:1]),
        met_created=Subquery(met.values("created_at")[:1]),
    )
    # What counts has no order of its own.
    return [_lane(channel) for channel in channels.order_by("position", "key")]


def _newest(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """By the order in which they were owed, which an index knows."""
    return _of_channel(deliveries).order_by("-pk")


def _of_channel(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    return deliveries.filter(channel=OuterRef("pk"), environment=settings.DESK_ENVIRONMENT_ID)


def _lane(row: Channel) -> Lane:
    found = vars(row)  # the annotations
    met, left = found["met_created"], found["sent_created"]
    wrong = met is not None and (left is None or met >= left)
    return Lane(
        channel=row,
        waiting=found["waiting"],
        sent_at=found["sent_at"],
        error=found["met"] if wrong else "",
        wrong_since=met if wrong else None,
    )
