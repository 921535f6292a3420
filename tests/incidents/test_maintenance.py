"""Planned work, from its announcement to its end."""

import threading
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from incidents import operations, timeline
from incidents.models import (
    Entry,
    Maintenance,
    MaintenanceChange,
    MaintenanceStatus,
    PublicRevision,
)
from incidents.models.states import MAINTENANCE_TRANSITIONS
from incidents.opening_hours import Window
from tests import factories
from tests.factories import OUTAGE
from tests.incidents.test_operations import at_once

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NOW = OUTAGE
TONIGHT = Window(NOW + 8 * HOUR, NOW + 10 * HOUR)
TITLES = {"fr": "Redémarrage complet", "nl": "Volledige herstart"}
BODIES = {"fr": "De courtes coupures.\nPour tous.", "nl": "Korte onderbrekingen.\nVoor iedereen."}
S = MaintenanceStatus


def plan(**fields: Any) -> Maintenance:
    return operations.plan_maintenance(
        **{
            "key": uuid.uuid4(),
            "titles": TITLES,
            "bodies": BODIES,
            "services": [factories.service("dpp")],
            "window": TONIGHT,
            "by": factories.user(Role.COMMUNICATIONS),
            "at": NOW,
            **fields,
        }
    )


def move(work: Maintenance, *statuses: MaintenanceStatus, at: datetime = NOW, **fields: Any) -> None:
    by = fields.pop("by", None) or factories.user(Role.COMMUNICATIONS)
    for status in statuses:
        operations.move_maintenance(work, status, **{"key": uuid.uuid4(), "by": by, "at": at, **fields})


def everything() -> tuple[int, ...]:
    """How much is written, to see that nothing was."""
    counted = (Maintenance, MaintenanceChange, Entry)
    return (*(model._default_manager.count() for model in counted), PublicRevision.objects.current())


# Planning


def test_planned_work_is_scheduled_and_public() -> None:
    dpp, raotd = factories.service("dpp"), factories.service("raotd")
    comms = factories.user(Role.COMMUNICATIONS)

    work = plan(services=[raotd, dpp], by=comms)

    assert (work.title_fr, work.title_nl, work.title_de) == (TITLES["fr"], TITLES["nl"], "")
    assert work.body_fr == BODIES["fr"]
    assert (work.starts_at, work.ends_at, work.recorded_at, work.created_by) == (*TONIGHT, NOW, comms)
    assert set(work.services.all()) == {dpp, raotd}
    assert (work.status, work.started_at, work.completed_at) == (S.SCHEDULED, None, None)
    assert PublicRevision.objects.current() == 1


def test_the_same_key_again_plans_nothing_more() -> None:
    key, comms = uuid.uuid4(), factories.user(Role.COMMUNICATIONS)
    first = plan(key=key, by=comms)
    before = everything()

    again = plan(key=key, by=comms, titles={"fr": "Autre", "nl": "Ander"})

    assert (again, again.title_fr, everything()) == (first, TITLES["fr"], before)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"titles": {"fr": "Travaux"}}, "title_nl"),
        ({"titles": {**TITLES, "en": "x" * 121}}, "title_en"),
        ({"bodies": {"nl": "Werken"}}, "body_fr"),
        ({"bodies": {**BODIES, "de": "85.07.30-033.28"}}, "body_de"),
        ({"bodies": {**BODIES, "fr": "a\x00b"}}, "body_fr"),
        ({"services": []}, "services"),
        ({"window": Window(NOW + HOUR, NOW + HOUR)}, "ends_at"),
        ({"window": Window(NOW + HOUR, NOW + timedelta(days=8))}, "ends_at"),
        ({"window": Window(NOW - 3 * HOUR, NOW - HOUR)}, "ends_at"),
        ({"window": Window(NOW - 13 * HOUR, NOW + HOUR)}, "starts_at"),
        ({"window": Window(NOW + timedelta(days=401), NOW + timedelta(days=401, hours=1))}, "starts_at"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_beside_its_field(fields: dict[str, Any], field: str) -> None:
    comms = factories.user(Role.COMMUNICATIONS)
    before = everything()

    with pytest.raises(Refused) as refusal, transaction.atomic():
        plan(by=comms, **fields)

    assert (refusal.value.field, everything()) == (field, before)


@pytest.mark.parametrize("role", [Role.COMMUNICATIONS, Role.LEAD, Role.ADMINISTRATOR])
def test_who_leads_may_plan(role: Role) -> None:
    assert plan(by=factories.user(role)).status == S.SCHEDULED


@pytest.mark.parametrize("role", [Role.AGENT, Role.OBSERVER])
def test_others_may_do_nothing_of_it(role: Role) -> None:
    person, work = factories.user(role), plan()
    before = everything()

    for attempt in (
        lambda: plan(by=person),
        lambda: operations.amend_maintenance(work, titles={"fr": "Autre"}, by=person, at=NOW),
        lambda: operations.note_maintenance(work, key=uuid.uuid4(), note=BODIES, by=person, at=NOW),
        lambda: move(work, S.CANCELLED, by=person),
    ):
        with pytest.raises(NotAllowed):
            attempt()

    assert everything() == before


def test_the_incident_that_it_finishes_is_told() -> None:
    outage = factories.incident()

    work = plan(follows=outage)
    operations.amend_maintenance(
        work, window=Window(TONIGHT.starts_at + HOUR, TONIGHT.ends_at + HOUR), by=work.created_by, at=NOW
    )
    move(work, S.IN_PROGRESS, at=TONIGHT.starts_at + HOUR)

    assert [(entry.kind, entry.data["said"]["en"]) for entry in outage.entries.order_by("sequence")] == [
        ("action", "maintenance “Redémarrage complet” planned, 07/01/2022 9:30 p.m. – 07/01/2022 11:30 p.m."),
        ("action", "maintenance “Redémarrage complet” moved, 07/01/2022 10:30 p.m. – 07/02/2022 12:30 a.m."),
        ("action", "maintenance “Redémarrage complet”: in progress"),
    ]
    assert timeline.verify(outage) == []


def test_words_about_it_are_no_entry_of_the_incident() -> None:
    outage = factories.incident()
    work = plan(follows=outage)
    move(work, S.IN_PROGRESS)

    move(work, S.IN_PROGRESS, note=BODIES)
    operations.note_maintenance(work, key=uuid.uuid4(), note=BODIES, by=work.created_by, at=NOW)

    assert (work.changes.count(), outage.entries.count()) == (4, 2)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one lock for all")
@pytest.mark.django_db(transaction=True)
def test_who_decides_about_the_incident_first_reaches_the_public_revision_too() -> None:
    outage, by, dpp = factories.incident(), factories.user(Role.COMMUNICATIONS), factories.service("dpp")
    with transaction.atomic():
        PublicRevision.objects.bump(outage)
    begins, planned = threading.Event(), []

    def follow() -> None:
        begins.set()
        planned.append(plan(follows=outage, by=by, services=[dpp]))
        connection.close()

    planner = threading.Thread(target=follow)
    with transaction.atomic():
        operations.locked(outage)
        planner.start()
        assert begins.wait(20)
        planner.join(0.3)
        PublicRevision.objects.select_for_update(nowait=True).get()
    planner.join()

    assert len(planned) == 1


# Its course


@pytest.mark.parametrize("before", list(S))
@pytest.mark.parametrize("after", list(S))
def test_it_goes_only_where_the_table_lets_it(before: MaintenanceStatus, after: MaintenanceStatus) -> None:
    work, comms = factories.maintenance(status=before), factories.user(Role.COMMUNICATIONS)
    written = everything()

    if after == before:
        move(work, after, by=comms)
        assert everything() == written
    elif after in MAINTENANCE_TRANSITIONS[before]:
        move(work, after, by=comms)
        assert (work.status, everything()[1], everything()[3]) == (after, written[1] + 1, written[3] + 1)
    else:
        with pytest.raises(Refused) as refusal:
            move(work, after, by=comms)
        assert (refusal.value.field, work.status, everything()) == ("status", before, written)


def test_of_two_who_begin_it_at_once_the_second_still_tells_what_she_has_to_say() -> None:
    work, key = plan(), uuid.uuid4()
    note = {"fr": "Nous commençons.", "nl": "We beginnen."}
    move(work, S.IN_PROGRESS)

    for _ in range(2):
        move(work, S.IN_PROGRESS, key=key, note=note)
    move(work, S.IN_PROGRESS)

    assert [(change.status, change.note_fr) for change in work.changes.all()] == [
        (S.SCHEDULED, ""),
        (S.IN_PROGRESS, ""),
        (S.IN_PROGRESS, note["fr"]),
    ]


def test_the_second_end_of_two_is_refused_with_its_note() -> None:
    work = plan()
    move(work, S.IN_PROGRESS, S.COMPLETED)

    with pytest.raises(Refused):
        move(work, S.COMPLETED, note=BODIES)

    assert work.changes.count() == 3


def test_the_same_step_sent_twice_is_taken_once() -> None:
    work, key = plan(), uuid.uuid4()
    move(work, S.IN_PROGRESS, S.VERIFYING)
    move(work, S.IN_PROGRESS, key=key)
    move(work, S.VERIFYING)

    move(work, S.IN_PROGRESS, key=key)

    assert (work.status, work.changes.count()) == (S.VERIFYING, 5)


def test_it_keeps_when_it_really_began_and_ended() -> None:
    work = plan()
    began, ended = TONIGHT.starts_at + HOUR / 6, TONIGHT.ends_at + HOUR / 2

    move(work, S.IN_PROGRESS, at=began + HOUR / 12, occurred_at=began)
    move(work, S.VERIFYING, S.IN_PROGRESS, at=TONIGHT.ends_at)
    move(work, S.COMPLETED, at=ended)

    assert (work.started_at, work.completed_at, work.is_over) == (began, ended, True)


def test_it_cannot_have_ended_before_it_began() -> None:
    work = plan()
    move(work, S.IN_PROGRESS, at=TONIGHT.starts_at)

    with pytest.raises(Refused) as refusal:
        move(work, S.COMPLETED, at=TONIGHT.ends_at, occurred_at=TONIGHT.starts_at - HOUR)

    assert (refusal.value.field, work.status) == ("occurred_at", S.IN_PROGRESS)


def test_it_may_begin_before_it_was_entered() -> None:
    work = plan(window=Window(NOW - HOUR, NOW + HOUR))

    move(work, S.IN_PROGRESS, occurred_at=NOW - HOUR)

    assert work.started_at == NOW - HOUR


def test_a_note_is_told_once_in_the_state_it_is_in() -> None:
    work, key = plan(), uuid.uuid4()
    move(work, S.IN_PROGRESS)
    note = {"fr": "Un retard d’une heure.", "nl": "Een uur vertraging."}

    for _ in range(2):
        operations.note_maintenance(work, key=key, note=note, by=work.created_by, at=NOW)

    assert [(change.status, change.note_nl) for change in work.changes.all()] == [
        (S.SCHEDULED, ""),
        (S.IN_PROGRESS, ""),
        (S.IN_PROGRESS, "Een uur vertraging."),
    ]
    assert PublicRevision.objects.current() == 3


@pytest.mark.parametrize("note", [{}, {"fr": "Seulement en français."}, {"nl": "x", "fr": " "}])
def test_a_note_wants_both_languages(note: dict[str, str]) -> None:
    work = plan()
    before = everything()

    with pytest.raises(Refused):
        operations.note_maintenance(work, key=uuid.uuid4(), note=note, by=work.created_by, at=NOW)

    assert everything() == before


def test_a_note_beside_a_step_wants_both_languages_or_none() -> None:
    work = plan()

    with pytest.raises(Refused) as refusal:
        move(work, S.CANCELLED, note={"fr": "Annulé.", "nl": ""})
    move(work, S.CANCELLED, note={"fr": "", "nl": " "})

    assert (refusal.value.field, work.status) == ("note_nl", S.CANCELLED)


def test_who_comes_late_is_named() -> None:
    early, late, overrun, done = (
        factories.maintenance(status=status, starts_at=NOW + begins * HOUR)
        for status, begins in ((S.SCHEDULED, 1), (S.SCHEDULED, -1), (S.VERIFYING, -3), (S.COMPLETED, -3))
    )

    assert set(Maintenance.objects.late(NOW)) == {late, overrun}
    assert [work.late_by(NOW) for work in (early, late, overrun, done)] == [None, HOUR, HOUR, None]


@pytest.mark.django_db(transaction=True)
def test_what_two_begin_at_once_is_begun_once() -> None:
    work, comms = plan(), factories.user(Role.COMMUNICATIONS)

    at_once(*[lambda: move(work, S.IN_PROGRESS, by=comms)] * 2)

    assert [change.status for change in work.changes.all()] == [S.SCHEDULED, S.IN_PROGRESS]


@pytest.mark.django_db(transaction=True)
def test_a_plan_sent_twice_at_once_plans_once() -> None:
    comms, dpp, key = factories.user(Role.COMMUNICATIONS), factories.service("dpp"), uuid.uuid4()

    one, two = at_once(*[lambda: plan(by=comms, services=[dpp], key=key)] * 2)

    assert (one, Maintenance.objects.count(), MaintenanceChange.objects.count()) == (two, 1, 1)


# Amending


def test_moving_it_keeps_where_it_stood() -> None:
    work = plan()
    later = Window(TONIGHT.starts_at + 24 * HOUR, TONIGHT.ends_at + 25 * HOUR)

    operations.amend_maintenance(work, window=later, by=work.created_by, at=NOW + HOUR)

    work.refresh_from_db()
    change = work.last_change
    assert (work.starts_at, work.ends_at) == later
    assert (change.from_starts_at, change.from_ends_at, change.status) == (*TONIGHT, S.SCHEDULED)
    assert PublicRevision.objects.current() == 2


def test_amending_leaves_alone_what_is_not_named() -> None:
    work, raotd = plan(titles={**TITLES, "en": "Restart"}), factories.service("raotd")

    operations.amend_maintenance(
        work,
        titles={"fr": "Redémarrage", "en": ""},
        bodies={"nl": "Korter."},
        services=[raotd],
        by=work.created_by,
        at=NOW,
    )

    work.refresh_from_db()
    assert (work.title_fr, work.title_nl, work.title_en) == ("Redémarrage", TITLES["nl"], "")
    assert (work.body_fr, work.body_nl) == (BODIES["fr"], "Korter.")
    assert (work.starts_at, work.ends_at, *work.services.all()) == (*TONIGHT, raotd)


def test_amending_to_what_it_is_already_writes_nothing() -> None:
    work = plan()
    before = everything()

    operations.amend_maintenance(
        work,
        titles=TITLES,
        bodies=BODIES,
        services=list(work.services.all()),
        window=TONIGHT,
        by=work.created_by,
        at=NOW,
    )

    assert everything() == before


def test_work_that_has_begun_keeps_its_beginning_but_may_last_longer() -> None:
    work = plan()
    move(work, S.IN_PROGRESS, at=TONIGHT.starts_at)

    with pytest.raises(Refused) as refusal:
        operations.amend_maintenance(
            work, window=Window(NOW, TONIGHT.ends_at), by=work.created_by, at=TONIGHT.ends_at
        )
    longer = Window(TONIGHT.starts_at, TONIGHT.ends_at + HOUR)
    operations.amend_maintenance(work, window=longer, by=work.created_by, at=TONIGHT.ends_at)

    work.refresh_from_db()
    assert (refusal.value.field, work.ends_at) == ("starts_at", longer.ends_at)


@pytest.mark.parametrize(
    ("status", "window", "field"),
    [
        (S.SCHEDULED, Window(NOW - 3 * HOUR, NOW - HOUR), "ends_at"),
        (S.SCHEDULED, Window(NOW - 13 * HOUR, NOW + HOUR), "starts_at"),
        (S.SCHEDULED, Window(NOW + HOUR, NOW + timedelta(days=8)), "ends_at"),
        (S.IN_PROGRESS, Window(TONIGHT.starts_at, TONIGHT.starts_at), "ends_at"),
        (S.IN_PROGRESS, Window(TONIGHT.starts_at, TONIGHT.starts_at + timedelta(days=8)), "ends_at"),
    ],
)
def test_it_is_not_moved_to_where_it_makes_no_sense(
    status: MaintenanceStatus, window: Window, field: str
) -> None:
    work = factories.maintenance(status=status, starts_at=TONIGHT.starts_at)
    before = everything()

    with pytest.raises(Refused) as refusal:
        operations.amend_maintenance(work, window=window, by=work.created_by, at=NOW)

    assert (refusal.value.field, everything()) == (field, before)


def test_what_is_over_stays_as_it_was() -> None:
    work = plan()
    move(work, S.CANCELLED)
    before = everything()

    with pytest.raises(Refused):
        operations.amend_maintenance(work, titles={"fr": "Autre"}, by=work.created_by, at=NOW)
    with pytest.raises(Refused):
        operations.note_maintenance(work, key=uuid.uuid4(), note=BODIES, by=work.created_by, at=NOW)

    assert everything() == before


# What the rows forbid


@pytest.mark.parametrize(
    "fields",
    [
        {"ends_at": OUTAGE},
        {"ends_at": OUTAGE - HOUR},
    ],
)
def test_no_row_ends_before_it_begins(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.maintenance(starts_at=OUTAGE, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"note_fr": "Seul"},
        {"note_de": "Allein"},
        {"from_starts_at": OUTAGE},
        {"from_ends_at": OUTAGE},
        {"from_starts_at": OUTAGE, "from_ends_at": OUTAGE},
        {"status": S.CANCELLED},
    ],
)
def test_no_change_is_half_a_note_half_a_window_or_a_second_end(fields: dict[str, Any]) -> None:
    by: User = factories.user(Role.COMMUNICATIONS)
    work = factories.maintenance(status=S.COMPLETED, by=by)

    with pytest.raises(IntegrityError), transaction.atomic():
        MaintenanceChange.objects.create(
            **{
                "maintenance": work,
                "key": uuid.uuid4(),
                "status": S.SCHEDULED,
                "occurred_at": OUTAGE,
                "recorded_at": OUTAGE,
                "by": by,
                **fields,
            }
        )
