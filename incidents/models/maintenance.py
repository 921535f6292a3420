"""Planned work on services. Its state is that of its newest change, never stored twice."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.languages import Language
from incidents.models.catalogue import Service
from incidents.models.identifiers import public_id
from incidents.models.incident import Incident
from incidents.models.states import MaintenanceStatus

LASTING = (MaintenanceStatus.SCHEDULED, MaintenanceStatus.IN_PROGRESS, MaintenanceStatus.VERIFYING)
ACTIVE = (MaintenanceStatus.IN_PROGRESS, MaintenanceStatus.VERIFYING)


class MaintenanceQuerySet(models.QuerySet["Maintenance"]):
    def with_status(self) -> Self:
        """Annotates latest_status, that of the newest MaintenanceChange."""
        newest = MaintenanceChange.objects.filter(maintenance=OuterRef("pk")).order_by("-pk")
        return self.annotate(latest_status=Subquery(newest.values("status")[:1]))

    def lasting(self) -> Self:
        """Neither completed nor cancelled; what begins first comes first."""
        return self.with_status().filter(latest_status__in=LASTING).order_by("starts_at", "pk")

    def active(self) -> Self:
        """Begun and not done; what is to be done first comes first."""
        return self.with_status().filter(latest_status__in=ACTIVE).order_by("ends_at", "pk")

    def over(self) -> Self:
        """Completed or cancelled, the newest first."""
        return self.with_status().exclude(latest_status__in=LASTING).order_by("-starts_at", "-pk")

    def standing(self) -> Self:
        """What was not cancelled."""
        return self.with_status().exclude(latest_status=MaintenanceStatus.CANCELLED)

    def told(self, most: int) -> Self:
        """The newest *most*, what was cancelled among them, and all that is not over, the newest first."""
        newest = self.order_by("-starts_at", "-pk").values("pk")[:most]
        shown = Q(pk__in=newest) | Q(latest_status__in=LASTING)
        return self.with_status().filter(shown).order_by("-starts_at", "-pk")

    def late(self, at: datetime) -> Self:
        """What should have begun before *at* and did not, or should have ended and did not."""
        return self.lasting().filter(_unbegun(at) | Q(latest_status__in=ACTIVE, ends_at__lt=at))

    def due(self, at: datetime) -> Self:
        """What is under way, and what should be."""
        return self.lasting().filter(_unbegun(at) | Q(latest_status__in=ACTIVE))


def _unbegun(at: datetime) -> Q:
    return Q(latest_status=MaintenanceStatus.SCHEDULED, starts_at__lt=at)


class Maintenance(models.Model):
    """Work on services that is announced before it begins."""

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    key = models.UUIDField(
        unique=True, editable=False, help_text="The form's key: planned once, however often sent."
    )
    title_fr = models.CharField(max_length=120)
    title_nl = models.CharField(max_length=120)
    title_de = models.CharField(max_length=120, blank=True)
    title_en = models.CharField(max_length=120, blank=True)
    body_fr = models.CharField(max_length=1000)
    body_nl = models.CharField(max_length=1000)
    body_de = models.CharField(max_length=1000, blank=True)
    body_en = models.CharField(max_length=1000, blank=True)
    services = models.ManyToManyField(Service, related_name="maintenances")
    starts_at = models.DateTimeField(help_text="When it is to begin, UTC.")
    ends_at = models.DateTimeField(help_text="When it is to be done, UTC.")
    follows = models.ForeignKey(
        Incident, on_delete=models.PROTECT, null=True, blank=True, related_name="follow_ups"
    )
    recorded_at = models.DateTimeField(help_text="When it was entered, UTC.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = MaintenanceQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-pk"]
        indexes = [models.Index(name="maintenance_newest", fields=["-starts_at", "-id"])]
        permissions = [("plan_work", "May plan maintenance, announce it and say how it goes")]
        constraints = [
            models.CheckConstraint(
                name="maintenance_ends_after_it_begins", condition=Q(ends_at__gt=F("starts_at"))
            ),
        ]

    def __str__(self) -> str:
        from django.utils.translation import get_language

        return self.title_in(get_language() or Language.FR)

    def title_in(self, language: str) -> str:
        """The title in *language*; French where it is missing."""
        return str(getattr(self, f"title_{language[:2]}", "") or self.title_fr)

    @property
    def length(self) -> timedelta:
        return self.ends_at - self.starts_at

    @property
    def last_change(self) -> "MaintenanceChange":
        """Reads prefetched changes where there are."""
        return max(self.changes.all(), key=lambda change: change.pk)

    @property
    def status(self) -> MaintenanceStatus:
        return MaintenanceStatus(self.last_change.status)

    @property
    def is_over(self) -> bool:
        return self.status not in LASTING

    @property
    def started_at(self) -> datetime | None:
        return self._first_in(MaintenanceStatus.IN_PROGRESS)

    @property
    def completed_at(self) -> datetime | None:
        return self._first_in(MaintenanceStatus.COMPLETED)

    def _first_in(self, status: MaintenanceStatus) -> datetime | None:
        return min((c.occurred_at for c in self.changes.all() if c.status == status), default=None)

    def late_by(self, at: datetime) -> timedelta | None:
        """How long ago it should have begun, or ended once it has; None where it is in time."""
        due = {
            MaintenanceStatus.SCHEDULED: self.starts_at,
            MaintenanceStatus.IN_PROGRESS: self.ends_at,
            MaintenanceStatus.VERIFYING: self.ends_at,
        }.get(self.status)
        return at - due if due and due < at else None


class MaintenanceChange(models.Model):
    """It came into a state, was said something of, or was moved: the newest row is the state it is in.

    The note is public. from_starts_at, from_ends_at: the window it had before this change moved it.
    """

    maintenance = models.ForeignKey(Maintenance, on_delete=models.PROTECT, related_name="changes")
    key = models.UUIDField(unique=True, editable=False)
    status = models.CharField(max_length=16, choices=MaintenanceStatus)
    note_fr = models.CharField(max_length=1000, blank=True)
    note_nl = models.CharField(max_length=1000, blank=True)
    note_de = models.CharField(max_length=1000, blank=True)
    note_en = models.CharField(max_length=1000, blank=True)
    from_starts_at = models.DateTimeField(null=True, blank=True)
    from_ends_at = models.DateTimeField(null=True, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="maintenance_moved_from_a_whole_window",
                condition=Q(from_starts_at=None, from_ends_at=None)
                | Q(
                    from_starts_at__isnull=False,
                    from_ends_at__isnull=False,
                    from_ends_at__gt=F("from_starts_at"),
                ),
            ),
            models.CheckConstraint(
                name="maintenance_note_is_in_both_languages",
                condition=Q(note_fr="", note_nl="", note_de="", note_en="")
                | (~Q(note_fr="") & ~Q(note_nl="")),
            ),
            models.UniqueConstraint(
                name="maintenance_ends_once",
                fields=["maintenance"],
                condition=Q(status__in=[MaintenanceStatus.COMPLETED, MaintenanceStatus.CANCELLED]),
            ),
        ]
        verbose_name = _("change of a maintenance")
        verbose_name_plural = _("changes of a maintenance")

    def note_in(self, language: str) -> str:
        """The note in *language*; French where it is missing."""
        return str(getattr(self, f"note_{language[:2]}", "") or self.note_fr)
