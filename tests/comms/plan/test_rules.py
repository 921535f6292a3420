"""When a step is due and in which state it is, on steps and ticks that are never stored."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import translation
from hypothesis import Phase, find, given, settings

from comms.models import Anchor, PlanStep, Tick
from comms.plan.conditions import Situation
from comms.plan.rules import BRUSSELS, Judgement, Moments, State, judge
from tests.comms.plan.histories import MINUTE, History, check, histories, step, tick
from tests.factories import OUTAGE

STARTED = Moments(plan_start=OUTAGE)


@pytest.fixture(autouse=True, scope="module")
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


def brussels(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BRUSSELS).astimezone(UTC)  # type: ignore[arg-type, misc]


@given(histories)
@settings(max_examples=150)
def test_nothing_is_late_before_it_is_due_nothing_loses_its_evidence_and_every_state_is_explained(
    history: History,
) -> None:
    check(history)


@pytest.mark.parametrize("state", State)
def test_every_state_is_reached(state: State) -> None:
    found = settings(max_examples=2000, phases=[Phase.generate])  # the smallest of them is of no interest
    find(histories, lambda history: history.judged().state == state, settings=found)


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

    assert said.reason == "due 13:40 because the plan started at 13:30, at the latest 13:45"


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
        "due 13:55 because the last message was at 13:35",
    )


def test_a_repeating_step_counts_from_when_it_was_last_done() -> None:
    repeating = step(offset_minutes=15, repeat_minutes=15)
    at = OUTAGE + 20 * MINUTE

    first, again = judge(repeating, [], STARTED, at), judge(repeating, [tick(20), tick(17)], STARTED, at)

    assert (first.state, first.due_at) == (State.LATE, OUTAGE + 15 * MINUTE)
    assert (again.state, again.due_at) == (State.DUE, OUTAGE + 35 * MINUTE)
    assert again.reason == "due 14:05 because it was last done at 13:50"


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

    assert said.due_at == brussels(*due)
    assert said.reason.endswith("20:00, a fixed time of day")


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
    [(1, 1, 4), (1, 2, 5), (2, 1, 4), (4, 1, 5), (1, 6, 11), (20, 1, 22)],
)
def test_working_days_leave_out_weekends_and_holidays(closed: int, days: int, due: int) -> None:
    """1 July 2022 was a Friday, and the 21st is Belgium's national day."""
    moment = brussels(2022, 7, closed, 16, 0)
    counted = step(anchor=Anchor.CLOSURE, offset_days=days, working_days=True)

    said = judge(counted, [], Moments(plan_start=OUTAGE, closure=moment), moment)

    assert said.due_at == brussels(2022, 7, due, 16, 0)


def test_a_promise_to_the_public_rules_when_it_comes_earlier() -> None:
    said_at = OUTAGE + 30 * MINUTE
    moments = Moments(plan_start=OUTAGE, last_message=said_at, promised=said_at + 15 * MINUTE)
    later = Moments(plan_start=OUTAGE, last_message=said_at, promised=said_at + 30 * MINUTE)

    assert judge(update_step(), [], moments, OUTAGE) == Judgement(
        State.DUE, said_at + 15 * MINUTE, "due 14:15 because the public was promised a message then"
    )
    assert judge(update_step(), [], later, OUTAGE).due_at == said_at + 20 * MINUTE


def test_what_the_public_was_promised_is_owed_until_closure_though_all_is_restored() -> None:
    said_at, restored = OUTAGE + 30 * MINUTE, OUTAGE + 40 * MINUTE
    promised = Moments(OUTAGE, last_message=said_at, promised=said_at + 30 * MINUTE, fully_restored=restored)
    nothing = replace(promised, promised=None)
    closed = replace(promised, closure=restored)

    said = judge(update_step(), [], promised, said_at + 31 * MINUTE)

    assert said == Judgement(
        State.LATE, said_at + 30 * MINUTE, "due 14:30 because the public was promised a message then"
    )
    assert [judge(update_step(), [], each, said_at + 31 * MINUTE).state for each in (nothing, closed)] == [
        State.DONE,
        State.DONE,
    ]


def test_a_due_time_on_another_day_names_the_day() -> None:
    said = judge(step(anchor=Anchor.CLOSURE, offset_days=2), [], Moments(OUTAGE, closure=OUTAGE), OUTAGE)

    assert said.reason == "due 03/07 13:30 because the incident was closed at 13:30"


S2_FOR_AN_HOUR = [{"severities": ["S1"]}, {"severities": ["S2"], "lasting_minutes": 60}]


@pytest.mark.parametrize(
    ("situation", "minute", "state", "reason"),
    [
        (Situation(OUTAGE, "S1"), 0, State.DUE, "due 13:45 because the plan started at 13:30"),
        (Situation(OUTAGE, "S2"), 59, State.WAITING, "waits until 14:30: S2, for more than 60 min"),
        (Situation(OUTAGE, "S2"), 60, State.DUE, "due 14:45 because it applies since 14:30"),
        (Situation(OUTAGE, "S2"), 76, State.LATE, "due 14:45 because it applies since 14:30"),
        (
            Situation(OUTAGE, "S3"),
            90,
            State.NOT_APPLICABLE,
            "only when: S1; S2, for more than 60 min (now S3)",
        ),
        (
            Situation(OUTAGE, "S1", severity_since=OUTAGE + 50 * MINUTE),
            50,
            State.DUE,
            "due 14:35 because it applies since 14:20",
        ),
    ],
)
def test_what_concerns_an_incident_only_later_counts_from_then(
    situation: Situation, minute: int, state: State, reason: str
) -> None:
    told = step(offset_minutes=15, when=S2_FOR_AN_HOUR)

    said = judge(told, [], STARTED, OUTAGE + minute * MINUTE, situation)

    assert (said.state, said.reason) == (state, reason)


def test_a_step_for_a_storm_of_calls_waits_for_it_and_one_for_a_service_concerns_that_service() -> None:
    calls, eforms = step(when=[{"calls": 20}]), step(when=[{"services": ["eforms"]}])
    calm = Situation(OUTAGE, services={"dpp": OUTAGE})
    storm = Situation(OUTAGE, services={"eforms": OUTAGE}, pressure={20: OUTAGE + 40 * MINUTE})

    said = [
        judge(each, [], STARTED, OUTAGE + 41 * MINUTE, known)
        for known in (calm, storm)
        for each in (calls, eforms)
    ]

    assert [(each.state, each.reason) for each in said] == [
        (State.WAITING, "waits for: more than 20 calls in half an hour"),
        (State.NOT_APPLICABLE, "only when: eforms affected (now S1)"),
        (State.LATE, "due 14:10 because it applies since 14:10"),
        (State.LATE, "due 13:30 because the plan started at 13:30"),
    ]
