"""What leaves the database of planned work, and what does not."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.refusals import Refused
from accounts.roles import Role
from comms.status import maintenance_facts
from comms.status.facts import Facts, Text
from comms.status.render import render
from comms.status.snapshot import snapshot
from incidents import operations
from incidents.models import Maintenance, MaintenanceStatus, PublicRevision, ServiceStatus
from incidents.opening_hours import Window
from tests import factories
from tests.factories import OUTAGE

pytestmark = pytest.mark.django_db
S = MaintenanceStatus
HOUR = timedelta(hours=1)
NOTE = {"fr": "Terminé plus tôt.", "nl": "Vroeger klaar."}


def planned(**fields: Any) -> Maintenance:
    return operations.plan_maintenance(
        **{
            "key": uuid.uuid4(),
            "titles": {"fr": "Redémarrage", "nl": "Herstart", "de": "Neustart"},
            "bodies": {"fr": "De courtes interruptions.", "nl": "Korte onderbrekingen."},
            "services": [factories.service("dpp")],
            "window": Window(OUTAGE + 8 * HOUR, OUTAGE + 10 * HOUR),
            "by": factories.user(Role.COMMUNICATIONS),
            "at": OUTAGE,
            **fields,
        }
    )


def test_all_that_is_public_of_it_becomes_a_fact() -> None:
    outage = factories.incident()
    work = planned(follows=outage)
    by = work.created_by
    operations.move_maintenance(work, S.IN_PROGRESS, key=uuid.uuid4(), by=by, at=work.starts_at)
    longer = Window(work.starts_at, work.ends_at + HOUR)
    operations.amend_maintenance(work, window=longer, by=by, at=work.starts_at + HOUR)
    operations.move_maintenance(work, S.COMPLETED, key=uuid.uuid4(), note=NOTE, by=by, at=work.ends_at)

    (told,) = snapshot(OUTAGE + 12 * HOUR).maintenances

    assert (told.id, told.title) == (work.public_id, Text(fr="Redémarrage", nl="Herstart", de="Neustart"))
    assert told.service_ids == (factories.service("dpp").public_id,)
    assert (told.status, told.follows, told.revision) == (S.COMPLETED, outage.public_id, 3)
    assert (told.starts_at, told.ends_at) == longer
    assert (told.started_at, told.completed_at) == (work.starts_at, work.ends_at)
    assert (told.recorded_at, told.changed_at) == (OUTAGE, work.ends_at)
    assert [(note.status, note.published_at, note.body.fr) for note in told.notes] == [
        (S.COMPLETED, work.ends_at, "Terminé plus tôt."),
        (S.IN_PROGRESS, work.starts_at, ""),
        (S.SCHEDULED, OUTAGE, "De courtes interruptions."),
    ]
    assert len({note.id for note in told.notes}) == 3


def test_what_was_cancelled_is_told_apart_with_what_was_said_of_it() -> None:
    work, other = planned(), planned()
    operations.move_maintenance(work, S.CANCELLED, key=uuid.uuid4(), note=NOTE, by=work.created_by, at=OUTAGE)

    told = snapshot(OUTAGE)

    assert [each.id for each in told.maintenances] == [other.public_id]
    assert [(each.id, each.notes[0].body.fr) for each in told.cancelled] == [(work.public_id, NOTE["fr"])]
    assert "Vroeger klaar." in render(told)[f"nl/maintenance/{work.public_id}/index.html"].decode()


def test_who_did_it_is_nowhere_on_the_site() -> None:
    secret = factories.user(
        Role.LEAD,
        username="verborgen1",
        first_name="verborgen",
        last_name="verborgen",
        email="verborgen@x.be",
    )
    work = planned(by=secret)
    operations.move_maintenance(
        work, S.IN_PROGRESS, key=uuid.uuid4(), note=NOTE, by=secret, at=work.starts_at
    )

    files = render(snapshot(work.starts_at))

    assert any(b"Vroeger klaar." in content for content in files.values())
    assert not [name for name, content in files.items() if b"verborgen" in content]


def test_old_work_goes_what_lasts_stays_and_the_newest_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance_facts, "NEWEST", 2)
    monkeypatch.setattr(maintenance_facts._TOLD, "_composed", {})
    late, old, done, next_ = (
        factories.maintenance(status=status, starts_at=OUTAGE + hours * HOUR)
        for status, hours in ((S.SCHEDULED, -5), (S.COMPLETED, -4), (S.COMPLETED, -3), (S.SCHEDULED, 2))
    )

    told = [maintenance.id for maintenance in maintenance_facts.read(None).standing]

    assert told == [work.public_id for work in (next_, done, late)]
    assert old.public_id not in told


def test_the_number_of_queries_does_not_grow_with_the_work() -> None:
    counts = []
    for _ in range(2):
        planned(follows=factories.incident())
        planned(follows=factories.incident())
        with CaptureQueriesContext(connection) as queries:
            maintenance_facts.read(None)
        counts.append(len(queries))

    assert counts == [3, 3]


def test_it_is_read_again_when_something_of_it_changed_and_else_not() -> None:
    def reading() -> tuple[list[MaintenanceStatus], bool]:
        with CaptureQueriesContext(connection) as queries:
            told = snapshot(OUTAGE).maintenances
        asked = any('FROM "incidents_maintenance"' in query["sql"] for query in queries)
        return [maintenance.status for maintenance in told], asked

    work = planned()
    outage = factories.incident()
    assert reading() == ([S.SCHEDULED], True)
    with transaction.atomic():
        PublicRevision.objects.bump(outage)
    assert reading() == ([S.SCHEDULED], False)

    operations.move_maintenance(work, S.CANCELLED, key=uuid.uuid4(), by=work.created_by, at=OUTAGE)
    assert reading() == ([], True)


def test_what_nobody_counted_is_read_each_time() -> None:
    assert maintenance_facts.read(None) == ((), ())
    work = factories.maintenance()
    assert [maintenance.id for maintenance in maintenance_facts.read(None).standing] == [work.public_id]


def taken(work: Maintenance, step: str, at: datetime) -> None:
    """One thing that people do, if it may be done now."""
    by = work.created_by
    try:
        if step == "note":
            operations.note_maintenance(work, key=uuid.uuid4(), note=NOTE, by=by, at=at)
        elif step == "longer":
            work.refresh_from_db()
            window = Window(work.starts_at, work.ends_at + HOUR)
            operations.amend_maintenance(work, window=window, by=by, at=at)
        else:
            operations.move_maintenance(work, S(step), key=uuid.uuid4(), by=by, at=at)
    except Refused:
        pass


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([*S, "note", "longer"]), st.integers(1, 90)), max_size=12
    )
)
def test_whatever_is_done_to_it_calendars_and_services_follow(steps: list[tuple[int, str, int]]) -> None:
    with transaction.atomic():
        works = [planned(services=[factories.service(key)]) for key in ("dpp", "raotd")]
        services = {work.public_id: work.services.get().public_id for work in works}
        at, before = OUTAGE, snapshot(OUTAGE)
        for which, step, minutes in steps:
            at += timedelta(minutes=minutes)
            taken(works[which], step, at)
            told = snapshot(at)
            check(before, told, services)
            before = told
        transaction.set_rollback(True)


def check(before: Facts, told: Facts, services: dict[str, str]) -> None:
    """Facts after a step that may have done nothing, beside those before it."""
    known = {maintenance.id: maintenance for maintenance in before.maintenances}
    for maintenance in told.maintenances:
        earlier = known[maintenance.id]
        assert maintenance.revision - earlier.revision == int(maintenance != earlier)
        assert maintenance == earlier or told.revision == before.revision + 1
        assert maintenance.changed_at >= earlier.changed_at
        assert len(maintenance.notes) >= len(earlier.notes)
        assert (maintenance.completed_at is None) == (maintenance.status != S.COMPLETED)
        assert maintenance.started_at is None or maintenance.started_at <= (
            maintenance.completed_at or told.at
        )
        status = told.conditions[services[maintenance.id]].status
        assert status == (ServiceStatus.MAINTENANCE if maintenance.is_active else ServiceStatus.OPERATIONAL)
