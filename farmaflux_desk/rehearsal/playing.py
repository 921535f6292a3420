"""How far a scenario is, as the room shows it."""

from datetime import datetime, timedelta

from accounts.models import User
from farmaflux_desk.models import Replay
from farmaflux_desk.rehearsal.scenario import Scenario
from incidents.permissions import can_run_incident


class Playing:
    def __init__(self, replay: Replay, *, user: User, at: datetime) -> None:
        self.replay = replay
        self.scenario = Scenario.of_json(replay.scenario)
        self.played = replay.clock.played(at)
        self.can_run = can_run_incident(user)

    @property
    def clock(self) -> str:
        """The scenario's own time of day."""
        hours, minutes = map(int, self.scenario.begins.split(":"))
        shown = timedelta(hours=hours, minutes=minutes) + self.played
        return f"{shown.seconds // 3600:02}:{shown.seconds // 60 % 60:02}"

    @property
    def total(self) -> int:
        return len(self.scenario.arrivals)

    @property
    def is_over(self) -> bool:
        return self.replay.arrived >= self.total

    @property
    def version(self) -> str:
        return f"{self.replay.arrived}-{self.clock}-{self.replay.clock.speed}-{bool(self.replay.clock.running_since):d}"


def of(replay: Replay | None, *, user: User, at: datetime) -> Playing | None:
    return Playing(replay, user=user, at=at) if replay else None
