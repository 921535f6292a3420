"""A report: someone without an account says that a service fails her. Nothing in it says who she is."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from incidents.models import Impact, Incident, Maintenance, Service
from tickets.models.pharmacy import Pharmacy, SoftwareHouse

RUN_UP = timedelta(hours=1)  # what is felt so long before an incident began belongs to it


class ReportQuerySet(models.QuerySet["Report"]):
    def felt(self, incident: Incident) -> Self:
        """Those about *incident*: received while it was open, or on its services in the hour before that.

        In the hour before it was declared nobody could know what they were about. What people really feel is no part
        of an exercise.
        """
        if incident.drill:
            return self.none()
        services = incident.impacts.values("service")
        before = Q(
            incident=None,
            service__in=services,
            received_at__gte=incident.began_at - RUN_UP,
            received_at__lt=incident.recorded_at,
        )
        return self.filter(Q(incident=incident) | before)

    def unexplained(self) -> Self:
        """Those on services that no open incident touches and nobody is working on as planned."""
        touched = Impact.objects.real().open().filter(service=OuterRef("service"))
        worked_on = Maintenance.objects.active().filter(services=OuterRef("service"))
        return self.filter(~Exists(touched), ~Exists(worked_on), incident=None)


class Report(models.Model):
    key = models.UUIDField(
        unique=True, editable=False, help_text="The form's key: counted once, however often sent."
    )
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="reports")
    software_house = models.ForeignKey(
        SoftwareHouse, on_delete=models.PROTECT, null=True, blank=True, related_name="reports"
    )
    pharmacy = models.ForeignKey(
        Pharmacy, on_delete=models.PROTECT, null=True, blank=True, related_name="reports"
    )
    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, null=True, blank=True, related_name="reports"
    )
    received_at = models.DateTimeField()

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-pk"]
        indexes = [
            models.Index(fields=["incident", "-received_at"]),
            models.Index(fields=["received_at"]),
        ]
