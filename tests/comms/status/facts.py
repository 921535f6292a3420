"""Public facts for tests, one plain function each; what a test cares about it passes, the rest is ordinary."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from comms.status.facts import (
    Facts,
    Group,
    Impact,
    Incident,
    Maintenance,
    MaintenanceNote,
    Milestone,
    Part,
    Service,
    Text,
    Update,
    part_of,
)
from incidents.models.states import MaintenanceStatus, MilestoneKind, Phase, ServiceStatus, Severity

BEGAN = datetime(2022, 7, 1, 11, 30, tzinfo=UTC)  # 13:30 in Brussels
AT = BEGAN + timedelta(minutes=110)  # 15:20
NAMES = ("Tests rapides", "Vaccination", "Transfert")


def text(fr: str = "", nl: str = "", de: str = "", en: str = "") -> Text:
    return Text(fr=fr, nl=nl, de=de, en=en)


def everywhere(told: str) -> Text:
    """The same in all languages, so that a test finds it on every page."""
    return Text(fr=told, nl=told, de=told, en=told)


def update(**fields: Any) -> Update:
    """One that speaks each language of its body; what is given as the text of a part is made one."""
    body = fields.get("body", text("Nous y travaillons.", "We werken eraan."))
    parts = {
        name: part_of([body], fields.pop(name, text()))
        for name in ("do", "dont", "patient")
        if not isinstance(fields.get(name), Part)
    }
    return Update(
        **{
            "id": "aaaaaaaaaaaa",
            "phase": Phase.INVESTIGATING,
            "published_at": BEGAN + timedelta(minutes=15),
            "occurred_at": BEGAN + timedelta(minutes=15),
            "next_update_at": AT + timedelta(minutes=25),
            "valid_until": None,
            "central_confirmed": False,
            "headline": text("Aucun certificat n’est créé.", "Er worden geen certificaten gemaakt."),
            "title": text("Perturbation", "Storing"),
            "body": text("Nous y travaillons.", "We werken eraan."),
            "statuses": (),
            **parts,
            **fields,
        }
    )


def incident(**fields: Any) -> Incident:
    return Incident(
        **{
            "id": "k7m2q9x4tb1d",
            "revision": 0,
            "title": text("eForms hors service", "eForms buiten dienst"),
            "severity": Severity.S1,
            "phase": Phase.INVESTIGATING,
            "began_at": BEGAN,
            "recorded_at": BEGAN + timedelta(minutes=2),
            "changed_at": BEGAN + timedelta(minutes=15),
            "monitoring_at": None,
            "resolved_at": None,
            "relapse_of": None,
            "relapses": (),
            "impacts": (impact(),),
            "chain": (),
            "milestones": (),
            "updates": (update(),),
            "postmortem": None,
            **fields,
        }
    )


def resolved(**fields: Any) -> Incident:
    """Over, and its last message says so."""
    ended = fields.pop("resolved_at", BEGAN + timedelta(hours=4))
    return incident(
        **{
            "phase": Phase.RESOLVED,
            "resolved_at": ended,
            "impacts": (replace(impact(), ended_at=ended),),
            "updates": (update(phase=Phase.RESOLVED, next_update_at=None),),
            **fields,
        }
    )


def impact(place: int = 0, status: ServiceStatus = ServiceStatus.MAJOR, **fields: Any) -> Impact:
    return Impact(
        **{
            "service_id": f"service{place:05}",
            "status": status,
            "began_at": BEGAN,
            "ended_at": None,
            **fields,
        }
    )


def milestone(kind: MilestoneKind = MilestoneKind.TRANSFER_BACK, **fields: Any) -> Milestone:
    return Milestone(
        **{"kind": kind, "planned_for": None, "reached_at": None, "confirmed_by": None, **fields}
    )


def service(place: int = 0, **fields: Any) -> Service:
    return Service(
        **{
            "id": f"service{place:05}",
            "name": everywhere(NAMES[place % len(NAMES)]),
            "created_at": BEGAN - timedelta(days=90),
            "changed_at": BEGAN,
            **fields,
        }
    )


def maintenance(**fields: Any) -> Maintenance:
    """Tonight from 22:00 to 24:00, announced at 15:09."""
    starts_at = fields.pop("starts_at", BEGAN + timedelta(hours=8.5))
    recorded_at = fields.pop("recorded_at", BEGAN + timedelta(minutes=99))
    return Maintenance(
        **{
            "id": "m1w2x3y4z5a6",
            "title": text("Redémarrage complet", "Volledige herstart", "Neustart", "Restart"),
            "body": text("De courtes interruptions.", "Korte onderbrekingen."),
            "status": MaintenanceStatus.SCHEDULED,
            "service_ids": ("service00000", "service00002"),
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(hours=2),
            "started_at": None,
            "completed_at": None,
            "recorded_at": recorded_at,
            "changed_at": recorded_at,
            "follows": None,
            "notes": (maintenance_note(published_at=recorded_at),),
            **fields,
        }
    )


def maintenance_note(**fields: Any) -> MaintenanceNote:
    return MaintenanceNote(
        **{
            "id": "bbbbbbbbbbbb",
            "status": MaintenanceStatus.SCHEDULED,
            "published_at": BEGAN,
            "body": text("De courtes interruptions.", "Korte onderbrekingen."),
            **fields,
        }
    )


def facts(*incidents: Incident, **fields: Any) -> Facts:
    return Facts(
        **{
            "revision": 7,
            "at": AT,
            "url": "https://status.example.org",
            "app_url": "https://desk.example.org",
            "default_language": "fr",
            "groups": (
                Group("group0000000", everywhere("eForms"), (service(0), service(1))),
                Group("group0000001", everywhere("Transmission"), (service(2),)),
            ),
            "incidents": incidents,
            **fields,
        }
    )
