"""An incident comes to be, gets a better title or severity, or is found to be a relapse."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.languages import REQUIRED_PUBLIC_LANGUAGES, Language
from accounts.models import User
from accounts.refusals import Refused
from incidents import permissions, timeline
from incidents.assessing import Assessment
from incidents.models import (
    EntryKind,
    Incident,
    Phase,
    PhaseChange,
    PublicRevision,
    Service,
    ServiceStatus,
    Severity,
)
from incidents.operations import rows, sense

LONGEST_TITLE: int = Incident._meta.get_field("title_fr").max_length or 0


@transaction.atomic
def declare(
    *,
    key: UUID,
    titles: Mapping[str, str],
    severity: Severity,
    statuses: Mapping[Service, ServiceStatus],
    began_at: datetime,
    by: User,
    relapse_of: Incident | None = None,
    drill: bool = False,
    assessment: Assessment | None = None,
    at: datetime | None = None,
) -> Incident:
    """Open an incident that is being investigated; the same *key* again returns the one made first.

    *titles* maps languages to titles, French and Dutch required; *statuses* holds the services it touches, at
    least one, each with what it does to it. A relapse is at least S2. *drill*: an exercise, of which nothing leaves
    the house; it stays one, and what is real stays real. *assessment*: the replies that *severity* was chosen by,
    kept in the timeline. Writes the timeline's first entry and bumps
    PublicRevision. Fields of refusals: title_<language>, severity, services, began_at, relapse_of.
    """
    permissions.check_run_incident(by)
    at = at or timezone.now()
    began_at = sense.past(began_at, at=at, field="began_at")
    touched = {s: status for s, status in statuses.items() if status != ServiceStatus.OPERATIONAL}
    if not touched:
        raise Refused(_("Say which service is touched, and how."), field="services")
    if relapse_of:
        _check_relapse(relapse_of, began_at, severity, drill=drill)
    incident, is_new = Incident.objects.get_or_create(
        key=key,
        defaults={
            **_checked(titles),
            "severity": severity,
            "began_at": began_at,
            "recorded_at": at,
            "declared_by": by,
            "relapse_of": relapse_of,
            "drill": drill,
        },
    )
    if is_new:
        _begin(incident, touched, assessment, by=by, at=at)
    return incident


def _checked(titles: Mapping[str, str]) -> dict[str, str]:
    return {
        f"title_{language}": sense.public(
            titles.get(language, ""),
            most=LONGEST_TITLE,
            field=f"title_{language}",
            required=language in REQUIRED_PUBLIC_LANGUAGES,
        )
        for language in Language
    }


def _begin(
    incident: Incident,
    touched: Mapping[Service, ServiceStatus],
    assessment: Assessment | None,
    *,
    by: User,
    at: datetime,
) -> None:
    began_at = incident.began_at
    PhaseChange.objects.create(
        incident=incident, phase=Phase.INVESTIGATING, occurred_at=began_at, recorded_at=at, by=by
    )
    data: dict[str, Any] = {
        "severity": str(incident.severity),
        "titles": rows.titles(incident),
        "services": rows.put_impacts(incident, touched, began_at=began_at, at=at),
    }
    if incident.relapse_of:
        data["relapse_of"] = _reference(incident.relapse_of)
    if incident.drill:
        data["drill"] = True
    if assessment:
        data["assessed"] = assessment.as_json()
    timeline.append(incident, EntryKind.DECLARED, by=by, data=data, occurred_at=began_at, at=at)
    PublicRevision.objects.bump(incident)


@transaction.atomic
def amend(
    incident: Incident,
    *,
    by: User,
    titles: Mapping[str, str] | None = None,
    severity: Severity | None = None,
    at: datetime | None = None,
) -> None:
    """Give *incident* better titles or another severity; what stays the same is not told of.

    A language that is left out keeps its title, an empty one loses it. Bumps PublicRevision.
    """
    permissions.check_run_incident(by)
    incident = rows.locked(incident)
    data: dict[str, Any] = {}
    if titles is not None:
        before = rows.titles(incident)
        for field, title in _checked({**before, **titles}).items():
            setattr(incident, field, title)
        if rows.titles(incident) != before:
            data["titles"] = rows.titles(incident)
    if severity is not None and severity != incident.severity:
        if incident.relapse_of:
            _check_severity_of_relapse(severity)
        data["severity"] = [str(incident.severity), str(severity)]
        incident.severity = severity
    if data:
        incident.save(update_fields=[*(f"title_{language}" for language in Language), "severity"])
        timeline.append(incident, EntryKind.AMENDED, by=by, data=data, at=at)
        PublicRevision.objects.bump(incident)


@transaction.atomic
def link_relapse(incident: Incident, earlier: Incident, *, by: User, at: datetime | None = None) -> None:
    """Say that *incident* is a relapse of *earlier*, which began before it. Bumps PublicRevision."""
    permissions.check_run_incident(by)
    incident = rows.locked(incident)
    if incident.relapse_of_id == earlier.pk:
        return
    if incident.pk == earlier.pk:
        raise Refused(_("An incident is no relapse of itself."), field="relapse_of")
    _check_relapse(earlier, incident.began_at, Severity(incident.severity), drill=incident.drill)
    incident.relapse_of = earlier
    incident.save(update_fields=["relapse_of"])
    timeline.append(incident, EntryKind.LINK, by=by, data={"relapse_of": _reference(earlier)}, at=at)
    PublicRevision.objects.bump(incident)


def _check_relapse(earlier: Incident, began_at: datetime, severity: Severity, *, drill: bool) -> None:
    if earlier.drill != drill:
        raise Refused(_("An exercise and what is real are no relapse of each other."), field="relapse_of")
    if earlier.began_at >= began_at:
        raise Refused(_("A relapse begins after the incident it is a relapse of."), field="relapse_of")
    _check_severity_of_relapse(severity)


def _check_severity_of_relapse(severity: Severity) -> None:
    """The crisis-communication plan: a second fault on the same service is at least S2."""
    if severity == Severity.S3:
        raise Refused(
            _("A relapse is at least S2: pharmacists meet it for the second time."), field="severity"
        )


def _reference(incident: Incident) -> dict[str, Any]:
    return {"public_id": incident.public_id, "titles": rows.titles(incident)}
