import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from tests import factories
from tickets import edits, operations
from tickets.models import (
    Callback,
    CallbackState,
    CallbackWindow,
    Contact,
    ContactChannel,
    ContactImpact,
    ContactOutcome,
    PharmacyPhone,
)
from tickets.operations import CallbackRequest, ContactChanges

pytestmark = pytest.mark.django_db
AT = factories.OUTAGE + timedelta(minutes=30)


def log(by: User | None = None, **fields: Any) -> Contact:
    return operations.log_contact(
        **{
            "key": uuid.uuid4(),
            "by": by or factories.user(),
            "channel": ContactChannel.PHONE,
            "caller_text": "02/555.12.12",
            "at": AT,
            **fields,
        }
    )


def changes(contact: Contact, **changed: Any) -> ContactChanges:
    names = ContactChanges.__dataclass_fields__
    return ContactChanges(**{**{name: getattr(contact, name) for name in names}, **changed})


def test_channel_and_a_number_are_enough() -> None:
    contact = log(by := factories.user(language="nl"))

    stored = Contact.objects.get()
    assert stored == contact
    assert (stored.caller_text, stored.caller_e164, stored.language, stored.agent) == (
        "02/555.12.12",
        "+3225551212",
        "nl",
        by,
    )
    assert (stored.occurred_at, stored.recorded_at, stored.revision) == (AT, AT, 1)
    assert not stored.history.exists()
    assert not Callback.objects.exists()


def test_the_language_is_the_pharmacys_unless_said_otherwise() -> None:
    german = factories.pharmacy(language="de")

    assert [log(pharmacy=german).language, log(pharmacy=german, language="fr").language] == ["de", "fr"]


@pytest.mark.parametrize("caller", ["", "  ", "\x00\n"])
def test_a_contact_without_any_caller_is_refused(caller: str) -> None:
    with pytest.raises(Refused) as refusal:
        log(caller_text=caller)

    assert refusal.value.field == "caller"
    assert not Contact.objects.exists()


def test_the_same_key_again_gives_the_contact_made_first_and_writes_nothing() -> None:
    key = uuid.uuid4()
    request = CallbackRequest("02 555 12 12")
    first = log(key=key, note="first", callback=request)

    second = log(key=key, note="second", callback=request)

    assert (second, second.note) == (first, "first")
    assert (Contact.objects.count(), Callback.objects.count()) == (1, 1)


def test_national_numbers_are_masked_in_note_and_caller_but_phone_numbers_are_kept() -> None:
    contact = log(
        caller_text="Marie 85.07.30-033.28", note="patient 85.07.30-033.28,\nrappeler 0475/12.34.56"
    )
    mobile = log(caller_text="32475123456")

    assert (contact.caller_text, contact.note) == (
        "Marie 85.07.30-•••.••",
        "patient 85.07.30-•••.••, rappeler 0475/12.34.56",
    )
    assert mobile.caller_text == "32475123456"


def test_what_was_told_is_kept_and_must_be_a_published_message_of_the_incident() -> None:
    incident = factories.incident()
    told = factories.update(incident, published_at=AT)
    elsewhere = factories.update(published_at=AT)
    draft = factories.update(incident)

    assert log(incident=incident, told_update=told).told_update == told
    for wrong in (elsewhere, draft):
        with pytest.raises(Refused) as refusal:
            log(incident=incident, told_update=wrong)
        assert refusal.value.field == "told"
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"caller_text": "x" * 121}, "caller"),
        ({"note": "x" * 501}, "note"),
        ({"needed_by": AT}, "needed_by"),
        ({"impact": ContactImpact.PATIENT_WAITING, "needed_by": AT + timedelta(days=8)}, "needed_by"),
        ({"occurred_at": AT + timedelta(hours=1)}, "occurred_at"),
        ({"occurred_at": AT - timedelta(days=400)}, "occurred_at"),
        ({"callback": CallbackRequest(" ")}, "callback_number"),
        ({"callback": CallbackRequest("02 555 12 1")}, "callback_number"),
        ({"callback": CallbackRequest("0900 12 345")}, "callback_number"),
        ({"callback": CallbackRequest("8003", CallbackWindow.AT)}, "callback_at"),
        ({"callback": CallbackRequest("8003", CallbackWindow.AT, AT + timedelta(days=31))}, "callback_at"),
        ({"callback": CallbackRequest("8003", CallbackWindow.SOON, AT)}, "callback_at"),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field_and_nothing_is_stored(
    wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        log(**wrong)

    assert refusal.value.field == field
    assert not Contact.objects.exists()


def test_a_callback_keeps_the_number_as_typed_and_its_time() -> None:
    due = AT + timedelta(minutes=40)
    contact = log(callback=CallbackRequest("010/41.20.11", CallbackWindow.AT, due))

    callback = Callback.objects.get()
    assert (callback.contact, callback.number, callback.e164, callback.due_at, callback.state) == (
        contact,
        "010/41.20.11",
        "+3210412011",
        due,
        CallbackState.OPEN,
    )


def test_an_observer_may_not_log_edit_or_close_what_an_agent_may() -> None:
    observer = factories.user(Role.OBSERVER)
    contact = log(callback=CallbackRequest("8003"))
    for attempt in (
        lambda: log(observer),
        lambda: operations.edit_contact(contact, by=observer, revision=1, changes=changes(contact, note="x")),
        lambda: operations.close_callback(contact.callback, by=observer, outcome="x"),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert (Contact.objects.get().note, Callback.objects.get().state) == ("", CallbackState.OPEN)

    agent = factories.user()
    operations.edit_contact(contact, by=agent, revision=1, changes=changes(contact, note="x"))
    operations.close_callback(contact.callback, by=agent, outcome="x")
    assert (Contact.objects.get().note, Callback.objects.get().state) == ("x", CallbackState.DONE)


def test_logging_a_call_costs_one_insert_and_its_callback_one_more() -> None:
    agent, pharmacy = factories.user(), factories.pharmacy()
    agent.has_perm("tickets.log_contact")
    for callback, inserts in ((None, 1), (CallbackRequest("8003"), 2)):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            log(agent, pharmacy=pharmacy, callback=callback)
        statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
        assert len(statements) == inserts, statements


def test_an_edit_keeps_what_was_logged_and_says_who_changed_what_when() -> None:
    sandrine, gerti = factories.user(first_name="Sandrine"), factories.user(first_name="Gerti")
    pharmacy = factories.pharmacy(name="Pharmacie du Parc", town="La Louvière")
    contact = log(sandrine)
    later = AT + timedelta(minutes=5)

    edited = operations.edit_contact(
        contact,
        by=gerti,
        revision=1,
        changes=changes(contact, pharmacy=pharmacy, outcome=ContactOutcome.ESCALATED, note="parle nl\x00\n"),
        at=later,
    )

    assert (edited.revision, edited.note, edited.recorded_at) == (2, "parle nl", AT)
    [edit] = edits.history(edited)
    assert (edit.at, edit.by) == (later, "Gerti")
    assert [(change.field, change.before, change.after) for change in edit.changes] == [
        ("pharmacy", "–", "Pharmacie du Parc, La Louvière"),
        ("outcome", str(ContactOutcome.INFORMED.label), str(ContactOutcome.ESCALATED.label)),
        ("note", "–", "parle nl"),
    ]
    original = edited.history.earliest()
    assert (original.history_user, original.history_date, original.note) == (sandrine, AT, "")


def test_an_edit_that_changes_nothing_writes_nothing() -> None:
    contact = log()

    operations.edit_contact(contact, by=contact.agent, revision=1, changes=changes(contact))

    assert Contact.objects.get().revision == 1
    assert not contact.history.exists()


def test_the_second_of_two_who_edit_is_shown_what_changed_and_overwrites_nothing() -> None:
    contact = log(note="")
    mine = changes(contact, note="mine", channel=ContactChannel.EMAIL)
    operations.edit_contact(contact, by=factories.user(), revision=1, changes=changes(contact, note="theirs"))

    with pytest.raises(operations.Conflict) as conflict:
        operations.edit_contact(contact, by=contact.agent, revision=1, changes=mine)

    assert [(change.field, change.before, change.after) for change in conflict.value.changes] == [
        ("note", "theirs", "mine")
    ]
    stored = Contact.objects.get()
    assert (stored.note, stored.channel, stored.revision) == ("theirs", ContactChannel.PHONE, 2)
    operations.edit_contact(contact, by=contact.agent, revision=2, changes=mine)
    assert Contact.objects.get().note == "mine"


def test_two_who_change_different_fields_at_once_both_keep_what_they_changed() -> None:
    contact = log(note="first")
    gerti, nancy = factories.user(), factories.user()
    seen = changes(contact)

    operations.edit_contact(contact, by=gerti, revision=1, changes=replace(seen, note="theirs"))
    operations.edit_contact(
        contact, by=nancy, revision=1, changes=replace(seen, channel=ContactChannel.VISIT)
    )

    stored = Contact.objects.get()
    assert (stored.note, stored.channel, stored.revision) == ("theirs", ContactChannel.VISIT, 3)
    assert [edit.changes[0].field for edit in edits.history(stored)] == ["channel", "note"]


def test_two_who_write_the_same_words_do_not_disagree() -> None:
    contact = log(note="first")
    same = changes(contact, note="second")

    operations.edit_contact(contact, by=contact.agent, revision=1, changes=same)
    operations.edit_contact(contact, by=factories.user(), revision=1, changes=same)

    assert (Contact.objects.get().note, Contact.objects.get().revision) == ("second", 2)


def test_moving_a_contact_to_another_incident_drops_what_was_told_of_the_first() -> None:
    told = factories.update(published_at=AT)
    contact = log(incident=told.incident, told_update=told)

    edited = operations.edit_contact(
        contact, by=contact.agent, revision=1, changes=changes(contact, incident=factories.incident())
    )

    assert edited.told_update is None
    assert [change.field for change in edits.history(edited)[0].changes] == ["incident", "told_update"]


def test_a_callback_is_closed_once_and_a_second_hand_is_told_by_whom() -> None:
    sandrine = factories.user(first_name="Sandrine")
    callback = log(callback=CallbackRequest("8003")).callback

    operations.close_callback(callback, by=sandrine, outcome="parlé à Marie", at=AT)
    operations.close_callback(callback, by=factories.user(), outcome="again")
    with pytest.raises(Refused, match="Sandrine"):
        operations.close_callback(callback, by=factories.user(), outcome="no answer", dropped=True)

    stored = Callback.objects.get()
    assert (stored.state, stored.outcome, stored.closed_by, stored.closed_at) == (
        CallbackState.DONE,
        "parlé à Marie",
        sandrine,
        AT,
    )


def test_dropping_a_callback_wants_a_reason_without_national_numbers() -> None:
    callback = log(callback=CallbackRequest("8003")).callback
    agent = factories.user()

    with pytest.raises(Refused) as refusal:
        operations.close_callback(callback, by=agent, dropped=True)
    assert (refusal.value.field, Callback.objects.get().state) == ("outcome", CallbackState.OPEN)

    operations.close_callback(callback, by=agent, outcome="85.07.30-033.28 servi ailleurs", dropped=True)
    assert Callback.objects.get().outcome == "85.07.30-•••.•• servi ailleurs"


def test_a_repeat_caller_is_numbered_within_the_incident() -> None:
    incident, pharmacy = factories.incident(), factories.pharmacy()
    for minutes, about in ((0, incident), (5, incident), (7, None), (9, incident)):
        log(pharmacy=pharmacy, incident=about, at=AT + timedelta(minutes=minutes))
    log(incident=incident)

    numbered = Contact.objects.of_incident(incident).with_nth_call()

    assert [contact.nth_call for contact in numbered] == [3, 2, 1, 1]


def test_numbers_of_the_pharmacy_are_left_as_they_are() -> None:
    log(pharmacy=factories.pharmacy())

    assert not PharmacyPhone.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_key_from_two_connections_at_once_stores_one_contact() -> None:
    agent = factories.user()
    agent.has_perm("tickets.log_contact")
    key, together = uuid.uuid4(), Barrier(4)

    def send() -> int:
        together.wait()
        try:
            return log(agent, key=key, callback=CallbackRequest("8003")).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        stored = {future.result() for future in [pool.submit(send) for _ in range(4)]}

    assert (len(stored), Contact.objects.count(), Callback.objects.count()) == (1, 1, 1)
