"""The plan is told when the phones ring harder than one of its steps waits for."""

from datetime import datetime

from django.utils import timezone

from comms.operations.plan import note_pressure
from incidents.models import Incident
from tickets.pressure import last_half_hour


def weigh_calls(at: datetime | None = None) -> int:
    """Tell the plan of every open incident how many calls the last half hour brought; returns how many incidents."""
    at = at or timezone.now()
    running = list(Incident.objects.open().filter(checklist__isnull=False).select_related("exercise_clock"))
    for incident in running:
        weigh(incident, at)
    return len(running)


def weigh(incident: Incident, at: datetime) -> None:
    """Tell its plan how many calls the half hour before *at*, a real moment, brought."""
    now = incident.now(at)
    note_pressure(incident, last_half_hour(incident, now), at=now)
