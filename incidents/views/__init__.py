from incidents.views.catalogue import incidents
from incidents.views.chain import chain
from incidents.views.declaring import declare, edit, relapse, severity
from incidents.views.maintenance import (
    amend_maintenance,
    hours,
    maintenance,
    maintenances,
    plan_maintenance,
)
from incidents.views.postmortem import postmortem
from incidents.views.running import hand_over, milestones, move, note, roles, statuses

__all__ = [
    "amend_maintenance",
    "chain",
    "declare",
    "edit",
    "hand_over",
    "hours",
    "incidents",
    "maintenance",
    "maintenances",
    "milestones",
    "move",
    "note",
    "plan_maintenance",
    "postmortem",
    "relapse",
    "roles",
    "severity",
    "statuses",
]
