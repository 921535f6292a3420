"""The composer as its writers meet it: nothing typed is lost, nothing wrong goes out."""

import errno
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.roles import Role
from comms.models import Delivery, Update
from comms.operations import publishing
from comms.status import site
from comms.status.languages import WORDS
from comms.status.pages.status import status_page
from comms.status.snapshot import snapshot
from incidents.models import Incident, ServiceStatus
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident() -> Incident:
    transfer = factories.service("transfer", name_fr="Transfert", name_nl="Doorsturen")
    return factories.incident(
        services={transfer: ServiceStatus.MAJOR}, began_at=timezone.now() - timedelta(minutes=20)
    )


def writer(client: Client, role: Role = Role.COMMUNICATIONS, language: str = "fr") -> None:
    client.force_login(factories.user(role, language=language))


def begin(client: Client, incident: Incident) -> str:
    client.post(reverse("comms:draft", args=[incident.public_id]))
    return reverse("comms:compose", args=[incident.public_id])


def typed(client: Client, address: str, **fields: Any) -> dict[str, Any]:
    """The form as it stands, with *fields* typed over it."""
    form = client.get(address).context["form"]
    data = {name: form[name].value() for name in form.fields}
    data = {
        name: "on" if value is True else value if isinstance(value, list) else str(value)
        for name, value in data.items()
        if value not in (None, False)
    }
    return {**data, **fields}


def standing(refused: Any) -> dict[str, str]:
    """What the form's hidden fields say after a refusal."""
    return {"revision": str(refused.context["revision"]), "base": refused.context["base"]}


def test_the_holding_statement_is_two_clicks_away(client: Client, incident: Incident) -> None:
    writer(client)
    address = begin(client, incident)

    response = client.post(address, typed(client, address, action="publish"))

    assert response.url == reverse("desk:room", args=[incident.public_id])  # type: ignore[attr-defined]
    assert Update.objects.published().get().number == 1


@pytest.mark.parametrize("page", ["compose", "check"])
def test_while_a_message_is_written_its_publication_is_begun(
    client: Client, incident: Incident, page: str, settings: Any
) -> None:
    writer(client)
    address = begin(client, incident)
    pressed = typed(client, address)
    site.renew()
    assert not [*Path(settings.DESK_STATUS_ROOT).glob("begun-*")]

    if page == "compose":
        client.get(address)
    else:
        client.post(reverse("comms:check", args=[incident.public_id]), pressed)

    assert len([*Path(settings.DESK_STATUS_ROOT).glob("begun-*")]) == 1


def test_a_disk_that_refuses_stops_nobody_from_writing(
    client: Client, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_root: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    writer(client)
    address = begin(client, incident)
    monkeypatch.setattr(site, "begin_next", refuse)

    assert client.get(address).status_code == 200


def test_publishing_asks_few_questions_so_that_it_is_read_at_once(
    client: Client, incident: Incident, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    factories.mail_channel("a@apb.example", "b@apb.example")
    factories.webhook_channel()
    writer(client)
    address = begin(client, incident)
    pressed = typed(client, address, action="publish")

    with django_assert_max_num_queries(55):
        client.post(address, pressed)

    assert Update.objects.published().exists()


def test_looking_at_the_composer_begins_no_draft(client: Client, incident: Incident) -> None:
    writer(client)

    page = client.get(reverse("comms:compose", args=[incident.public_id]))

    assert (page.status_code, Update.objects.count()) == (200, 0)


def test_an_update_without_dutch_is_refused_beside_its_field_and_nothing_is_lost(
    client: Client, incident: Incident
) -> None:
    writer(client)
    address = begin(client, incident)

    response = client.post(
        address, typed(client, address, action="publish", body_nl="", body_fr="Mon texte.")
    )

    assert response.status_code == 422
    assert "néerlandais" in str(response.context["form"].errors["body_nl"]).lower()
    assert "Mon texte." in response.text
    assert not Update.objects.published().exists()


@pytest.mark.parametrize("part", ["title_fr", "body_nl", "headline_fr", "do_fr", "dont_nl", "patient_fr"])
def test_script_in_a_text_is_text(client: Client, incident: Incident, part: str) -> None:
    writer(client)
    address = begin(client, incident)

    client.post(address, typed(client, address, action="save", **{part: "<script>x()</script>"}))

    page = client.get(address).text
    assert "<script>x()" not in page
    assert "&lt;script&gt;x()" in page


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"title_fr": "a\x00b"}, "title_fr"),
        ({"title_fr": "long " * 50}, "title_fr"),
        ({"body_nl": "x" * 2001}, "body_nl"),
        ({"phase": "over"}, "phase"),
        ({"service_transfer": "burning"}, "service_transfer"),
        ({"next_choice": "tomorrow"}, "next_choice"),
        ({"next_choice": "9999-12-31T23:59:59+00:00"}, "next_choice"),
        ({"next_choice": "0001-01-01T00:00:00+14:00"}, "next_choice"),
        ({"next_choice": "other", "next_time": "25:61"}, "next_time"),
        ({"occurred": "noon"}, "occurred"),
        ({"revision": "minus one"}, "revision"),
    ],
)
def test_what_cannot_be_kept_is_refused_beside_its_field(
    client: Client, incident: Incident, fields: dict[str, str], wrong: str
) -> None:
    writer(client)
    address = begin(client, incident)
    before = Update.objects.get().revision

    response = client.post(address, typed(client, address, action="save", **fields))

    assert (response.status_code, list(response.context["form"].errors)) == (422, [wrong])
    assert Update.objects.get().revision == before


def test_invalid_utf8_is_no_server_error(client: Client, incident: Incident) -> None:
    writer(client)
    address = begin(client, incident)

    response = client.post(
        address, b"action=save&title_fr=%ff%fe", content_type="application/x-www-form-urlencoded"
    )

    assert response.status_code in (400, 422)


def test_a_time_is_the_next_time_the_clock_shows_it(client: Client, incident: Incident) -> None:
    writer(client)
    address = begin(client, incident)
    clock = timezone.localtime() + timedelta(minutes=50)

    client.post(
        address, typed(client, address, action="save", next_choice="other", next_time=f"{clock:%H:%M}")
    )

    assert Update.objects.get().next_update_at == clock.replace(second=0, microsecond=0)


def test_a_draft_changed_by_somebody_else_is_not_overwritten(client: Client, incident: Incident) -> None:
    writer(client)
    address = begin(client, incident)
    mine = typed(client, address, action="save", title_fr="Mon titre")
    other = Client()
    writer(other)
    other.post(address, typed(other, address, action="save", title_fr="Leur titre"))

    refused = client.post(address, mine)

    assert refused.status_code == 422
    assert ("Mon titre" in refused.text, "Leur titre" in refused.text) == (True, True)
    assert Update.objects.get().texts.get(language="fr").title == "Leur titre"
    again = client.post(address, {**mine, "revision": str(refused.context["revision"])})
    assert again.status_code == 302
    assert Update.objects.get().texts.get(language="fr").title == "Mon titre"


def test_of_a_conflict_she_may_take_theirs_for_one_field_and_keep_hers_for_another(
    client: Client, incident: Incident
) -> None:
    writer(client)
    address = begin(client, incident)
    mine = typed(client, address, action="save", title_fr="Mon titre", title_nl="Mijn titel")
    other = Client()
    writer(other)
    other.post(address, typed(other, address, action="save", title_fr="Leur titre", title_nl="Hun titel"))
    refused = client.post(address, mine)

    again = {**mine, **standing(refused), "keep_title_fr": "theirs", "keep_title_nl": "mine"}
    saved = client.post(address, again)

    assert saved.status_code == 302
    texts = {text.language: text.title for text in Update.objects.get().texts.all()}
    assert (texts["fr"], texts["nl"]) == ("Leur titre", "Mijn titel")


@pytest.mark.parametrize(
    ("field", "theirs", "stored"),
    [
        ("phase", "monitoring", "monitoring"),
        ("central_confirmed", "on", "True"),
        ("service_transfer", "partial_outage", "partial_outage"),
    ],
)
def test_what_only_they_changed_is_taken_over_unless_she_says_otherwise(
    client: Client, incident: Incident, field: str, theirs: str, stored: str
) -> None:
    writer(client)
    address = begin(client, incident)
    mine = typed(client, address, action="save", title_fr="Mon titre")
    other = Client()
    writer(other)
    other.post(address, typed(other, address, action="save", **{field: theirs}))

    refused = client.post(address, mine)

    offered = {difference.field: hers for difference, hers in refused.context["differences"]}
    assert offered == {"title_fr": True, field: False}
    choices = {f"keep_{name}": "mine" if hers else "theirs" for name, hers in offered.items()}
    client.post(address, {**mine, **standing(refused), **choices})
    form = client.get(address).context["form"]
    assert (form["title_fr"].value(), str(form[field].value())) == ("Mon titre", stored)


def test_a_third_person_who_saved_meanwhile_is_not_overwritten_either(
    client: Client, incident: Incident
) -> None:
    writer(client)
    address = begin(client, incident)
    mine = typed(client, address, action="save", title_fr="Mon titre")
    other = Client()
    writer(other)
    other.post(address, typed(other, address, action="save", title_fr="Leur titre"))
    refused = client.post(address, mine)
    other.post(address, typed(other, address, action="save", title_fr="Troisième titre"))

    again = client.post(address, {**mine, **standing(refused), "keep_title_fr": "mine"})

    assert (again.status_code, "Troisième titre" in again.text) == (422, True)
    assert Update.objects.get().texts.get(language="fr").title == "Troisième titre"


def test_a_refused_publication_was_saved_and_is_no_conflict_with_oneself(
    client: Client, incident: Incident
) -> None:
    writer(client)
    address = begin(client, incident)
    mine = typed(client, address, action="publish", title_nl="")
    refused = client.post(address, mine)

    again = client.post(address, {**mine, **standing(refused), "title_nl": "Storing bezig"})

    assert (refused.status_code, again.status_code) == (422, 302)
    assert Update.objects.published().count() == 1


def test_publishing_a_draft_that_changed_under_her_is_refused_with_what_changed(
    client: Client, incident: Incident
) -> None:
    writer(client)
    address = begin(client, incident)
    mine = typed(client, address, action="publish")
    other = Client()
    writer(other)
    other.post(address, typed(other, address, action="save", title_fr="Leur titre"))

    refused = client.post(address, mine)

    assert (refused.status_code, "Leur titre" in refused.text) == (422, True)
    assert not Update.objects.published().exists()


def test_pressing_publish_twice_publishes_once_and_says_so_twice(client: Client, incident: Incident) -> None:
    writer(client)
    address = begin(client, incident)
    pressed = typed(client, address, action="publish", key=str(Update.objects.get().key))

    answers = [client.post(address, pressed) for _press in range(2)]

    room = reverse("desk:room", args=[incident.public_id])
    assert [answer.url for answer in answers] == [room, room]  # type: ignore[attr-defined]
    assert Update.objects.count() == 1


def test_text_for_a_draft_that_was_published_meanwhile_is_shown_and_kept_apart(
    client: Client, incident: Incident
) -> None:
    writer(client)
    address = begin(client, incident)
    mine = typed(client, address, action="save", body_fr="Ce que j’allais dire.")
    draft = Update.objects.get()
    publishing.publish(draft, by=factories.user(Role.LEAD), revision=draft.revision)

    response = client.post(address, mine)

    assert (response.status_code, "Ce que j’allais dire." in response.text) == (409, True)


def test_the_checks_judge_what_is_typed_and_save_nothing(client: Client, incident: Incident) -> None:
    writer(client, language="en")
    address = begin(client, incident)
    fields = typed(client, address, body_nl="De certificaten volgen binnenkort.")

    response = client.post(reverse("comms:check", args=[incident.public_id]), fields)

    assert "binnenkort" in response.text
    assert Update.objects.get().texts.get(language="nl").body != fields["body_nl"]


def test_the_checks_never_bring_a_field_along_so_that_nothing_is_taken_from_under_the_fingers(
    client: Client, incident: Incident
) -> None:
    writer(client, language="en")
    address = begin(client, incident)
    fields = typed(client, address, body_nl="De certificaten volgen binnenkort.", title_fr="x" * 101)

    answer = client.post(reverse("comms:check", args=[incident.public_id]), fields).text

    beside = {part.split('"')[0]: part.split("</div>")[0] for part in answer.split('id="found-')[1:]}
    assert "binnenkort" in beside["body_nl"]
    assert "100" in beside["title_fr"]
    assert "<p" not in beside["body_fr"]
    assert [tag for tag in ("<input", "<textarea", "<select", "<form") if tag in answer] == []


def test_the_preview_is_the_page_that_publishing_makes(client: Client, incident: Incident) -> None:
    writer(client)
    address = begin(client, incident)
    until = timezone.localtime(timezone.now() + timedelta(minutes=45))
    fields = typed(
        client,
        address,
        title_fr="Autre titre",
        service_transfer="partial_outage",
        phase="identified",
        do_fr="Notez les demandes.",
        valid=f"{until:%H:%M}",
    )
    at = timezone.now() + timedelta(minutes=1)

    with time_machine.travel(at, tick=False):
        seen = client.post(reverse("comms:preview", args=[incident.public_id, "fr"]), fields)
        drafted = Update.objects.get()
        client.post(address, {**fields, "action": "publish"})
        public = status_page(snapshot(at), WORDS["fr"])

    assert (drafted.published_at, drafted.revision) == (None, 1)
    assert "Autre titre" in seen.text
    assert f"{until:%H:%M}" in seen.text
    assert seen.text == str(public)


def test_a_preview_in_a_language_we_do_not_speak_does_not_exist(client: Client, incident: Incident) -> None:
    writer(client)
    address = begin(client, incident)

    response = client.post(reverse("comms:preview", args=[incident.public_id, "it"]), typed(client, address))

    assert response.status_code == 404


def test_the_numbers_beside_the_button_are_those_of_what_is_then_owed(
    client: Client, incident: Incident
) -> None:
    factories.mail_channel("a@example.org", "b@example.org", key="everyone")
    factories.mail_channel("B@example.org", "c@example.org", key="some")
    writer(client)
    address = begin(client, incident)

    promised = client.get(address).context["ways"]
    client.post(address, typed(client, address, action="publish"))

    assert [way.count for way in promised] == [2, 1]
    assert Delivery.objects.count() == 3


def test_a_channel_that_is_not_chosen_gets_nothing(client: Client, incident: Incident) -> None:
    chosen = factories.mail_channel("a@example.org")
    factories.mail_channel("b@example.org")
    writer(client)
    address = begin(client, incident)

    client.post(address, typed(client, address, action="publish", channels=[str(chosen.pk)]))

    assert list(Delivery.objects.values_list("recipient", flat=True)) == ["a@example.org"]


def test_what_a_page_did_not_show_stays_held_back(client: Client, incident: Incident) -> None:
    held_back, shown = factories.mail_channel("a@example.org"), factories.mail_channel("b@example.org")
    writer(client)
    address = begin(client, incident)
    draft = incident.updates.drafts().get()
    draft.held_back_from.add(held_back)

    fields = typed(client, address, action="save", channels=[], channels_shown=str(shown.pk))
    client.post(address, fields)

    assert set(draft.held_back_from.all()) == {held_back, shown}


@pytest.mark.parametrize("role", [Role.AGENT, Role.OBSERVER])
def test_others_neither_see_the_composer_nor_write(client: Client, incident: Incident, role: Role) -> None:
    author = Client()
    writer(author)
    address = begin(author, incident)
    fields: dict[str, Any] = typed(author, address, action="publish")
    writer(client, role)

    statuses = [
        client.get(address).status_code,
        client.post(address, fields).status_code,
        client.post(reverse("comms:draft", args=[incident.public_id])).status_code,
        client.post(reverse("comms:check", args=[incident.public_id]), fields).status_code,
        client.post(reverse("comms:preview", args=[incident.public_id, "fr"]), fields).status_code,
        client.get(reverse("comms:messages")).status_code,
    ]

    assert statuses == [403, 403, 403, 403, 403, 200]
    assert not Update.objects.published().exists()


def test_an_unknown_incident_has_no_composer(client: Client) -> None:
    writer(client)

    assert client.get(reverse("comms:compose", args=["nosuchthing1"])).status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_of_messages_costs_the_same_however_long(
    client: Client, rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        factories.update(published_at=timezone.now())
        factories.update()
    writer(client)
    client.get(reverse("comms:messages"))

    with django_assert_max_num_queries(32):
        page = client.get(reverse("comms:messages"))

    assert page.text.count("v1") >= rows


def test_how_long_what_to_do_holds_is_a_clock_and_stays_the_same_moment_when_it_has_passed(
    client: Client, incident: Incident
) -> None:
    writer(client)
    address = begin(client, incident)
    until = timezone.localtime(timezone.now() + timedelta(minutes=40)).replace(second=0, microsecond=0)

    client.post(address, typed(client, address, action="save", valid=f"{until:%H:%M}"))
    stored = Update.objects.get().valid_until
    with time_machine.travel(until + timedelta(minutes=5)):
        client.force_login(factories.user(Role.COMMUNICATIONS))
        client.post(address, typed(client, address, action="save", patient_fr="Plus tard."))

    kept = Update.objects.get()
    assert (stored, kept.valid_until, kept.revision) == (until, until, 3)
