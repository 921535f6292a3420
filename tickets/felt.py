"""What those without an account report as failing: counts for the room, and the hint that nobody has declared it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import FETCH_RAISE, Count, DateTimeField, Q
from django.db.models.functions import Trunc

from accounts.composed import Composed
from incidents.models import Incident, Service
from tickets.models import Report
from tickets.pressure import QUARTER, quarter_of

MOST_SHARES = 4
NEWEST = 8  # reports worth reading one by one
# One may be a slip or a single pharmacy's own trouble; three senders on one service are not.
ENOUGH_FOR_A_HINT = 3


@dataclass(frozen=True)
class Share:
    """*name* is empty for those who did not say."""

    name: str
    count: int


@dataclass(frozen=True)
class Shares:
    """The largest first; *others* counts what the rest have together."""

    largest: list[Share]
    others: int


@dataclass(frozen=True)
class Felt:
    """Reports on an incident: *recent* are those of the last quarter of an hour."""

    total: int
    recent: int
    pharmacies: int
    services: Shares
    software_houses: Shares
    newest: list[Report]


@dataclass(frozen=True)
class Hint:
    """*count* reports of the last quarter of an hour on a service that no open incident touches."""

    service: Service
    count: int


def felt(incident: Incident, at: datetime) -> Felt:
    """Everything the room shows of them up to *at*. Four queries."""
    reports = Report.objects.felt(incident).filter(received_at__lte=at)
    recent = Count("pk", filter=Q(received_at__gt=at - QUARTER))
    counts = reports.aggregate(total=Count("pk"), recent=recent, pharmacies=Count("pharmacy", distinct=True))
    groups = reports.order_by().values_list("service", "software_house__name").annotate(count=Count("pk"))
    rows = list(groups)
    names = Service.objects.in_bulk({service for service, _house, _count in rows})
    shown = reports.select_related("service", "software_house", "pharmacy").fetch_mode(FETCH_RAISE)
    return Felt(
        **counts,
        services=_shares((str(names[service]), count) for service, _house, count in rows),
        software_houses=_shares((house or "", count) for _service, house, count in rows),
        newest=list(shown[:NEWEST]),
    )


def version(incident: Incident, at: datetime) -> str:
    """Changes when what felt() counts does. One query."""
    reports = Report.objects.felt(incident).filter(received_at__lte=at)
    counts = reports.aggregate(total=Count("pk"), recent=Count("pk", filter=Q(received_at__gt=at - QUARTER)))
    return f"{counts['total']}-{counts['recent']}"


def felt_per_quarter(incident: Incident, at: datetime) -> dict[datetime, int]:
    """By the beginning (UTC) of each quarter of an hour up to *at* that has any. One query."""
    minutes = (
        Report.objects.felt(incident)
        .filter(received_at__lte=at)
        .order_by()
        .values_list(Trunc("received_at", "minute", tzinfo=UTC))
        .annotate(count=Count("pk"))
    )
    counts: Counter[datetime] = Counter()
    for minute, count in minutes:
        counts[quarter_of(minute)] += count
    return dict(counts)


def hints(at: datetime) -> list[Hint]:
    """Services that fail people with no incident declared, the most reported first. One query, two when there are."""
    rows = _UNEXPLAINED(since=at - QUARTER, until=at)
    counts = {service: count for service, count in rows if count >= ENOUGH_FOR_A_HINT}
    services = Service.objects.filter(pk__in=counts) if counts else []
    return sorted((Hint(service, counts[service.pk]) for service in services), key=lambda hint: -hint.count)


_UNEXPLAINED = Composed(
    lambda since, until: (
        Report.objects.unexplained()
        .filter(received_at__gt=since, received_at__lte=until)
        .order_by()
        .values_list("service")
        .annotate(count=Count("pk"))
    ),
    since=DateTimeField(),
    until=DateTimeField(),
)


def _shares(counted: Iterable[tuple[str, int]]) -> Shares:
    counts: Counter[str] = Counter()
    for name, count in counted:
        counts[name] += count
    largest = [Share(name, count) for name, count in counts.most_common(MOST_SHARES)]
    return Shares(largest, counts.total() - sum(share.count for share in largest))
