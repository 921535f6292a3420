"""Whether what is owed leaves the house, and how long it has waited."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import CharField, DateTimeField, Max, Min, QuerySet, Value

from accounts.composed import Composed
from comms.models import Delivery, DeliveryState, Mailing, SignOfLife

PATIENCE = timedelta(seconds=30)  # that a due delivery may wait, and senders may give no sign of life


@dataclass(frozen=True)
class Sending:
    """*stopped_since*: since when nothing sends, None while all is well. *oldest_unsent*: when the oldest message that
    has not left was owed, None when nothing waits; what is switched off is left out.
    """

    stopped_since: datetime | None
    oldest_unsent: datetime | None


def sending(at: datetime) -> Sending:
    """At *at*, of this installation. One query.

    It has stopped when neither relay nor worker gave a sign of life for half a minute; or when they do, and yet nothing
    takes what is due.
    """
    found = _MOMENTS(environment=settings.DESK_ENVIRONMENT_ID, at=at, due=at - PATIENCE)
    moments = {what: moment for what, moment in found if moment}
    alive = moments.get("alive")
    owed = [moments[what] for what in ("delivery", "mailing") if what in moments]
    return Sending(
        alive if alive and at - alive > PATIENCE else moments.get("untaken"), min(owed, default=None)
    )


def _moments(environment: Any, at: Any, due: Any) -> "QuerySet[Any, tuple[str, datetime | None]]":
    ours = Delivery.objects.filter(environment=environment)
    unsent = ours.filter(state__in=[DeliveryState.QUEUED, DeliveryState.SENDING], channel__enabled=True)
    mailings = Mailing.objects.filter(environment=environment, finished=False, channel__enabled=True)
    untaken = ours.ready(due).exclude(channel__in=ours.held(at).values("channel"))
    asked: list[QuerySet[Any, tuple[str, datetime | None]]] = [
        rows.order_by().values_list(Value(what)).annotate(moment=moment)
        for what, rows, moment in (
            ("alive", SignOfLife.objects.all(), Max("seen_at")),
            ("delivery", unsent, Min("created_at")),
            ("mailing", mailings, Min("created_at")),
            ("untaken", untaken, Min("not_before")),
        )
    ]
    return asked[0].union(*asked[1:], all=True).order_by()


_MOMENTS = Composed(_moments, environment=CharField(), at=DateTimeField(), due=DateTimeField())
