"""Planned work in the story, and what every turn of the story is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from accounts.models import User
from farmaflux_desk.demo.story import Clock
from incidents import operations
from incidents.models import Incident, MaintenanceStatus, Service
from incidents.opening_hours import Window

type Event = Mapping[str, Any]


@dataclass(frozen=True)
class Turn:
    """Somebody does something: *event* as the story has it, and whom and when it speaks of."""

    event: Event
    by: User
    at: datetime
    occurred_at: datetime
    incident: Incident


def plan_work(turn: Turn, about: Event, clock: Clock, services: Collection[Service]) -> None:
    starts_at, ends_at = (clock.at(moment) for moment in about["window"])
    operations.plan_maintenance(
        key=uuid4(),
        titles=about["titles"],
        bodies=about["bodies"],
        services=services,
        window=Window(starts_at, ends_at),
        follows=turn.incident,
        by=turn.by,
        at=turn.at,
    )


def move_work(turn: Turn) -> None:
    """The work that finishes the turn's incident goes on."""
    operations.move_maintenance(
        turn.incident.follow_ups.get(),
        MaintenanceStatus(turn.event["work_goes"]),
        key=uuid4(),
        note=turn.event.get("words"),
        by=turn.by,
        occurred_at=turn.occurred_at,
        at=turn.at,
    )
