"""What the assembly itself remembers."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models

from incidents.models import Incident


class Demonstration(models.Model):
    """One row, written before any demonstration data: this database holds nothing else, for as long as it lives.

    Only a database with this mark can be reset, and only an empty one can be given it. So a reset cannot
    delete real data, and accounts whose password is published exist beside no real ones.
    """

    loaded_at = models.DateTimeField(help_text="The moment at which a live story stands.")
    live = models.BooleanField(help_text="Moved to the day it was loaded; else told at its own time.")

    class Meta:
        constraints = [models.CheckConstraint(name="demonstration_is_one_row", condition=models.Q(pk=1))]


class ReplayQuerySet(models.QuerySet["Replay"]):
    def running(self) -> Self:
        return self.exclude(running_since=None)


class Replay(models.Model):
    """A scenario that is played in an exercise: how far it is, and how fast it goes."""

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="replay")
    key = models.UUIDField(unique=True, editable=False)
    scenario = models.JSONField(help_text="What arrives, as farmaflux_desk.rehearsal.scenario reads it.")
    speed = models.PositiveSmallIntegerField(help_text="Seconds of the scenario in one of ours, 1 to 60.")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    elapsed = models.DurationField(
        default=timedelta(0), help_text="Of the scenario's time, when it last began to run or was held."
    )
    running_since = models.DateTimeField(null=True, blank=True, help_text="Empty: it is held.")
    arrived = models.PositiveIntegerField(default=0, help_text="How many of its arrivals are behind us.")

    objects = ReplayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="replay_speed_between_1_and_60", condition=models.Q(speed__gte=1, speed__lte=60)
            )
        ]

    def played(self, at: datetime) -> timedelta:
        """How much of the scenario's time is behind us at *at*."""
        ran = max(at - self.running_since, timedelta(0)) if self.running_since else timedelta(0)
        return self.elapsed + ran * self.speed
