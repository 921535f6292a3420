"""The story of 1 July 2022 as data: what happened, in the order in which it was entered.

The clock of the story is Europe/Brussels. A story can be told at its own time or moved as a whole, so that
one moment of it falls on another; placeholders like {t:15:45} in its texts move with it. What is told of another day
names it, {t:2022-05-18 11:30}: between the two the clocks may change.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from farmaflux_desk.demo.pharmacies import DATA

BRUSSELS = ZoneInfo("Europe/Brussels")
_PLACEHOLDER = re.compile(r"\{t:(\d{4}-\d\d-\d\d )?(\d\d):(\d\d)\}")


@cache
def data(name: str) -> dict[str, Any]:
    """A file of the demonstration's data: "catalogue", "messages", "contacts", "black_friday_2022"."""
    content: dict[str, Any] = yaml.load(
        (DATA / f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    return content


@dataclass(frozen=True)
class Clock:
    """Turns the story's times into moments. *shift* moves all of them by the same amount."""

    day: date
    shift: timedelta = timedelta(0)

    def unmoved(self, text: str) -> datetime:
        """ "13:30" on the day, "2022-07-02 00:30" on another, in the story's own time."""
        day, _, clock = text.rpartition(" ")
        moment = time.fromisoformat(clock)
        told = datetime.combine(date.fromisoformat(day) if day else self.day, moment, BRUSSELS)
        return told.astimezone(UTC)

    def at(self, text: str) -> datetime:
        return self.unmoved(text) + self.shift

    def filled_in(self, text: str) -> str:
        """*text* with its {t:15:45} as people write that moment ("09:05"), "24:00" for midnight itself."""
        return _PLACEHOLDER.sub(lambda found: self._shown(found[1] or "", int(found[2]), found[3]), text)

    def _shown(self, day: str, hour: int, minutes: str) -> str:
        """*day* ends in a space, or is empty for that of the story."""
        moment = self.at(f"{day}{hour % 24:02}:{minutes}").astimezone(BRUSSELS)
        return "24:00" if hour == 24 and not self.shift else f"{moment:%H:%M}"


def moved_to(clock: Clock, text: str, moment: datetime) -> Clock:
    """The clock on which the story's *text* falls on *moment*, or up to five minutes before it.

    People promise and meet at round times; moving by whole five minutes keeps those of the story round.
    """
    rounded = moment.replace(minute=moment.minute - moment.minute % 5, second=0, microsecond=0)
    return Clock(clock.day, rounded - clock.unmoved(text))


def filled_in(value: Any, fill: Callable[[str], str]) -> Any:
    """*value* with *fill* applied to every text in it."""
    match value:
        case str():
            return fill(value)
        case list():
            return [filled_in(item, fill) for item in value]
        case Mapping():
            return {key: filled_in(item, fill) for key, item in value.items()}
        case _:
            return value
