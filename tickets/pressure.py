"""How hard the phones ring about an incident: counts for the header, the room and the sensor (tickets.rises)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Count, DateTimeField, Q, QuerySet
from django.db.models.functions import Trunc
from django.utils.timezone import localtime

from accounts.composed import Composed
from incidents.models import Incident
from tickets.models import RUN_UP, CallbackState, Contact, ContactImpact

QUARTER = timedelta(minutes=15)
LATELY = 8  # quarters that the line in the header shows
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
    start = _start(incident, newest, MOST_QUARTERS)
    counts: dict[datetime, tuple[int, int]] = {}
    for minute, more, more_urgent in _PER_MINUTE(incident=incident.pk, since=start, until=at):
        contacts, urgent = counts.get(quarter_of(minute), (0, 0))
        counts[quarter_of(minute)] = contacts + more, urgent + more_urgent
    quarters = (start + n * QUARTER for n in range((newest - start) // QUARTER + 1))
    return [Quarter(quarter, *counts.get(quarter, (0, 0)), running=quarter == newest) for quarter in quarters]


_PER_MINUTE = Composed(
    lambda incident, since, until: (
        Contact.objects.filter(incident=incident, occurred_at__gte=since, occurred_at__lte=until)
        .order_by()
        .values_list(Trunc("occurred_at", "minute", tzinfo=UTC))
        .annotate(contacts=Count("pk"), urgent=Count("pk", filter=Q(impact=ContactImpact.PATIENT_WAITING)))
    ),
    incident=BigIntegerField(),
    since=DateTimeField(),
    until=DateTimeField(),
)


def lately(incident: Incident, at: datetime) -> list[int]:
    """Contacts in each of the last eight of those quarters up to *at*, the oldest first. One query."""
    newest = quarter_of(at)
    start = _start(incident, newest, LATELY)
    bounds = {f"t{n}": newest + (n + 1 - LATELY) * QUARTER for n in range(LATELY)}
    counts = _LATELY.first(incident=incident.pk, until=at, **bounds) or (0,) * LATELY
    return list(counts[-((newest - start) // QUARTER + 1) :])


def _start(incident: Incident, newest: datetime, most: int) -> datetime:
    return max(quarter_of(incident.began_at - RUN_UP), newest - (most - 1) * QUARTER)


def _counted_lately(incident: Any, until: Any, **bounds: Any) -> "QuerySet[Contact, tuple[int, ...]]":
    """One row, and none where there is no contact."""
    since = list(bounds.values())
    counts = {
        name: Count("pk", filter=Q(occurred_at__gte=start, occurred_at__lt=end))
        for (name, start), end in zip(bounds.items(), since[1:], strict=False)
    }
    newest = f"t{LATELY - 1}"
    counts[newest] = Count("pk", filter=Q(occurred_at__gte=bounds[newest]))
    rows = Contact.objects.filter(incident=incident, occurred_at__gte=since[0], occurred_at__lte=until)
    return rows.order_by().values("incident").annotate(**counts).values_list(*counts)


_LATELY = Composed(
    _counted_lately,
    incident=BigIntegerField(),
    until=DateTimeField(),
    **{f"t{n}": DateTimeField() for n in range(LATELY)},
)


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
