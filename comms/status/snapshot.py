"""Reads the public facts: the one place where the site meets the database."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import groupby
from operator import or_
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import BigIntegerField, DateTimeField, Max, OuterRef, Q, QuerySet, Subquery

from accounts.composed import Composed, Many
from comms.status import facts, incident_facts, maintenance_facts, moments
from comms.status.archive import Archive
from comms.status.incident_facts import name
from incidents.models import (
    Impact,
    Incident,
    Phase,
    PhaseChange,
    PublicRevision,
    Service,
    ServiceStatus,
)

NEWEST = 50
RECENT = timedelta(days=14)
BARS = timedelta(days=91)  # 90 whole days and the one that is under way
MOST_UNARCHIVED = 20  # pages that each publication carries along
MOST_WRITTEN_ANEW = 200  # while no archive tells of the others


class Row(NamedTuple):
    """An incident as it is chosen; revision: of the last change of whatever stands on its page, 0 where not counted.

    related: it is a relapse, or has one.
    """

    pk: int
    public_id: str
    revision: int
    began_at: datetime
    related: bool


def snapshot(
    at: datetime, *, archive: Archive | None = None, notice: facts.Text | None = None
) -> facts.Facts:
    """The public facts as they stand, to be told as of *at* beside an *archive* of what is older.

    All of one moment: no half of a change is seen. The number of queries does not depend on how much has happened, nor
    does the number of rows once there is an archive.
    """
    with PublicRevision.objects.standing_still() as revision:
        return _read(revision, at, archive, notice)


def _read(
    revision: PublicRevision, at: datetime, archive: Archive | None, notice: facts.Text | None
) -> facts.Facts:
    incidents = _rows(_SHOWN(since=at - RECENT), names=revision.names)
    changed = _changed(archive, incidents)
    works = maintenance_facts.read(revision.others)
    older = changed - {row.pk for row in incidents}
    return facts.Facts(
        revision=revision.number,
        at=at,
        url=settings.DESK_STATUS_URL,
        app_url=settings.DESK_BASE_URL,
        default_language=settings.LANGUAGE_CODE,
        groups=_groups(),
        incidents=incident_facts.read(incidents),
        written_anew=incident_facts.read(rows(Q(pk__in=older), names=revision.names) if older else ()),
        past_impacts=_past_impacts(at),
        months=_months(incidents, changed, archive, names=revision.names),
        maintenances=works.standing,
        cancelled=works.cancelled,
        notice=notice,
        security_contact=settings.DESK_SECURITY_CONTACT,
        archived=frozenset(row.public_id for row in incidents if row.pk not in changed),
        archived_until=archive.changed_at if archive else None,
    )


def unarchived(archive: Archive | None) -> bool:
    """Whether so much changed since *archive* was built that another is due."""
    if archive and archive.revision < PublicRevision.objects.names_current():
        return True
    return len(_changed(archive)) > MOST_UNARCHIVED


def _shown(since: Any) -> Q:
    """What the pages of today name: the newest, what lasts, and what was resolved *since*."""
    newest = Incident.objects.real().order_by("-began_at", "-pk").values("pk")[:NEWEST]
    lasting = Incident.objects.real().open().order_by().values("pk")
    recent = PhaseChange.objects.filter(phase=Phase.RESOLVED, occurred_at__gt=since).values("incident")
    return Q(pk__in=newest) | Q(pk__in=lasting) | Q(pk__in=recent)


def _changed(archive: Archive | None, known: Iterable[Row] = ()) -> set[int]:
    """The newest of those that the archive does not tell of as they are now; a relapse stands on two pages.

    Of those that are *known* to be related to none it does not ask which.
    """
    newest = Incident.objects.real().order_by("-began_at", "-pk").values_list("pk", flat=True)
    if archive is None:
        return set(newest[:MOST_WRITTEN_ANEW])
    changed = set(_SINCE(revision=archive.revision))
    perhaps = changed - {row.pk for row in known if not row.related}
    return changed.union(_RELATED(changed=list(perhaps)) if perhaps else ())


_SINCE = Composed(
    lambda revision: (
        Incident.objects.real()
        .filter(revision__gt=revision)
        .order_by("-began_at", "-pk")
        .values_list("pk", flat=True)[:MOST_WRITTEN_ANEW]
    ),
    revision=BigIntegerField(),
)
_RELATED = Composed(
    lambda changed: (
        Incident.objects.real()
        .filter(Q(relapse_of__in=changed) | Q(relapses__in=changed))
        .order_by()
        .values_list("pk", flat=True)
    ),
    changed=Many(BigIntegerField()),
)


def rows(which: Q, *, names: int) -> list[Row]:
    """The incidents for which *which* holds, no exercises among them, newest first.

    *names*: the revision of the last change of a name.
    """
    return _rows(_chosen(which), names=names)


def _rows(chosen: Iterable[tuple[Any, ...]], *, names: int) -> list[Row]:
    told = []
    for pk, public_id, began_at, own, *others in chosen:
        newest = max(own, *(each or 0 for each in others))
        revision = newest and max(newest, names)
        told.append(Row(pk, public_id, revision, began_at, related=any(each is not None for each in others)))
    return told


def _chosen(which: Q) -> "QuerySet[Incident, tuple[Any, ...]]":
    """Key, public id and beginning, then the revisions of the incident and of those that it and its page name."""
    found = Incident.objects.real().filter(which).order_by("-began_at", "-pk")
    fields = ("pk", "public_id", "began_at", "revision", "relapse_of__revision")
    return found.values_list(*fields).annotate(Max("relapses__revision"))


_SHOWN = Composed(lambda since: _chosen(_shown(since)), since=DateTimeField())


def _past_impacts(at: datetime) -> tuple[facts.PastImpact, ...]:
    return tuple(
        facts.PastImpact(service, incident, ServiceStatus(status), began_at, ended_at)
        for service, incident, status, began_at, ended_at in _IMPACTS(since=at - BARS)
    )


_IMPACTS = Composed(
    lambda since: (
        Impact.objects.real()
        .filter(Q(ended_at=None) | Q(ended_at__gt=since))
        .order_by("began_at", "pk")
        .values_list("service__public_id", "incident__public_id", "status", "began_at", "ended_at")
    ),
    since=DateTimeField(),
)


def _months(
    shown: Sequence[Row], changed: set[int], archive: Archive | None, *, names: int
) -> tuple[facts.Month, ...]:
    """Counted from the archive on; those in which something changed with all their incidents.

    Asks for what *shown*, which begins with the newest, does not tell of them.
    """
    counted: Counter[tuple[int, int]] = Counter()
    if archive:
        counted.update(archive.months)
    due = set()
    for pk, public_id, began_at in _begun_of(shown, changed) if archive else _begun():
        month = moments.month_of(began_at)
        if archive is None or public_id not in archive.incidents:
            counted[month] += 1
        if pk in changed:
            due.add(month)
    told = _listed(shown, due, names=names)
    return tuple(
        facts.Month(*month, incidents, told.get(month, ()))
        for month, incidents in sorted(counted.items(), reverse=True)
    )


def _begun() -> "QuerySet[Incident, tuple[int, str, datetime]]":
    return Incident.objects.real().values_list("pk", "public_id", "began_at")


def _begun_of(shown: Sequence[Row], changed: set[int]) -> Iterator[tuple[int, str, datetime]]:
    known = {row.pk: (row.pk, row.public_id, row.began_at) for row in shown if row.pk in changed}
    yield from known.values()
    if older := changed - known.keys():
        yield from _BEGUN(pks=older)


_BEGUN = Composed(lambda pks: _begun().filter(pk__in=pks), pks=Many(BigIntegerField()))


def _listed(
    shown: Sequence[Row], months: Collection[tuple[int, int]], *, names: int
) -> dict[tuple[int, int], tuple[facts.Brief, ...]]:
    """The incidents that began in each (year, month) of Brussels, newest first; a fixed number of queries, and none
    for months of which *shown* has them all.
    """
    found: dict[tuple[int, int], list[facts.Brief]] = {month: [] for month in months}
    asked = [month for month in months if moments.first_of(*month) <= _all_since(shown)]
    listed = [row for row in shown if moments.month_of(row.began_at) in found.keys() - asked]
    if asked:
        ranges = (
            Q(began_at__gte=moments.first_of(*month), began_at__lt=moments.first_after(*month))
            for month in asked
        )
        listed += rows(reduce(or_, ranges), names=names)
    for incident in incident_facts.read(listed):
        found[moments.month_of(incident.began_at)].append(incident.brief)
    return {month: tuple(briefs) for month, briefs in found.items()}


def _all_since(shown: Sequence[Row]) -> datetime:
    """No incident that began later is missing in *shown*."""
    return shown[NEWEST - 1].began_at if len(shown) >= NEWEST else datetime.min.replace(tzinfo=UTC)


def _groups() -> tuple[facts.Group, ...]:
    return tuple(
        facts.Group(
            id=group.public_id,
            name=name(group),
            services=tuple(
                facts.Service(
                    id=service.public_id,
                    name=name(service),
                    created_at=service.created_at,
                    changed_at=max(filter(None, [service.updated_at, service.began, service.ended])),
                )
                for service in services
            ),
        )
        for group, services in groupby(_SERVICES(), lambda service: service.group)
    )


def _last_of(field: str) -> Subquery:
    """The newest of a service's impacts by *field*, found by its index."""
    found = Impact.objects.filter(
        service=OuterRef("pk"), incident__drill=False, **{f"{field}__isnull": False}
    )
    return Subquery(found.order_by(f"-{field}").values(field)[:1])


_SERVICES = Composed(
    lambda: (
        Service.objects.select_related("group")
        .order_by("group__position", "group__key", "position", "key")
        .annotate(began=_last_of("recorded_at"), ended=_last_of("ended_at"))
    )
)
