"""A checklist as it stands, and what is late anywhere."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from comms.models import Anchor, Checklist, PlanPhase, PlanStep, PlanTemplate, Tick
from comms.operations import plan
from comms.plan.agenda import clock
from comms.plan.board import AFTERMATH, Board, board, checklists, moments, situation
from comms.plan.rules import State
from incidents import operations as incidents
from incidents.models import (
    EntryKind,
    Incident,
    MilestoneKind,
    Phase,
    PhaseChange,
    ResponseRole,
    ServiceStatus,
    Severity,
)
from incidents.timeline import describe
from tests import factories
from tests.factories import OUTAGE

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lead() -> User:
    return factories.user(Role.LEAD)


@pytest.fixture
def template() -> PlanTemplate:
    made = PlanTemplate.objects.create(key="short", name_fr="Short plan", name_nl="Short plan")
    for number, phase, fields in (
        (1, PlanPhase.START, {"offset_minutes": 20, "owners": ["scribe", "crisis_lead"]}),
        (2, PlanPhase.START, {"offset_minutes": 10}),
        (3, PlanPhase.START, {"offset_minutes": 90}),
        (4, PlanPhase.START, {"offset_minutes": 60}),
        (5, PlanPhase.RUN, {"offset_minutes": 15, "repeat_minutes": 15, "until": Anchor.FULLY_RESTORED}),
        (6, PlanPhase.RESTORE, {"anchor": Anchor.TRANSFER_BACK, "offset_minutes": 30}),
    ):
        texts = {"title_fr": f"Étape {number}", "title_nl": f"Stap {number}"}
        anchored = {"anchor": Anchor.PLAN_START, **fields}
        PlanStep.objects.create(template=made, number=number, phase=phase, **texts, **anchored)
    return made


@pytest.fixture
def checklist(template: PlanTemplate, lead: User) -> Checklist:
    return plan.start_plan(factories.incident(), template, by=lead, at=OUTAGE)


def standing(checklist: Checklist, minutes: int) -> Board:
    return board(checklists().get(pk=checklist.pk), OUTAGE + minutes * MINUTE)


def mark(checklist: Checklist, number: int, by: User, *, minutes: int = 5, **given: Any) -> Tick:
    return plan.tick(
        checklist.items.get(number=number),
        **{
            "key": uuid.uuid4(),
            "outcome": Tick.Outcome.DONE,
            "by": by,
            "at": OUTAGE + minutes * MINUTE,
            **given,
        },
    )


def test_conditions_follow_the_incident_as_it_changes(checklist: Checklist, lead: User) -> None:
    incident, service = checklist.incident, factories.service("dpp")
    incidents.set_statuses(incident, {service: ServiceStatus.MAJOR}, by=lead, occurred_at=OUTAGE, at=OUTAGE)
    incidents.amend(incident, severity=Severity.S2, by=lead, at=OUTAGE + 30 * MINUTE)
    checklist.items.update(when=[{"calls": 20}, {"calls": 50}])
    for calls in (20, 21, 40):
        plan.note_pressure(incident, calls, at=OUTAGE + calls * MINUTE)

    known = situation(checklists().get(pk=checklist.pk).incident)

    assert (known.severity, known.severity_since) == ("S2", OUTAGE + 30 * MINUTE)
    assert dict(known.services) == {"dpp": OUTAGE, "eforms": OUTAGE}
    assert known.pressure == {20: OUTAGE + 21 * MINUTE}
    noted = incident.entries.filter(kind=EntryKind.CALLS)
    assert [describe(entry) for entry in noted] == ["21 appels en une demi-heure"]


def resolve(incident: Incident, by: User, at: datetime) -> None:
    PhaseChange.objects.create(incident=incident, phase=Phase.RESOLVED, occurred_at=at, recorded_at=at, by=by)


def test_the_message_that_was_promised_comes_before_what_is_late_for_longer(checklist: Checklist) -> None:
    checklist.items.filter(number=5).update(anchor=Anchor.LAST_MESSAGE, phase=PlanPhase.START)
    factories.update(checklist.incident, published_at=OUTAGE + 10 * MINUTE)

    seen = standing(checklist, 30)

    assert [row.item.number for row in seen.late] == [5, 2, 1]
    assert [row.item.number for row in seen.now][:3] == [5, 2, 1]
    assert [row.item.number for row in seen.lanes[0].items][:3] == [5, 2, 1]


def test_late_comes_first_then_next_then_what_waits_then_what_is_behind_us(
    checklist: Checklist, lead: User
) -> None:
    mark(checklist, 4, lead)

    seen = standing(checklist, 30)

    assert [[row.item.number for row in lane.items] for lane in seen.lanes] == [[2, 1, 3, 4], [5], [6]]
    assert [lane.phase for lane in seen.lanes] == [PlanPhase.START, PlanPhase.RUN, PlanPhase.RESTORE]
    assert [lane.done for lane in seen.lanes] == [1, 0, 0]
    assert [row.item.number for row in seen.late] == [2, 5, 1]
    assert seen.next is not None
    assert (seen.next.item.number, seen.done) == (3, 1)


def test_each_step_names_its_roles_and_who_holds_them_or_nobody(checklist: Checklist, lead: User) -> None:
    manon = factories.user(Role.COMMUNICATIONS)
    incidents.assign_role(checklist.incident, ResponseRole.SCRIBE, manon, by=lead)

    row = standing(checklist, 0).items[0]

    assert [(owner.role, owner.person) for owner in row.owners] == [
        (ResponseRole.SCRIBE, manon),
        (ResponseRole.CRISIS_LEAD, None),
    ]


def test_marks_taken_back_are_not_shown(checklist: Checklist, lead: User) -> None:
    made = mark(checklist, 2, lead)
    kept = mark(checklist, 5, lead)
    plan.withdraw(made, by=lead)

    rows = {row.item.number: row for row in standing(checklist, 10).items}

    assert (rows[2].ticks, rows[2].last_tick, rows[2].state) == ([], None, State.DUE)
    assert (rows[5].ticks, rows[5].last_tick, rows[5].due_at) == ([kept], kept, OUTAGE + 20 * MINUTE)


def test_anchors_follow_messages_milestones_and_the_resolution(checklist: Checklist, lead: User) -> None:
    incident = checklist.incident
    for minutes in (10, 30, 50):
        factories.update(incident, published_at=OUTAGE + minutes * MINUTE)
    factories.update(incident)
    incidents.reach_milestone(
        incident,
        MilestoneKind.TRANSFER_BACK,
        by=lead,
        occurred_at=OUTAGE + 60 * MINUTE,
        at=OUTAGE + 60 * MINUTE,
    )

    seen = moments(checklists().get(pk=checklist.pk))

    assert (seen.first_message, seen.last_message) == (OUTAGE + 10 * MINUTE, OUTAGE + 50 * MINUTE)
    assert (seen.transfer_back, seen.registration_back) == (OUTAGE + 60 * MINUTE, None)
    assert (seen.fully_restored, seen.closure) == (None, None)


def test_what_repeats_until_full_recovery_ends_with_the_incident(checklist: Checklist, lead: User) -> None:
    before = standing(checklist, 100).items[4].state
    resolve(checklist.incident, lead, OUTAGE + 90 * MINUTE)

    assert (before, standing(checklist, 100).items[4].state) == (State.LATE, State.DONE)


def test_the_version_changes_when_marks_holders_or_lateness_do(checklist: Checklist, lead: User) -> None:
    versions = [standing(checklist, 1).version, standing(checklist, 2).version]
    assert versions[0] == versions[1]

    versions = versions[1:]
    made = mark(checklist, 1, lead)
    versions.append(standing(checklist, 2).version)
    plan.withdraw(made, by=lead)
    mark(checklist, 2, lead)
    versions.append(standing(checklist, 2).version)
    incidents.assign_role(checklist.incident, ResponseRole.SCRIBE, lead, by=lead)
    versions.append(standing(checklist, 2).version)
    versions.append(standing(checklist, 16).version)

    assert len(set(versions)) == 5


def test_late_steps_of_all_incidents_the_longest_overdue_first(template: PlanTemplate, lead: User) -> None:
    first, second = (
        plan.start_plan(factories.incident(), template, by=lead, at=OUTAGE + shift * MINUTE)
        for shift in (0, 3)
    )

    late = clock(OUTAGE + 19 * MINUTE).late

    ids = {first.incident.public_id: "first", second.incident.public_id: "second"}
    assert [(ids[due.public_id], due.step.number, due.late_by) for due in late] == [
        ("first", 2, 9 * MINUTE),
        ("second", 2, 6 * MINUTE),
        ("first", 5, 4 * MINUTE),
        ("second", 5, 1 * MINUTE),
    ]


def test_a_resolved_incident_is_late_for_a_fortnight_and_forgotten_then(
    checklist: Checklist, lead: User
) -> None:
    resolved = OUTAGE + 90 * MINUTE
    resolve(checklist.incident, lead, resolved)

    numbers = [
        [due.step.number for due in clock(at).late]
        for at in (resolved + timedelta(days=1), resolved + AFTERMATH + MINUTE)
    ]

    assert numbers == [[2, 1, 4, 3], []]


def queries(at: datetime) -> int:
    with CaptureQueriesContext(connection) as captured:
        clock(at)
    return len(captured)


def test_three_checklists_cost_as_many_queries_as_one_and_a_second_look_costs_one(
    checklist: Checklist, template: PlanTemplate, lead: User
) -> None:
    def live(running: Checklist) -> None:
        mark(running, 1, lead)
        mark(running, 5, lead)
        incidents.assign_role(running.incident, ResponseRole.SCRIBE, lead, by=lead)
        factories.update(running.incident, published_at=OUTAGE + 3 * MINUTE)

    at = OUTAGE + 30 * MINUTE
    live(checklist)
    first, again = queries(at), queries(at)
    for _more in range(2):
        live(plan.start_plan(factories.incident(), template, by=lead, at=OUTAGE))

    assert (first, again, queries(at), queries(at + MINUTE)) == (10, 1, 10, 1)
    assert len({due.public_id for due in clock(at).late}) == 3


def test_whatever_moves_a_due_time_is_seen_at_once(checklist: Checklist, lead: User) -> None:
    at = OUTAGE + 31 * MINUTE
    seen = [[due.step.number for due in clock(at).late]]
    made = mark(checklist, 2, lead)
    seen.append([due.step.number for due in clock(at).late])
    plan.withdraw(made, by=lead)
    incidents.reach_milestone(
        checklist.incident, MilestoneKind.TRANSFER_BACK, by=lead, occurred_at=OUTAGE, at=at
    )
    seen.append([due.step.number for due in clock(at).late])

    assert seen == [[2, 5, 1], [5, 1], [2, 5, 1, 6]]


def test_the_message_promised_to_the_public_comes_first(checklist: Checklist) -> None:
    factories.update(checklist.incident, published_at=OUTAGE, next_update_at=OUTAGE + 18 * MINUTE)
    checklist.items.filter(number=3).update(anchor=Anchor.LAST_MESSAGE, repeat_minutes=20)

    said = clock(OUTAGE + 19 * MINUTE)

    assert [(due.step.number, due.minutes) for due in said.late] == [(3, 1), (2, 9), (5, 4)]
    assert said.next is not None
    assert (said.next.step.number, said.next.minutes) == (1, 1)
