"""Which version each agent tells callers, for those who lead."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from accounts.models import User
from comms.models import Update
from incidents.models import Incident
from tickets.models import Contact, Seen

AT_WORK_FOR = timedelta(hours=4)  # who has logged or read nothing for so long is not at the phones


@dataclass(frozen=True)
class Reader:
    """*number* is the newest version she has confirmed, None for none; *calls* those since the newest was out."""

    name: str
    number: int | None
    at: datetime | None
    calls: int
    is_up_to_date: bool


def newest_seen(user: User, incident: Incident) -> int | None:
    """The number of the newest update of *incident* that *user* has confirmed. One query."""
    seen = Seen.objects.filter(user=user, update__incident=incident)
    number: int | None = seen.aggregate(number=Max("update__number"))["number"]
    return number


def readers(incident: Incident, newest: Update, at: datetime) -> list[Reader]:
    """Who has been at the phones of *incident*, those who have not yet read *newest* first. Three queries."""
    since = at - AT_WORK_FOR
    calls = dict(
        Contact.objects.filter(incident=incident, occurred_at__gt=since)
        .order_by()
        .values_list("agent")
        .annotate(calls=Count("pk", filter=Q(occurred_at__gte=newest.published_at)))
    )
    seen = {
        row.user_id: row
        for row in Seen.objects.filter(update__incident=incident)
        .filter(Q(user__in=calls) | Q(at__gt=since))
        .select_related("update")
        .order_by("update__number")
    }
    found = [
        _reader(user, seen.get(user.pk), calls.get(user.pk, 0), newest)
        for user in User.objects.filter(pk__in={*calls, *seen})
    ]
    return sorted(found, key=lambda reader: (reader.is_up_to_date, -reader.calls, reader.name))


def _reader(user: User, seen: Seen | None, calls: int, newest: Update) -> Reader:
    number = seen.update.number if seen else None
    return Reader(user.display_name, number, seen.at if seen else None, calls, number == newest.number)
