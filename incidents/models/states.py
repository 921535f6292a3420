"""The states of the domain, and which may follow which."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ServiceStatus(models.TextChoices):
    """Values of the Statuspage v2 convention; an impact never says "operational"."""

    OPERATIONAL = "operational", _("works")
    DEGRADED = "degraded_performance", _("slow")
    PARTIAL = "partial_outage", _("works in part")
    MAJOR = "major_outage", _("out of service")
    MAINTENANCE = "under_maintenance", _("maintenance")

    @property
    def rank(self) -> int:
        """How bad it is, 0 (works) to 4 (out of service)."""
        return _BADNESS.index(self)

    @property
    def mark(self) -> str:
        """The name of its icon and colours: ok, degraded, partial, major, maint."""
        return {"operational": "ok", "under_maintenance": "maint"}.get(self.value, self.value.split("_")[0])


_BADNESS = (
    ServiceStatus.OPERATIONAL,
    ServiceStatus.MAINTENANCE,
    ServiceStatus.DEGRADED,
    ServiceStatus.PARTIAL,
    ServiceStatus.MAJOR,
)


def by_badness() -> tuple[ServiceStatus, ...]:
    """From what works to what is out of service."""
    return _BADNESS


class Severity(models.TextChoices):
    """The scale of the crisis-communication plan."""

    S1 = "S1", _("S1 · major: core service down or patients blocked nationwide")
    S2 = "S2", _("S2 · partial or slow, more than 100 pharmacies")
    S3 = "S3", _("S3 · local, minor")


class Phase(models.TextChoices):
    INVESTIGATING = "investigating", _("investigating")
    IDENTIFIED = "identified", _("identified")
    MONITORING = "monitoring", _("monitoring")
    RESOLVED = "resolved", _("resolved")


OPEN_PHASES = (Phase.INVESTIGATING, Phase.IDENTIFIED, Phase.MONITORING)

# While it is open an incident may go back: we are allowed to have been wrong about the cause.
# From resolved there is one way out, reopening, and it wants a reason.
PHASE_TRANSITIONS: dict[Phase, tuple[Phase, ...]] = {
    Phase.INVESTIGATING: (Phase.IDENTIFIED, Phase.MONITORING, Phase.RESOLVED),
    Phase.IDENTIFIED: (Phase.INVESTIGATING, Phase.MONITORING, Phase.RESOLVED),
    Phase.MONITORING: (Phase.INVESTIGATING, Phase.IDENTIFIED, Phase.RESOLVED),
    Phase.RESOLVED: (Phase.INVESTIGATING,),
}


class MilestoneKind(models.TextChoices):
    """The named stages of recovery, in their usual order; the plan's due times hang on the first three."""

    REGISTRATION_BACK = "registration_back", _("registration back")
    TRANSFER_BACK = "transfer_back", _("transfer back")
    PARTNER_CONFIRMED = "partner_confirmed", _("confirmed by partner")
    BACKLOG_RECOVERED = "backlog_recovered", _("backlog recovered")
    RESTART_DONE = "restart_done", _("restart done")


class LinkState(models.TextChoices):
    """How a link of the chain does that a message travels along."""

    OK = "ok", _("works")
    STUCK = "stuck", _("stuck here")
    WAITING = "waiting", _("waits for the link before it")
    UNKNOWN = "unknown", _("not known")


class MaintenanceStatus(models.TextChoices):
    """Values of the Statuspage v2 convention; cancelled ones are not public."""

    SCHEDULED = "scheduled", _("scheduled")
    IN_PROGRESS = "in_progress", _("in progress")
    VERIFYING = "verifying", _("verifying")
    COMPLETED = "completed", _("completed")
    CANCELLED = "cancelled", _("cancelled")


# What verifying finds may send it back to work. Once it is over it stays over: plan another.
MAINTENANCE_TRANSITIONS: dict[MaintenanceStatus, tuple[MaintenanceStatus, ...]] = {
    MaintenanceStatus.SCHEDULED: (MaintenanceStatus.IN_PROGRESS, MaintenanceStatus.CANCELLED),
    MaintenanceStatus.IN_PROGRESS: (MaintenanceStatus.VERIFYING, MaintenanceStatus.COMPLETED),
    MaintenanceStatus.VERIFYING: (MaintenanceStatus.IN_PROGRESS, MaintenanceStatus.COMPLETED),
    MaintenanceStatus.COMPLETED: (),
    MaintenanceStatus.CANCELLED: (),
}


class ResponseRole(models.TextChoices):
    """Who does what during one incident; the plan's steps name their owner by it."""

    CRISIS_LEAD = "crisis_lead", _("crisis lead")
    COMMUNICATIONS_LEAD = "communications_lead", _("communications lead")
    HELPDESK_COORDINATOR = "helpdesk_coordinator", _("helpdesk coordinator")
    TECHNICAL_LEAD = "technical_lead", _("technical lead")
    PRODUCT_LEAD = "product_lead", _("product lead")
    DATA_PROTECTION_OFFICER = "data_protection_officer", _("data protection officer")
    SOCIAL_MEDIA = "social_media", _("social media")
    SCRIBE = "scribe", _("scribe")
