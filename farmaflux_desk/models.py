"""What the assembly itself remembers."""

from typing import Self

from django.conf import settings
from django.db import models

from incidents.models import ExerciseClock, Incident


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
    def shown(self) -> Self:
        return self.select_related("incident__exercise_clock")

    def running(self) -> Self:
        return self.filter(incident__exercise_clock__running_since__isnull=False)


class Replay(models.Model):
    """A scenario that is played in an exercise, by the exercise's clock, and how far it is."""

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="replay")
    key = models.UUIDField(unique=True, editable=False)
    scenario = models.JSONField(help_text="What arrives, as farmaflux_desk.rehearsal.scenario reads it.")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    arrived = models.PositiveIntegerField(default=0, help_text="How many of its arrivals are behind us.")

    objects = ReplayQuerySet.as_manager()

    @property
    def clock(self) -> ExerciseClock:
        return self.incident.exercise_clock
