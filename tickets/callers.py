"""What an incident already knows of those who call: how often, when last, what they were told, who waits for us."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q

from comms.models import Update
from incidents.models import Incident
from tickets.models import CallbackState, Contact


@dataclass(frozen=True)
class Told:
    """Which update a pharmacy heard last, when and from whom."""

    number: int
    at: datetime
    agent: str
    headline: str = ""


@dataclass(frozen=True)
class Known:
    """A pharmacy's calls on one incident."""

    calls: int = 0
    last_at: datetime | None = None
    open_callbacks: int = 0
    newest_told: int | None = None  # the contact's primary key


NOTHING = Known()


def known(pharmacies: Collection[int], incident: Incident | None) -> dict[int, Known]:
    """By the primary key of each of *pharmacies* that called on *incident*. One query, none without an incident."""
    if incident is None or not pharmacies:
        return {}
    rows = (
        Contact.objects.filter(incident=incident, pharmacy__in=pharmacies)
        .order_by()
        .values_list("pharmacy")
        .annotate(
            calls=Count("pk"),
            last_at=Max("occurred_at"),
            open_callbacks=Count("pk", filter=Q(callback__state=CallbackState.OPEN)),
            newest_told=Max("pk", filter=Q(told_update__isnull=False)),
        )
    )
    return {pharmacy: Known(*counts) for pharmacy, *counts in rows}


def told(contacts: Iterable[int]) -> dict[int, Told]:
    """What was told in each of *contacts*, by primary key, as the caller heard it. Two queries, none for none."""
    wanted = list(contacts)
    if not wanted:
        return {}
    found = Contact.objects.filter(pk__in=wanted).select_related("told_update", "agent")
    return {
        contact.pk: Told(
            contact.told_update.number,
            contact.occurred_at,
            contact.agent.display_name,
            _headline(contact.told_update, contact.language),
        )
        for contact in found.prefetch_related("told_update__texts")
        if contact.told_update is not None and contact.told_update.number is not None
    }


def _headline(update: Update, language: str) -> str:
    text = update.text_in(language)
    return (text.headline or text.title) if text else ""
