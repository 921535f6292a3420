"""Prepared messages on the screen: edited without loss, chosen in the composer and put back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.roles import Role
from comms.models import PARTS, MessageTemplate, MessageTemplateText, Update
from comms.operations import prepared
from incidents.models import Incident, Phase, ServiceStatus
from tests import factories
from tests.comms.test_compose_pages import begin, typed, writer

pytestmark = pytest.mark.django_db

LIST, NEW, ONE = reverse("comms:prepared_list"), reverse("comms:prepared_new"), "comms:prepared"


@pytest.fixture
def incident() -> Incident:
    prepared.install()
    transfer = factories.service("transfer", name_fr="Transfert", name_nl="Doorsturen")
    return factories.incident(
        services={transfer: ServiceStatus.MAJOR}, began_at=timezone.now() - timedelta(minutes=20)
    )


def form_of(key: str, **changed: str) -> dict[str, str]:
    template = MessageTemplate.objects.get(key=key)
    texts = {text.language: text for text in template.texts.all()}
    return {
        "revision": str(template.revision),
        "phase": template.phase,
        **{f"name_{language}": getattr(template, f"name_{language}") for language in texts},
        **{f"{part}_{language}": getattr(text, part) for language, text in texts.items() for part in PARTS},
        **changed,
    }


def use(client: Client, incident: Incident, fields: dict[str, str], key: str) -> dict[str, str]:
    """The form as it is shown after choosing *key*."""
    page = client.post(reverse("comms:prepared_use", args=[incident.public_id]), {**fields, "template": key})
    form = page.context["form"]
    shown = {name: str(form[name].value() or "") for name in form.fields if name != "channels"}
    return {**shown, "undo": page.context["undo"]}


def test_choosing_a_prepared_message_replaces_phase_and_texts_and_saves_nothing(
    client: Client, incident: Incident
) -> None:
    writer(client)
    fields = typed(client, begin(client, incident), title_fr="Le mien")
    before = Update.objects.get().revision

    shown = use(client, incident, fields, "coming-back")

    assert (shown["phase"], shown["title_fr"]) == (Phase.MONITORING, "Le service reprend, nous surveillons")
    assert shown["headline_fr"] == "Le service reprend\u00a0: Transfert."
    assert f"{timezone.localtime(Update.objects.get().next_update_at):%H:%M}" in shown["body_nl"]
    assert Update.objects.get().revision == before


def test_what_was_typed_can_be_put_back_through_two_choices(client: Client, incident: Incident) -> None:
    writer(client)
    fields = typed(client, begin(client, incident), title_fr="Le mien", body_nl="Van mij", patient_de="")

    first = use(client, incident, fields, "coming-back")
    second = use(client, incident, first, "resolved")
    back = use(client, incident, second, "undo")
    mine = use(client, incident, back, "undo")

    assert back["title_fr"] == first["title_fr"]
    assert {name: mine[name] for name in fields if name in mine} == {
        name: value for name, value in fields.items() if name in mine
    }
    assert mine["undo"] == ""


def test_a_chosen_message_can_be_published_at_once(client: Client, incident: Incident) -> None:
    writer(client)
    address = begin(client, incident)

    shown = use(client, incident, typed(client, address), "cause-known")
    client.post(address, {**shown, "action": "publish"})

    assert (
        Update.objects.published().get().texts.get(language="de").title.startswith("Die Ursache ist bekannt")
    )


@pytest.mark.parametrize("undo", ["nonsense", "{}", "[1]", '[{"phase": {"a": 1}, "x": "y"}]'])
def test_nonsense_in_place_of_what_is_put_back_changes_no_text(
    client: Client, incident: Incident, undo: str
) -> None:
    writer(client)
    fields = typed(client, begin(client, incident), title_fr="Le mien")

    shown = use(client, incident, {**fields, "undo": undo}, "undo")

    assert shown["title_fr"] == "Le mien"


def test_the_composer_offers_what_is_prepared_and_who_may_edit_it(client: Client, incident: Incident) -> None:
    writer(client)

    page = client.get(begin(client, incident)).text

    assert "Message d’attente" in page
    assert LIST in page


def test_choosing_without_a_draft_keeps_what_was_typed(client: Client, incident: Incident) -> None:
    writer(client)
    address = reverse("comms:prepared_use", args=[incident.public_id])

    page = client.post(address, {"template": "holding", "title_fr": "Le mien"})

    assert (page.status_code, "Le mien" in page.text) == (409, True)


def test_a_prepared_message_is_edited_and_the_next_draft_begins_with_it(
    client: Client, incident: Incident
) -> None:
    writer(client)

    page = client.post(reverse(ONE, args=["holding"]), form_of("holding", title_fr="Nous savons"))
    begin(client, incident)

    assert page.status_code == 302
    assert Update.objects.get().texts.get(language="fr").title == "Nous savons"


def test_a_refusal_stands_beside_its_field_with_the_text_intact(client: Client, incident: Incident) -> None:
    writer(client)

    page = client.post(reverse(ONE, args=["holding"]), form_of("holding", title_fr="{titre}", body_nl=""))
    broken = client.post(reverse(ONE, args=["holding"]), form_of("holding", title_fr="{titre}"))

    assert (page.status_code, "body_nl" in page.context["form"].errors) == (422, True)
    assert (broken.status_code, list(broken.context["form"].errors)) == (422, ["title_fr"])
    assert 'value="{titre}"' in broken.text
    assert MessageTemplateText.objects.get(template__key="holding", language="fr").title != "{titre}"


def test_what_the_checks_find_is_shown_and_does_not_forbid(client: Client, incident: Incident) -> None:
    writer(client)
    vague = form_of("holding", title_fr="Rétabli bientôt")

    client.post(reverse(ONE, args=["holding"]), vague)
    page = client.get(reverse(ONE, args=["holding"]))

    assert MessageTemplateText.objects.get(template__key="holding", language="fr").title == "Rétabli bientôt"
    assert [finding.field for finding in page.context["findings"]] == ["title_fr"]
    assert "bientôt" in page.text.split('id="found-title_fr"')[1].split("</div>")[0]


def test_two_who_edit_at_once_are_told_and_neither_text_is_lost(client: Client, incident: Incident) -> None:
    writer(client)
    address, mine = reverse(ONE, args=["holding"]), form_of("holding", title_fr="Le mien")
    client.post(address, form_of("holding", title_fr="Le sien"))

    page = client.post(address, mine)
    again = client.post(address, {**mine, "revision": str(page.context["revision"])})

    assert (page.status_code, page.context["differing"]) == (422, [("Français, Titre", "Le sien")])
    assert 'value="Le mien"' in page.text
    assert again.status_code == 302
    assert MessageTemplateText.objects.get(template__key="holding", language="fr").title == "Le mien"


def test_a_new_one_is_made_from_an_empty_form_and_can_be_removed(client: Client, incident: Incident) -> None:
    writer(client)
    client.get(NEW)

    client.post(
        NEW, {**form_of("holding", name_fr="Week-end"), "key": "7d9f0cc1-8a14-4f3a-9d4b-1f1e0c0f7a11"}
    )
    made = MessageTemplate.objects.get(name_fr="Week-end")
    client.post(reverse("comms:prepared_remove", args=[made.key]))

    assert not MessageTemplate.objects.filter(name_fr="Week-end").exists()


@pytest.mark.parametrize("address", [LIST, NEW, reverse(ONE, args=["holding"])])
def test_an_agent_does_not_edit_prepared_messages(client: Client, incident: Incident, address: str) -> None:
    writer(client, Role.AGENT)

    assert client.get(address).status_code == 403


def test_the_list_asks_no_more_for_more_messages(
    client: Client, incident: Incident, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    writer(client)
    client.get(LIST)
    MessageTemplate.objects.exclude(key="holding").delete()
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    prepared.install()

    with django_assert_num_queries(len(few)):
        client.get(LIST)
