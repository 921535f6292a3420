"""Random steps, marks and incidents, and what has to hold of every one of them at any moment."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from comms.models import Anchor, PlanStep, Tick
from comms.plan.conditions import Situation, applies
from comms.plan.rules import BRUSSELS, Judgement, Moments, State, judge
from tests.factories import OUTAGE

MINUTE = timedelta(minutes=1)
ANCHORS = (
    "first_message",
    "last_message",
    "registration_back",
    "transfer_back",
    "fully_restored",
    "backlog_recovered",
    "restart_done",
    "closure",
    "promised",
)


def step(**fields: Any) -> PlanStep:
    return PlanStep(**{"number": 1, "anchor": Anchor.PLAN_START, **fields})


def tick(
    minutes: int, *, outcome: str = Tick.Outcome.DONE, note: str = "seen", withdrawn: bool = False
) -> Tick:
    at = OUTAGE + minutes * MINUTE
    return Tick(outcome=outcome, note=note, at=at, withdrawn_at=at + MINUTE if withdrawn else None)


class History(NamedTuple):
    step: PlanStep
    ticks: list[Tick]
    moments: Moments
    situation: Situation
    at: datetime

    def judged(self, **other: Any) -> Judgement:
        seen = self._replace(**other)
        return judge(seen.step, seen.ticks, seen.moments, seen.at, seen.situation)


severities = st.sampled_from(["S1", "S2", "S3"])
clauses = st.fixed_dictionaries(
    {},
    optional={
        "severities": st.lists(severities, min_size=1, max_size=2, unique=True),
        "services": st.lists(st.sampled_from(["eforms", "dpp"]), min_size=1, max_size=1),
        "lasting_minutes": st.integers(1, 600),
        "calls": st.sampled_from([20, 50]),
    },
)
steps = st.builds(
    step,
    when=st.lists(clauses, max_size=2),
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
moment = st.integers(0, 20_000).map(lambda minutes: OUTAGE + minutes * MINUTE)
lives = st.builds(Moments, plan_start=st.just(OUTAGE), **dict.fromkeys(ANCHORS, st.none() | moment))
marks = st.lists(
    st.builds(tick, st.integers(0, 20_000), outcome=st.sampled_from(Tick.Outcome), withdrawn=st.booleans()),
    max_size=5,
)
situations = st.builds(
    Situation,
    began_at=st.just(OUTAGE - 10 * MINUTE),
    severity=severities,
    severity_since=st.none() | moment,
    services=st.dictionaries(st.sampled_from(["eforms", "dpp"]), moment, max_size=2),
    pressure=st.dictionaries(st.sampled_from([20, 50]), moment, max_size=2),
)
histories = st.builds(
    History,
    steps,
    marks,
    lives,
    situations,
    st.integers(0, 30_000).map(lambda minutes: OUTAGE + minutes * MINUTE),
)


def check(history: History) -> State:
    """Raises AssertionError where the rules break their word; returns the state."""
    said = history.judged()
    standing = sorted((made for made in history.ticks if made.withdrawn_at is None), key=lambda made: made.at)
    _on_time(history, said)
    _promise_kept(history, said)
    _explained(history, said, standing)
    assert history.judged(ticks=standing) == said
    return said.state


def _on_time(history: History, said: Judgement) -> None:
    assert (said.state == State.LATE) == (said.due_at is not None and said.due_at < history.at)
    assert (said.state in (State.LATE, State.DUE)) == (said.due_at is not None)
    assert (said.late_by(history.at) > timedelta()) == (said.state == State.LATE)
    if said.due_at is not None:
        assert f"{said.due_at.astimezone(BRUSSELS):%H:%M}" in said.reason
        assert history.judged(at=said.due_at).state != State.LATE


def _promise_kept(history: History, said: Judgement) -> None:
    """Until the incident is closed, what the public was promised is never over, nor due later than promised."""
    moments = history.moments
    if history.step.is_promised and moments.last_message and moments.promised and not moments.closure:
        assert said.state != State.DONE
        assert said.due_at is None or said.due_at <= moments.promised


def _explained(history: History, said: Judgement, standing: list[Tick]) -> None:
    assert said.reason
    concerned = applies(history.step.when, history.situation)
    if said.state == State.NOT_APPLICABLE:
        declared = bool(standing) and standing[-1].outcome == Tick.Outcome.NOT_APPLICABLE
        assert declared or (concerned.since is None and not concerned.may_come)
        assert not declared or said.reason == standing[-1].note
    elif said.state == State.DONE and history.step.repeat_minutes:
        ended = history.moments.of(history.step.until)
        assert ended is not None
        assert ended <= history.at
    elif said.state == State.DONE:
        assert said.reason == standing[-1].note
    elif not history.step.repeat_minutes:
        assert not standing
