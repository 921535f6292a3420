"""Call pressure as a sensor: what callers complain of more than usual while no incident says so."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, DateTimeField, Q

from accounts.composed import Composed
from incidents.models import Impact, Incident, Maintenance, Service
from incidents.models.incident import RELAPSE_WITHIN
from tickets.models import Contact, RiseDismissed, SoftwareHouse
from tickets.pressure import QUARTER, weeks_before

ENOUGH = 4  # callers: fewer may be each one's own trouble
TIMES = 3  # as many as usual
WEEKS = 4  # of which the same hour is the usual
AROUND = 2  # quarters to either side that are taken together for it


@dataclass(frozen=True)
class Rise:
    """*calls* of the last quarter of an hour, by *callers*, where *usual* would be expected.

    Of a service, or of a software house (then *service* is the one that most of its callers name, if they do).
    *relapse_of*: the incident that was over *fixed_for* minutes ago.
    """

    about: Service | SoftwareHouse
    service: Service | None
    calls: int
    callers: int
    usual: float
    began_at: datetime
    relapse_of: Incident | None = None
    fixed_for: int = 0

    @property
    def house(self) -> SoftwareHouse | None:
        return self.about if isinstance(self.about, SoftwareHouse) else None

    @property
    def key(self) -> str:
        """As the page names it: "service-3", "house-2"."""
        return f"{'house' if self.house else 'service'}-{self.about.pk}"


@dataclass(frozen=True)
class Call:
    service: int | None
    house: int | None
    incident: int | None
    caller: object
    at: datetime


def rises(at: datetime, calls: list[Call] | None = None) -> list[Rise]:
    """Those to be looked at, the most calls first. No query while few call, else ten at most.

    *calls*: those of the last quarter of an hour, where they are known already.
    """
    calls = recent_calls(at) if calls is None else calls
    services = Counter(call.service for call in calls if call.service)
    houses = Counter(call.house for call in calls if call.house and call.incident is None)
    if max([*services.values(), *houses.values(), 0]) < ENOUGH:
        return []
    known = _known()
    found = [
        *_of_services(
            [pk for pk, count in services.items() if count >= ENOUGH and pk not in known], calls, at
        )
    ]
    explained = known | {rise.about.pk for rise in found}
    found += _of_houses(
        [pk for pk, count in houses.items() if count >= ENOUGH],
        [call for call in calls if call.service not in explained],
        at,
    )
    waved = _dismissed(at) if found else {}
    shown = [rise for rise in found if rise.calls >= 2 * waved.get(rise.key, 0)]
    return sorted(shown, key=lambda rise: (-rise.calls, rise.key))


def recent_calls(at: datetime) -> list[Call]:
    """All of the last quarter of an hour but those of exercises, the oldest first. One query."""
    return [
        Call(service, house, incident, pharmacy or text, moment)
        for service, house, incident, pharmacy, text, moment in _BETWEEN(since=at - QUARTER, until=at)
    ]


_BETWEEN = Composed(
    lambda since, until: (
        Contact.objects.real()
        .filter(occurred_at__gt=since, occurred_at__lte=until)
        .order_by("occurred_at")
        .values_list(
            "service", "pharmacy__software_house", "incident", "pharmacy", "caller_text", "occurred_at"
        )
    ),
    since=DateTimeField(),
    until=DateTimeField(),
)


def _known() -> set[int]:
    """Services of which an open incident or work in progress tells why they fail."""
    open_ = Impact.objects.real().open().values_list("service", flat=True)
    worked_on = Maintenance.objects.active().values_list("services", flat=True)
    return {pk for pk in (*open_, *worked_on) if pk}


def _of_services(candidates: list[int], calls: list[Call], at: datetime) -> Iterable[Rise]:
    if not candidates:
        return
    ended = Impact.objects.real().filter(
        service__in=candidates, ended_at__gt=at - RELAPSE_WITHIN, ended_at__lte=at
    )
    fixed = {impact.service_id: impact for impact in ended.select_related("incident").order_by("ended_at")}
    usual = _usual("service", candidates, at)
    for service in Service.objects.filter(pk__in=candidates):
        over = fixed.get(service.pk)
        about = [call for call in calls if call.service == service.pk and _counts(call, over)]
        callers = len({call.caller for call in about})
        if callers >= ENOUGH and len(about) >= TIMES * usual[service.pk]:
            minutes = int((at - over.ended_at).total_seconds() // 60) if over and over.ended_at else 0
            yield Rise(
                about=service,
                service=service,
                calls=len(about),
                callers=callers,
                usual=usual[service.pk],
                began_at=about[0].at,
                relapse_of=over.incident if over else None,
                fixed_for=minutes,
            )


def _counts(call: Call, over: Impact | None) -> bool:
    """On no incident; or on the one that is over, and since then."""
    if over is None or over.ended_at is None:
        return call.incident is None
    return call.incident in (None, over.incident_id) and call.at > over.ended_at


def _of_houses(candidates: list[int], calls: list[Call], at: datetime) -> Iterable[Rise]:
    if not candidates:
        return
    usual = _usual("pharmacy__software_house", candidates, at)
    for house in SoftwareHouse.objects.filter(pk__in=candidates):
        about = [call for call in calls if call.house == house.pk and call.incident is None]
        callers = len({call.caller for call in about})
        if callers >= ENOUGH and len(about) >= TIMES * usual[house.pk]:
            named = Counter(call.service for call in about if call.service).most_common(1)
            yield Rise(
                about=house,
                service=Service.objects.filter(pk=named[0][0]).first() if named else None,
                calls=len(about),
                callers=callers,
                usual=usual[house.pk],
                began_at=about[0].at,
            )


def _usual(name: str, keys: list[int], at: datetime) -> Counter[int]:
    """Calls in a quarter of an hour around this time of the last weeks, by the key of *name*. One query."""
    within = Q()
    for week in range(1, WEEKS + 1):
        then = weeks_before(at, week)
        within |= Q(
            occurred_at__gt=then - QUARTER * (1 + AROUND),
            occurred_at__lte=then + QUARTER * AROUND,
        )
    rows = Contact.objects.real().filter(within, **{f"{name}__in": keys}).order_by()
    counted = rows.values_list(name).annotate(calls=Count("pk"))
    usual: Counter[int] = Counter()
    for key, number in counted:
        usual[key] = number / (WEEKS * (2 * AROUND + 1))
    return usual


def _dismissed(at: datetime) -> dict[str, int]:
    """By key, how many calls there were when it was."""
    rows = RiseDismissed.objects.holding(at).order_by("at")
    return {
        f"house-{row.software_house_id}" if row.software_house_id else f"service-{row.service_id}": row.calls
        for row in rows
    }
