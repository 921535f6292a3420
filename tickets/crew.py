"""Who is at the phones now, and what each has done there."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max

from accounts.models import User
from tickets.models import Contact, ContactOutcome, Shift

RECENTLY = timedelta(minutes=30)  # who has logged a call within it is at the phones, whatever she has said


@dataclass(frozen=True)
class AtThePhones:
    """*shift* is None for who logs calls without having said that she is there."""

    person: User
    shift: Shift | None
    calls: int
    last_at: datetime | None


def at_the_phones(at: datetime) -> list[AtThePhones]:
    """Those who said so, the longest first, then people who only log calls; practice does not count. Three queries."""
    shifts = {shift.person_id: shift for shift in Shift.objects.on(at).select_related("person")}
    since = min([at - RECENTLY, *(shift.began_at for shift in shifts.values())])
    logged = (
        Contact.objects.real()
        .filter(occurred_at__gt=since, occurred_at__lte=at)
        .exclude(outcome=ContactOutcome.MISSED)
    )
    counted = logged.order_by().values("agent").annotate(calls=Count("pk"), last_at=Max("occurred_at"))
    done: dict[int, tuple[int, datetime]] = {row["agent"]: (row["calls"], row["last_at"]) for row in counted}
    lately = [pk for pk, (_calls, last_at) in done.items() if pk not in shifts and last_at > at - RECENTLY]
    others = (
        User.objects.filter(pk__in=lately, is_active=True).order_by("first_name", "username")
        if lately
        else []
    )
    people: list[tuple[User, Shift | None]] = [(shift.person, shift) for shift in shifts.values()]
    people += [(person, None) for person in others]
    return [AtThePhones(person, shift, *done.get(person.pk, (0, None))) for person, shift in people]
