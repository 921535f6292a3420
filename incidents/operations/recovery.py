"""The named stages of recovery: planned, reached, confirmed by a partner."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import Refused
from incidents import permissions, timeline
from incidents.models import EntryKind, Incident, Milestone, MilestoneKind, Partner, PublicRevision
from incidents.operations import rows, sense

FURTHEST_PLAN = timedelta(days=30)


@transaction.atomic
def plan_milestone(
    incident: Incident,
    kind: MilestoneKind,
    *,
    planned_for: datetime,
    by: User,
    at: datetime | None = None,
) -> None:
    """Say when a stage is expected; again moves it. Refused once it is reached. Bumps PublicRevision."""
    permissions.check_run_incident(by)
    at = at or incident.now()
    incident = rows.locked(incident)
    planned_for = sense.future(
        planned_for, at=at, most=FURTHEST_PLAN, field="planned_for", not_before=incident.began_at
    )
    milestone, _new = Milestone.objects.get_or_create(
        incident=incident, kind=kind, defaults={"recorded_at": at}
    )
    if milestone.reached_at:
        raise _already_reached(milestone.reached_at, field="planned_for")
    if milestone.planned_for == planned_for:
        return
    milestone.planned_for, milestone.recorded_at = planned_for, at
    milestone.save()
    data = {"milestone": str(kind), "planned_for": planned_for.isoformat()}
    timeline.append(incident, EntryKind.MILESTONE, by=by, data=data, at=at)
    PublicRevision.objects.bump(incident)


@transaction.atomic
def reach_milestone(
    incident: Incident,
    kind: MilestoneKind,
    *,
    by: User,
    confirmed_by: Partner | None = None,
    occurred_at: datetime | None = None,
    at: datetime | None = None,
) -> None:
    """Say that a stage is reached, or, of one that is, that a partner now confirms it.

    Where it is reached and nobody new confirms it nothing is written; another *occurred_at* than the one it
    was reached at is refused. Bumps PublicRevision.
    """
    permissions.check_run_incident(by)
    at = at or incident.now()
    incident = rows.locked(incident)
    moment = sense.past(occurred_at, at=at, field="occurred_at", not_before=incident.began_at)
    milestone, _new = Milestone.objects.get_or_create(
        incident=incident, kind=kind, defaults={"recorded_at": at}
    )
    if milestone.reached_at and occurred_at not in (None, milestone.reached_at):
        raise _already_reached(milestone.reached_at, field="occurred_at")
    if milestone.reached_at and confirmed_by in (None, milestone.confirmed_by):
        return
    milestone.reached_at = milestone.reached_at or moment
    milestone.confirmed_by = confirmed_by
    milestone.recorded_at = at
    milestone.save()
    data = {"milestone": str(kind), "reached": True}
    if confirmed_by:
        data["partner"] = rows.names(confirmed_by)
    timeline.append(
        incident, EntryKind.MILESTONE, by=by, data=data, source=confirmed_by, occurred_at=moment, at=at
    )
    PublicRevision.objects.bump(incident)


def _already_reached(reached_at: datetime, *, field: str) -> Refused:
    when = date_format(timezone.localtime(reached_at), "SHORT_DATETIME_FORMAT")
    return Refused(_("This was reached already, on %(when)s.") % {"when": when}, field=field)
