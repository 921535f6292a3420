"""Rows as operations want them: locked, and told of by their names."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField

from accounts.composed import Composed
from accounts.languages import Language, LocalizedName
from incidents.models import Impact, Incident, Service, ServiceStatus


def locked(incident: Incident) -> Incident:
    """The incident as it is now; nobody else changes it until the transaction ends.

    Calls may still be logged about it meanwhile: a row that refers to it needs only its key.
    """
    [found] = _LOCKED(pk=incident.pk)
    return found


_LOCKED = Composed(
    lambda pk: Incident.objects.select_for_update(no_key=True).filter(pk=pk), pk=BigIntegerField()
)


def names(row: LocalizedName) -> dict[str, str]:
    """The names of *row* as a timeline keeps them: what it was called then."""
    return {language: name for language in Language if (name := getattr(row, f"name_{language}"))}


def titles(incident: Incident) -> dict[str, str]:
    return {language: title for language in Language if (title := getattr(incident, f"title_{language}"))}


def put_impacts(
    incident: Incident,
    statuses: Mapping[Service, ServiceStatus],
    *,
    began_at: datetime,
    at: datetime,
) -> list[dict[str, Any]]:
    """Open an impact for each service that does not work; returns what a timeline entry says of them."""
    Impact.objects.bulk_create(
        Impact(incident=incident, service=service, status=status, began_at=began_at, recorded_at=at)
        for service, status in statuses.items()
        if status != ServiceStatus.OPERATIONAL
    )
    return [{"names": names(service), "status": str(status)} for service, status in statuses.items()]
