"""The patients who wait, for the queue and for what counts them everywhere."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce

from incidents.models import Incident
from tickets.models import Contact
from tickets.models.contact import DUE, ContactQuerySet


@dataclass(frozen=True)
class Waiting:
    """*first_at*: when the first of them needs it, or called where no time was said. *late*: how many times passed."""

    count: int
    late: int
    unclaimed: int
    first_at: datetime | None


def waiting(at: datetime, *, incident: Incident | None = None) -> Waiting:
    """Those of *incident*, or all but those of exercises. One query, along the index of urgent contacts."""
    contacts = Contact.objects.waiting(at)
    return Waiting(
        **(contacts.of_incident(incident) if incident else contacts.real())
        .order_by()
        .aggregate(
            count=Count("pk"),
            late=Count("pk", filter=Q(needed_by__lt=at)),
            unclaimed=Count("pk", filter=Q(urgent_case__claimed_by=None)),
            first_at=Min(DUE),
        )
    )


def queue(at: datetime) -> ContactQuerySet:
    """All of them with what a line says, exercises last."""
    return (
        Contact.objects.waiting(at)
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
