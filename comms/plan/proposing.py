"""When the desk proposes to start the plan. It never starts one by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from comms.models import CrisisKind, PlanDeclined, PlanTemplate
from incidents.models import Impact, Incident, Phase, Severity
from incidents.models.incident import RELAPSE_WITHIN

S2_LASTS = timedelta(minutes=15)


@dataclass(frozen=True)
class Proposal:
    incident: Incident
    reason: str


def proposals(without: Sequence[Incident], at: datetime) -> list[Proposal]:
    """For those open incidents *without* a plan that ask for one and were not decided on yet.

    Reads prefetched phase changes, impacts and clocks of exercises. Two queries, none where there is nothing to ask.
    """
    if not without:
        return []
    declined = _declined(without)
    ended = _ended_lately(without)
    found = []
    for incident in without:
        reason = _reason(incident, ended, at)
        if reason and not _decided(incident, declined.get(incident.pk, [])):
            found.append(Proposal(incident, reason))
    return found


def default_template() -> PlanTemplate | None:
    """The one that a single click starts: the first there was for an outage, else the first."""
    return min(
        PlanTemplate.objects.all(),
        key=lambda template: (template.kind != CrisisKind.OUTAGE, template.pk),
        default=None,
    )


def _reason(incident: Incident, ended: Sequence[Impact], at: datetime) -> str:
    if incident.severity == Severity.S1:
        return _("it is an S1")
    if any(change.phase == Phase.RESOLVED for change in incident.phase_changes.all()):
        return _("it was resolved and is open again")
    if incident.relapse_of_id:
        return _("it is a relapse")
    if _falls_back(incident, ended):
        return _("the same service failed within the last %(n)d hours") % {
            "n": RELAPSE_WITHIN // timedelta(hours=1)
        }
    if incident.severity == Severity.S2 and incident.now(at) - incident.began_at >= S2_LASTS:
        return _("it is an S2 for more than %(n)d minutes") % {"n": S2_LASTS // timedelta(minutes=1)}
    return ""


def _falls_back(incident: Incident, ended: Sequence[Impact]) -> bool:
    services = {impact.service_id for impact in incident.impacts.all()}
    return any(
        impact.service_id in services
        and impact.incident_id != incident.pk
        and impact.incident.drill == incident.drill
        and impact.ended_at is not None
        and timedelta() <= incident.began_at - impact.ended_at <= RELAPSE_WITHIN
        for impact in ended
    )


def _ended_lately(incidents: Sequence[Incident]) -> list[Impact]:
    services = {impact.service_id for incident in incidents for impact in incident.impacts.all()}
    first = min(incident.began_at for incident in incidents)
    last = max(incident.began_at for incident in incidents)
    return list(
        Impact.objects.filter(
            service__in=services, ended_at__gte=first - RELAPSE_WITHIN, ended_at__lte=last
        ).select_related("incident")
    )


def _declined(incidents: Sequence[Incident]) -> dict[int, list[PlanDeclined]]:
    found: dict[int, list[PlanDeclined]] = {}
    for decision in PlanDeclined.objects.filter(incident__in=incidents):
        found.setdefault(decision.incident_id, []).append(decision)
    return found


def _decided(incident: Incident, decisions: Sequence[PlanDeclined]) -> bool:
    """It was decided not to, and nothing has become worse since: neither the severity, nor by opening again."""
    newest = max(decisions, key=lambda decision: decision.at, default=None)
    if newest is None:
        return False
    reopened = incident.last_phase_change.recorded_at > newest.at and any(
        change.phase == Phase.RESOLVED and change.recorded_at > newest.at
        for change in incident.phase_changes.all()
    )
    return newest.severity <= incident.severity and not reopened
