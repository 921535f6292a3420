"""Logged contacts put in order: attached in bulk, merged, split, handed over; numbers kept."""

import uuid
from datetime import timedelta

import pytest

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from tests import factories
from tickets import edits, lookup, operations
from tickets.models import Callback, Contact, ContactImpact, PharmacyPhone

pytestmark = pytest.mark.django_db
AT = factories.OUTAGE + timedelta(hours=1)


@pytest.fixture
def gerti() -> User:
    return factories.user(first_name="Gerti")


def changed(contact: Contact) -> list[list[str]]:
    return [[change.field for change in edit.changes] for edit in edits.history(contact)]


# ── Attached ────────────────────────────────────────────────────────────────


def test_free_calls_are_attached_together_and_what_was_told_of_another_incident_is_dropped(
    gerti: User,
) -> None:
    incident, other = factories.incident(), factories.incident()
    told = factories.update(other, published_at=AT)
    free, elsewhere = factories.contact(), factories.contact(incident=other, told_update=told)
    there, untouched = factories.contact(incident=incident), factories.contact()

    moved = operations.attach_contacts(
        [free.pk, elsewhere.pk, there.pk, 10**9], incident=incident, by=gerti, at=AT
    )

    assert moved == 2
    assert set(Contact.objects.filter(incident=incident)) == {free, elsewhere, there}
    elsewhere.refresh_from_db()
    assert (elsewhere.told_update, elsewhere.revision) == (None, 2)
    assert [(edit.by, edit.at) for edit in edits.history(elsewhere)] == [("Gerti", AT)]
    assert changed(elsewhere) == [["incident", "told_update"]]
    untouched.refresh_from_db()
    assert (untouched.incident, untouched.revision) == (None, 1)


def test_contacts_are_let_go_of_an_incident_in_the_same_way(gerti: User) -> None:
    contact = factories.contact(incident=factories.incident())

    assert operations.attach_contacts([contact.pk], incident=None, by=gerti) == 1
    assert operations.attach_contacts([contact.pk], incident=None, by=gerti) == 0
    assert Contact.objects.get().incident is None


def test_more_than_a_list_holds_is_refused_at_once(gerti: User) -> None:
    with pytest.raises(Refused):
        operations.attach_contacts(range(201), incident=None, by=gerti)


# ── Merged ──────────────────────────────────────────────────────────────────


def test_a_duplicate_gives_what_the_other_does_not_say_its_callback_too_and_goes(gerti: User) -> None:
    incident, gare = factories.incident(), factories.pharmacy()
    kept = factories.contact(caller_text="Marie", note="pas de certificat", at=AT)
    duplicate = factories.contact(
        pharmacy=gare,
        incident=incident,
        service=factories.service("dpp"),
        impact=ContactImpact.PATIENT_WAITING,
        needed_by=AT + timedelta(hours=2),
        urgent_kind="medicine",
        note="imprimante",
        at=AT - timedelta(minutes=5),
    )
    callback = factories.callback(duplicate)

    merged = operations.merge_contacts(kept, duplicate=duplicate, by=gerti, at=AT)

    assert Contact.objects.get() == merged
    assert (merged.pharmacy, merged.incident, merged.caller_text) == (gare, incident, "Marie")
    assert (merged.impact, merged.urgent_kind, merged.needed_by) == (
        ContactImpact.PATIENT_WAITING,
        "medicine",
        AT + timedelta(hours=2),
    )
    assert (merged.note, merged.occurred_at) == ("pas de certificat / imprimante", AT - timedelta(minutes=5))
    assert Callback.objects.get().contact == kept
    assert callback.pk == Callback.objects.get().pk
    assert [row.note for row in Contact.history.filter(id=duplicate.pk, history_type="-")] == ["imprimante"]
    assert "note" in changed(merged)[0]


def test_the_same_note_is_not_written_twice_and_what_the_kept_one_says_stays(gerti: User) -> None:
    one, other = factories.pharmacy(), factories.pharmacy()
    kept, duplicate = (factories.contact(pharmacy=each, note="dpp") for each in (one, other))

    merged = operations.merge_contacts(kept, duplicate=duplicate, by=gerti)

    assert (merged.pharmacy, merged.note) == (one, "dpp")


def test_two_with_a_callback_each_and_one_and_itself_are_not_merged(gerti: User) -> None:
    kept, duplicate = factories.contact(), factories.contact()
    for contact in (kept, duplicate):
        factories.callback(contact)

    for other in (duplicate, kept):
        with pytest.raises(Refused):
            operations.merge_contacts(kept, duplicate=other, by=gerti)
    assert (Contact.objects.count(), Callback.objects.count()) == (2, 2)


# ── Split, handed over ──────────────────────────────────────────────────────


def test_a_second_matter_is_a_second_contact_of_the_same_call_made_once(gerti: User) -> None:
    first = factories.contact(
        incident=factories.incident(), service=factories.service("dpp"), note="two things", at=AT
    )
    factories.callback(first)
    key = uuid.uuid4()

    second = operations.split_contact(first, key=key, by=gerti, at=AT + timedelta(minutes=1))

    assert operations.split_contact(first, key=key, by=gerti) == second
    assert Contact.objects.count() == 2
    assert (second.pharmacy, second.incident, second.occurred_at) == (first.pharmacy, first.incident, AT)
    assert (second.note, second.service, second.agent, second.callback_state) == ("", None, gerti, "")


def test_a_contact_is_handed_over_and_given_back(gerti: User) -> None:
    contact = factories.contact()

    operations.hand_over(contact, to=gerti, by=contact.agent)
    again = operations.hand_over(contact, to=gerti, by=contact.agent)
    assert (again.handed_to, again.agent, again.revision) == (gerti, contact.agent, 2)

    back = operations.hand_over(contact, to=None, by=gerti)
    assert (back.handed_to, changed(back)) == (None, [["handed_to"], ["handed_to"]])


def test_nobody_hands_over_to_who_does_not_work_on_contacts(gerti: User) -> None:
    contact = factories.contact()

    for other in (factories.user(Role.OBSERVER), factories.user(is_active=False)):
        with pytest.raises(Refused) as refusal:
            operations.hand_over(contact, to=other, by=gerti)
        assert refusal.value.field == "handed_to"


# ── Numbers ─────────────────────────────────────────────────────────────────


def test_an_attached_number_finds_its_pharmacy_in_whatever_spelling(gerti: User) -> None:
    gare = factories.pharmacy()

    operations.attach_number(gare, number="071/12.34.56", by=gerti)
    operations.attach_number(gare, number="0032 71 12 34 56", by=gerti)

    assert [(phone.raw, phone.e164) for phone in PharmacyPhone.objects.all()] == [
        ("071/12.34.56", "+3271123456")
    ]
    assert [found.pharmacy for found in lookup.find("+32 (0)71 12 34 56")] == [gare]


@pytest.mark.parametrize("number", ["8003", "", "gare", "02 555 12 1", "\x00"])
def test_what_cannot_be_looked_up_is_not_attached(gerti: User, number: str) -> None:
    with pytest.raises(Refused):
        operations.attach_number(factories.pharmacy(), number=number, by=gerti)
    assert not PharmacyPhone.objects.exists()


def test_who_only_looks_on_puts_nothing_in_order() -> None:
    observer, contact, other = factories.user(Role.OBSERVER), factories.contact(), factories.contact()
    gare = factories.pharmacy()

    with pytest.raises(NotAllowed):
        operations.attach_contacts([contact.pk], incident=None, by=observer)
    with pytest.raises(NotAllowed):
        operations.merge_contacts(contact, duplicate=other, by=observer)
    with pytest.raises(NotAllowed):
        operations.split_contact(contact, key=uuid.uuid4(), by=observer)
    with pytest.raises(NotAllowed):
        operations.hand_over(contact, to=contact.agent, by=observer)
    with pytest.raises(NotAllowed):
        operations.attach_number(gare, number="02 555 12 12", by=observer)
    with pytest.raises(NotAllowed):
        operations.undo_contact(contact, by=observer)
    assert not PharmacyPhone.objects.exists()
    assert Contact.objects.filter(revision=1).count() == 2
