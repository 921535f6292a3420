"""What was learned: nothing typed is lost, nothing published is changed."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.status import facts
from comms.status.snapshot import snapshot
from incidents import operations
from incidents.models import Entry, EntryKind, Incident, Phase, Postmortem, PublicRevision
from incidents.operations.postmortem import Conflict
from incidents.timeline import describe
from tests import factories

pytestmark = pytest.mark.django_db
TEXTS = {"fr": "Ce qui s’est passé.\n\nCe que nous changeons.", "nl": "Wat er gebeurde."}


@pytest.fixture
def incident() -> Incident:
    return factories.incident(phase=Phase.RESOLVED, began_at=timezone.now() - timedelta(days=1))


def write(
    incident: Incident,
    texts: Mapping[str, str] = TEXTS,
    *,
    revision: int = 0,
    role: Role = Role.COMMUNICATIONS,
) -> Postmortem:
    return operations.write_postmortem(incident, texts, by=factories.user(role), revision=revision)


def publish(incident: Incident, revision: int = 1, *, role: Role = Role.COMMUNICATIONS) -> Postmortem:
    return operations.publish_postmortem(incident, by=factories.user(role), revision=revision)


def told() -> facts.Postmortem | None:
    (incident,) = snapshot(timezone.now()).incidents
    return incident.postmortem


def test_a_draft_stays_out_of_sight_and_what_is_published_is_public(incident: Incident) -> None:
    write(incident)
    drafted = told()

    published = publish(incident)

    assert published.published_at
    assert (drafted, told()) == (None, facts.Postmortem(published.published_at, facts.Text(**TEXTS)))


def test_publishing_writes_the_timeline_and_the_site_follows(incident: Incident) -> None:
    write(incident)
    before = PublicRevision.objects.current()

    publish(incident)

    incident.refresh_from_db()
    assert snapshot(timezone.now()).incidents[0].changed_at == Postmortem.objects.get().published_at
    assert [describe(entry) for entry in Entry.objects.filter(kind=EntryKind.POSTMORTEM)] == ["publié"]
    assert incident.revision == PublicRevision.objects.current() == before + 1


def test_a_correction_is_told_and_keeps_what_it_corrects(incident: Incident) -> None:
    write(incident)
    publish(incident)
    write(incident, {**TEXTS, "fr": "Ce qui s’est vraiment passé."})
    still = told()

    publish(incident)

    corrected = told()
    assert still
    assert corrected
    assert (still.text.fr, corrected.text.fr) == (TEXTS["fr"], "Ce qui s’est vraiment passé.")
    assert [row.texts_by_language["fr"] for row in Postmortem.objects.order_by("number")] == [
        TEXTS["fr"],
        "Ce qui s’est vraiment passé.",
    ]
    assert describe(Entry.objects.get(sequence=2)) == "correction 1 publiée"


def test_sent_twice_it_is_published_once(incident: Incident) -> None:
    write(incident)
    first = publish(incident)

    write(incident)
    again = publish(incident)

    assert (again, Postmortem.objects.count(), Entry.objects.count()) == (first, 1, 1)


def test_while_the_incident_lasts_nothing_is_written_and_nothing_published(incident: Incident) -> None:
    write(incident)
    operations.move(
        incident, Phase.INVESTIGATING, reason="Cela recommence.", by=factories.user(Role.COMMUNICATIONS)
    )

    with pytest.raises(Refused):
        write(incident, {"fr": "Autre"}, revision=1)
    with pytest.raises(Refused):
        publish(incident)
    assert (Postmortem.objects.get().texts_by_language["fr"], told()) == (TEXTS["fr"], None)


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({"fr": "Seulement en français."}, "text_nl"),
        ({**TEXTS, "de": "Anrufen: 0470 12 34 56"}, "text_de"),
        ({**TEXTS, "fr": "Écrivez à jan@example.be."}, "text_fr"),
        ({**TEXTS, "nl": "Patiënt 85.07.30-033.28"}, "text_nl"),
    ],
)
def test_what_the_public_must_not_read_is_refused_and_kept_as_a_draft(
    incident: Incident, texts: dict[str, str], field: str
) -> None:
    write(incident, texts)

    with pytest.raises(Refused) as refused:
        publish(incident)

    draft = Postmortem.objects.get()
    assert (refused.value.field, draft.published_at) == (field, None)
    assert draft.texts_by_language[field[-2:]] == texts.get(field[-2:], "")


def test_a_draft_that_somebody_saved_meanwhile_is_not_overwritten(incident: Incident) -> None:
    write(incident)
    write(incident, {"fr": "Le sien."}, revision=1)

    with pytest.raises(Conflict) as conflict:
        write(incident, {"fr": "Le mien."}, revision=1)
    with pytest.raises(Conflict):
        publish(incident, 1)

    assert conflict.value.stored.texts_by_language["fr"] == "Le sien."
    assert Postmortem.objects.get().texts_by_language["fr"] == "Le sien."


def test_the_same_words_from_two_people_are_no_conflict(incident: Incident) -> None:
    write(incident)

    again = write(incident)

    assert (again.revision, Postmortem.objects.count()) == (1, 1)


def test_an_agent_neither_writes_nor_publishes_nor_throws_away(incident: Incident) -> None:
    agent = factories.user(Role.AGENT)
    with pytest.raises(NotAllowed):
        operations.write_postmortem(incident, TEXTS, by=agent)
    write(incident)
    with pytest.raises(NotAllowed):
        operations.publish_postmortem(incident, by=agent, revision=1)
    with pytest.raises(NotAllowed):
        operations.discard_postmortem(incident, by=agent)

    assert Postmortem.objects.get().published_at is None


# -- The page


def page(incident: Incident) -> str:
    return reverse("incidents:postmortem", args=[incident.public_id])


def typed(revision: int = 0, action: str = "save", **texts: str) -> dict[str, str]:
    return {"revision": str(revision), "action": action} | {
        f"text_{key}": text for key, text in texts.items()
    }


def test_saved_and_published_from_the_page_it_is_there_again(client: Client, incident: Incident) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS, language="fr"))

    client.post(page(incident), typed(fr="Passé.", nl="Gebeurd.", action="publish"), follow=True)

    response = client.get(page(incident))
    assert (response.text.count("Passé."), response.text.count("Publier la correction")) == (2, 1)
    assert Postmortem.objects.get().published_at


def test_refused_it_keeps_all_that_was_typed(client: Client, incident: Incident) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS, language="fr"))

    response = client.post(page(incident), typed(fr="Passé & <fini>.", en="Over.", action="publish"))

    assert response.status_code == 422
    assert all(kept in response.text for kept in ("Passé &amp; &lt;fini&gt;.", "Over."))
    assert response.context["form"].errors.keys() == {"text_nl"}
    again = typed(response.context["revision"], fr="Passé.", nl="Gebeurd.", action="publish")
    assert client.post(page(incident), again).status_code == 302


def test_a_conflict_shows_theirs_and_keeps_mine(client: Client, incident: Incident) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS, language="fr"))
    write(incident)
    write(incident, {"fr": "Le sien."}, revision=1)

    response = client.post(page(incident), typed(1, fr="Le mien."))

    assert (response.status_code, "Le sien." in response.text, "Le mien." in response.text) == (
        422,
        True,
        True,
    )
    client.post(page(incident), typed(response.context["revision"], fr="Les deux."))
    assert Postmortem.objects.get().texts_by_language["fr"] == "Les deux."


def test_thrown_away_the_draft_goes_and_what_is_published_stays(client: Client, incident: Incident) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS))
    write(incident)
    publish(incident)
    write(incident, {"fr": "Autre.", "nl": "Anders."})

    client.post(page(incident), typed(1, action="discard", fr="Autre."))

    assert Postmortem.objects.get().texts_by_language["fr"] == TEXTS["fr"]


def test_an_agent_reads_what_is_published_and_has_no_form(client: Client, incident: Incident) -> None:
    client.force_login(factories.user(Role.AGENT))
    write(incident)
    publish(incident)
    write(incident, {"fr": "Brouillon secret.", "nl": "Ontwerp."})

    response = client.get(page(incident))

    assert ("Ce qui s’est passé." in response.text, "Brouillon secret." in response.text) == (True, False)
    assert "<textarea" not in response.text
    assert client.post(page(incident), typed(1, fr="x")).status_code == 403


def test_the_room_of_a_resolved_incident_leads_there(client: Client, incident: Incident) -> None:
    client.force_login(factories.user(Role.AGENT))

    assert page(incident) in client.get(reverse("desk:room", args=[incident.public_id])).text
