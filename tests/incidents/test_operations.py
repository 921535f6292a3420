import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from incidents import operations, timeline
from incidents.models import (
    Entry,
    EntryKind,
    Impact,
    Incident,
    Milestone,
    MilestoneKind,
    Partner,
    Phase,
    PhaseChange,
    PublicRevision,
    ResponseRole,
    RoleAssignment,
    Service,
    ServiceStatus,
    Severity,
)
from incidents.models.states import PHASE_TRANSITIONS
from tests import factories
from tests.factories import OUTAGE

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
NOW = OUTAGE + 10 * MINUTE
TITLES = {"fr": "Panne des eForms", "nl": "Storing van de eForms"}


def declare(*, by: User | None = None, service: Service | None = None, **fields: Any) -> Incident:
    return operations.declare(
        **{
            "key": uuid.uuid4(),
            "titles": TITLES,
            "severity": Severity.S1,
            "statuses": {service or factories.service("dpp"): ServiceStatus.MAJOR},
            "began_at": OUTAGE,
            "by": by or factories.user(Role.LEAD),
            "at": NOW,
            **fields,
        }
    )


def everything() -> tuple[int, ...]:
    """How much is written, to see that nothing was."""
    counted = (Incident, PhaseChange, Impact, Milestone, RoleAssignment, Entry)
    return (*(model._default_manager.count() for model in counted), PublicRevision.objects.current())


def impacts(incident: Incident) -> list[tuple[str, str, datetime, datetime | None]]:
    return [(i.service.key, i.status, i.began_at, i.ended_at) for i in incident.impacts.all()]


def newest(incident: Incident) -> Entry:
    return incident.entries.order_by("-sequence")[0]


# Declaring


def test_declaring_opens_an_incident_that_is_investigated_and_tells_the_timeline() -> None:
    lead, dpp = factories.user(Role.LEAD), factories.service("dpp")

    incident = declare(by=lead, service=dpp)

    assert (incident.title_fr, incident.title_nl, incident.title_de) == (TITLES["fr"], TITLES["nl"], "")
    assert (incident.phase, incident.began_at, incident.recorded_at) == (Phase.INVESTIGATING, OUTAGE, NOW)
    assert impacts(incident) == [("dpp", "major_outage", OUTAGE, None)]
    entry = incident.entries.get()
    assert (entry.kind, entry.author, entry.occurred_at, entry.recorded_at) == ("declared", lead, OUTAGE, NOW)
    assert entry.data == {
        "severity": "S1",
        "titles": TITLES,
        "services": [{"names": {"fr": "dpp fr", "nl": "dpp nl"}, "status": "major_outage"}],
    }
    assert PublicRevision.objects.current() == 1


def test_the_same_key_again_declares_nothing_more() -> None:
    key, lead = uuid.uuid4(), factories.user(Role.LEAD)
    first = declare(key=key, by=lead)
    before = everything()

    again = declare(key=key, by=lead, titles={"fr": "Autre", "nl": "Ander"})

    assert (again, again.title_fr, everything()) == (first, TITLES["fr"], before)


def test_services_that_work_are_not_touched() -> None:
    incident = declare(
        statuses={
            factories.service("dpp"): ServiceStatus.DEGRADED,
            factories.service("raotd"): ServiceStatus.OPERATIONAL,
        }
    )

    assert [service for service, *_ in impacts(incident)] == ["dpp"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"titles": {"fr": "Panne"}}, "title_nl"),
        ({"titles": {"fr": "  ", "nl": "Storing"}}, "title_fr"),
        ({"titles": {**TITLES, "de": "x" * 121}}, "title_de"),
        ({"titles": {**TITLES, "fr": "a\x00b"}}, "title_fr"),
        ({"titles": {**TITLES, "nl": "85.07.30-033.28"}}, "title_nl"),
        ({"statuses": {}}, "services"),
        ({"began_at": NOW + 3 * MINUTE}, "began_at"),
        ({"began_at": datetime.fromisoformat("1999-12-31T00:00+00:00")}, "began_at"),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(fields: dict[str, Any], field: str) -> None:
    before = everything()

    with pytest.raises(Refused) as refusal:
        declare(**fields)

    assert (refusal.value.field, everything()) == (field, before)


def test_a_clock_a_minute_ahead_is_taken_for_now() -> None:
    assert declare(began_at=NOW + MINUTE).began_at == NOW


def test_a_relapse_is_linked_and_told_of() -> None:
    morning = factories.incident(began_at=OUTAGE - 255 * MINUTE, title_fr="Le matin")

    incident = declare(relapse_of=morning)

    assert incident.relapse_of == morning
    assert newest(incident).data["relapse_of"]["titles"]["fr"] == "Le matin"


def test_a_relapse_is_at_least_s2() -> None:
    morning = factories.incident(began_at=OUTAGE - 255 * MINUTE)

    with pytest.raises(Refused) as refusal:
        declare(relapse_of=morning, severity=Severity.S3)

    assert (refusal.value.field, Incident.objects.count()) == ("severity", 1)


def test_a_relapse_of_what_began_later_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        declare(relapse_of=factories.incident(began_at=OUTAGE))

    assert refusal.value.field == "relapse_of"


def test_amending_replaces_titles_and_severity_and_tells_what_changed() -> None:
    incident = declare()

    operations.amend(
        incident, titles={**TITLES, "fr": "Panne totale"}, severity=Severity.S2, by=incident.declared_by
    )

    incident.refresh_from_db()
    assert (incident.title_fr, incident.severity) == ("Panne totale", "S2")
    assert newest(incident).data == {
        "severity": ["S1", "S2"],
        "titles": {"fr": "Panne totale", "nl": TITLES["nl"]},
    }
    assert PublicRevision.objects.current() == 2


def test_amending_nothing_writes_nothing() -> None:
    incident = declare()
    before = everything()

    operations.amend(incident, titles=TITLES, severity=Severity.S1, by=incident.declared_by)

    assert everything() == before


def test_a_relapse_does_not_become_s3() -> None:
    incident = declare(relapse_of=factories.incident(began_at=OUTAGE - 255 * MINUTE))

    with pytest.raises(Refused):
        operations.amend(incident, severity=Severity.S3, by=incident.declared_by)

    incident.refresh_from_db()
    assert incident.severity == "S1"


def test_linking_a_relapse_later() -> None:
    morning, incident = factories.incident(began_at=OUTAGE - 255 * MINUTE), declare()

    operations.link_relapse(incident, morning, by=incident.declared_by)
    operations.link_relapse(incident, morning, by=incident.declared_by)

    incident.refresh_from_db()
    assert incident.relapse_of == morning
    assert [entry.kind for entry in incident.entries.all()].count("link") == 1


def test_an_incident_is_no_relapse_of_itself() -> None:
    incident = declare()

    with pytest.raises(Refused) as refusal:
        operations.link_relapse(incident, incident, by=incident.declared_by)

    assert refusal.value.field == "relapse_of"


# The course


def test_a_changed_status_ends_the_impact_and_begins_another() -> None:
    dpp, raotd = factories.service("dpp"), factories.service("raotd")
    incident = declare(statuses={dpp: ServiceStatus.MAJOR, raotd: ServiceStatus.DEGRADED})

    operations.set_statuses(
        incident,
        {dpp: ServiceStatus.PARTIAL, raotd: ServiceStatus.DEGRADED},
        by=incident.declared_by,
        occurred_at=OUTAGE + 5 * MINUTE,
        at=NOW,
    )

    assert impacts(incident) == [
        ("dpp", "major_outage", OUTAGE, OUTAGE + 5 * MINUTE),
        ("raotd", "degraded_performance", OUTAGE, None),
        ("dpp", "partial_outage", OUTAGE + 5 * MINUTE, None),
    ]
    assert newest(incident).data == {
        "services": [
            {"names": {"fr": "dpp fr", "nl": "dpp nl"}, "status": "partial_outage", "from": "major_outage"}
        ]
    }
    assert PublicRevision.objects.current() == 2


def test_a_service_that_works_again_has_no_open_impact() -> None:
    dpp = factories.service("dpp")
    incident = declare(service=dpp)

    operations.set_statuses(incident, {dpp: ServiceStatus.OPERATIONAL}, by=incident.declared_by, at=NOW)

    assert impacts(incident) == [("dpp", "major_outage", OUTAGE, NOW)]
    assert incident.phase == Phase.INVESTIGATING


def test_statuses_that_stay_write_nothing() -> None:
    dpp, raotd = factories.service("dpp"), factories.service("raotd")
    incident = declare(service=dpp)
    before = everything()

    operations.set_statuses(
        incident,
        {dpp: ServiceStatus.MAJOR, raotd: ServiceStatus.OPERATIONAL},
        by=incident.declared_by,
        at=NOW,
    )

    assert everything() == before


@pytest.mark.parametrize("occurred_at", [OUTAGE - MINUTE, OUTAGE + 4 * MINUTE, NOW + 3 * MINUTE])
def test_a_status_from_before_the_incident_or_the_last_change_or_the_future_is_refused(
    occurred_at: datetime,
) -> None:
    dpp = factories.service("dpp")
    incident = declare(service=dpp)
    operations.set_statuses(
        incident,
        {dpp: ServiceStatus.PARTIAL},
        by=incident.declared_by,
        occurred_at=OUTAGE + 5 * MINUTE,
        at=NOW,
    )
    before = everything()

    with pytest.raises(Refused) as refusal:
        operations.set_statuses(
            incident, {dpp: ServiceStatus.MAJOR}, by=incident.declared_by, occurred_at=occurred_at, at=NOW
        )

    assert (refusal.value.field, everything()) == ("occurred_at", before)


def test_a_resolved_incident_touches_nothing_more() -> None:
    dpp = factories.service("dpp")
    incident = declare(service=dpp)
    operations.move(incident, Phase.RESOLVED, by=incident.declared_by, at=NOW)

    with pytest.raises(Refused):
        operations.set_statuses(incident, {dpp: ServiceStatus.MAJOR}, by=incident.declared_by, at=NOW)

    assert impacts(incident) == [("dpp", "major_outage", OUTAGE, NOW)]


def test_moving_adds_a_phase_and_tells_the_timeline() -> None:
    incident = declare()

    operations.move(incident, Phase.IDENTIFIED, reason="Un serveur.", by=incident.declared_by, at=NOW)

    assert (incident.phase, incident.phase_changes.count()) == (Phase.IDENTIFIED, 2)
    assert (newest(incident).text, newest(incident).data) == (
        "Un serveur.",
        {"phase": "identified", "from": "investigating"},
    )
    assert PublicRevision.objects.current() == 2


def test_moving_to_where_it_is_writes_nothing() -> None:
    incident = declare()
    before = everything()

    operations.move(incident, Phase.INVESTIGATING, by=incident.declared_by)

    assert everything() == before


def test_resolving_ends_what_lasts() -> None:
    incident = declare()

    operations.move(incident, Phase.RESOLVED, by=incident.declared_by, occurred_at=OUTAGE + MINUTE, at=NOW)

    assert (incident.resolved_at, incident.open_impacts) == (OUTAGE + MINUTE, [])
    assert impacts(incident)[0][3] == OUTAGE + MINUTE


def test_resolving_from_before_a_service_changed_is_refused() -> None:
    dpp = factories.service("dpp")
    incident = declare(service=dpp)
    operations.set_statuses(incident, {dpp: ServiceStatus.PARTIAL}, by=incident.declared_by, at=NOW)
    before = everything()

    with pytest.raises(Refused) as refusal:
        operations.move(incident, Phase.RESOLVED, by=incident.declared_by, occurred_at=NOW - MINUTE, at=NOW)

    assert (refusal.value.field, everything()) == ("occurred_at", before)


def test_a_phase_from_before_the_one_it_follows_is_refused() -> None:
    incident = declare()
    operations.move(incident, Phase.IDENTIFIED, by=incident.declared_by, at=NOW)

    with pytest.raises(Refused) as refusal:
        operations.move(incident, Phase.MONITORING, by=incident.declared_by, occurred_at=NOW - MINUTE, at=NOW)

    assert (refusal.value.field, incident.phase) == ("occurred_at", Phase.IDENTIFIED)


def test_reopening_needs_a_reason_and_brings_no_status_back() -> None:
    incident = declare()
    operations.move(incident, Phase.RESOLVED, by=incident.declared_by, at=NOW)

    with pytest.raises(Refused) as refusal:
        operations.move(incident, Phase.INVESTIGATING, by=incident.declared_by, at=NOW)
    assert (refusal.value.field, incident.is_open) == ("reason", False)

    operations.move(incident, Phase.INVESTIGATING, reason="Encore en panne", by=incident.declared_by, at=NOW)
    assert (Incident.objects.get(pk=incident.pk).is_open, incident.open_impacts) == (True, [])


@pytest.mark.parametrize("before", Phase)
@pytest.mark.parametrize("after", Phase)
def test_the_table_says_what_may_follow_what(before: Phase, after: Phase) -> None:
    incident = factories.incident(phase=before)

    def move() -> None:
        operations.move(incident, after, reason="Parce que", by=incident.declared_by, at=NOW)

    if after == before or after in PHASE_TRANSITIONS[before]:
        move()
        assert incident.phase == after
    else:
        with pytest.raises(Refused):
            move()
        assert incident.phase == before


def test_a_national_number_in_a_reason_is_masked_in_both_places() -> None:
    incident = declare()

    operations.move(incident, Phase.IDENTIFIED, reason="85073003328", by=incident.declared_by, at=NOW)

    assert (newest(incident).text, incident.last_phase_change.reason) == ("85.07.30-•••.••",) * 2


# Recovery


def test_a_milestone_is_planned_moved_and_reached() -> None:
    incident = declare()
    by, kind = incident.declared_by, MilestoneKind.RESTART_DONE
    operations.plan_milestone(incident, kind, planned_for=NOW + 60 * MINUTE, by=by, at=NOW)
    operations.plan_milestone(incident, kind, planned_for=NOW + 90 * MINUTE, by=by, at=NOW)
    operations.plan_milestone(incident, kind, planned_for=NOW + 90 * MINUTE, by=by, at=NOW)

    operations.reach_milestone(incident, kind, by=by, at=NOW + 95 * MINUTE)

    milestone = incident.milestones.get()
    assert (milestone.planned_for, milestone.reached_at, milestone.confirmed_by) == (
        NOW + 90 * MINUTE,
        NOW + 95 * MINUTE,
        None,
    )
    assert [entry.kind for entry in incident.entries.order_by("sequence")] == [
        "declared",
        "milestone",
        "milestone",
        "milestone",
    ]
    assert PublicRevision.objects.current() == 4


def test_a_partner_confirms_later_without_moving_the_time() -> None:
    incident = declare()
    sciensano = Partner.objects.create(key="sciensano", name_fr="Sciensano", name_nl="Sciensano")
    by, kind = incident.declared_by, MilestoneKind.TRANSFER_BACK
    operations.reach_milestone(incident, kind, occurred_at=OUTAGE + MINUTE, by=by, at=NOW)

    for _again in range(2):
        operations.reach_milestone(incident, kind, confirmed_by=sciensano, by=by, at=NOW)

    milestone = incident.milestones.get()
    assert (milestone.reached_at, milestone.confirmed_by) == (OUTAGE + MINUTE, sciensano)
    assert (newest(incident).sequence, newest(incident).source) == (3, sciensano)


def test_a_milestone_reached_is_neither_planned_nor_reached_at_another_time() -> None:
    incident = declare()
    by, kind = incident.declared_by, MilestoneKind.TRANSFER_BACK
    operations.reach_milestone(incident, kind, by=by, at=NOW)
    before = everything()

    with pytest.raises(Refused) as planning:
        operations.plan_milestone(incident, kind, planned_for=NOW + MINUTE, by=by, at=NOW)
    with pytest.raises(Refused) as reaching:
        operations.reach_milestone(incident, kind, occurred_at=NOW - MINUTE, by=by, at=NOW)

    assert (planning.value.field, reaching.value.field) == ("planned_for", "occurred_at")
    assert everything() == before


@pytest.mark.parametrize("planned_for", [NOW + timedelta(days=31), OUTAGE - MINUTE])
def test_a_plan_beyond_sense_is_refused(planned_for: datetime) -> None:
    incident = declare()
    before = everything()

    with pytest.raises(Refused) as refusal:
        operations.plan_milestone(
            incident, MilestoneKind.RESTART_DONE, planned_for=planned_for, by=incident.declared_by, at=NOW
        )

    assert (refusal.value.field, everything()) == ("planned_for", before)


# Roles


def test_a_role_is_handed_over_and_released() -> None:
    incident = declare()
    ann, jo = (factories.user(username=name) for name in ("ann", "jo"))
    for person in (ann, ann, jo, None):
        operations.assign_role(incident, ResponseRole.SCRIBE, person, by=incident.declared_by, at=NOW)

    assert [(held.person, held.released_at) for held in incident.role_assignments.order_by("pk")] == [
        (ann, NOW),
        (jo, NOW),
    ]
    said = [entry.data for entry in incident.entries.filter(kind=EntryKind.ROLE).order_by("sequence")]
    assert [(data["from"], data["person"]) for data in said] == [("", "ann"), ("ann", "jo"), ("jo", "")]


def test_who_left_the_house_gets_no_role() -> None:
    incident = declare()
    gone = factories.user(is_active=False)

    with pytest.raises(Refused) as refusal:
        operations.assign_role(incident, ResponseRole.SCRIBE, gone, by=incident.declared_by)

    assert (refusal.value.field, RoleAssignment.objects.count()) == ("scribe", 0)


# Facts


def note(incident: Incident, **fields: Any) -> Entry:
    return operations.note_fact(
        incident,
        **{
            "key": uuid.uuid4(),
            "kind": EntryKind.ACTION,
            "text": "Serveurs redémarrés.",
            "by": factories.user(Role.AGENT),
            "at": NOW,
            **fields,
        },
    )


def test_an_agent_notes_a_fact_from_before_the_incident_with_its_source() -> None:
    incident = declare()
    house = Partner.objects.create(key="ehealth", name_fr="eHealth", name_nl="eHealth")

    entry = note(incident, kind=EntryKind.SIGNAL, source=house, occurred_at=OUTAGE - 90 * MINUTE)

    assert (entry.kind, entry.source, entry.occurred_at, entry.recorded_at) == (
        "signal",
        house,
        OUTAGE - 90 * MINUTE,
        NOW,
    )
    assert PublicRevision.objects.current() == 1


def test_the_same_fact_sent_twice_stands_once() -> None:
    incident, key = declare(), uuid.uuid4()

    assert note(incident, key=key) == note(incident, key=key, text="Autre")
    assert incident.entries.count() == 2


def test_a_key_used_for_another_incident_is_refused() -> None:
    key = uuid.uuid4()
    note(declare(), key=key)
    other = declare()

    with pytest.raises(Refused):
        note(other, key=key)

    assert other.entries.count() == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"text": " "}, "text"),
        ({"text": "x" * 1001}, "text"),
        ({"text": "a\x00"}, "text"),
        ({"text": "a\ud800"}, "text"),
        ({"kind": EntryKind.DECLARED}, "kind"),
        ({"occurred_at": OUTAGE - timedelta(days=8)}, "occurred_at"),
        ({"occurred_at": NOW + 3 * MINUTE}, "occurred_at"),
    ],
)
def test_a_fact_that_makes_no_sense_is_refused(fields: dict[str, Any], field: str) -> None:
    incident = declare()

    with pytest.raises(Refused) as refusal:
        note(incident, **fields)

    assert (refusal.value.field, incident.entries.count()) == (field, 1)


def test_a_correction_points_to_an_entry_of_the_same_incident() -> None:
    incident = declare()
    wrong = note(incident)

    assert note(incident, corrects=wrong).corrects == wrong
    with pytest.raises(Refused) as refusal:
        note(declare(), corrects=wrong)
    assert refusal.value.field == "corrects"


# Who may

ACTIONS: Mapping[str, Callable[[Incident, User], object]] = {
    "declare": lambda _incident, by: declare(by=by),
    "amend": lambda incident, by: operations.amend(incident, severity=Severity.S2, by=by),
    "link_relapse": lambda incident, by: operations.link_relapse(
        incident, factories.incident(by=incident.declared_by, began_at=OUTAGE - 255 * MINUTE), by=by
    ),
    "set_statuses": lambda incident, by: operations.set_statuses(
        incident, {factories.service("dpp"): ServiceStatus.DEGRADED}, by=by, at=NOW
    ),
    "move": lambda incident, by: operations.move(incident, Phase.IDENTIFIED, by=by, at=NOW),
    "plan_milestone": lambda incident, by: operations.plan_milestone(
        incident, MilestoneKind.RESTART_DONE, planned_for=NOW + MINUTE, by=by, at=NOW
    ),
    "reach_milestone": lambda incident, by: operations.reach_milestone(
        incident, MilestoneKind.RESTART_DONE, by=by, at=NOW
    ),
    "assign_role": lambda incident, by: operations.assign_role(
        incident, ResponseRole.SCRIBE, by, by=by, at=NOW
    ),
    "note_fact": lambda incident, by: note(incident, by=by),
}
ALLOWED = {
    Role.VOLUNTEER: set[str](),
    Role.OBSERVER: set[str](),
    Role.VOLUNTEER: set[str](),
    Role.AGENT: {"note_fact"},
    Role.COMMUNICATIONS: {"note_fact", "set_statuses", "move"},
    Role.LEAD: set(ACTIONS),
    Role.ADMINISTRATOR: set(ACTIONS),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_role_does_what_it_may_and_nothing_else(role: Role, action: str) -> None:
    incident, person = declare(), factories.user(role)
    before = everything()

    if action in ALLOWED[role]:
        ACTIONS[action](incident, person)
        assert everything() != before
    else:
        with pytest.raises(NotAllowed):
            ACTIONS[action](incident, person)
        assert Entry.objects.count() == 1


# Two at once


def at_once(*actions: Callable[[], object]) -> list[object]:
    """Runs *actions* at the same moment, each on a connection of its own; returns answers or refusals."""
    barrier, answers = Barrier(len(actions)), [None] * len(actions)

    def run(number: int, action: Callable[[], object]) -> None:
        try:
            barrier.wait()
            answers[number] = action()  # type: ignore[call-overload]
        except Refused as refusal:
            answers[number] = refusal  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number, action)) for number, action in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(answers)


@pytest.mark.django_db(transaction=True)
def test_facts_noted_at_once_stand_one_after_the_other_in_one_chain() -> None:
    incident, agent = declare(), factories.user(Role.AGENT)

    answers = at_once(*(lambda n=n: note(incident, text=f"Fait {n}", by=agent) for n in range(6)))

    assert all(isinstance(answer, Entry) for answer in answers)
    assert sorted(entry.sequence for entry in incident.entries.all()) == [1, 2, 3, 4, 5, 6, 7]
    assert timeline.verify(incident) == []


@pytest.mark.django_db(transaction=True)
def test_a_declaration_sent_twice_at_once_declares_once() -> None:
    lead, dpp, key = factories.user(Role.LEAD), factories.service("dpp"), uuid.uuid4()

    one, two = at_once(*[lambda: declare(by=lead, service=dpp, key=key)] * 2)

    assert (one, Incident.objects.count(), Entry.objects.count(), Impact.objects.count()) == (two, 1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_who_change_a_service_at_once_leave_one_open_impact() -> None:
    dpp, lead = factories.service("dpp"), factories.user(Role.LEAD)
    incident = declare(service=dpp, by=lead)

    at_once(
        lambda: operations.set_statuses(incident, {dpp: ServiceStatus.PARTIAL}, by=lead, at=NOW),
        lambda: operations.set_statuses(incident, {dpp: ServiceStatus.DEGRADED}, by=lead, at=NOW),
    )

    assert incident.impacts.open().count() == 1
    assert timeline.verify(incident) == []


@pytest.mark.django_db(transaction=True)
def test_of_two_who_resolve_at_once_one_is_told_of() -> None:
    incident = declare()
    lead = incident.declared_by

    at_once(*[lambda: operations.move(incident, Phase.RESOLVED, by=lead, at=NOW)] * 2)

    assert [change.phase for change in incident.phase_changes.all()] == ["investigating", "resolved"]
    assert incident.entries.count() == 2


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="with a handful of rows PostgreSQL reads all of them"
)
def test_whether_an_incident_is_open_is_read_from_an_index_alone() -> None:
    plan = Incident.objects.open().explain()

    assert "USING COVERING INDEX phase_newest (incident_id=?)" in plan
