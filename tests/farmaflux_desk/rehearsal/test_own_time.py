"""An exercise that runs faster than we do is noted, judged and reminded of by its own clock; what is real is not."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from comms.models import Anchor, CallPressure, PlanDeclined, PlanPhase, PlanStep, PlanTemplate, Reminder, Tick
from comms.operations import drafts, plan
from comms.operations.reminders import remind
from farmaflux_desk.header import Header
from farmaflux_desk.models import Replay
from farmaflux_desk.rehearsal import replay
from farmaflux_desk.rehearsal.scenario import read
from incidents.models import ExerciseClock, Incident, Phase
from incidents.operations import move
from tests import factories
from tickets.models import CallbackWindow, ContactChannel, ContactImpact
from tickets.operations import log_contact
from tickets.operations.callbacks import note_try
from tickets.operations.contacts import CallbackRequest

pytestmark = pytest.mark.django_db
AT = factories.OUTAGE
MINUTE = timedelta(minutes=1)
TEXT = """\
title: {fr: Panne du soir, nl: Storing in de avond}
severity: S1
services: {eforms: major_outage}
begins: "18:00"
events:
  - {at: "20:00", signal: {fr: Plus rien., nl: Niets meer.}}
"""
RINGS = '{at: "18:15", until: "18:20", calls: 6, notes: [Rien.]}'


@pytest.fixture
def lead() -> User:
    return factories.user(Role.LEAD, language="en", email="lead@apb.example")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


@pytest.fixture
def exercise(lead: User, clock: time_machine.Traveller) -> Incident:
    """Sixty times as fast: a second is a minute."""
    factories.service("eforms")
    scenario = read(TEXT, services=["eforms"], partners=[])
    return replay.begin(scenario, key=uuid.uuid4(), speed=60, by=lead, at=AT)


def seconds(clock: time_machine.Traveller, number: int) -> None:
    clock.move_to(AT + timedelta(seconds=number))


def template() -> PlanTemplate:
    made = PlanTemplate.objects.create(key="plan", name_fr="Plan", name_nl="Plan")
    PlanStep.objects.create(
        template=made,
        number=1,
        phase=PlanPhase.START,
        title_fr="Étape",
        title_nl="Stap",
        anchor=Anchor.PLAN_START,
        offset_minutes=30,
    )
    return made


def fresh(incident: Incident) -> Incident:
    return Incident.objects.get(pk=incident.pk)


def test_its_clock_runs_sixty_times_as_fast_stands_while_it_is_held_and_leaves_the_real_day_alone(
    exercise: Incident, lead: User
) -> None:
    real, played = factories.incident(), Replay.objects.get()

    def times(number: int) -> tuple[timedelta, timedelta]:
        at = AT + timedelta(seconds=number)
        return fresh(exercise).now(at) - AT, real.now(at) - AT

    running = times(10)
    replay.hold(played, by=lead, at=AT + timedelta(seconds=20))
    held = times(300)
    replay.go_on(played, speed=1, by=lead, at=AT + timedelta(seconds=300))

    assert (running, held) == (
        (10 * MINUTE, timedelta(seconds=10)),
        (20 * MINUTE, 5 * MINUTE),
    )
    assert times(360)[0] == 21 * MINUTE


def test_what_is_done_in_it_is_noted_at_its_time(
    exercise: Incident, lead: User, clock: time_machine.Traveller
) -> None:
    seconds(clock, 5)
    checklist = plan.start_plan(exercise, template(), by=lead)
    seconds(clock, 40)
    ticked = plan.tick(
        checklist.items.get(),
        key=uuid.uuid4(),
        outcome=Tick.Outcome.DONE,
        note="Fait.",
        by=lead,
    )
    called = log_contact(
        key=uuid.uuid4(),
        by=lead,
        channel=ContactChannel.PHONE,
        caller_text="Pharmacie X",
        incident=exercise,
        impact=ContactImpact.PATIENT_WAITING,
        callback=CallbackRequest("02 555 12 12", CallbackWindow.SOON),
    )
    tried = note_try(called.callback, by=lead, outcome="no_answer", number=1)
    move(exercise, Phase.IDENTIFIED, by=lead)

    assert (checklist.started_at, ticked.at) == (AT + 5 * MINUTE, AT + 40 * MINUTE)
    assert (called.occurred_at, called.recorded_at) == (AT + 40 * MINUTE, AT + timedelta(seconds=40))
    assert tried.next_at == AT + 55 * MINUTE
    assert fresh(exercise).last_phase_change.occurred_at == AT + 40 * MINUTE


def test_the_head_of_its_pages_counts_by_it_and_that_of_the_real_day_does_not(
    exercise: Incident, lead: User, clock: time_machine.Traveller
) -> None:
    draft = drafts.draft_for(exercise, by=lead)
    plan.start_plan(exercise, template(), by=lead)
    factories.update(exercise, published_at=AT, next_update_at=draft.next_update_at)
    draft.delete()
    seconds(clock, 35)
    at = AT + timedelta(seconds=35)

    played = Header(user=lead, at=at, public_id=exercise.public_id)
    real = Header(user=lead, at=at)

    assert (played.minutes, played.next_late, played.next_minutes) == (35, True, 15)
    assert ([due.minutes for due in played.late], real.late) == ([5], [])
    assert (played.own_time, real.own_time) == (True, False)


def test_who_must_act_is_reminded_by_it(
    exercise: Incident, lead: User, clock: time_machine.Traveller
) -> None:
    plan.start_plan(exercise, template(), by=lead)

    def stages(number: int) -> list[str]:
        remind(AT + timedelta(seconds=number))
        return list(Reminder.objects.values_list("stage", flat=True))

    assert [stages(number) for number in (20, 26, 31, 41)] == [
        [],
        ["before"],
        ["before", "due"],
        ["before", "due", "escalated"],
    ]


def test_a_step_that_waits_for_calls_hears_of_them_as_they_come(
    lead: User, clock: time_machine.Traveller
) -> None:
    factories.service("eforms")
    ringing = TEXT.replace('{at: "20:00", signal: {fr: Plus rien., nl: Niets meer.}}', RINGS)
    scenario = read(ringing, services=["eforms"], partners=[])
    incident = replay.begin(scenario, key=uuid.uuid4(), speed=60, by=lead, at=AT)
    waiting = template()
    waiting.steps.update(when=[{"calls": 3}])
    plan.start_plan(incident, waiting, by=lead)

    for number in (10, 21):
        replay.play_all(AT + timedelta(seconds=number))

    assert CallPressure.objects.get().exceeded_at == AT + 21 * MINUTE


def test_lists_that_hold_it_beside_what_is_real_judge_each_by_its_own_clock(
    client: Client, exercise: Incident, lead: User, clock: time_machine.Traveller
) -> None:
    def calls(incident: Incident, needed_by: datetime) -> None:
        log_contact(
            key=uuid.uuid4(),
            by=lead,
            channel=ContactChannel.PHONE,
            caller_text="Pharmacie X",
            incident=incident,
            impact=ContactImpact.PATIENT_WAITING,
            needed_by=needed_by,
        )

    calls(factories.incident(), AT + 30 * MINUTE)
    calls(exercise, AT + 30 * MINUTE)
    seconds(clock, 40)
    client.force_login(lead)

    page = client.get("/desk/urgent/").text

    assert ("in 30 min" in page, "10 min late" in page, page.count('class="is-late"')) == (True, True, 1)


def test_not_to_start_the_plan_is_decided_once_while_no_time_passes(exercise: Incident, lead: User) -> None:
    replay.hold(Replay.objects.get(), by=lead)

    for _again in range(2):
        plan.decline_plan(fresh(exercise), reason="Pas maintenant.", by=lead)

    assert PlanDeclined.objects.count() == 1
    assert ExerciseClock.objects.get().running_since is None
