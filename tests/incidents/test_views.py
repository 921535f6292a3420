import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from incidents import operations
from incidents.models import (
    Chain,
    Entry,
    EntryKind,
    Incident,
    MilestoneKind,
    Partner,
    Phase,
    PublicRevision,
    ResponseRole,
    Service,
    ServiceStatus,
    Severity,
)
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
TITLES = {"title_fr": "Panne des eForms", "title_nl": "Storing van de eForms"}


@pytest.fixture
def signed_in(client: Client) -> Callable[[Role], User]:
    def sign_in(role: Role) -> User:
        person = factories.user(role, language="fr")
        client.force_login(person)
        return person

    return sign_in


@pytest.fixture
def lead(signed_in: Callable[[Role], User]) -> User:
    return signed_in(Role.LEAD)


def minutes_ago(minutes: int) -> datetime:
    return timezone.now() - timedelta(minutes=minutes)


def typed(moment: datetime) -> str:
    """As the browser's control sends it: Brussels time, to the minute."""
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}"


def ongoing(
    service: Service | None = None, *, ago: int = 60, by: User | None = None, **fields: Any
) -> Incident:
    service = service or factories.service("dpp")
    return operations.declare(
        **{
            "key": uuid.uuid4(),
            "titles": {"fr": "Panne du DPP", "nl": "Storing van het GFD"},
            "severity": Severity.S1,
            "statuses": {service: ServiceStatus.MAJOR},
            "began_at": minutes_ago(ago),
            "by": by or factories.user(Role.LEAD),
            **fields,
        }
    )


def page(name: str, incident: Incident) -> str:
    return reverse(f"incidents:{name}", args=[incident.public_id])


def room(incident: Incident) -> str:
    return f"/desk/incidents/{incident.public_id}/"


def declaration(service: Service, status: str = "major_outage", **fields: Any) -> dict[str, Any]:
    return {
        "key": str(uuid.uuid4()),
        **TITLES,
        "severity": "S1",
        f"services-{service.public_id}": status,
        f"services-was-{service.public_id}": "operational",
        "began_at": typed(minutes_ago(10)),
        **fields,
    }


def errors(html: str) -> list[str]:
    """The messages beside fields and above the form."""
    found = re.findall(
        r'<(p|div|span)[^>]*class="(?:invalid-feedback[^"]*|alert alert-danger)"[^>]*>(.*?)</\1>',
        html,
        re.DOTALL,
    )
    return [unescape(re.sub("<[^>]+>", "", message)).strip() for _tag, message in found]


# Declaring


def test_a_lead_declares_and_comes_into_the_room(client: Client, lead: User) -> None:
    dpp = factories.service("dpp")
    factories.service("raotd")

    answer = client.post(reverse("incidents:declare"), declaration(dpp, began_at="2026-07-01T13:30"))

    incident = Incident.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, room(incident))
    assert (incident.title_fr, incident.severity, incident.declared_by) == (TITLES["title_fr"], "S1", lead)
    assert incident.began_at.isoformat() == "2026-07-01T11:30:00+00:00"
    assert [(impact.service, impact.status) for impact in incident.impacts.all()] == [(dpp, "major_outage")]


def test_declaring_the_same_form_twice_declares_once(client: Client, lead: User) -> None:
    form = declaration(factories.service("dpp"))

    first = client.post(reverse("incidents:declare"), form)
    again = client.post(reverse("incidents:declare"), form)

    assert (again.status_code, again["Location"], Incident.objects.count()) == (302, first["Location"], 1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title_fr": ""}, "Ce champ est obligatoire."),
        ({"title_nl": "   "}, "Ce champ est obligatoire."),
        ({"title_nl": "x" * 121}, "au plus 120"),
        ({"title_fr": "a\x00b"}, "nul"),
        ({"title_fr": "a\x07b"}, "Ce texte contient un caractère qui ne peut pas être conservé."),
        ({"title_fr": "85.07.30-033.28"}, "Ce texte est public et contient un numéro national."),
        ({"severity": ""}, "Choisissez la gravité."),
        ({"severity": "S9"}, "S9"),
        ({"began_at": ""}, "Ce champ est obligatoire."),
        ({"began_at": "demain"}, "Donnez une date et une heure."),
        ({"began_at": "0001-01-01T00:00"}, "Donnez une date et une heure."),
        ({"began_at": "9999-12-31T23:59"}, "Donnez une date et une heure."),
        ({"began_at": "1999-12-31T23:59"}, "Trop tôt"),
        ({"began_at": "2099-01-01T00:00"}, "pas encore arrivé"),
        ({"began_at": "2026-03-29T02:30"}, "Europe/Brussels"),
        ({"relapse_of": "unknown"}, "unknown"),
        ({"key": "no-uuid"}, "Renvoyez ce formulaire."),
        ({"services-unknown": "major_outage"}, "n’existe plus"),
    ],
)
def test_bad_input_is_answered_beside_its_field_with_the_rest_intact(
    client: Client, lead: User, fields: dict[str, str], message: str
) -> None:
    dpp = factories.service("dpp")

    answer = client.post(reverse("incidents:declare"), declaration(dpp, **{"title_de": "Störung", **fields}))

    assert answer.status_code == 422
    assert [error for error in errors(answer.text) if message in error], errors(answer.text)
    assert 'value="Störung"' in answer.text
    assert re.search(rf'name="services-{dpp.public_id}"[^>]*value="major_outage" checked', answer.text)
    assert not Incident.objects.exists()


def test_no_service_touched_is_refused_beside_the_services(client: Client, lead: User) -> None:
    answer = client.post(
        reverse("incidents:declare"), declaration(factories.service("dpp"), status="operational")
    )

    assert (answer.status_code, errors(answer.text)) == (422, ["Dites quel service est touché, et comment."])


def test_a_status_that_does_not_exist_is_refused(client: Client, lead: User) -> None:
    answer = client.post(
        reverse("incidents:declare"), declaration(factories.service("dpp"), status="on fire")
    )

    assert (answer.status_code, errors(answer.text)) == (422, ["Choisissez un des états."])


def test_invalid_utf_8_is_refused_beside_its_field(client: Client, lead: User) -> None:
    dpp = factories.service("dpp")
    body = urlencode({name: value for name, value in declaration(dpp).items() if name != "title_fr"})

    answer = client.post(
        reverse("incidents:declare"),
        f"{body}&title_fr=%ff%fe",
        content_type="application/x-www-form-urlencoded",
    )

    assert (answer.status_code, Incident.objects.count()) == (422, 0)
    assert errors(answer.text) == ["Ce texte contient un caractère qui ne peut pas être conservé."]
    assert TITLES["title_nl"] in answer.text


def test_script_in_a_title_is_shown_as_text(client: Client, lead: User) -> None:
    script = "<script>alert(1)</script>"
    ongoing(titles={"fr": script, "nl": script}, by=lead)

    pages = [client.get(reverse("incidents:list")), client.get(page("edit", Incident.objects.get()))]

    assert [answer.status_code for answer in pages] == [200, 200]
    assert [script in answer.text for answer in pages] == [False, False]
    assert all("&lt;script&gt;" in answer.text for answer in pages)


def test_a_second_fault_within_four_hours_is_asked_about_when_there_was_no_script(
    client: Client, lead: User
) -> None:
    dpp = factories.service("dpp")
    morning = ongoing(dpp, ago=300)
    operations.move(morning, Phase.RESOLVED, by=lead, occurred_at=minutes_ago(200))
    form = declaration(dpp, shown="", relapse_of="new")

    asked = client.post(reverse("incidents:declare"), form)

    assert (asked.status_code, errors(asked.text)) == (
        422,
        ["Est-ce une rechute\xa0? Choisissez, puis renvoyez."],
    )
    assert f'name="shown" value="{morning.public_id}"' in asked.text

    yes = client.post(reverse("incidents:declare"), form | {"relapse_of": morning.public_id})
    no = client.post(
        reverse("incidents:declare"), form | {"key": str(uuid.uuid4()), "shown": morning.public_id}
    )

    assert (yes.status_code, no.status_code) == (302, 302)
    assert [i.relapse_of for i in Incident.objects.order_by("pk")] == [None, morning, None]


@pytest.mark.parametrize(("ended", "same_service"), [(230, True), (250, True), (230, False)])
def test_the_rule_knows_the_service_and_the_four_hours(
    client: Client, lead: User, ended: int, *, same_service: bool
) -> None:
    dpp, raotd = factories.service("dpp"), factories.service("raotd")
    morning = ongoing(dpp, ago=300)
    operations.move(morning, Phase.RESOLVED, by=lead, occurred_at=minutes_ago(ended))
    touched = dpp if same_service else raotd

    answer = client.get(
        reverse("incidents:relapse"),
        declaration(touched, began_at=typed(minutes_ago(0))),
        headers=HTMX,
    )

    proposed = f'value="{morning.public_id}" selected' in answer.text
    assert (answer.status_code, proposed) == (200, same_service and ended < 240)
    assert ("moins de 4 heures" in answer.text) == proposed
    assert "<html" not in answer.text


def test_an_incident_still_open_on_the_service_is_pointed_to(client: Client, lead: User) -> None:
    dpp = factories.service("dpp")
    incident = ongoing(dpp)

    answer = client.get(reverse("incidents:relapse"), declaration(dpp), headers=HTMX)

    assert ("Encore ouvert" in answer.text, room(incident) in answer.text) == (True, True)


# Who may

PAGES = ("edit", "move", "statuses", "milestones", "roles", "note")
OPEN_TO = {
    Role.VOLUNTEER: set[str](),
    Role.OBSERVER: set[str](),
    Role.VOLUNTEER: set[str](),
    Role.AGENT: {"note"},
    Role.COMMUNICATIONS: {"note", "move", "statuses"},
    Role.LEAD: {*PAGES, "declare"},
    Role.ADMINISTRATOR: {*PAGES, "declare"},
}


@pytest.mark.parametrize("role", Role)
def test_each_role_opens_the_pages_it_may_and_no_other(
    client: Client, signed_in: Callable[[Role], User], role: Role
) -> None:
    incident = ongoing()
    signed_in(role)
    addresses = {name: page(name, incident) for name in PAGES} | {"declare": reverse("incidents:declare")}

    opened = {name for name, address in addresses.items() if client.get(address).status_code == 200}
    refused = {name for name, address in addresses.items() if client.get(address).status_code == 403}

    assert opened == OPEN_TO[role]
    assert refused == set(addresses) - OPEN_TO[role]


@pytest.mark.parametrize("role", Role)
def test_a_direct_post_changes_nothing_for_who_may_not(
    client: Client, signed_in: Callable[[Role], User], role: Role
) -> None:
    incident, person = ongoing(), signed_in(role)
    posts = {
        "edit": {**TITLES, "severity": "S2", "initial-severity": "S1"},
        "move": {"phase": "identified"},
        "statuses": {f"services-{incident.impacts.get().service.public_id}": "degraded_performance"},
        "milestones": {"kind": "restart_done", "does": "reach"},
        "roles": {"scribe": person.pk, "initial-scribe": ""},
        "note": {"key": str(uuid.uuid4()), "kind": "note", "text": "Un fait."},
    }

    codes = {name: client.post(page(name, incident), data).status_code for name, data in posts.items()}

    assert codes == {name: 302 if name in OPEN_TO[role] else 403 for name in posts}
    assert incident.entries.count() == 1 + len(OPEN_TO[role] & set(posts))


def test_only_who_may_declare_is_offered_to(client: Client, signed_in: Callable[[Role], User]) -> None:
    offered = {}
    for role in Role:
        signed_in(role)
        listed = client.get(reverse("incidents:list"))
        assert listed.status_code == (403 if role is Role.VOLUNTEER else 200)
        offered[role] = reverse("incidents:declare") in listed.text

    assert offered == {role: "declare" in OPEN_TO[role] for role in Role}


def test_a_refusal_says_who_may(client: Client, signed_in: Callable[[Role], User]) -> None:
    signed_in(Role.OBSERVER)

    answer = client.get(reverse("incidents:declare"))

    assert (answer.status_code, "seul un responsable d’incident" in answer.text) == (403, True)


@pytest.mark.parametrize("name", PAGES)
def test_an_unknown_incident_is_not_found(client: Client, lead: User, name: str) -> None:
    assert client.get(reverse(f"incidents:{name}", args=["x" * 12])).status_code == 404
    assert client.post(reverse(f"incidents:{name}", args=["x" * 12])).status_code == 404


# Editing


def edited(incident: Incident, **fields: str) -> dict[str, str]:
    stored = {
        "title_fr": incident.title_fr,
        "title_nl": incident.title_nl,
        "title_de": incident.title_de,
        "title_en": incident.title_en,
        "severity": incident.severity,
        "relapse_of": "",
    }
    return {**stored, **{f"initial-{name}": value for name, value in stored.items()}, **fields}


def test_titles_severity_and_relapse_are_amended(client: Client, lead: User) -> None:
    morning, incident = ongoing(ago=300), ongoing()

    answer = client.post(
        page("edit", incident),
        edited(incident, title_de="Störung", severity="S2", relapse_of=morning.public_id),
    )

    incident.refresh_from_db()
    assert (answer.status_code, answer["Location"]) == (302, room(incident))
    assert (incident.title_fr, incident.title_de) == ("Panne du DPP", "Störung")
    assert (incident.severity, incident.relapse_of) == ("S2", morning)


def test_two_who_edit_other_fields_both_keep_their_change(client: Client, lead: User) -> None:
    incident = ongoing()
    form = edited(incident, title_nl="Storing, deel 2")
    operations.amend(incident, titles={"fr": "Panne, partie 2"}, severity=Severity.S2, by=lead)

    client.post(page("edit", incident), form)

    incident.refresh_from_db()
    assert (incident.title_fr, incident.title_nl, incident.severity) == (
        "Panne, partie 2",
        "Storing, deel 2",
        "S2",
    )


def test_a_refused_edit_changes_nothing_of_it(client: Client, lead: User) -> None:
    morning, incident = ongoing(ago=300), ongoing()

    answer = client.post(
        page("edit", incident),
        edited(incident, title_fr="Autre", severity="S3", relapse_of=morning.public_id),
    )

    incident.refresh_from_db()
    assert (answer.status_code, 'value="Autre"' in answer.text) == (422, True)
    assert errors(answer.text) == [
        "Une rechute est au moins S2\xa0: les pharmaciens la subissent pour la deuxième fois."
    ]
    assert (incident.title_fr, incident.severity, incident.entries.count()) == ("Panne du DPP", "S1", 1)


# The course


def test_only_the_statuses_changed_in_the_form_change(client: Client, lead: User) -> None:
    """Somebody else repaired raotd while the form stood open."""
    dpp, raotd = factories.service("dpp"), factories.service("raotd")
    incident = ongoing(statuses={dpp: ServiceStatus.MAJOR, raotd: ServiceStatus.MAJOR})
    operations.set_statuses(incident, {raotd: ServiceStatus.OPERATIONAL}, by=lead)

    answer = client.post(
        page("statuses", incident),
        {
            f"services-{dpp.public_id}": "partial_outage",
            f"services-was-{dpp.public_id}": "major_outage",
            f"services-{raotd.public_id}": "major_outage",
            f"services-was-{raotd.public_id}": "major_outage",
        },
    )

    assert (answer.status_code, answer["Location"]) == (302, room(incident))
    assert [(i.service.key, i.status) for i in incident.impacts.open()] == [("dpp", "partial_outage")]


def test_a_time_before_the_last_change_is_refused_with_the_choice_intact(client: Client, lead: User) -> None:
    dpp = factories.service("dpp")
    incident = ongoing(dpp)

    answer = client.post(
        page("statuses", incident),
        {
            f"services-{dpp.public_id}": "operational",
            f"services-was-{dpp.public_id}": "major_outage",
            "occurred_at": typed(minutes_ago(90)),
        },
    )

    assert (answer.status_code, len(errors(answer.text))) == (422, 1)
    assert errors(answer.text)[0].startswith("Trop tôt")
    assert re.search(rf'name="services-{dpp.public_id}"[^>]*value="operational" checked', answer.text)
    assert incident.impacts.open().count() == 1


def test_moving_offers_only_what_may_follow(client: Client, lead: User) -> None:
    incident = ongoing()

    answer = client.get(page("move", incident))

    assert re.findall(r'name="phase"[^>]*value="(\w+)"', answer.text) == [
        "identified",
        "monitoring",
        "resolved",
    ]


def test_resolving_and_reopening_with_a_reason_leads_to_the_services(client: Client, lead: User) -> None:
    incident = ongoing()

    resolved = client.post(page("move", incident), {"phase": "resolved"})
    refused = client.post(page("move", incident), {"phase": "investigating", "reason": " "})
    reopened = client.post(page("move", incident), {"phase": "investigating", "reason": "Encore en panne."})

    assert (resolved["Location"], refused.status_code) == (room(incident), 422)
    assert reopened["Location"] == page("statuses", incident)
    assert Incident.objects.get(pk=incident.pk).phase == Phase.INVESTIGATING


def test_a_phase_that_may_not_follow_is_refused(client: Client, lead: User) -> None:
    incident = ongoing()
    operations.move(incident, Phase.RESOLVED, by=lead)

    answer = client.post(page("move", incident), {"phase": "monitoring", "reason": "Parce que"})

    assert (answer.status_code, "Parce que" in answer.text) == (422, True)
    assert Incident.objects.get(pk=incident.pk).phase == Phase.RESOLVED


# Recovery


def test_a_stage_is_planned_then_reached_then_confirmed(client: Client, lead: User) -> None:
    incident = ongoing()
    Partner.objects.create(key="sciensano", name_fr="Sciensano", name_nl="Sciensano")
    kind = MilestoneKind.TRANSFER_BACK
    posts = [
        {"does": "plan", f"{kind}-planned_for": typed(timezone.now() + timedelta(hours=1))},
        {"does": "reach", f"{kind}-occurred_at": typed(minutes_ago(5))},
        {"does": "reach", f"{kind}-confirmed_by": "sciensano"},
    ]

    codes = [client.post(page("milestones", incident), {"kind": kind, **post}).status_code for post in posts]

    milestone = incident.milestones.get()
    assert codes == [302, 302, 302]
    assert milestone.planned_for is not None
    assert milestone.reached_at is not None
    assert milestone.confirmed_by is not None
    assert client.get(page("milestones", incident)).text.count("confirmé par Sciensano") == 1


@pytest.mark.parametrize(
    ("post", "message"),
    [
        ({"does": "plan", "restart_done-planned_for": ""}, "Ce champ est obligatoire."),
        ({"does": "plan", "restart_done-planned_for": "2099-01-01T00:00"}, "30 jours"),
        ({"does": "reach", "restart_done-occurred_at": "2099-01-01T00:00"}, "pas encore arrivé"),
        ({"does": "reach", "restart_done-confirmed_by": "nobody"}, "choix"),
    ],
)
def test_a_stage_that_makes_no_sense_is_refused_in_its_row(
    client: Client, lead: User, post: dict[str, str], message: str
) -> None:
    incident = ongoing()

    answer = client.post(page("milestones", incident), {"kind": "restart_done", **post})

    assert answer.status_code == 422
    assert [error for error in errors(answer.text) if message in error], errors(answer.text)
    assert not incident.milestones.exists()


@pytest.mark.parametrize("post", [{}, {"kind": "unknown", "does": "reach"}, {"kind": "restart_done"}])
def test_an_unknown_stage_changes_nothing(client: Client, lead: User, post: dict[str, str]) -> None:
    incident = ongoing()

    assert client.post(page("milestones", incident), post).status_code == 422
    assert not incident.milestones.exists()


# Roles


def test_roles_are_handed_over_and_those_left_alone_stay(client: Client, lead: User) -> None:
    incident, ann = ongoing(), factories.user(username="ann")
    operations.assign_role(incident, ResponseRole.TECHNICAL_LEAD, ann, by=lead)

    answer = client.post(
        page("roles", incident),
        {"initial-scribe": "", "scribe": ann.pk, "initial-technical_lead": "", "technical_lead": ""},
    )

    held = incident.role_assignments.filter(released_at=None)
    assert answer.status_code == 302
    assert {(assigned.role, assigned.person) for assigned in held} == {
        ("scribe", ann),
        ("technical_lead", ann),
    }


def test_a_person_who_does_not_exist_gets_no_role(client: Client, lead: User) -> None:
    incident = ongoing()

    answer = client.post(page("roles", incident), {"initial-scribe": "", "scribe": "999999"})

    assert (answer.status_code, incident.role_assignments.count()) == (422, 0)


# Facts


def test_an_agent_notes_a_fact_with_its_source_and_time(
    client: Client, signed_in: Callable[[Role], User]
) -> None:
    incident, agent = ongoing(), signed_in(Role.AGENT)
    Partner.objects.create(key="sciensano", name_fr="Sciensano", name_nl="Sciensano")

    answer = client.post(
        page("note", incident),
        {
            "key": str(uuid.uuid4()),
            "kind": "signal",
            "text": "Aucun eForm reçu.",
            "source": "sciensano",
            "occurred_at": typed(minutes_ago(20)),
        },
    )

    entry = incident.entries.get(kind=EntryKind.SIGNAL)
    assert (answer.status_code, answer["Location"]) == (302, room(incident))
    assert (entry.text, entry.author, str(entry.source)) == ("Aucun eForm reçu.", agent, "Sciensano")
    assert timedelta(minutes=19) < entry.recorded_at - entry.occurred_at < timedelta(minutes=22)


def test_a_national_number_is_masked_with_a_warning(client: Client, lead: User) -> None:
    incident = ongoing()

    answer = client.post(
        page("note", incident),
        {"key": str(uuid.uuid4()), "kind": "note", "text": "Patient 85.07.30-033.28"},
    )

    assert incident.entries.order_by("-sequence")[0].text == "Patient 85.07.30-•••.••"
    assert "Le texte contenait un numéro national\xa0: il a été masqué." in [
        str(message) for message in get_messages(answer.wsgi_request)
    ]


def test_the_same_fact_sent_twice_stands_once(client: Client, lead: User) -> None:
    incident = ongoing()
    form = {"key": str(uuid.uuid4()), "kind": "note", "text": "Un fait."}

    assert [client.post(page("note", incident), form).status_code for _ in range(2)] == [302, 302]
    assert incident.entries.count() == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": ""}, "Ce champ est obligatoire."),
        ({"text": "x" * 1001}, "au plus 1000"),
        ({"text": "a\x00b"}, "nul"),
        ({"kind": "declared"}, "declared"),
        ({"source": "unknown"}, "choix"),
        ({"corrects": "99"}, "choix"),
        ({"occurred_at": "2099-01-01T00:00"}, "pas encore arrivé"),
        ({"key": ""}, "Renvoyez ce formulaire."),
    ],
)
def test_a_fact_that_makes_no_sense_is_answered_beside_its_field(
    client: Client, lead: User, fields: dict[str, str], message: str
) -> None:
    incident = ongoing()
    form = {"key": str(uuid.uuid4()), "kind": "note", "text": "Un <b>fait</b>.", **fields}

    answer = client.post(page("note", incident), form)

    assert answer.status_code == 422
    assert [error for error in errors(answer.text) if message in error], errors(answer.text)
    assert incident.entries.count() == 1
    assert "<b>fait</b>" not in answer.text


def test_a_correction_shows_what_it_puts_right(client: Client, lead: User) -> None:
    incident = ongoing()
    wrong = operations.note_fact(
        incident, key=uuid.uuid4(), kind=EntryKind.NOTE, text="Un fait faux.", by=lead
    )
    address = f"{page('note', incident)}?corrects={wrong.sequence}"

    shown = client.get(address)
    client.post(
        address,
        {"key": str(uuid.uuid4()), "kind": "note", "text": "Le vrai.", "corrects": wrong.sequence},
    )

    assert "Un fait faux." in shown.text
    assert Entry.objects.get(text="Le vrai.").corrects == wrong


# htmx: the same pages as parts of the room


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_a_part_without_its_frame_for_htmx(client: Client, lead: User, name: str) -> None:
    answer = client.get(page(name, ongoing()), headers=HTMX)

    assert (answer.status_code, "<html" in answer.text, "hx-post" in answer.text) == (200, False, True)


def test_a_change_tells_the_room_for_htmx_and_a_refusal_is_the_form_again(client: Client, lead: User) -> None:
    incident = ongoing()

    done = client.post(page("move", incident), {"phase": "identified"}, headers=HTMX)
    refused = client.post(page("move", incident), {"phase": ""}, headers=HTMX)

    assert (done.status_code, done["HX-Trigger"]) == (204, "incident-changed")
    assert (refused.status_code, refused.text.lstrip().startswith("<form")) == (422, True)


# The list


def resolved(count: int, **fields: Any) -> list[Incident]:
    made = []
    for _number in range(count):
        incident = ongoing(**fields)
        operations.move(incident, Phase.RESOLVED, by=incident.declared_by)
        made.append(incident)
    return made


def test_without_incidents_the_list_says_that_all_works(client: Client, lead: User) -> None:
    answer = client.get(reverse("incidents:list"))

    assert "Aucun incident ouvert" in answer.text
    assert "Aucun n’a encore été résolu." in answer.text


def test_the_list_costs_the_same_with_one_row_and_with_three(client: Client, lead: User) -> None:
    costs = []
    for number in range(3):
        (earlier,) = resolved(1)
        later = ongoing(factories.service(f"s{number}"), ago=30)
        operations.link_relapse(later, earlier, by=lead)
        client.get(reverse("incidents:list"))
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(reverse("incidents:list"))
        assert answer.text.count('<th scope="row"><a') == 2 * (number + 1)
        costs.append(len([q for q in queries if "incidents_" in q["sql"]]))

    assert costs[0] == costs[1] == costs[2]


def test_open_ones_stand_first_the_gravest_at_the_top(client: Client, lead: User) -> None:
    resolved(1, titles={"fr": "Réparé", "nl": "Hersteld"})
    ongoing(titles={"fr": "Petit", "nl": "Klein"}, severity=Severity.S3, ago=90)
    ongoing(titles={"fr": "Grand", "nl": "Groot"}, severity=Severity.S1, ago=30)

    text = client.get(reverse("incidents:list")).text

    rows = re.findall(r'<th scope="row"><a [^>]*>([^<]+)</a>', text)
    assert rows == ["Grand", "Petit", "Réparé"]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({"text": "panne GFD"}, ["Panne du DPP"]),
        ({"severity": "S3"}, ["Petit"]),
        ({"service": "raotd"}, ["Petit"]),
        ({"severity": "S1", "service": "raotd"}, []),
        ({"severity": "S9", "service": "x", "page": "x"}, ["Petit", "Panne du DPP"]),
        ({"text": "a\x00"}, ["Petit", "Panne du DPP"]),
    ],
)
def test_the_resolved_are_filtered(
    client: Client, lead: User, query: dict[str, str], titles: list[str]
) -> None:
    resolved(1)
    resolved(
        1,
        service=factories.service("raotd"),
        titles={"fr": "Petit", "nl": "Klein"},
        severity=Severity.S3,
        ago=30,
    )

    text = client.get(reverse("incidents:list"), query).text

    assert re.findall(r'<th scope="row"><a [^>]*>([^<]+)</a>', text) == titles


def test_the_resolved_are_paged_and_keep_their_filter(client: Client, lead: User) -> None:
    resolved(21)

    first = client.get(reverse("incidents:list"), {"severity": "S1"}).text
    second = client.get(reverse("incidents:list"), {"severity": "S1", "page": "2"}).text

    assert (first.count('<th scope="row"><a'), second.count('<th scope="row"><a')) == (20, 1)
    assert 'href="?severity=S1&amp;page=2"' in first


# The catalogue


def administrator(client: Client, role: Role) -> None:
    client.force_login(factories.user(role, is_staff=True))


@pytest.mark.parametrize("model", [Chain, Partner, Service])
def test_administrators_keep_the_catalogue_and_others_do_not(client: Client, model: type[Model]) -> None:
    address = reverse(f"admin:incidents_{model._meta.model_name}_changelist")
    administrator(client, Role.LEAD)
    refused = client.get(address)
    administrator(client, Role.ADMINISTRATOR)

    assert (refused.status_code, client.get(address).status_code) == (403, 200)


def test_a_service_renamed_reaches_the_status_site(client: Client) -> None:
    dpp = factories.service("dpp")
    administrator(client, Role.ADMINISTRATOR)

    answer = client.post(
        reverse("admin:incidents_service_change", args=[dpp.pk]),
        {
            "key": "dpp",
            "name_fr": "DPP",
            "name_nl": "GFD",
            "group": dpp.group_id,
            "position": 0,
            "dependencies-TOTAL_FORMS": 0,
            "dependencies-INITIAL_FORMS": 0,
        },
    )

    assert (answer.status_code, PublicRevision.objects.current()) == (302, 1)
    assert Service.objects.get().name_nl == "GFD"
