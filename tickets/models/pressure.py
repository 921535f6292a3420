"""A rise in calls that somebody looked at, and found to be no incident."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from incidents.models import Service
from tickets.models.pharmacy import SoftwareHouse


class RiseDismissedQuerySet(models.QuerySet["RiseDismissed"]):
    def holding(self, at: datetime) -> Self:
        return self.filter(at__lte=at, until__gt=at)


class RiseDismissed(models.Model):
    """Until then it is not proposed again, unless twice as many call."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    software_house = models.ForeignKey(
        SoftwareHouse, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    calls = models.PositiveIntegerField(help_text="How many there were in a quarter of an hour.")
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()
    until = models.DateTimeField(db_index=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = RiseDismissedQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="rise_dismissed_of_one",
                condition=Q(service=None, software_house__isnull=False)
                | Q(service__isnull=False, software_house=None),
            ),
        ]
