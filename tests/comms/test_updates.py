"""From draft to publication: what is written, what is refused, what is owed."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.models import PARTS, Delivery, Update, UpdateText
from comms.operations import drafts, publishing
from comms.operations.drafts import DraftData
from comms.script import what_to_say
from comms.status.snapshot import snapshot
from incidents import operations
from incidents.models import Entry, EntryKind, Incident, Phase, PublicRevision, Service, ServiceStatus
from incidents.operations import locked
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def transfer() -> Service:
    return factories.service("transfer", name_fr="Transfert", name_nl="Doorsturen")


@pytest.fixture
def incident(transfer: Service) -> Incident:
    return factories.incident(
        services={transfer: ServiceStatus.MAJOR}, began_at=timezone.now() - timedelta(minutes=20)
    )


def parts(**given: str) -> dict[str, str]:
    return {part: given.get(part, "") for part in PARTS}


def sound(transfer: Service, **fields: Any) -> DraftData:
    """A draft that may be published."""
    clock = f"{timezone.localtime(timezone.now() + timedelta(minutes=30)):%H:%M}"
    return replace(
        DraftData(
            phase=Phase.IDENTIFIED,
            next_update_at=timezone.now() + timedelta(minutes=30),
            statuses={transfer: ServiceStatus.PARTIAL},
            texts={
                "fr": parts(
                    headline="Pas de certificat.",
                    title="Transfert arrêté",
                    body=f"Prochain message à {clock}.",
                ),
                "nl": parts(
                    headline="Geen certificaat.", title="Doorsturen stil", body=f"Volgende update om {clock}."
                ),
            },
        ),
        **fields,
    )


def test_the_first_draft_is_the_holding_statement_and_may_be_published_as_it_is(incident: Incident) -> None:
    lead = factories.user(Role.COMMUNICATIONS)

    draft = drafts.draft_for(incident, by=lead)
    published = publishing.publish(draft, by=lead, revision=draft.revision)

    assert published.number == 1
    assert "Transfert" in published.texts.get(language="fr").body
    assert {text.language for text in published.texts.all()} == {"fr", "nl", "de", "en"}


def test_the_holding_statement_does_not_say_whose_fault_it_is(incident: Incident) -> None:
    draft = drafts.draft_for(incident, by=factories.user(Role.COMMUNICATIONS))

    assert draft.central_confirmed is False
    assert "officine" not in " ".join(text.headline + text.body for text in draft.texts.all())


def test_a_second_draft_starts_from_the_last_message_and_the_statuses_of_now(
    incident: Incident, transfer: Service
) -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    first = drafts.draft_for(incident, by=lead)
    first = drafts.save_draft(first, sound(transfer), by=lead, revision=first.revision)
    publishing.publish(first, by=lead, revision=first.revision)

    second = drafts.draft_for(incident, by=lead)

    assert second.texts.get(language="fr").title == "Transfert arrêté"
    assert [(row.service, row.status) for row in second.services.all()] == [(transfer, ServiceStatus.PARTIAL)]
    assert second.next_update_at is None


def test_what_was_resolved_and_is_open_again_begins_anew(incident: Incident, transfer: Service) -> None:
    lead = factories.user(Role.LEAD)
    draft = drafts.draft_for(incident, by=lead)
    texts = {
        "fr": parts(headline="Tout fonctionne.", title="Fini", body="C’est fini."),
        "nl": parts(headline="Alles werkt.", title="Voorbij", body="Het is voorbij."),
    }
    works = {transfer: ServiceStatus.OPERATIONAL}
    over = sound(transfer, phase=Phase.RESOLVED, central_confirmed=True, statuses=works, texts=texts)
    _published, refusal = publishing.save_and_publish(draft, over, by=lead, revision=draft.revision)
    said = what_to_say(incident, "fr")
    operations.move(incident, Phase.INVESTIGATING, reason="De nouveau bloqué.", by=lead)

    again = drafts.draft_for(incident, by=lead)

    assert refusal is None
    assert said
    assert said.headline == "Tout fonctionne."
    assert what_to_say(Incident.objects.get(pk=incident.pk), "fr") is None
    assert "Tout fonctionne." not in again.texts.get(language="fr").headline
    assert (again.central_confirmed, again.next_update_at is not None) == (False, True)


def test_everybody_writes_on_the_same_draft(incident: Incident) -> None:
    first = drafts.draft_for(incident, by=factories.user(Role.COMMUNICATIONS))
    second = drafts.draft_for(incident, by=factories.user(Role.LEAD))

    assert first == second


def test_the_second_to_save_overwrites_nothing_and_is_shown_what_differs(
    incident: Incident, transfer: Service
) -> None:
    manon, barbara = (
        factories.user(Role.COMMUNICATIONS),
        factories.user(Role.COMMUNICATIONS, username="barbara"),
    )
    draft = drafts.draft_for(incident, by=manon)
    theirs = sound(transfer)
    drafts.save_draft(draft, theirs, by=barbara, revision=1)
    mine = replace(theirs, texts={**theirs.texts, "fr": {**theirs.texts["fr"], "title": "Mon titre"}})

    with pytest.raises(drafts.Conflict, match="barbara") as caught:
        drafts.save_draft(draft, mine, by=manon, revision=1)

    assert [(d.field, d.theirs, d.mine) for d in caught.value.differences] == [
        ("title_fr", "Transfert arrêté", "Mon titre")
    ]
    assert draft.texts.get(language="fr").title == "Transfert arrêté"


def test_saving_again_with_the_stored_revision_is_a_decision_and_counts(
    incident: Incident, transfer: Service
) -> None:
    manon = factories.user(Role.COMMUNICATIONS)
    draft = drafts.draft_for(incident, by=manon)
    draft = drafts.save_draft(draft, sound(transfer), by=manon, revision=1)

    drafts.save_draft(draft, sound(transfer, central_confirmed=True), by=manon, revision=2)

    assert Update.objects.get(pk=draft.pk).central_confirmed is True


def test_publishing_writes_everything_the_decision_means(incident: Incident, transfer: Service) -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    before = PublicRevision.objects.current()
    draft = drafts.draft_for(incident, by=lead)
    draft = drafts.save_draft(draft, sound(transfer), by=lead, revision=1)

    publishing.publish(draft, by=lead, revision=2)

    stored = Update.objects.get(pk=draft.pk)
    assert (stored.number, stored.published_by) == (1, lead)
    assert incident.phase == Phase.IDENTIFIED
    assert incident.impacts.open().get().status == ServiceStatus.PARTIAL
    assert Entry.objects.get(incident=incident, kind=EntryKind.UPDATE).data["number"] == 1
    assert PublicRevision.objects.current() > before


def test_publishing_twice_publishes_once(incident: Incident, transfer: Service) -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    draft = drafts.draft_for(incident, by=lead)
    draft = drafts.save_draft(draft, sound(transfer), by=lead, revision=1)

    first = publishing.publish(draft, by=lead, revision=2)
    second = publishing.publish(draft, by=lead, revision=2)

    assert (first.published_at, first.number) == (second.published_at, second.number)
    assert Entry.objects.filter(kind=EntryKind.UPDATE).count() == 1


def test_a_draft_that_changed_under_the_publisher_is_not_published(
    incident: Incident, transfer: Service
) -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    draft = drafts.draft_for(incident, by=lead)
    drafts.save_draft(draft, sound(transfer), by=lead, revision=1)

    with pytest.raises(drafts.Conflict):
        publishing.publish(draft, by=lead, revision=1)

    assert not Update.objects.published().exists()


def test_what_the_checks_forbid_is_not_published_and_nothing_moves(
    incident: Incident, transfer: Service
) -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    draft = drafts.draft_for(incident, by=lead)
    french_only = sound(transfer, texts={"fr": sound(transfer).texts["fr"], "nl": parts()})
    draft = drafts.save_draft(draft, french_only, by=lead, revision=1)

    with pytest.raises(Refused) as caught:
        publishing.publish(draft, by=lead, revision=2)

    assert caught.value.field == "headline_nl"
    assert not Update.objects.published().exists()
    assert incident.phase == Phase.INVESTIGATING
    assert not Entry.objects.filter(kind=EntryKind.UPDATE).exists()


def test_what_is_to_be_saved_and_published_is_saved_even_where_it_may_not_be_published(
    incident: Incident, transfer: Service
) -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    draft = drafts.draft_for(incident, by=lead)
    french_only = sound(transfer, texts={"fr": sound(transfer).texts["fr"], "nl": parts()})

    saved, refused = publishing.save_and_publish(draft, french_only, by=lead, revision=1)

    assert (refused and refused.field, Update.objects.published().exists()) == ("headline_nl", False)
    assert Update.objects.get().texts.get(language="fr").title == "Transfert arrêté"
    published, refused = publishing.save_and_publish(saved, sound(transfer), by=lead, revision=saved.revision)
    assert (refused, published) == (None, Update.objects.published().get())


def test_what_is_refused_while_it_is_published_leaves_nothing_of_that(
    incident: Incident, transfer: Service
) -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    factories.mail_channel("a@apb.example")
    draft = drafts.draft_for(incident, by=lead)
    too_early = sound(transfer, occurred_at=timezone.now() - timedelta(hours=3))

    saved, refused = publishing.save_and_publish(draft, too_early, by=lead, revision=1)

    assert (refused and refused.field, saved.revision) == ("occurred_at", 2)
    stored = Update.objects.get()
    assert (stored.revision, stored.number, stored.published_at) == (2, None, None)
    assert drafts.stored_draft(stored).texts["fr"]["title"] == "Transfert arrêté"
    assert not Delivery.objects.exists()
    assert {impact.status for impact in incident.impacts.all()} == {ServiceStatus.MAJOR}


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one lock for all")
@pytest.mark.django_db(transaction=True)
def test_who_decides_about_an_incident_first_gets_its_draft_too(incident: Incident) -> None:
    lead = factories.user(Role.LEAD)
    draft = drafts.draft_for(incident, by=lead)
    begins, published = threading.Event(), []

    def publish() -> None:
        begins.set()
        published.append(publishing.publish(draft, by=lead, revision=draft.revision))
        connection.close()

    publisher = threading.Thread(target=publish)
    with transaction.atomic():
        locked(incident)
        publisher.start()
        assert begins.wait(20)
        publisher.join(0.3)
        Update.objects.select_for_update(nowait=True).get(pk=draft.pk)
    publisher.join()

    assert [update.number for update in published] == [1]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one lock for all")
@pytest.mark.django_db(transaction=True)
def test_a_draft_is_locked_with_its_incident(incident: Incident) -> None:
    draft = drafts.draft_for(incident, by=factories.user(Role.LEAD))
    free: list[str] = []

    def look() -> None:
        for row in (draft, incident):
            try:
                with transaction.atomic():
                    type(row)._default_manager.select_for_update(nowait=True).get(pk=row.pk)
                free.append(type(row).__name__)
            except OperationalError:
                pass
        connection.close()

    with transaction.atomic():
        drafts.locked(draft)
        other = threading.Thread(target=look)
        other.start()
        other.join()

    assert free == []


def test_a_language_that_is_no_longer_spoken_goes_and_what_is_held_is_what_is_stored(
    incident: Incident, transfer: Service
) -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    draft = drafts.draft_for(incident, by=lead)
    german = parts(headline="Kein Zertifikat.", title="Übertragung steht", body="Wir suchen.")
    texts = sound(transfer).texts

    four = drafts.save_draft(draft, sound(transfer, texts={**texts, "de": german}), by=lead, revision=1)
    held = {text.language: text for text in four.texts.all()}
    assert {text.language: text.pk for text in UpdateText.objects.all()} == {
        language: text.pk for language, text in held.items()
    }
    untouched = drafts.save_draft(four, sound(transfer), by=lead, revision=2)
    assert {text.language for text in untouched.texts.all()} == {"fr", "nl", "de", "en"}
    silenced = sound(transfer, texts={**texts, "de": parts()})
    three = drafts.save_draft(untouched, silenced, by=lead, revision=3)

    assert [text.language for text in three.texts.all()] == ["fr", "nl", "en"]
    assert set(UpdateText.objects.values_list("language", flat=True)) == {"fr", "nl", "en"}


def test_a_published_message_is_never_changed(incident: Incident, transfer: Service) -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    draft = drafts.draft_for(incident, by=lead)
    draft = drafts.save_draft(draft, sound(transfer), by=lead, revision=1)
    publishing.publish(draft, by=lead, revision=2)

    with pytest.raises(Refused):
        drafts.save_draft(draft, sound(transfer, central_confirmed=True), by=lead, revision=2)
    with pytest.raises(Refused):
        drafts.discard(draft, by=lead)


def test_publishing_that_it_is_resolved_ends_every_impact(incident: Incident, transfer: Service) -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    draft = drafts.draft_for(incident, by=lead)
    over = sound(
        transfer, phase=Phase.RESOLVED, next_update_at=None, statuses={transfer: ServiceStatus.OPERATIONAL}
    )
    draft = drafts.save_draft(draft, over, by=lead, revision=1)

    publishing.publish(draft, by=lead, revision=2)

    assert Incident.objects.get(pk=incident.pk).is_open is False
    assert not incident.impacts.open().exists()


def test_agents_say_the_latest_published_message_in_the_callers_language(
    incident: Incident, transfer: Service
) -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    factories.service("dpp", name_fr="DPP", name_nl="GFD")
    draft = drafts.draft_for(incident, by=lead)
    assert what_to_say(incident, "nl") is None
    draft = drafts.save_draft(draft, sound(transfer), by=lead, revision=1)
    publishing.publish(draft, by=lead, revision=2)

    script = what_to_say(incident, "nl")

    assert script
    assert (script.number, script.language, script.title) == (1, "nl", "Doorsturen stil")
    assert (script.works, script.broken) == (["GFD"], ["Doorsturen (gedeeltelijk)"])


@pytest.mark.parametrize("role", [Role.AGENT, Role.OBSERVER])
def test_agents_and_observers_neither_write_nor_publish(
    incident: Incident, transfer: Service, role: Role
) -> None:
    draft = drafts.draft_for(incident, by=factories.user(Role.COMMUNICATIONS))
    person = factories.user(role)

    for attempt in (
        lambda: drafts.draft_for(incident, by=person),
        lambda: drafts.save_draft(draft, sound(transfer), by=person, revision=1),
        lambda: publishing.publish(draft, by=person, revision=1),
        lambda: drafts.discard(draft, by=person),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert Update.objects.get() == draft


def test_the_database_itself_allows_one_draft_per_incident(incident: Incident) -> None:
    factories.update(incident)

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.update(incident)


def test_until_when_what_to_do_holds_is_published_and_begins_the_next_message(
    incident: Incident, transfer: Service
) -> None:
    writer, until = factories.user(Role.COMMUNICATIONS), timezone.now() + timedelta(hours=2)
    draft = drafts.draft_for(incident, by=writer)
    draft = drafts.save_draft(draft, sound(transfer, valid_until=until), by=writer, revision=1)
    publishing.publish(draft, by=writer, revision=2)

    script = what_to_say(incident, "fr")
    assert script
    assert (script.valid_until, script.is_outdated) == (until, False)
    assert drafts.draft_for(incident, by=writer).valid_until == until


def test_the_site_is_told_until_when_what_to_do_holds(incident: Incident) -> None:
    until = timezone.now() + timedelta(hours=2)
    factories.update(incident, published_at=timezone.now(), valid_until=until)

    (told,) = snapshot(timezone.now()).incidents[0].updates
    assert told.valid_until == until


def test_another_end_of_what_to_do_is_a_difference_between_two_writers(
    incident: Incident, transfer: Service
) -> None:
    writer, until = factories.user(Role.COMMUNICATIONS), timezone.now() + timedelta(hours=2)
    draft = drafts.draft_for(incident, by=writer)
    mine = replace(drafts.stored_draft(draft), valid_until=until)

    assert [difference.field for difference in drafts.differing(draft, mine)] == ["valid_until"]


def test_a_time_that_has_passed_does_not_begin_the_next_message(incident: Incident) -> None:
    passed = timezone.now() - timedelta(minutes=1)
    factories.update(incident, published_at=timezone.now() - timedelta(minutes=5), valid_until=passed)

    assert drafts.draft_for(incident, by=factories.user(Role.COMMUNICATIONS)).valid_until is None


def test_once_resolved_nothing_needs_to_hold(incident: Incident, transfer: Service) -> None:
    writer = factories.user(Role.COMMUNICATIONS)
    draft = drafts.draft_for(incident, by=writer)
    said = sound(transfer, phase=Phase.RESOLVED, valid_until=timezone.now() + timedelta(hours=1))

    assert drafts.save_draft(draft, said, by=writer, revision=1).valid_until is None
