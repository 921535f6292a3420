"""The incident and what belongs to it. Its phase and its services' statuses are derived, never stored twice."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.composed import ComposedPrefetch
from incidents.models.catalogue import Partner, Service
from incidents.models.identifiers import public_id
from incidents.models.states import MilestoneKind, Phase, ResponseRole, ServiceStatus, Severity

# The crisis-communication plan's relapse rule: a second fault on the same service within so long.
RELAPSE_WITHIN = timedelta(hours=4)
# What stands before all that is said of an exercise, on a screen and in a message alike.
DRILL_MARK = {"fr": "EXERCICE", "nl": "OEFENING", "de": "ÜBUNG", "en": "DRILL"}


class IncidentQuerySet(models.QuerySet["Incident"]):
    def with_phase(self) -> Self:
        """Annotates latest_phase, the phase of the newest PhaseChange."""
        newest = PhaseChange.objects.filter(incident=OuterRef("pk")).order_by("-pk")
        return self.annotate(latest_phase=Subquery(newest.values("phase")[:1]))

    def real(self) -> Self:
        """No exercises: what the public may hear of."""
        return self.filter(drill=False)

    def open(self) -> Self:
        """Not resolved; what is real before the exercises, then the gravest, then the oldest."""
        return (
            self.with_phase().exclude(latest_phase=Phase.RESOLVED).order_by("drill", "severity", "began_at")
        )

    def resolved(self) -> Self:
        return self.with_phase().filter(latest_phase=Phase.RESOLVED)

    def holding(self, service: Service) -> Self:
        """Open incidents, no exercises, that hold *service* in a fault now."""
        return self.real().open().filter(impacts__service=service, impacts__ended_at=None)

    def alike(self, *, drill: bool) -> Self:
        """Exercises alone, or none of them: neither is a relapse, nor the cause, of the other."""
        return self.filter(drill=drill)

    def disturbing(self, services: Collection[Service], moment: datetime) -> Self:
        """Open incidents that began before *moment* and hold one of *services* in a fault."""
        return (
            self.open()
            .filter(began_at__lt=moment, impacts__service__in=services, impacts__ended_at=None)
            .distinct()
        )

    def recently_on(self, services: Collection[Service], moment: datetime) -> Self:
        """Incidents whose fault of one of *services* ended at most RELAPSE_WITHIN before *moment*; newest first."""
        return (
            self.filter(
                began_at__lt=moment,
                impacts__service__in=services,
                impacts__ended_at__gte=moment - RELAPSE_WITHIN,
                impacts__ended_at__lte=moment,
            )
            .order_by("-began_at")
            .distinct()
        )


class Incident(models.Model):
    """A disturbance that pharmacists feel, from its declaration to its resolution."""

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    key = models.UUIDField(
        unique=True, editable=False, help_text="The form's key: declared once, however often sent."
    )
    title_fr = models.CharField(max_length=120)
    title_nl = models.CharField(max_length=120)
    title_de = models.CharField(max_length=120, blank=True)
    title_en = models.CharField(max_length=120, blank=True)
    severity = models.CharField(max_length=2, choices=Severity)
    began_at = models.DateTimeField(help_text="When it happened, UTC.")
    recorded_at = models.DateTimeField(help_text="When it was entered, UTC.")
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    relapse_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="relapses"
    )
    drill = models.BooleanField(
        default=False,
        editable=False,
        help_text="An exercise: nothing of it leaves the house, nothing is public.",
    )
    revision = models.PositiveBigIntegerField(
        default=0, db_index=True, editable=False, help_text="PublicRevision of its last public change."
    )

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at", "-pk"]
        indexes = [models.Index(name="incident_newest", fields=["-began_at", "-id"])]
        permissions = [
            ("run_incident", "May declare incidents and change their titles, severity, milestones and roles"),
            ("change_course", "May change an incident's services and phase, as publishing an update does"),
            ("note_fact", "May add entries to a timeline"),
        ]
        constraints = [
            models.CheckConstraint(
                name="incident_is_no_relapse_of_itself",
                condition=Q(relapse_of=None) | ~Q(relapse_of=F("pk")),
            ),
        ]

    def __str__(self) -> str:
        """As the desk names it: an exercise is never named without its mark."""
        from django.utils.translation import get_language

        title = self.title_in(get_language() or "fr")
        return f"{self.mark} · {title}" if self.drill else title

    @property
    def mark(self) -> str:
        """EXERCICE, OEFENING, DRILL in the interface's language; empty for what is real."""
        from django.utils.translation import get_language

        return DRILL_MARK[(get_language() or "fr")[:2]] if self.drill else ""

    def title_in(self, language: str) -> str:
        """The title in *language*; French where it is missing."""
        return str(getattr(self, f"title_{language[:2]}", "") or self.title_fr)

    @property
    def last_phase_change(self) -> "PhaseChange":
        """Reads a prefetched phase_changes where there is one."""
        return max(self.phase_changes.all(), key=lambda change: change.pk)

    @property
    def phase(self) -> Phase:
        return Phase(self.last_phase_change.phase)

    @property
    def is_open(self) -> bool:
        return self.phase != Phase.RESOLVED

    @property
    def resolved_at(self) -> datetime | None:
        """When it was resolved, None while it is open."""
        change = self.last_phase_change
        return change.occurred_at if change.phase == Phase.RESOLVED else None

    def now(self, at: datetime | None = None) -> datetime:
        """What time it is in it at *at* (default now): of an exercise with a clock of its own, what that reads.

        All that is noted of an incident and judged about it is in this time. One query for an exercise whose
        exercise_clock was not fetched.
        """
        at = at or timezone.now()
        clock = getattr(self, "exercise_clock", None) if self.drill else None
        return clock.reads(at) if clock else at

    @property
    def lasted(self) -> timedelta:
        """From its beginning to its resolution, or to now while it is open."""
        return (self.resolved_at or self.now()) - self.began_at

    @property
    def services_touched(self) -> list[Service]:
        """Each service it touched, in the order it did; reads prefetched impacts."""
        return list(dict.fromkeys(impact.service for impact in self.impacts.all()))

    @property
    def open_impacts(self) -> list["Impact"]:
        """The impacts that last, the worst first; reads prefetched impacts."""
        lasting = [impact for impact in self.impacts.all() if impact.ended_at is None]
        return sorted(lasting, key=lambda impact: -ServiceStatus(impact.status).rank)


class PhaseChange(models.Model):
    """An incident came into a phase. The newest row is the incident's phase."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="phase_changes")
    phase = models.CharField(max_length=16, choices=Phase)
    reason = models.CharField(max_length=300, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(name="phase_reached", fields=["phase", "occurred_at"]),
            # Every page asks which incidents are open: of each the newest row, read from the index alone.
            models.Index(name="phase_newest", fields=["incident", "-id", "phase"]),
        ]


PHASE_CHANGES = ComposedPrefetch(
    "phase_changes", lambda owners: PhaseChange.objects.filter(incident__in=owners)
)
"""From them an incident's phase is read."""


class ImpactQuerySet(models.QuerySet["Impact"]):
    def real(self) -> Self:
        """No exercises: what the public may hear of."""
        return self.filter(incident__drill=False)

    def open(self) -> Self:
        return self.filter(ended_at=None)


class Impact(models.Model):
    """An incident holds a service in a status from began_at to ended_at (open: None)."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="impacts")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="impacts")
    status = models.CharField(max_length=24, choices=ServiceStatus)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()

    objects = ImpactQuerySet.as_manager()

    class Meta:
        ordering = ["began_at", "pk"]
        indexes = [
            models.Index(name="impact_ended", fields=["ended_at"]),
            models.Index(name="impact_on_service_recorded", fields=["service", "recorded_at"]),
            models.Index(name="impact_on_service_ended", fields=["service", "ended_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="one_open_impact_per_service_and_incident",
                fields=["incident", "service"],
                condition=Q(ended_at=None),
            ),
            models.CheckConstraint(
                name="impact_ends_after_it_began",
                condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at")),
            ),
            models.CheckConstraint(
                name="impact_is_not_operational", condition=~Q(status=ServiceStatus.OPERATIONAL)
            ),
        ]

    @property
    def mark(self) -> str:
        """The name of its status' icon and colours."""
        return ServiceStatus(self.status).mark


class Milestone(models.Model):
    """A named stage of recovery: foreseen, perhaps planned, then reached, perhaps confirmed by a partner."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="milestones")
    kind = models.CharField(max_length=24, choices=MilestoneKind)
    planned_for = models.DateTimeField(null=True, blank=True)
    reached_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)
    confirmed_by = models.ForeignKey(
        Partner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(name="milestone_kind_once_per_incident", fields=["incident", "kind"]),
            models.CheckConstraint(
                name="milestone_confirmed_only_when_reached",
                condition=Q(confirmed_by=None) | Q(reached_at__isnull=False),
            ),
        ]


class RoleAssignmentQuerySet(models.QuerySet["RoleAssignment"]):
    def current(self) -> Self:
        return self.filter(released_at=None)

    def holding(self) -> Self:
        return self.current().filter(deputy=False)


class RoleAssignment(models.Model):
    """A person holds a response role in an incident, or stands in for who does, until released_at (held: None)."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="role_assignments")
    role = models.CharField(max_length=24, choices=ResponseRole)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="role_assignments"
    )
    deputy = models.BooleanField(default=False, help_text="Stands in for who holds it.")
    assigned_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)

    objects = RoleAssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["assigned_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="one_holder_per_role_and_incident",
                fields=["incident", "role", "deputy"],
                condition=Q(released_at=None),
            ),
            models.CheckConstraint(
                name="role_released_after_assigned",
                condition=Q(released_at=None) | Q(released_at__gte=F("assigned_at")),
            ),
        ]
        verbose_name = _("role assignment")
