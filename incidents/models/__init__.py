from incidents.models.alert import Alert
from incidents.models.catalogue import Dependency, Partner, Service, ServiceGroup
from incidents.models.chain import Chain, ChainLink, LinkStanding
from incidents.models.exercise import ExerciseClock
from incidents.models.incident import (
    DRILL_MARK,
    PHASE_CHANGES,
    Impact,
    Incident,
    IncidentQuerySet,
    Milestone,
    PhaseChange,
    RoleAssignment,
)
from incidents.models.maintenance import Maintenance, MaintenanceChange, MaintenanceQuerySet
from incidents.models.postmortem import Postmortem, PostmortemText
from incidents.models.revision import PublicRevision
from incidents.models.staff import Absence, CallIn, CallInAnswer, CallInWay, Colleague
from incidents.models.states import (
    LinkState,
    MaintenanceStatus,
    MilestoneKind,
    Phase,
    ResponseRole,
    ServiceStatus,
    Severity,
)
from incidents.models.timeline import Entry, EntryKind

__all__ = [
    "DRILL_MARK",
    "PHASE_CHANGES",
    "Absence",
    "Alert",
    "CallIn",
    "CallInAnswer",
    "CallInWay",
    "Chain",
    "ChainLink",
    "Colleague",
    "Dependency",
    "Entry",
    "EntryKind",
    "ExerciseClock",
    "Impact",
    "Incident",
    "IncidentQuerySet",
    "LinkStanding",
    "LinkState",
    "Maintenance",
    "MaintenanceChange",
    "MaintenanceQuerySet",
    "MaintenanceStatus",
    "Milestone",
    "MilestoneKind",
    "Partner",
    "Phase",
    "PhaseChange",
    "Postmortem",
    "PostmortemText",
    "PublicRevision",
    "ResponseRole",
    "RoleAssignment",
    "Service",
    "ServiceGroup",
    "ServiceStatus",
    "Severity",
]
