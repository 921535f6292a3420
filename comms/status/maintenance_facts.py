"""Reads planned work as the public may know it."""

from typing import NamedTuple
from uuid import UUID

from accounts.composed import Composed, ComposedPrefetch
from accounts.languages import Language
from comms.status import facts
from comms.status.incident_facts import opaque
from incidents.models import Maintenance, MaintenanceChange, MaintenanceStatus

NEWEST = 50


class Works(NamedTuple):
    """The newest first; apart what was cancelled."""

    standing: tuple[facts.Maintenance, ...]
    cancelled: tuple[facts.Maintenance, ...]


_known: dict[UUID | None, Works] = {}  # one at most


def read(version: UUID | None) -> Works:
    """The newest, and all that is not over; a fixed number of queries.

    What was read before under the same *version* is still true; None is that of what nobody counted.
    """
    if version is not None and (known := _known.get(version)) is not None:
        return known
    told = [_maintenance(row) for row in _TOLD()]
    _known.clear()
    _known[version] = Works(
        standing=tuple(work for work in told if work.status != MaintenanceStatus.CANCELLED),
        cancelled=tuple(work for work in told if work.status == MaintenanceStatus.CANCELLED),
    )
    return _known[version]


_TOLD = Composed(
    lambda: Maintenance.objects.told(NEWEST).select_related("follows"),
    [
        ComposedPrefetch(
            "services",
            lambda owners: (
                Maintenance.services.through.objects.filter(maintenance__in=owners)
                .select_related("service")
                .order_by("service__group__position", "service__position", "service__key")
            ),
        ),
        ComposedPrefetch("changes", lambda owners: MaintenanceChange.objects.filter(maintenance__in=owners)),
    ],
)


def _maintenance(row: Maintenance) -> facts.Maintenance:
    return facts.Maintenance(
        id=row.public_id,
        title=_text(row, "title"),
        body=_text(row, "body"),
        status=row.status,
        service_ids=tuple(service.public_id for service in row.services.all()),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        recorded_at=row.recorded_at,
        changed_at=row.last_change.recorded_at,
        follows=row.follows.public_id if row.follows else None,
        notes=tuple(_notes(row)),
        revision=len(row.changes.all()) - 1,
    )


def _notes(row: Maintenance) -> list[facts.MaintenanceNote]:
    """Each state that it came into and each note, newest first; the first says what is planned."""
    told: list[facts.MaintenanceNote] = []
    for change in sorted(row.changes.all(), key=lambda change: change.pk):
        if told and told[-1].status == change.status and not change.note_fr:
            continue  # other hours or better words
        told.append(
            facts.MaintenanceNote(
                id=opaque(f"maintenance {change.key}"),
                status=MaintenanceStatus(change.status),
                published_at=change.recorded_at,
                body=_text(change, "note") if told else _text(row, "body"),
            )
        )
    return told[::-1]


def _text(row: Maintenance | MaintenanceChange, part: str) -> facts.Text:
    return facts.Text(**{language: getattr(row, f"{part}_{language}") for language in Language})
