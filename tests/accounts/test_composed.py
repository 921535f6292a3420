"""A question composed once answers as the queryset that it was made of."""

from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import (
    BigIntegerField,
    CharField,
    Count,
    DateTimeField,
    F,
    QuerySet,
    UUIDField,
    Value,
)
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import composed as module
from accounts.composed import Composed, ComposedInsert, ComposedPrefetch, ComposedUpdate, Many, prefetch
from comms import rows
from comms.models import Update, UpdateService, UpdateText
from incidents.models import Incident, ServiceStatus
from tests import factories
from tickets.models import Contact

pytestmark = pytest.mark.django_db

SHAPES: dict[str, Any] = {
    "rows": lambda rows: rows,
    "rows with those beside them": lambda rows: rows.select_related("incident", "pharmacy", "agent"),
    "rows with those that belong to them": lambda rows: rows.prefetch_related("pharmacy__phones"),
    "rows with more": lambda rows: rows.with_nth_call(),
    "some columns": lambda rows: rows.only("note", "occurred_at"),
    "tuples": lambda rows: rows.values_list("key", "occurred_at", "incident__began_at"),
    "named tuples": lambda rows: rows.values_list("key", "note", named=True),
    "single values": lambda rows: rows.values_list("occurred_at", flat=True),
    "mappings": lambda rows: rows.values("key", "occurred_at", callers=Count("pharmacy")),
    "groups": lambda rows: rows.order_by().values("incident").annotate(newest=Count("pk")),
    "one": lambda rows: rows[:1],
    "unions": lambda rows: (
        rows.order_by()
        .values_list(Value("a"), "occurred_at")
        .union(rows.order_by().values_list(Value("b"), "recorded_at"), all=True)
        .order_by()
    ),
}


def about(incident: Any, since: Any) -> QuerySet[Contact]:
    return Contact.objects.filter(incident=incident, occurred_at__gte=since)


def plain(row: Any) -> Any:
    if not isinstance(row, Contact):
        return row
    beside = [getattr(row, name) for name in ("incident", "pharmacy", "agent")]
    more = {name: value for name, value in vars(row).items() if not name.startswith("_")}
    return more, beside, row.pharmacy and list(row.pharmacy.phones.all())


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_it_gives_what_the_queryset_gives_for_any_values(shape: Any) -> None:
    first, second = factories.incident(), factories.incident()
    for incident in (first, first, second):
        factories.contact(incident=incident, pharmacy=factories.pharmacy())
    now = timezone.now()
    composed = Composed(
        lambda incident, since: shape(about(incident, since)),
        incident=BigIntegerField(),
        since=DateTimeField(),
    )
    for incident in (first, second, factories.incident()):
        for since in (now - timedelta(days=4000), now):
            found = composed(incident=incident.pk, since=since)
            with CaptureQueriesContext(connection) as as_composed:
                again = composed(incident=incident.pk, since=since)
            with CaptureQueriesContext(connection) as asked:
                wanted = list(shape(about(incident.pk, since)))

            assert [plain(row) for row in found] == [plain(row) for row in again]
            assert [plain(row) for row in found] == [plain(row) for row in wanted]
            assert len(as_composed) == len(asked)


def test_it_is_composed_once() -> None:
    composed_with = []

    def compose(public_id: Any) -> QuerySet[Incident]:
        composed_with.append(public_id)
        return Incident.objects.filter(public_id=public_id)

    composed = Composed(compose, public_id=CharField())
    incidents = [factories.incident() for _ in range(3)]

    assert [composed.first(public_id=incident.public_id) for incident in incidents] == incidents
    assert composed.first(public_id="of no one") is None
    assert len(composed_with) == 1


def test_a_value_is_prepared_as_its_field_prepares_it() -> None:
    contact = factories.contact()
    composed = Composed(lambda key: Contact.objects.filter(key=key), key=UUIDField())

    assert composed.first(key=contact.key) == contact
    assert composed.first(key=str(contact.key)) == contact


def test_nothing_equals_none() -> None:
    factories.contact()
    composed = Composed(
        lambda incident: Contact.objects.filter(incident=incident), incident=BigIntegerField()
    )

    assert composed(incident=None) == []


def test_a_value_that_is_missing_is_an_error() -> None:
    composed = Composed(lambda key: Contact.objects.filter(key=key), key=UUIDField())

    with pytest.raises(KeyError):
        composed()


def test_a_list_may_have_any_length() -> None:
    contacts = [factories.contact() for _ in range(3)]
    by_key = Composed(
        lambda keys: Contact.objects.filter(key__in=keys).order_by("pk"), keys=Many(UUIDField())
    )
    by_pk = Composed(
        lambda pks: Contact.objects.filter(pk__in=pks).order_by("pk"), pks=Many(BigIntegerField())
    )
    by_note = Composed(lambda notes: Contact.objects.filter(note__in=notes), notes=Many(CharField()))
    contacts[0].note = '50 % "d’été", l\'autre'
    contacts[0].save()

    for some in (contacts, contacts[1:], contacts[:1], []):
        assert by_key(keys=[contact.key for contact in some]) == some
        assert by_pk(pks={contact.pk for contact in some}) == some
    assert by_note(notes=["another", contacts[0].note]) == contacts[:1]


def written() -> list[Update]:
    """Messages with more and less beside them, the first as it is when it was just read."""
    service, channels = factories.service(), [factories.webhook_channel(key=f"hook-{n}") for n in range(3)]
    updates = [factories.update() for _ in range(2)]
    updates[1].services.create(service=service, status=ServiceStatus.MAJOR)
    updates[1].held_back_from.set(channels[:2])
    return [Update.objects.get(pk=update.pk) for update in updates]


def test_what_belongs_to_rows_is_found_as_django_finds_it() -> None:
    updates = written()
    with CaptureQueriesContext(connection) as asked:
        prefetch(updates, *rows.WRITTEN)
        found = [beside(update) for update in updates]
    wanted = [beside(update) for update in written_again(updates)]

    assert found == wanted
    assert len(asked) == len(rows.WRITTEN)
    assert [text.update for text in updates[1].texts.all()] == [updates[1]] * updates[1].texts.count()
    assert updates[1].services.filter(status=ServiceStatus.MAJOR).count() == 1
    assert updates[0].services.filter(status=ServiceStatus.MAJOR).count() == 0


def test_what_was_prefetched_is_asked_again_only_anew() -> None:
    [_, update] = written()
    prefetch([update], rows.SERVICES)
    UpdateService.objects.filter(update=update).delete()

    with CaptureQueriesContext(connection) as asked:
        prefetch([update], rows.SERVICES)
    assert (len(asked), len(update.services.all())) == (0, 1)
    prefetch([update], rows.SERVICES, anew=True)
    assert list(update.services.all()) == []


def test_what_belongs_to_what_belongs_to_a_row_is_found_too() -> None:
    [_, update] = written()
    incidents = Composed(
        lambda pk: Incident.objects.filter(pk=pk),
        [
            ComposedPrefetch(
                "updates", lambda owners: Update.objects.filter(incident__in=owners), prefetch=rows.WRITTEN
            )
        ],
        pk=BigIntegerField(),
    )
    [incident] = incidents(pk=update.incident_id)
    with CaptureQueriesContext(connection) as asked:
        found = [beside(each) for each in incident.updates.all()]

    assert found == [beside(each) for each in written_again([update])]
    assert len(asked) == 0


def written_again(updates: list[Update]) -> list[Update]:
    return [Update.objects.get(pk=update.pk) for update in updates]


def beside(update: Update) -> list[Any]:
    relations = (update.texts, update.services, update.posts, update.held_back_from)
    return [list(relation.all()) for relation in relations]


def new_contacts() -> list[Contact]:
    """Rows that were not stored, each with other columns filled than the one before."""
    incident, pharmacy, user = factories.incident(), factories.pharmacy(), factories.user()
    moments = {"occurred_at": timezone.now(), "recorded_at": timezone.now() - timedelta(minutes=3)}
    same = {"agent": user, "language": "nl", **moments}
    return [
        Contact(key=uuid4(), caller_text="", pharmacy=pharmacy, incident=incident, **same),
        Contact(key=uuid4(), caller_text="Élise 100 %", note="%s ''", service=factories.service(), **same),
    ]


def test_a_new_row_is_stored_as_its_model_stores_it() -> None:
    insert = ComposedInsert(Contact)
    for contact in new_contacts():
        twin = copy(contact)
        twin._state = copy(contact._state)
        twin.key = uuid4()

        insert(contact)
        twin.save_base(raw=True, force_insert=True)

        assert (contact.pk, contact._state.adding, contact._state.db) == (twin.pk - 1, False, "default")
        stored, as_model = (Contact.objects.values().get(pk=each.pk) for each in (contact, twin))
        assert {**stored, "id": None, "key": None} == {**as_model, "id": None, "key": None}


def test_a_new_row_is_one_statement() -> None:
    insert = ComposedInsert(Contact)
    for contact in new_contacts():
        with CaptureQueriesContext(connection) as asked:
            insert(contact)
        assert len(asked) == 1


def test_new_rows_are_stored_as_their_model_stores_them_some_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 2)
    insert = ComposedInsert(Contact)
    contacts = [*new_contacts(), *new_contacts(), *new_contacts()[:1]]
    twins = [copy(contact) for contact in contacts]
    for twin in twins:
        twin._state, twin.key = copy(twin._state), uuid4()

    with CaptureQueriesContext(connection) as asked:
        insert(*contacts)
        insert()
    Contact.objects.bulk_create(twins)

    assert len(asked) == 3
    stored, as_model = (
        [Contact.objects.values().get(pk=each.pk) | {"id": 0, "key": 0} for each in each_of]
        for each_of in (contacts, twins)
    )
    assert stored == as_model
    assert [contact.pk for contact in contacts] == sorted(contact.pk for contact in contacts)
    assert not any(contact._state.adding for contact in contacts)


def test_rows_change_as_the_queryset_changes_them() -> None:
    first, second = factories.incident(), factories.incident()
    now = timezone.now()
    composed_with = []

    def compose(pk: Any, by: Any, **said: Any) -> tuple[QuerySet[Incident], dict[str, Any]]:
        composed_with.append(pk)
        return Incident.objects.filter(pk=pk), {"revision": F("revision") + by, **said}

    change = ComposedUpdate(
        compose, pk=BigIntegerField(), by=BigIntegerField(), title_fr=CharField(), began_at=DateTimeField()
    )
    with CaptureQueriesContext(connection) as asked:
        changed = [
            change(pk=pk, by=by, title_fr=f"100 % {by}", began_at=now)
            for pk, by in ((first.pk, 2), (first.pk, 3), (0, 1))
        ]

    assert (changed, len(asked), len(composed_with)) == ([1, 1, 0], 3, 1)
    first.refresh_from_db()
    assert (first.revision, first.title_fr, first.began_at) == (5, "100 % 3", now)
    assert Incident.objects.get(pk=second.pk).title_fr == second.title_fr


def test_a_change_that_is_refused_ends_its_transaction() -> None:
    first, second = (factories.incident() for _ in range(2))
    rename = ComposedUpdate(
        lambda pk, public_id: (Incident.objects.filter(pk=pk), {"public_id": public_id}),
        pk=BigIntegerField(),
        public_id=CharField(),
    )

    with transaction.atomic():
        with pytest.raises(IntegrityError):
            rename(pk=second.pk, public_id=first.public_id)
        assert transaction.get_rollback()


def test_who_wrote_what_belongs_to_a_row_has_it_without_asking() -> None:
    [_, update] = written()
    texts = [UpdateText(update=Update(pk=update.pk), language="de"), *update.texts.all()]

    rows.TEXTS.hold(update, texts)

    with CaptureQueriesContext(connection) as asked:
        assert list(update.texts.all()) == texts
        assert all(text.update is update for text in texts)
        prefetch([update], rows.TEXTS)
    assert len(asked) == 0


def test_a_row_that_is_refused_ends_its_transaction() -> None:
    insert = ComposedInsert(Contact)
    first, second = new_contacts()
    insert(first)
    second.key = first.key

    with transaction.atomic():
        with pytest.raises(IntegrityError):
            insert(second)
        assert transaction.get_rollback()


@pytest.mark.django_db(transaction=True)
def test_threads_ask_by_connections_of_their_own() -> None:
    incidents = [factories.incident() for _ in range(4)]
    composed = Composed(lambda pk: Incident.objects.filter(pk=pk), pk=BigIntegerField())

    def ask(incident: Incident) -> bool:
        try:
            return all(composed.first(pk=incident.pk) == incident for _ in range(25))
        finally:
            connection.close()

    with ThreadPoolExecutor(len(incidents)) as threads:
        assert all(threads.map(ask, incidents))
