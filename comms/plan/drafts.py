"""Drafts of the notifications, filled from the incident and its timeline: Markdown, to be read and completed."""

from collections.abc import Iterable
from datetime import datetime

from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from comms.models import FilingStage, LegalDecision, Regime
from comms.plan.legal import Deadline
from incidents.models import Entry, EntryKind, Incident, ServiceStatus
from incidents.timeline import describe

MOST_ENTRIES = 200
TOLD = (
    EntryKind.DECLARED,
    EntryKind.AMENDED,
    EntryKind.PHASE,
    EntryKind.IMPACT,
    EntryKind.MILESTONE,
    EntryKind.CHAIN,
    EntryKind.UPDATE,
    EntryKind.SIGNAL,
    EntryKind.ACTION,
)
"""Neither people nor calls nor notes: what is nobody else's to read."""


def draft(
    deadline: Deadline, decision: LegalDecision, incident: Incident, language: str, at: datetime
) -> str:
    """In *language*. Four queries. What the desk cannot know stands in brackets."""
    with translation.override(language):
        parts = [
            f"# {deadline.regime.label} · {deadline.stage.label}",
            _("DRAFT of %(time)s, to be completed and checked by a person.") % {"time": _when(at)},
            *_head(deadline, decision, incident, language),
            *_questions(deadline),
            _heading(_("Chronology")),
            "\n".join(_chronology(incident)),
        ]
    if incident.drill:
        parts.insert(0, str(incident.mark) or "DRILL")
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(deadline: Deadline, decision: LegalDecision, incident: Incident, language: str) -> Iterable[str]:
    yield _heading(_("The incident"))
    lines = [
        (_("Incident"), f"{incident.title_in(language)} ({incident.public_id})"),
        (_("Severity"), str(incident.severity)),
        (_("Began"), _when(incident.began_at)),
        (_("We became aware"), _when(decision.aware_at) if decision.aware_at else ""),
        (_("Resolved"), _when(incident.resolved_at) if incident.resolved_at else _("not yet")),
        (_("To be notified by"), _when(deadline.due_at) if deadline.due_at else _("without undue delay")),
        (_("Why it is notified"), decision.reason),
    ]
    yield "\n".join(f"- {name}: {value}" for name, value in lines)
    yield _heading(_("Services affected"))
    yield "\n".join(_services(incident, language)) or _("[none recorded]")


def _services(incident: Incident, language: str) -> Iterable[str]:
    for impact in incident.impacts.select_related("service"):
        ended = _when(impact.ended_at) if impact.ended_at else _("not ended")
        status = ServiceStatus(impact.status).label
        yield f"- {impact.service.name_in(language)}: {status}, {_when(impact.began_at)} – {ended}"


def _questions(deadline: Deadline) -> Iterable[str]:
    """What the law asks for beside the facts above (NIS2 art. 23(4), GDPR art. 33(3))."""
    if deadline.regime == Regime.NIS2:
        asked = {
            FilingStage.EARLY_WARNING: [
                _("Suspected of being caused by unlawful or malicious acts?"),
                _("Could it have an impact in another Member State?"),
            ],
            FilingStage.NOTIFICATION: [
                _("Initial assessment of severity and impact"),
                _("Indicators of compromise, where there are any"),
            ],
            FilingStage.FINAL_REPORT: [
                _("Detailed description, severity and impact"),
                _("Type of threat or root cause"),
                _("Mitigation measures, applied and ongoing"),
                _("Impact in other Member States"),
            ],
        }[deadline.stage]
    else:
        asked = [
            _("Nature of the breach; categories and approximate number of people and records"),
            _("Name and contact details of the data protection officer"),
            _("Likely consequences"),
            _("Measures taken or proposed"),
        ]
    yield _heading(_("To be completed"))
    yield "\n".join(f"- {question}: [ … ]" for question in asked)


def _chronology(incident: Incident) -> Iterable[str]:
    entries: list[Entry] = list(
        incident.entries.filter(kind__in=TOLD).order_by("occurred_at", "sequence")[:MOST_ENTRIES]
    )
    for entry in entries:
        yield f"- {_when(entry.occurred_at)}: {describe(entry)}"


def _when(moment: datetime) -> str:
    return date_format(localtime(moment), "SHORT_DATETIME_FORMAT")


def _heading(title: str) -> str:
    return f"## {title}"
