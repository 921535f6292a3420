"""The time in an exercise that runs faster than ours, or is held up."""

from datetime import datetime, timedelta

from django.db import models

from incidents.models.incident import Incident


class ExerciseClock(models.Model):
    """From *started_at* on the exercise has a time of its own, in which all of it is noted and judged.

    An exercise without one keeps the real time.
    """

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="exercise_clock")
    started_at = models.DateTimeField(help_text="UTC; until then it kept the real time.")
    speed = models.PositiveSmallIntegerField(help_text="Seconds of the exercise in one of ours, 1 to 60.")
    elapsed = models.DurationField(
        default=timedelta(0), help_text="Of the exercise's time, when it last began to run or was held."
    )
    running_since = models.DateTimeField(null=True, blank=True, help_text="Empty: it is held.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="exercise_speed_between_1_and_60", condition=models.Q(speed__gte=1, speed__lte=60)
            )
        ]

    def played(self, at: datetime) -> timedelta:
        """How much of the exercise's time is behind us at *at*, a real moment."""
        ran = max(at - self.running_since, timedelta(0)) if self.running_since else timedelta(0)
        return self.elapsed + ran * self.speed

    def reads(self, at: datetime) -> datetime:
        """The time in the exercise at *at*, a real moment."""
        return self.started_at + self.played(at)
