"""How hard the phones ring about an incident: counts for the header, the room and the sensor (tickets.rises)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Q
from django.db.models.functions import Trunc
from django.utils.timezone import localtime

from incidents.models import Incident
from tickets.models import RUN_UP, CallbackState, Contact, ContactImpact

QUARTER = timedelta(minutes=15)
MOST_QUARTERS = 24 * 4  # a day: what a chart can still show


@dataclass(frozen=True)
class Quarter:
    """Contacts within the quarter of an hour that begins at *start* (UTC); *running* while it lasts."""

    start: datetime
    contacts: int
    urgent: int
    running: bool = False


@dataclass(frozen=True)
class Totals:
    """An incident's contacts so far; callers and calls are counted apart."""

    contacts: int
    pharmacies: int
    urgent: int
    open_callbacks: int


def per_quarter(incident: Incident, at: datetime) -> list[Quarter]:
    """Every quarter of an hour from an hour before *incident* began up to *at*, quiet ones included.

    At most the last day of it. The run-up counts the calls that were attached to the incident later. One query.
    """
    newest = quarter_of(at)
    start = max(quarter_of(incident.began_at - RUN_UP), newest - (MOST_QUARTERS - 1) * QUARTER)
    minutes = (
        Contact.objects.of_incident(incident)
        .filter(occurred_at__gte=start, occurred_at__lte=at)
        .order_by()
        .values(minute=Trunc("occurred_at", "minute", tzinfo=UTC))
        .annotate(contacts=Count("pk"), urgent=Count("pk", filter=Q(impact=ContactImpact.PATIENT_WAITING)))
    )
    counts: dict[datetime, tuple[int, int]] = {}
    for row in minutes:
        contacts, urgent = counts.get(quarter_of(row["minute"]), (0, 0))
        counts[quarter_of(row["minute"])] = contacts + row["contacts"], urgent + row["urgent"]
    quarters = (start + n * QUARTER for n in range((newest - start) // QUARTER + 1))
    return [Quarter(quarter, *counts.get(quarter, (0, 0)), running=quarter == newest) for quarter in quarters]


def totals(incident: Incident) -> Totals:
    """One query. An unknown caller is a contact of no pharmacy."""
    return Totals(
        **Contact.objects.of_incident(incident).aggregate(
            contacts=Count("pk"),
            pharmacies=Count("pharmacy", distinct=True),
            urgent=Count("pk", filter=Q(impact=ContactImpact.PATIENT_WAITING)),
            open_callbacks=Count("pk", filter=Q(callback__state=CallbackState.OPEN)),
        )
    )


def last_quarter_of_an_hour(at: datetime, *, incident: Incident | None = None) -> int:
    """Contacts in the fifteen minutes before *at*, on *incident* or on anything but exercises. One query."""
    contacts = Contact.objects.filter(occurred_at__gt=at - QUARTER, occurred_at__lte=at)
    return (contacts.of_incident(incident) if incident else contacts.real()).count()


def last_half_hour(incident: Incident, at: datetime) -> int:
    """Contacts about *incident* in the thirty minutes before *at*. One query."""
    contacts = Contact.objects.of_incident(incident)
    return contacts.filter(occurred_at__gt=at - 2 * QUARTER, occurred_at__lte=at).count()


def weeks_before(moment: datetime, weeks: int) -> datetime:
    """The same time on the clock in Brussels, whole weeks before: where the clocks changed between, too."""
    local = localtime(moment)
    then = local.replace(tzinfo=None) - timedelta(weeks=weeks)
    return then.replace(tzinfo=local.tzinfo).astimezone(UTC)


def quarter_of(moment: datetime) -> datetime:
    """Zones east or west of us by whole quarters share these, Brussels always."""
    moment = moment.astimezone(UTC).replace(second=0, microsecond=0)
    return moment - timedelta(minutes=moment.minute % 15)
