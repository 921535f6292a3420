import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import translation

from accounts.refusals import Refused
from accounts.roles import Role
from incidents import timeline
from incidents.models import Entry, EntryKind, Incident
from incidents.timeline import Problem
from tests import factories
from tests.factories import OUTAGE

pytestmark = pytest.mark.django_db
TRIGGER = "incidents_entry_append_only"


def notes(incident: Incident, *texts: str) -> list[Entry]:
    author = factories.user(Role.LEAD)
    return [
        timeline.append(incident, EntryKind.NOTE, by=author, text=text, data={"n": 1}, at=OUTAGE)
        for text in texts
    ]


def tamper(sql: str, *parameters: Any) -> None:
    """As someone with rights on the database does it: past the trigger, past every line of ours."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE incidents_entry DISABLE TRIGGER {TRIGGER}")
        else:
            cursor.execute(f"DROP TRIGGER IF EXISTS {TRIGGER}")
        cursor.execute(sql, parameters)


def test_entries_are_numbered_and_each_holds_the_hash_before_it() -> None:
    first, second = notes(factories.incident(), "one", "two")

    assert (first.sequence, first.previous_hash) == (1, "")
    assert (second.sequence, second.previous_hash) == (2, first.hash)


def test_a_chain_as_it_was_written_holds_after_a_trip_through_the_database() -> None:
    incident = factories.incident()
    notes(incident, "« é », 中文, \U0001f48a", "two")
    timeline.append(
        incident,
        EntryKind.IMPACT,
        by=None,
        data={"z": [1, None, {"b": "ï", "a": True}], "a": "x"},
        occurred_at=OUTAGE + timedelta(microseconds=123456),
    )

    assert timeline.verify(incident) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE incidents_entry SET text = 'another' WHERE sequence = 2",
        "UPDATE incidents_entry SET kind = 'action' WHERE sequence = 2",
        "UPDATE incidents_entry SET occurred_at = '2022-07-01 00:00:00+00' WHERE sequence = 2",
        "UPDATE incidents_entry SET recorded_at = '2022-07-01 00:00:00+00' WHERE sequence = 2",
        "UPDATE incidents_entry SET author_id = NULL WHERE sequence = 2",
        "UPDATE incidents_entry SET data = '{\"n\": 2}' WHERE sequence = 2",
        "UPDATE incidents_entry SET key = '00000000000000000000000000000001' WHERE sequence = 2",
    ],
)
def test_an_entry_that_was_changed_is_found(change: str) -> None:
    incident = factories.incident()
    notes(incident, "one", "two", "three")

    tamper(change)

    assert timeline.verify(incident) == [Problem(2, "entry 2 was changed after it was written")]


def test_an_entry_changed_with_its_hash_made_anew_is_found_at_the_next() -> None:
    incident = factories.incident()
    _first, second, _third = notes(incident, "one", "two", "three")
    second.text = "another"

    tamper(
        "UPDATE incidents_entry SET text = 'another', hash = %s WHERE sequence = 2",
        timeline.fingerprint(second),
    )

    assert timeline.verify(incident) == [Problem(3, "entry 3 does not follow the entry before it")]


def test_an_entry_that_was_deleted_from_the_middle_is_found() -> None:
    incident = factories.incident()
    notes(incident, "one", "two", "three", "four")

    tamper("DELETE FROM incidents_entry WHERE sequence IN (2, 3)")

    assert timeline.verify(incident) == [Problem(2, "missing: entry 2 to 3")]


def test_the_first_entry_deleted_is_found() -> None:
    incident = factories.incident()
    notes(incident, "one", "two")

    tamper("DELETE FROM incidents_entry WHERE sequence = 1")

    assert timeline.verify(incident) == [Problem(1, "missing: entry 1")]


def test_entries_that_changed_places_are_found() -> None:
    incident = factories.incident()
    notes(incident, "one", "two", "three")

    tamper("UPDATE incidents_entry SET sequence = 9 WHERE sequence = 2")
    tamper("UPDATE incidents_entry SET sequence = 2 WHERE sequence = 3")
    tamper("UPDATE incidents_entry SET sequence = 3 WHERE sequence = 9")

    assert {problem.sequence for problem in timeline.verify(incident)} == {2, 3}


def test_a_timeline_emptied_altogether_is_found() -> None:
    assert [problem.sequence for problem in timeline.verify(factories.incident())] == [1]


def test_one_incident_tampered_with_leaves_the_others_in_order() -> None:
    sound, broken = factories.incident(), factories.incident()
    notes(sound, "one")
    notes(broken, "one")

    tamper("UPDATE incidents_entry SET text = 'x' WHERE incident_id = %s", broken.pk)

    assert (timeline.verify(sound), len(timeline.verify(broken))) == ([], 1)


def test_the_database_refuses_to_change_an_entry() -> None:
    (entry,) = notes(factories.incident(), "one")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Entry.objects.filter(pk=entry.pk).update(text="another")

    assert Entry.objects.get().text == "one"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite empties tables by DELETE")
def test_postgresql_refuses_to_delete_an_entry() -> None:
    (entry,) = notes(factories.incident(), "one")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        entry.delete()

    assert Entry.objects.count() == 1


def test_the_same_key_again_is_the_entry_made_first() -> None:
    incident, key = factories.incident(), uuid.uuid4()

    first = timeline.append(incident, EntryKind.NOTE, by=None, key=key, text="one")
    again = timeline.append(incident, EntryKind.NOTE, by=None, key=key, text="two")

    assert (again, again.text, Entry.objects.count()) == (first, "one", 1)


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_a_mistake() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        timeline.append(factories.incident(), EntryKind.NOTE, by=None, text="one")


def test_national_numbers_are_masked_and_phone_numbers_are_not() -> None:
    (entry,) = notes(factories.incident(), "Patient 85.07.30-033.28, 0475/12.34.56")

    assert entry.text == "Patient 85.07.30-•••.••, 0475/12.34.56"


def test_a_text_that_masking_makes_too_long_is_refused() -> None:
    with pytest.raises(Refused, match="1004"):
        notes(factories.incident(), "x" * 989 + "85073003328")


def test_a_moment_left_out_is_the_moment_of_recording(utc: Callable[..., datetime]) -> None:
    entry = timeline.append(factories.incident(), EntryKind.NOTE, by=None, text="x", at=utc(2022, 7, 1, 12))

    assert (entry.occurred_at, entry.recorded_at) == (utc(2022, 7, 1, 12), utc(2022, 7, 1, 12))


EFORMS = {"fr": "Formulaires", "nl": "Formulieren", "en": "Forms"}
DPP = {"fr": "DPP", "nl": "GFD"}
OLD = {"public_id": "abc", "titles": {"fr": "La panne du matin", "nl": "De ochtendstoring"}}


@pytest.mark.parametrize(
    ("kind", "data", "text", "said"),
    [
        (EntryKind.NOTE, {}, "On appelle.", "On appelle."),
        (
            EntryKind.DECLARED,
            {
                "severity": "S1",
                "titles": EFORMS,
                "services": [
                    {"names": EFORMS, "status": "major_outage"},
                    {"names": DPP, "status": "major_outage"},
                ],
                "relapse_of": OLD,
            },
            "",
            "S1 · Forms; Forms, DPP: out of service; relapse of “La panne du matin”",
        ),
        (
            EntryKind.PHASE,
            {"phase": "identified", "from": "investigating"},
            "",
            "identified, before that investigating",
        ),
        (
            EntryKind.PHASE,
            {"phase": "investigating", "from": "resolved"},
            "Trop tôt.",
            "investigating, reopened: Trop tôt.",
        ),
        (
            EntryKind.IMPACT,
            {
                "services": [
                    {"names": EFORMS, "status": "partial_outage", "from": "major_outage"},
                    {"names": DPP, "status": "operational", "from": "degraded_performance"},
                ]
            },
            "",
            "Forms: works in part; DPP: works",
        ),
        (
            EntryKind.MILESTONE,
            {"milestone": "restart_done", "planned_for": "2022-07-01T20:00:00+00:00"},
            "",
            "restart done, planned for 07/01/2022 10 p.m.",
        ),
        (
            EntryKind.MILESTONE,
            {"milestone": "registration_back", "reached": True},
            "",
            "registration back, reached",
        ),
        (
            EntryKind.MILESTONE,
            {"milestone": "partner_confirmed", "reached": True, "partner": {"fr": "Sciensano"}},
            "",
            "confirmed by partner, confirmed by Sciensano",
        ),
        (EntryKind.ROLE, {"role": "scribe", "person": "Ann", "from": ""}, "", "scribe: Ann"),
        (
            EntryKind.ROLE,
            {"role": "scribe", "person": "Ann", "from": "Jo"},
            "",
            "scribe: Ann, before that Jo",
        ),
        (
            EntryKind.ROLE,
            {"role": "scribe", "person": "", "from": "Jo"},
            "",
            "scribe: nobody, before that Jo",
        ),
        (EntryKind.LINK, {"relapse_of": OLD}, "", "relapse of “La panne du matin”"),
        (
            EntryKind.AMENDED,
            {"severity": ["S2", "S1"], "titles": EFORMS},
            "",
            "severity S2 → S1; title “Forms”",
        ),
        (EntryKind.UPDATE, {"said": {"fr": "v1 publié", "en": "v1 published"}}, "", "v1 published"),
        (EntryKind.UPDATE, {"said": {"fr": "v1 publié"}}, "Titre", "v1 publié: Titre"),
    ],
)
def test_entries_are_worded_in_the_readers_language(
    kind: EntryKind, data: dict[str, Any], text: str, said: str
) -> None:
    with translation.override("en"):
        assert timeline.describe(Entry(kind=kind, data=data, text=text)) == said


def test_french_readers_read_french() -> None:
    entry = Entry(kind=EntryKind.IMPACT, data={"services": [{"names": DPP, "status": "operational"}]})

    with translation.override("nl"):
        assert timeline.describe(entry).startswith("GFD")
    with translation.override("fr"):
        assert timeline.describe(entry).startswith("DPP")
