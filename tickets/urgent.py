"""The patients who wait, for the queue and for what counts them everywhere."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Count, DateTimeField, Min, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from accounts.composed import Composed
from incidents.models import Incident
from tickets.models import Contact
from tickets.models.contact import DUE, URGENT_FOR, ContactQuerySet


@dataclass(frozen=True)
class Waiting:
    """*first_at*: when the first of them needs it, or called where no time was said. *late*: how many times passed."""

    count: int
    late: int
    unclaimed: int
    first_at: datetime | None


def waiting(at: datetime, *, incident: Incident | None = None) -> Waiting:
    """Those of *incident*, or all but those of exercises. One query, along the index of urgent contacts."""
    since = at - URGENT_FOR
    found = (
        _OF_INCIDENT.first(at=at, since=since, incident=incident.pk)
        if incident
        else _REAL.first(at=at, since=since)
    )
    return Waiting(**found) if found else Waiting(0, 0, 0, None)


def queue(at: datetime) -> ContactQuerySet:
    """All of them with what a line says, exercises last."""
    return (
        Contact.objects.waiting(at - URGENT_FOR)
        .select_related("pharmacy", "service", "incident__exercise_clock", "agent", "urgent_case__claimed_by")
        .prefetch_related("pharmacy__phones")
        .order_by(Coalesce("incident__drill", False), DUE, "pk")  # noqa: FBT003
    )


def closed() -> ContactQuerySet:
    """The newest first."""
    return (
        Contact.objects.urgent()
        .filter(urgent_case__closed_at__isnull=False)
        .select_related("pharmacy", "service", "incident__exercise_clock", "agent", "urgent_case__closed_by")
        .prefetch_related("pharmacy__phones")
        .order_by("-urgent_case__closed_at", "-pk")
    )


def _counted(contacts: ContactQuerySet, at: Any) -> "QuerySet[Any, Any]":
    """One row, and none where nobody waits."""
    return (
        contacts.order_by()
        .annotate(all_together=Value(1))
        .values("all_together")
        .annotate(
            count=Count("pk"),
            late=Count("pk", filter=Q(needed_by__lt=at)),
            unclaimed=Count("pk", filter=Q(urgent_case__claimed_by=None)),
            first_at=Min(DUE),
        )
        .values("count", "late", "unclaimed", "first_at")
    )


_REAL = Composed(
    lambda at, since: _counted(Contact.objects.waiting(since).real(), at),
    at=DateTimeField(),
    since=DateTimeField(),
)
_OF_INCIDENT = Composed(
    lambda at, since, incident: _counted(Contact.objects.waiting(since).filter(incident=incident), at),
    at=DateTimeField(),
    since=DateTimeField(),
    incident=BigIntegerField(),
)
