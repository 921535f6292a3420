"""Prepared messages: what the desk comes with, editing them, and beginning a message from one."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone, translation

from accounts.languages import Language
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.checks import Message, Text, findings
from comms.models import PARTS, MessageTemplate, MessageTemplateText
from comms.operations import drafts, prepared
from comms.operations.prepared import TemplateData
from comms.prepared.filling import filled, longest
from comms.prepared.standard import standard_messages
from incidents.models import Phase, ServiceStatus
from tests import factories

pytestmark = pytest.mark.django_db

COMPLETE = {"headline": "{services}", "title": "Titre", "body": "Suite à {time}, {url}"}


def data(**changed: dict[str, str]) -> TemplateData:
    texts = {"fr": COMPLETE, "nl": COMPLETE, **changed}
    return TemplateData(
        phase=Phase.IDENTIFIED,
        names={"fr": "Cause", "nl": "Oorzaak", "de": "", "en": ""},
        texts={
            language: {part: texts.get(language, {}).get(part, "") for part in PARTS} for language in Language
        },
    )


def test_a_new_installation_has_a_message_for_each_phase_in_four_languages() -> None:
    call_command("install_plan", verbosity=0)

    stored = MessageTemplate.objects.prefetch_related("texts")
    assert {template.phase for template in stored} == set(Phase)
    assert {text.language for template in stored for text in template.texts.all()} == set(Language)
    assert stored.count() == 4


def test_installing_again_leaves_what_was_edited_and_brings_back_what_was_removed() -> None:
    prepared.install()
    MessageTemplateText.objects.filter(template__key="holding", language="fr").update(title="À nous")
    MessageTemplate.objects.filter(key="resolved").delete()

    prepared.install()

    assert MessageTemplateText.objects.get(template__key="holding", language="fr").title == "À nous"
    assert MessageTemplate.objects.count() == 4


@pytest.mark.parametrize("number", range(4))
def test_the_checks_have_nothing_to_say_of_the_messages_the_desk_comes_with(number: int) -> None:
    template, texts = standard_messages()[number]
    at = timezone.now()
    promised = None if template.phase == Phase.RESOLVED else at + timedelta(minutes=20)
    told = filled(
        texts,
        services={language: ["Dossier pharmaceutique partagé", "Assurpharma"] for language in Language},
        next_update_at=promised,
        urls=dict.fromkeys(Language, "https://status.farmaflux.be/fr/incidents/abc123/"),
    )
    message = Message(
        template.phase,
        promised,
        {"dpp": ServiceStatus.OPERATIONAL if promised is None else ServiceStatus.MAJOR},
        {
            language: Text(
                parts["headline"],
                parts["title"],
                parts["body"],
                tuple(parts["do"].splitlines()),
                tuple(parts["dont"].splitlines()),
                parts["patient"],
            )
            for language, parts in told.items()
        },
    )

    with translation.override("en"):
        assert [finding for finding in findings(message, at) if finding.level != "ok"] == []
    assert not [part for parts in told.values() for part in parts.values() if "{" in part]


def test_a_first_message_begins_with_the_holding_statement_as_it_was_edited() -> None:
    prepared.install()
    MessageTemplateText.objects.filter(template__key="holding", language="fr").update(
        headline="En panne : {services}", body="Suite à {time} sur {url}"
    )
    eforms = factories.service("eforms", name_fr="eForms", name_nl="eForms")
    incident = factories.incident(services={eforms: ServiceStatus.MAJOR})

    draft = drafts.draft_for(incident, by=factories.user(Role.COMMUNICATIONS))

    text = draft.texts.get(language="fr")
    assert draft.next_update_at is not None
    clock = f"{timezone.localtime(draft.next_update_at):%H:%M}"
    assert text.headline == "En panne : eForms"
    assert text.body.startswith(f"Suite à {clock} sur http")
    assert text.body.endswith(f"/fr/incidents/{incident.public_id}/")


def test_where_no_message_is_prepared_the_first_one_is_ready_all_the_same() -> None:
    incident = factories.incident(
        services={factories.service("eforms", name_fr="eForms"): ServiceStatus.MAJOR}
    )

    draft = drafts.draft_for(incident, by=factories.user(Role.COMMUNICATIONS))

    assert draft.texts.get(language="fr").headline == "Perturbation\u00a0: eForms."


def test_an_incident_without_services_is_called_by_its_title() -> None:
    texts = filled_for_one(services=0)

    assert texts["fr"]["headline"] == "Panne des eForms"


def test_what_would_be_too_long_once_filled_in_is_shortened_at_a_word() -> None:
    texts = filled_for_one(services=12)

    assert len(texts["fr"]["headline"]) <= longest("headline")
    assert texts["fr"]["headline"].endswith("…")


def filled_for_one(*, services: int) -> dict[str, dict[str, str]]:
    broken = {factories.service(f"service-numero-{n}"): ServiceStatus.MAJOR for n in range(services)}
    return prepared.filled_for(
        factories.incident(),
        [MessageTemplateText(language="fr", headline="{services}")],
        statuses=broken,
        next_update_at=None,
    )


def test_a_prepared_message_is_made_once_however_often_it_is_sent() -> None:
    lead, key = factories.user(Role.COMMUNICATIONS), uuid4()

    made = prepared.create(data(), key=key, by=lead)
    again = prepared.create(data(de={"title": "Titel"}), key=key, by=lead)

    assert (again, MessageTemplate.objects.count()) == (made, 1)
    assert {text.language for text in made.texts.all()} == {"fr", "nl"}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"nl": {**COMPLETE, "body": " "}}, "body_nl"),
        ({"fr": {**COMPLETE, "title": "{heure}"}}, "title_fr"),
        ({"de": {"patient": "{"}}, "patient_de"),
    ],
)
def test_a_prepared_message_that_could_not_be_used_is_refused(
    changed: dict[str, dict[str, str]], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        prepared.create(data(**changed), key=uuid4(), by=factories.user(Role.COMMUNICATIONS))

    assert refused.value.field == field
    assert not MessageTemplate.objects.exists()


def test_who_opened_it_before_somebody_saved_it_overwrites_nothing() -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    made = prepared.create(data(), key=uuid4(), by=lead)
    prepared.save(made, data(de={"title": "Titel"}), revision=1, by=lead)

    with pytest.raises(prepared.Overtaken):
        prepared.save(made, data(de={"title": "Anders"}), revision=1, by=lead)

    assert made.texts.get(language="de").title == "Titel"
    prepared.save(made, data(de={"title": "Titel"}), revision=1, by=lead)  # the same words: no conflict


def test_an_agent_edits_no_prepared_message() -> None:
    agent = factories.user(Role.AGENT)
    made = prepared.create(data(), key=uuid4(), by=factories.user(Role.COMMUNICATIONS))

    for attempt in (
        lambda: prepared.create(data(), key=uuid4(), by=agent),
        lambda: prepared.save(made, data(de={"title": "Titel"}), revision=1, by=agent),
        lambda: prepared.remove(made, by=agent),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert MessageTemplate.objects.get().revision == 1
    prepared.remove(made, by=factories.user(Role.LEAD))
    assert not MessageTemplate.objects.exists()
