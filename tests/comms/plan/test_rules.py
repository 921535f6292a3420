"""When a step is due and in which state it is, on steps and ticks that are never stored."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from comms.models import Anchor, PlanStep, Tick
from comms.plan.rules import Judgement, Moments, State, judge
from tests.factories import OUTAGE

BRUSSELS = ZoneInfo("Europe/Brussels")
MINUTE = timedelta(minutes=1)
STARTED = Moments(plan_start=OUTAGE)


@pytest.fixture(autouse=True, scope="module")
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


def step(**fields: Any) -> PlanStep:
    return PlanStep(**{"number": 1, "anchor": Anchor.PLAN_START, **fields})


def tick(
    minutes: int, *, outcome: str = Tick.Outcome.DONE, note: str = "seen", withdrawn: bool = False
) -> Tick:
    at = OUTAGE + minutes * MINUTE
    return Tick(outcome=outcome, note=note, at=at, withdrawn_at=at + MINUTE if withdrawn else None)


def brussels(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BRUSSELS).astimezone(UTC)  # type: ignore[arg-type, misc]


steps = st.builds(
    step,
    anchor=st.sampled_from(Anchor),
    offset_minutes=st.integers(-600, 6000),
    latest_minutes=st.none() | st.integers(0, 6000),
    offset_days=st.integers(0, 10),
    working_days=st.booleans(),
    wall_clock=st.none() | st.times(),
    repeat_minutes=st.none() | st.integers(1, 600),
    repeat_first_minutes=st.none() | st.integers(1, 600),
    repeat_first_for_minutes=st.none() | st.integers(1, 600),
    until=st.sampled_from(["", *Anchor]),
)
after_start = st.none() | st.integers(0, 20_000).map(lambda minutes: OUTAGE + minutes * MINUTE)
ANCHORS = (
    "first_message",
    "last_message",
    "registration_back",
    "transfer_back",
    "fully_restored",
    "closure",
)
histories = st.builds(Moments, plan_start=st.just(OUTAGE), **dict.fromkeys(ANCHORS, after_start))
marks = st.lists(
    st.builds(tick, st.integers(0, 20_000), outcome=st.sampled_from(Tick.Outcome), withdrawn=st.booleans()),
    max_size=5,
)
moments_after = st.integers(0, 30_000).map(lambda minutes: OUTAGE + minutes * MINUTE)


@given(step=steps, ticks=marks, moments=histories, at=moments_after)
def test_nothing_is_late_before_it_is_due_and_every_open_step_says_what_it_waits_for(
    step: PlanStep, ticks: list[Tick], moments: Moments, at: datetime
) -> None:
    said = judge(step, ticks, moments, at)

    assert (said.state == State.LATE) == (said.due_at is not None and said.due_at < at)
    assert (said.state in (State.LATE, State.DUE)) == (said.due_at is not None)
    assert (said.late_by(at) > timedelta()) == (said.state == State.LATE)
    assert said.state not in (State.LATE, State.DUE, State.WAITING) or said.reason


@given(step=steps, ticks=marks, moments=histories, at=moments_after)
def test_withdrawn_ticks_count_for_nothing(
    step: PlanStep, ticks: list[Tick], moments: Moments, at: datetime
) -> None:
    standing = [tick for tick in ticks if tick.withdrawn_at is None]

    assert judge(step, ticks, moments, at) == judge(step, standing, moments, at)


@given(step=steps, ticks=marks, moments=histories, at=moments_after)
def test_a_step_behind_us_has_a_standing_tick_or_ended_repeating(
    step: PlanStep, ticks: list[Tick], moments: Moments, at: datetime
) -> None:
    said = judge(step, ticks, moments, at)
    standing = sorted((tick for tick in ticks if tick.withdrawn_at is None), key=lambda tick: tick.at)

    if said.state == State.NOT_APPLICABLE:
        assert standing[-1].outcome == Tick.Outcome.NOT_APPLICABLE
    elif said.state == State.DONE and step.repeat_minutes:
        ended = moments.of(step.until)
        assert ended is not None
        assert ended <= at
    elif said.state == State.DONE:
        assert standing
    elif not step.repeat_minutes:
        assert not standing


@pytest.mark.parametrize(
    ("minute", "state", "late_by"),
    [(9, State.DUE, 0), (10, State.DUE, 0), (11, State.LATE, 1), (130, State.LATE, 120)],
)
def test_a_step_is_late_once_its_minute_has_passed(minute: int, state: State, late_by: int) -> None:
    at = OUTAGE + minute * MINUTE
    said = judge(step(offset_minutes=10), [], STARTED, at)

    assert (said.state, said.due_at, said.late_by(at)) == (state, OUTAGE + 10 * MINUTE, late_by * MINUTE)


def test_the_reason_says_what_the_time_is_counted_from_and_the_latest_there_is() -> None:
    said = judge(step(offset_minutes=10, latest_minutes=15), [], STARTED, OUTAGE)

    assert said.reason == "due 13:40: start of the plan at 13:30, at the latest 13:45"


def test_a_step_waits_for_a_milestone_that_is_not_reached() -> None:
    said = judge(step(anchor=Anchor.TRANSFER_BACK), [], STARTED, OUTAGE + 500 * MINUTE)

    assert said == Judgement(State.WAITING, None, "waits for: transfer back")


def test_a_milestone_moves_what_hangs_on_it() -> None:
    restored = Moments(plan_start=OUTAGE, transfer_back=OUTAGE + 180 * MINUTE)
    hanging = step(anchor=Anchor.TRANSFER_BACK, offset_minutes=30)

    assert judge(hanging, [], restored, OUTAGE).due_at == OUTAGE + 210 * MINUTE


def test_a_step_that_was_done_stays_done_whatever_moves() -> None:
    later = Moments(plan_start=OUTAGE, transfer_back=OUTAGE + 60 * MINUTE)
    said = judge(step(anchor=Anchor.TRANSFER_BACK), [tick(5, note="mail sent")], later, OUTAGE + 90 * MINUTE)

    assert said == Judgement(State.DONE, None, "mail sent")


def test_a_step_that_does_not_apply_gives_the_reason() -> None:
    mark = tick(5, outcome=Tick.Outcome.NOT_APPLICABLE, note="the APB answers")

    assert judge(step(), [mark], STARTED, OUTAGE) == Judgement(State.NOT_APPLICABLE, None, "the APB answers")


def update_step() -> PlanStep:
    return step(
        anchor=Anchor.LAST_MESSAGE,
        offset_minutes=20,
        repeat_minutes=60,
        repeat_first_minutes=20,
        repeat_first_for_minutes=120,
        until=Anchor.FULLY_RESTORED,
    )


@pytest.mark.parametrize(("said_at", "due_after"), [(0, 20), (100, 20), (119, 20), (120, 60), (400, 60)])
def test_messages_repeat_each_20_minutes_in_the_first_two_hours_and_hourly_then(
    said_at: int, due_after: int
) -> None:
    moments = Moments(plan_start=OUTAGE, last_message=OUTAGE + said_at * MINUTE)

    assert judge(update_step(), [], moments, OUTAGE).due_at == OUTAGE + (said_at + due_after) * MINUTE


def test_the_next_message_counts_from_the_last_one_and_not_from_a_tick() -> None:
    moments = Moments(plan_start=OUTAGE, last_message=OUTAGE + 5 * MINUTE)

    said = judge(update_step(), [tick(20)], moments, OUTAGE)

    assert (said.due_at, said.reason) == (
        OUTAGE + 25 * MINUTE,
        "due 13:55: last public message at 13:35",
    )


def test_a_repeating_step_counts_from_when_it_was_last_done() -> None:
    repeating = step(offset_minutes=15, repeat_minutes=15)
    at = OUTAGE + 20 * MINUTE

    first, again = judge(repeating, [], STARTED, at), judge(repeating, [tick(20), tick(17)], STARTED, at)

    assert (first.state, first.due_at) == (State.LATE, OUTAGE + 15 * MINUTE)
    assert (again.state, again.due_at) == (State.DUE, OUTAGE + 35 * MINUTE)
    assert again.reason == "due 14:05: last done at 13:50"


def test_repeating_ends_when_its_end_is_reached_and_not_before() -> None:
    repeating = step(offset_minutes=15, repeat_minutes=15, until=Anchor.FULLY_RESTORED)
    moments = Moments(plan_start=OUTAGE, fully_restored=OUTAGE + 60 * MINUTE)

    before = judge(repeating, [], moments, OUTAGE + 59 * MINUTE)
    after = judge(repeating, [], moments, OUTAGE + 60 * MINUTE)

    assert (before.state, after) == (
        State.LATE,
        Judgement(State.DONE, None, "repeated until 14:30"),
    )


@pytest.mark.parametrize(
    ("started", "due"),
    [
        ((2022, 7, 1, 13, 30), (2022, 7, 1, 20, 0)),
        ((2022, 7, 1, 20, 0), (2022, 7, 1, 20, 0)),
        ((2022, 7, 1, 21, 0), (2022, 7, 2, 20, 0)),
    ],
)
def test_a_time_of_day_is_the_next_one_after_the_start(
    started: tuple[int, ...], due: tuple[int, ...]
) -> None:
    evening = step(anchor=Anchor.WALL_CLOCK, wall_clock=time(20))
    start = brussels(*started)

    said = judge(evening, [], Moments(plan_start=start), start)

    assert (said.due_at, said.reason) == (brussels(*due), "due 20:00: a fixed time of day")


@pytest.mark.parametrize(
    ("restored", "hours"),
    [((2022, 3, 26, 12, 0), 19), ((2022, 10, 29, 12, 0), 21), ((2022, 7, 1, 12, 0), 20)],
)
def test_eight_in_the_morning_is_eight_after_the_clocks_changed(
    restored: tuple[int, ...], hours: int
) -> None:
    morning = step(anchor=Anchor.FULLY_RESTORED, offset_days=1, wall_clock=time(8))
    moment = brussels(*restored)

    due = judge(morning, [], Moments(plan_start=OUTAGE, fully_restored=moment), moment).due_at

    assert due == moment + timedelta(hours=hours)


def test_a_day_later_is_the_same_time_of_day_after_the_clocks_changed() -> None:
    closed = brussels(2022, 10, 29, 12, 0)

    due = judge(
        step(anchor=Anchor.CLOSURE, offset_days=1), [], Moments(plan_start=OUTAGE, closure=closed), closed
    ).due_at

    assert due == closed + timedelta(hours=25)


@pytest.mark.parametrize(
    ("closed", "days", "due"),
    [(1, 1, 4), (1, 2, 5), (2, 1, 4), (4, 1, 5), (1, 6, 11)],
)
def test_working_days_leave_out_the_weekend(closed: int, days: int, due: int) -> None:
    """1 July 2022 was a Friday."""
    moment = brussels(2022, 7, closed, 16, 0)
    counted = step(anchor=Anchor.CLOSURE, offset_days=days, working_days=True)

    said = judge(counted, [], Moments(plan_start=OUTAGE, closure=moment), moment)

    assert said.due_at == brussels(2022, 7, due, 16, 0)
