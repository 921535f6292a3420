"""Contacts and reports per quarter of an hour against the published updates, as numbers ready to be drawn in SVG."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from comms.models import Update
from tickets.pressure import QUARTER, Quarter

WIDTH, HEIGHT = 520, 196
LEFT, RIGHT, TOP, FLOOR = 28.0, 510.0, 46.0, 168.0
NARROWEST_LABELLED = 14.0  # a bar that can still carry its number
MOST_LABELS = 8


@dataclass(frozen=True)
class Bar:
    quarter: Quarter
    x: float
    y: float
    width: float
    height: float
    reports: int = 0
    reports_y: float = FLOOR

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True)
class Flag:
    """A published update, hung above its moment; without its number where that of a later one takes the room."""

    update: Update
    x: float
    foot: float
    numbered: bool = True

    @property
    def width(self) -> int:
        """Of its number."""
        return 12 + 8 * len(str(self.update.number))

    @property
    def left(self) -> float:
        return self.x - self.width / 2


@dataclass(frozen=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True)
class Line:
    y: float
    label: int


@dataclass(frozen=True)
class Chart:
    bars: list[Bar]
    flags: list[Flag]
    hours: list[Tick]
    lines: list[Line]
    start_x: float | None
    start_label: str
    numbered: bool
    updates_by_quarter: dict[datetime, list[Update]]

    width: int = WIDTH
    height: int = HEIGHT
    left: float = LEFT
    right: float = RIGHT
    floor: float = FLOOR

    @property
    def total(self) -> int:
        return sum(bar.quarter.contacts for bar in self.bars)

    @property
    def reports_path(self) -> str:
        """A line through the quarters' reports, "" when there are none."""
        if not any(bar.reports for bar in self.bars):
            return ""
        return "M" + "L".join(f"{bar.middle:.1f} {bar.reports_y}" for bar in self.bars)

    @property
    def rows(self) -> list[tuple[Bar, list[Update]]]:
        """The same as a table."""
        return [(bar, self.updates_by_quarter.get(bar.quarter.start, [])) for bar in self.bars]


def chart(
    quarters: Sequence[Quarter],
    updates: Sequence[Update],
    began_at: datetime,
    reports: Mapping[datetime, int] | None = None,
) -> Chart:
    """*quarters* in order and without gaps, at least one; *updates* published, in any order.

    *reports*: how many came in the quarters that begin at these moments.
    """
    reports = reports or {}
    first, last = quarters[0].start, quarters[-1].start + QUARTER
    span = (last - first).total_seconds()

    def place(moment: datetime) -> float:
        return LEFT + (RIGHT - LEFT) * (moment - first).total_seconds() / span

    most = max(max(quarter.contacts, reports.get(quarter.start, 0)) for quarter in quarters)
    step = _step(most)
    top = max(step * 2, -(-most // step) * step)
    scale = (FLOOR - TOP) / top
    slot = (RIGHT - LEFT) / len(quarters)
    bars = [
        Bar(
            quarter,
            round(place(quarter.start) + slot * 0.06, 1),
            round(FLOOR - quarter.contacts * scale, 1),
            round(slot * 0.88, 1),
            round(quarter.contacts * scale, 1),
            reports.get(quarter.start, 0),
            round(FLOOR - reports.get(quarter.start, 0) * scale, 1),
        )
        for quarter in quarters
    ]
    by_quarter: dict[datetime, list[Update]] = {}
    flags = []
    for update in updates:
        if update.published_at is None or not first <= update.published_at < last:
            continue
        bar = bars[int((update.published_at - first) / QUARTER)]
        by_quarter.setdefault(bar.quarter.start, []).append(update)
        flags.append(Flag(update, round(place(update.published_at), 1), bar.y))
    return Chart(
        bars=bars,
        flags=_apart(flags),
        hours=_hours(quarters, place),
        lines=[Line(round(FLOOR - value * scale, 1), value) for value in range(step, top + 1, step)],
        start_x=round(place(began_at), 1) if first <= began_at < last else None,
        start_label=f"{timezone.localtime(began_at):%H:%M}",
        numbered=slot * 0.88 >= NARROWEST_LABELLED,
        updates_by_quarter=by_quarter,
    )


def _apart(flags: list[Flag]) -> list[Flag]:
    """In the order of their moments, with the numbers that do not cover one another, the newest before all."""
    free, kept = float("inf"), []
    for flag in sorted(flags, key=lambda flag: flag.x, reverse=True):
        numbered = flag.left + flag.width <= free
        free = flag.left if numbered else free
        kept.append(replace(flag, numbered=numbered))
    return kept[::-1]


def _step(most: int) -> int:
    """A round distance between two lines, so that there are two to four."""
    for step in (2, 5, 10, 20, 50, 100, 200):
        if most <= step * 3:
            return step
    return 500


def _hours(quarters: Sequence[Quarter], place: Callable[[datetime], float]) -> list[Tick]:
    every = next(
        (minutes for minutes in (30, 60, 120, 240, 360) if len(quarters) * 15 / minutes <= MOST_LABELS), 720
    )
    return [
        Tick(round(place(quarter.start), 1), f"{timezone.localtime(quarter.start):%H:%M}")
        for quarter in quarters
        if _minute_of_day(quarter.start) % every == 0
    ]


def _minute_of_day(moment: datetime) -> int:
    local = timezone.localtime(moment)
    return local.hour * 60 + local.minute
