"""What monitoring reported: alerts, each from when it began to fire until it was over."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import Intake
from incidents.models.catalogue import Service
from incidents.models.incident import Impact, Incident
from incidents.models.maintenance import Maintenance

SILENT_AFTER = timedelta(minutes=15)  # without its heartbeat, monitoring itself may have failed


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self) -> Self:
        """Firing as far as anyone knows; no heartbeats."""
        return self.filter(is_heartbeat=False, ended_at=None, closed_at=None)

    def proposing(self) -> Self:
        """Open, and neither an open incident nor planned work tells why."""
        touched = Impact.objects.real().open().filter(service=OuterRef("service"))
        worked_on = Maintenance.objects.active().filter(services=OuterRef("service"))
        return self.open().filter(~Exists(touched), ~Exists(worked_on))

    def silent(self, since: datetime) -> Self:
        """Heartbeats last heard before *since* (SILENT_AFTER ago), of what still reports to the desk."""
        return self.filter(
            is_heartbeat=True,
            ended_at=None,
            closed_at=None,
            heard_at__lt=since,
            intake__enabled=True,
        )


class Alert(models.Model):
    """One occurrence of an alert. *service* by its label `service` or `component`, which is a service's key.

    Closed by hand it stays so, whatever is repeated of it: a silence hides the end of an alert.
    """

    intake = models.ForeignKey(Intake, on_delete=models.PROTECT, related_name="alerts")
    fingerprint = models.CharField(max_length=64)
    group_key = models.CharField(max_length=500, blank=True, help_text="Of the group it came with last.")
    name = models.CharField(max_length=200)
    severity = models.CharField(max_length=40, blank=True, help_text="As monitoring has it.")
    summary = models.CharField(max_length=500, blank=True)
    description = models.CharField(max_length=1000, blank=True)
    url = models.URLField(max_length=500, blank=True, help_text="Where monitoring shows it.")
    service = models.ForeignKey(
        Service, on_delete=models.SET_NULL, null=True, blank=True, related_name="alerts"
    )
    is_heartbeat = models.BooleanField(default=False, help_text="Fires always; that it is missing tells.")
    more = models.PositiveIntegerField(default=0, help_text="Alerts of its group that were left out.")
    incident = models.ForeignKey(
        Incident,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="alerts",
        help_text="Whose timeline tells of it.",
    )
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(help_text="When it was last reported.")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True, help_text="Why it was closed by hand.")

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at", "-pk"]
        indexes = [
            models.Index(name="alert_open", fields=["service"], condition=Q(ended_at=None, closed_at=None)),
            models.Index(name="alert_heard", fields=["-heard_at"]),
        ]
        constraints = [
            models.UniqueConstraint(name="alert_once", fields=["intake", "fingerprint", "began_at"]),
            models.CheckConstraint(
                name="alert_closed_has_reason",
                condition=Q(closed_at=None, closed_by=None, reason="")
                | Q(closed_at__isnull=False, closed_by__isnull=False) & ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.summary}" if self.summary else self.name
