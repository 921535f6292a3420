"""When a step of the plan is due, and in which state it is: pure functions of moments, ticks and the situation.

Moments are UTC; times of day and calendar days are Europe/Brussels, so that they hold across a change of the clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from comms.models.plan import Anchor, Step, Tick
from comms.plan.conditions import Applies, Situation, applies
from incidents.opening_hours import holidays

BRUSSELS = ZoneInfo("Europe/Brussels")
BECAUSE: dict[str, str | Promise] = {
    Anchor.PLAN_START: gettext_lazy("due %(due)s because the plan started at %(time)s"),
    Anchor.FIRST_MESSAGE: gettext_lazy("due %(due)s because the first message was at %(time)s"),
    Anchor.LAST_MESSAGE: gettext_lazy("due %(due)s because the last message was at %(time)s"),
    Anchor.REGISTRATION_BACK: gettext_lazy("due %(due)s because registration was back at %(time)s"),
    Anchor.TRANSFER_BACK: gettext_lazy("due %(due)s because transfer was back at %(time)s"),
    Anchor.FULLY_RESTORED: gettext_lazy("due %(due)s because all was restored at %(time)s"),
    Anchor.BACKLOG_RECOVERED: gettext_lazy("due %(due)s because the backlog was recovered at %(time)s"),
    Anchor.RESTART_DONE: gettext_lazy("due %(due)s because the restart was done at %(time)s"),
    Anchor.CLOSURE: gettext_lazy("due %(due)s because the incident was closed at %(time)s"),
    Anchor.WALL_CLOCK: gettext_lazy("due %(due)s, a fixed time of day"),
}
DONE_BEFORE = gettext_lazy("due %(due)s because it was last done at %(time)s")
PROMISED = gettext_lazy("due %(due)s because the public was promised a message then")
APPLIES = gettext_lazy("due %(due)s because it applies since %(time)s")


@dataclass(frozen=True)
class Moments:
    """What happened so far in one incident; None: not yet. *promised*: the next message, to the public."""

    plan_start: datetime
    first_message: datetime | None = None
    last_message: datetime | None = None
    registration_back: datetime | None = None
    transfer_back: datetime | None = None
    fully_restored: datetime | None = None
    backlog_recovered: datetime | None = None
    restart_done: datetime | None = None
    closure: datetime | None = None
    promised: datetime | None = None

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
class Timing:
    """What of a step's state no clock changes. With a due time: *since* it concerns the incident, *ends_at* no more.

    Without one it is *settled*: done, not applicable, or waiting for something nobody can date.
    """

    reason: str
    settled: State | None = None
    due_at: datetime | None = None
    since: datetime | None = None
    ends_at: datetime | None = None
    not_yet: str = ""
    """Why it waits until *since*."""

    def at(self, moment: datetime) -> "Judgement":
        if self.ends_at and self.ends_at <= moment:
            ended = _("repeated until %(time)s") % {"time": _clock(self.ends_at, self.ends_at)}
            return Judgement(State.DONE, None, ended)
        if self.settled or self.due_at is None:
            return Judgement(self.settled or State.WAITING, None, self.reason)
        if self.since and self.since > moment:
            return Judgement(State.WAITING, None, self.not_yet)
        return Judgement(State.LATE if self.due_at < moment else State.DUE, self.due_at, self.reason)


@dataclass(frozen=True)
class Judgement:
    """A step's state, when it is (or was) due, and why, in the active language."""

    state: State
    due_at: datetime | None
    reason: str

    def late_by(self, at: datetime) -> timedelta:
        return at - self.due_at if self.state == State.LATE and self.due_at else timedelta()


def judge(
    step: Step, ticks: Sequence[Tick], moments: Moments, at: datetime, situation: Situation | None = None
) -> Judgement:
    """The state of *step* at *at*; without a *situation* it concerns the incident whatever its conditions."""
    return timing(step, ticks, moments, situation).at(at)


def timing(step: Step, ticks: Sequence[Tick], moments: Moments, situation: Situation | None = None) -> Timing:
    """Withdrawn ticks count for nothing; the newest of the others decides.

    What the public was promised is owed until the incident is closed, also when nothing repeats any more.
    """
    standing = sorted((tick for tick in ticks if tick.withdrawn_at is None), key=lambda tick: tick.at)
    last = standing[-1] if standing else None
    if last and last.outcome == Tick.Outcome.NOT_APPLICABLE:
        return Timing(last.note, State.NOT_APPLICABLE)
    if last and not step.repeat_minutes:
        return Timing(last.note, State.DONE)
    concerns = applies(step.when, situation) if step.when and situation else None
    if concerns and concerns.since is None:
        return _out_of_question(concerns, situation)
    base = moments.of(step.anchor)
    ends_at = moments.of(step.until) if step.repeat_minutes and step.until else None
    if base is None:
        waits = _("waits for: %(anchor)s") % {"anchor": Anchor(step.anchor).label}
        return Timing(waits, State.WAITING, ends_at=ends_at)
    due_at, reason = _due(step, last, base, moments, concerns)
    if step.is_promised and ends_at and moments.promised and moments.closure is None:
        due_at, ends_at = moments.promised, None
        reason = _reason(PROMISED, due_at, base)
    return Timing(
        reason,
        due_at=due_at,
        since=concerns.since if concerns else None,
        ends_at=ends_at,
        not_yet=_not_yet(concerns) if concerns else "",
    )


def _out_of_question(concerns: Applies, situation: Situation | None) -> Timing:
    if concerns.may_come:
        return Timing(_("waits for: %(condition)s") % {"condition": concerns.words}, State.WAITING)
    severity = situation.severity if situation else ""
    words = {"condition": concerns.words, "severity": severity}
    return Timing(_("only when: %(condition)s (now %(severity)s)") % words, State.NOT_APPLICABLE)


def _not_yet(concerns: Applies) -> str:
    since = concerns.since
    return _("waits until %(time)s: %(condition)s") % {
        "time": _clock(since, since) if since else "",
        "condition": concerns.words,
    }


def _due(
    step: Step, last: Tick | None, base: datetime, moments: Moments, concerns: Applies | None
) -> tuple[datetime, str]:
    """What concerns the incident only later than its anchor counts from then."""
    repeats_by_message = step.is_promised
    if last and not repeats_by_message:
        due_at = last.at + _interval(step, last.at, moments)
        return due_at, _reason(DONE_BEFORE, due_at, last.at)
    because = BECAUSE[step.anchor]
    if concerns and concerns.since and concerns.since > base:
        base = concerns.since
        because = APPLIES if step.anchor != Anchor.WALL_CLOCK else because
    due_at = base + _interval(step, base, moments) if repeats_by_message else _after(base, step)
    reason = _reason(because, due_at, base)
    if step.latest_minutes is not None:
        latest = base + timedelta(minutes=step.latest_minutes)
        reason = _("%(reason)s, at the latest %(time)s") % {"reason": reason, "time": _clock(latest, base)}
    if repeats_by_message and moments.promised and moments.promised < due_at:
        due_at = moments.promised
        reason = _reason(PROMISED, due_at, base)
    return due_at, reason


def _reason(sentence: str | Promise, due_at: datetime, since: datetime) -> str:
    return str(sentence) % {"due": _clock(due_at, since), "time": _clock(since, since)}


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
    while step.working_days and (day.weekday() >= 5 or day in holidays(day.year)):
        day += timedelta(days=1)
    return day


def _clock(moment: datetime, beside: datetime) -> str:
    """With the day where it is another one than that of *beside*."""
    local = moment.astimezone(BRUSSELS)
    if local.date() == beside.astimezone(BRUSSELS).date():
        return f"{local:%H:%M}"
    return f"{local:%d/%m %H:%M}"
