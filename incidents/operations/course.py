"""The course of an incident: what it does to services, and its phase."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.composed import Composed
from accounts.models import User
from accounts.refusals import Refused
from incidents import permissions, timeline
from incidents.models import (
    EntryKind,
    Impact,
    Incident,
    Phase,
    PhaseChange,
    PublicRevision,
    Service,
    ServiceStatus,
)
from incidents.models.states import PHASE_TRANSITIONS
from incidents.operations import rows, sense

LONGEST_REASON: int = PhaseChange._meta.get_field("reason").max_length or 0


@transaction.atomic
def set_statuses(
    incident: Incident,
    statuses: Mapping[Service, ServiceStatus],
    *,
    by: User,
    occurred_at: datetime | None = None,
    at: datetime | None = None,
) -> None:
    """Change what *incident* does to services from *occurred_at* on; OPERATIONAL ends it.

    Services whose status stays the same are left alone; where none changes nothing is written. A resolved
    incident touches nothing: reopen it first. Bumps PublicRevision.
    """
    put_statuses(rows.locked(incident), statuses, by=by, occurred_at=occurred_at, at=at)


def put_statuses(
    incident: Incident,
    statuses: Mapping[Service, ServiceStatus],
    *,
    by: User,
    occurred_at: datetime | None = None,
    at: datetime | None = None,
) -> None:
    """As set_statuses, in the caller's transaction, of an *incident* that it has locked."""
    permissions.check_change_course(by)
    at = at or incident.now()
    impacts = {impact.service_id: impact for impact in _LASTING(incident=incident.pk)}
    changes = {s: new for s, new in statuses.items() if new != _status(impacts.get(s.pk))}
    if not changes:
        return
    if not incident.is_open:
        raise Refused(_("This incident is resolved: reopen it first."))
    occurred_at = sense.past(occurred_at, at=at, field="occurred_at", not_before=incident.began_at)
    _check_order(incident, changes, occurred_at)
    before = {service: _status(impacts.get(service.pk)) for service in changes}
    incident.impacts.open().filter(service__in=list(changes)).update(ended_at=occurred_at)
    services = rows.put_impacts(incident, changes, began_at=occurred_at, at=at)
    data = {"services": [s | {"from": str(b)} for s, b in zip(services, before.values(), strict=True)]}
    timeline.append(incident, EntryKind.IMPACT, by=by, data=data, occurred_at=occurred_at, at=at, held=True)
    PublicRevision.objects.bump(incident)


_LASTING = Composed(
    lambda incident: Impact.objects.open().filter(incident=incident), incident=models.BigIntegerField()
)


def _status(impact: Impact | None) -> ServiceStatus:
    return ServiceStatus(impact.status) if impact else ServiceStatus.OPERATIONAL


def _check_order(incident: Incident, services: Mapping[Service, Any], occurred_at: datetime) -> None:
    """A service's statuses follow each other: refuses a change from before its latest one."""
    for impact in incident.impacts.filter(service__in=list(services)).select_related("service"):
        latest = impact.ended_at or impact.began_at
        if occurred_at < latest:
            raise Refused(
                _("Too early: %(service)s last changed on %(when)s.")
                % {"service": impact.service, "when": _clock(latest)},
                field="occurred_at",
            )


@transaction.atomic
def move(
    incident: Incident,
    phase: Phase,
    *,
    by: User,
    reason: str = "",
    occurred_at: datetime | None = None,
    at: datetime | None = None,
) -> None:
    """Bring *incident* into *phase*; where it is in it already nothing is written.

    PHASE_TRANSITIONS says what may follow what. Resolving ends all that lasts, and what was
    known of the chain. Reopening needs a *reason* and brings no status back: set_statuses says what is down again.
    Bumps PublicRevision.
    """
    put_phase(rows.locked(incident), phase, by=by, reason=reason, occurred_at=occurred_at, at=at)


def put_phase(
    incident: Incident,
    phase: Phase,
    *,
    by: User,
    reason: str = "",
    occurred_at: datetime | None = None,
    at: datetime | None = None,
) -> None:
    """As move, in the caller's transaction, of an *incident* that it has locked."""
    permissions.check_change_course(by)
    at = at or incident.now()
    last = incident.last_phase_change
    if last.phase == phase:
        return
    before = Phase(last.phase)
    _check_transition(before, phase)
    reason = sense.written(reason, most=LONGEST_REASON, field="reason", required=before == Phase.RESOLVED)
    occurred_at = sense.past(occurred_at, at=at, field="occurred_at", not_before=last.occurred_at)
    entry = timeline.append(
        incident,
        EntryKind.PHASE,
        by=by,
        text=reason,
        data={"phase": str(phase), "from": str(before)},
        occurred_at=occurred_at,
        at=at,
        held=True,
    )
    incident.phase_changes.create(
        phase=phase, reason=entry.text, occurred_at=occurred_at, recorded_at=at, by=by
    )
    if phase == Phase.RESOLVED:
        _end_impacts(incident, occurred_at)
        incident.standings.all().delete()
    PublicRevision.objects.bump(incident)


def _check_transition(before: Phase, phase: Phase) -> None:
    if phase not in PHASE_TRANSITIONS[before]:
        raise Refused(
            _("From “%(before)s” an incident does not go to “%(phase)s”.")
            % {"before": before.label, "phase": Phase(phase).label},
            field="phase",
        )


def _end_impacts(incident: Incident, ended_at: datetime) -> None:
    lasting = incident.impacts.open()
    late = lasting.filter(began_at__gt=ended_at).select_related("service").first()
    if late:
        raise Refused(
            _("Too early: %(service)s last changed on %(when)s.")
            % {"service": late.service, "when": _clock(late.began_at)},
            field="occurred_at",
        )
    lasting.update(ended_at=ended_at)


def _clock(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")
