"""When a step of the plan is due, and in which state it is: pure functions of moments and ticks.

Moments are UTC; times of day and calendar days are Europe/Brussels, so that they hold across a change of the clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from comms.models.plan import Anchor, Step, Tick

BRUSSELS = ZoneInfo("Europe/Brussels")


@dataclass(frozen=True)
class Moments:
    """What happened so far in one incident; None: not yet."""

    plan_start: datetime
    first_message: datetime | None = None
    last_message: datetime | None = None
    registration_back: datetime | None = None
    transfer_back: datetime | None = None
    fully_restored: datetime | None = None
    closure: datetime | None = None

    def of(self, anchor: str) -> datetime | None:
        """The moment of *anchor*; a time of day counts from the day the plan started."""
        if anchor == Anchor.WALL_CLOCK:
            return self.plan_start
        moment: datetime | None = getattr(self, anchor)
        return moment


class State(StrEnum):
    LATE = "late"
    DUE = "due"
    WAITING = "waiting"
    DONE = "done"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Judgement:
    """A step's state, when it is (or was) due, and why, in the active language."""

    state: State
    due_at: datetime | None
    reason: str

    def late_by(self, at: datetime) -> timedelta:
        return at - self.due_at if self.state == State.LATE and self.due_at else timedelta()


def judge(step: Step, ticks: Sequence[Tick], moments: Moments, at: datetime) -> Judgement:
    """The state of *step* at *at*. Withdrawn ticks count for nothing; the newest of the others decides."""
    standing = sorted((tick for tick in ticks if tick.withdrawn_at is None), key=lambda tick: tick.at)
    last = standing[-1] if standing else None
    if last and last.outcome == Tick.Outcome.NOT_APPLICABLE:
        return Judgement(State.NOT_APPLICABLE, None, last.note)
    if last and not step.repeat_minutes:
        return Judgement(State.DONE, None, last.note)
    ended = moments.of(step.until) if step.repeat_minutes and step.until else None
    if ended is not None and ended <= at:
        return Judgement(State.DONE, None, _("repeated until %(time)s") % {"time": _clock(ended)})
    base = moments.of(step.anchor)
    if base is None:
        return Judgement(
            State.WAITING, None, _("waits for: %(anchor)s") % {"anchor": Anchor(step.anchor).label}
        )
    if last and step.anchor != Anchor.LAST_MESSAGE:
        due_at = last.at + _interval(step, last.at, moments)
        reason = _reason(due_at, _("last done"), last.at)
    else:
        repeats = step.repeat_minutes and step.anchor == Anchor.LAST_MESSAGE
        due_at = base + _interval(step, base, moments) if repeats else _after(base, step)
        reason = _reason(due_at, Anchor(step.anchor).label, base)
        if step.anchor == Anchor.WALL_CLOCK:
            reason = _("due %(due)s: a fixed time of day") % {"due": _clock(due_at)}
        if step.latest_minutes is not None:
            latest = _clock(base + timedelta(minutes=step.latest_minutes))
            reason = _("%(reason)s, at the latest %(time)s") % {"reason": reason, "time": latest}
    return Judgement(State.LATE if due_at < at else State.DUE, due_at, reason)


def _reason(due_at: datetime, anchor: object, since: datetime) -> str:
    return _("due %(due)s: %(anchor)s at %(time)s") % {
        "due": _clock(due_at),
        "anchor": anchor,
        "time": _clock(since),
    }


def _interval(step: Step, since: datetime, moments: Moments) -> timedelta:
    first_for = timedelta(minutes=step.repeat_first_for_minutes or 0)
    early = step.repeat_first_minutes and since - moments.plan_start < first_for
    return timedelta(minutes=(step.repeat_first_minutes if early else step.repeat_minutes) or 0)


def _after(base: datetime, step: Step) -> datetime:
    """A time of day that had passed already when it began to count means that of the next day."""
    if step.wall_clock is None and not step.offset_days:
        return base + timedelta(minutes=step.offset_minutes)
    local = base.astimezone(BRUSSELS)
    day = local.date()
    for _day in range(step.offset_days):
        day = _next_day(day, step)
    moment = datetime.combine(day, step.wall_clock or local.time(), BRUSSELS).astimezone(UTC)
    if moment < base:
        moment = datetime.combine(_next_day(day, step), step.wall_clock or local.time(), BRUSSELS)
    return moment.astimezone(UTC) + timedelta(minutes=step.offset_minutes)


def _next_day(day: date, step: Step) -> date:
    day += timedelta(days=1)
    while step.working_days and day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(BRUSSELS):%H:%M}"
