import json
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.roles import Role
from accounts.templatetags.desk import clock
from comms.models import Update
from incidents.models import Incident, Phase, PublicRevision, Severity
from tests import factories
from tickets.models import (
    Callback,
    CallbackWindow,
    Contact,
    ContactImpact,
    ContactOutcome,
    Pharmacy,
    PharmacyPhone,
    Seen,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def nancy(client: Client) -> User:
    """An agent, signed in."""
    nancy = factories.user(first_name="Nancy", language="en")
    client.force_login(nancy)
    return nancy


@pytest.fixture
def incident() -> Incident:
    return factories.incident(began_at=timezone.now() - timedelta(hours=1))


@pytest.fixture
def told(incident: Incident) -> Update:
    return factories.update(incident, published_at=timezone.now() - timedelta(minutes=10))


def row(**fields: Any) -> dict[str, Any]:
    return {"key": str(uuid.uuid4()), "channel": "phone", "caller": "02/555.12.12", **fields}


def log(client: Client, *, htmx: bool = False, **fields: Any) -> Any:
    return client.post(reverse("tickets:log"), row(**fields), headers=HTMX if htmx else {})


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))


# ── The page ────────────────────────────────────────────────────────────────


def test_the_page_is_ready_for_a_call_about_the_gravest_open_incident(
    client: Client, nancy: User, incident: Incident, told: Update
) -> None:
    factories.incident(title_en="Minor", severity=Severity.S3)
    factories.incident(phase=Phase.RESOLVED, began_at=timezone.now() - timedelta(days=30))

    page = client.get(reverse("tickets:calls"))

    assert re.findall(r'<option value="(\w*)"( selected)?', page.text.split("</select>")[0]) == [
        (incident.public_id, " selected"),
        (Incident.objects.get(severity=Severity.S3).public_id, ""),
        ("", ""),
    ]
    assert "autofocus" in page.text
    assert re.findall(r'id="told" value="(\d*)"', page.text) == ["1"]
    assert '<p lang="fr">Conséquence fr</p>' in page.text  # there is no English text, and the page says so


def test_an_incident_resolved_today_can_still_be_chosen(client: Client, nancy: User) -> None:
    over = factories.incident(phase=Phase.RESOLVED, began_at=timezone.now() - timedelta(hours=3))

    assert f'value="{over.public_id}"' in client.get(reverse("tickets:calls")).text


def test_without_any_incident_the_page_works_and_says_so(client: Client, nancy: User) -> None:
    page = text(client.get(reverse("tickets:calls")))

    assert ("No incident" in page, "No call yet. The first one you save appears here." in page) == (
        True,
        True,
    )


def test_before_the_first_message_agents_read_what_may_be_said(
    client: Client, nancy: User, incident: Incident
) -> None:
    page = client.get(reverse("tickets:calls"), {"language": "nl"})

    assert "Er is ons een storing gemeld" in page.text


def test_an_observer_reads_along_but_has_no_row_and_cannot_log(client: Client, incident: Incident) -> None:
    client.force_login(factories.user(Role.OBSERVER))

    assert 'id="log"' not in client.get(reverse("tickets:calls")).text
    assert log(client).status_code == 403
    assert not Contact.objects.exists()

    client.force_login(factories.user())
    assert 'id="log"' in client.get(reverse("tickets:calls")).text
    assert log(client).status_code == 302
    assert Contact.objects.count() == 1


# ── Logging ─────────────────────────────────────────────────────────────────


def test_a_known_caller_is_logged_with_everything_the_row_holds(
    client: Client, nancy: User, incident: Incident, told: Update
) -> None:
    pharmacy = factories.pharmacy(language="nl")
    service = factories.service("dpp")

    response = log(
        client,
        incident=incident.public_id,
        told=1,
        channel="email",
        pharmacy=pharmacy.pk,
        service="dpp",
        impact="patient_waiting",
        needed_by="18:10",
        callback="on",
        callback_number="010/41.20.11",
        callback_window="soon",
        outcome="escalated",
        note="a note",
    )

    assert response.url == f"{reverse('tickets:calls')}?incident={incident.public_id}"
    contact = Contact.objects.select_related("callback").get()
    assert (contact.incident, contact.told_update, contact.channel, contact.pharmacy, contact.language) == (
        incident,
        told,
        "email",
        pharmacy,
        "nl",
    )
    assert (contact.service, contact.impact, contact.outcome, contact.note, contact.agent) == (
        service,
        ContactImpact.PATIENT_WAITING,
        ContactOutcome.ESCALATED,
        "a note",
        nancy,
    )
    assert contact.needed_by is not None
    assert f"{timezone.localtime(contact.needed_by):%H:%M}" == "18:10"
    assert (contact.callback.e164, contact.callback.window) == ("+3210412011", CallbackWindow.SOON)


def test_channel_and_number_are_enough(client: Client, nancy: User) -> None:
    assert log(client).status_code == 302
    assert Contact.objects.get().caller_e164 == "+3225551212"


def test_a_time_says_that_a_patient_waits_whatever_the_switch_says(client: Client, nancy: User) -> None:
    log(client, impact="info", needed_by="18h")

    assert Contact.objects.get().impact == ContactImpact.PATIENT_WAITING


def test_the_script_is_answered_with_the_saved_row_and_the_way_to_undo_it(
    client: Client, nancy: User, incident: Incident, told: Update
) -> None:
    pharmacy = factories.pharmacy(name="Pharmacie de la Gare")
    factories.contact(pharmacy=pharmacy, incident=incident)
    sent = row(incident=incident.public_id, told=1, pharmacy=pharmacy.pk)

    response = client.post(reverse("tickets:log"), sent, headers=HTMX)

    assert text(response).split()[1:] == [
        "Pharmacie",
        "de",
        "la",
        "Gare",
        "Ottignies",
        "FR",
        "2nd",
        "call",
        "Undo",
        "10",
        "Nancy",
        "v1",
    ]
    assert response["HX-Trigger-After-Swap"] == "call-saved"


# ── Undone ──────────────────────────────────────────────────────────────────


def undo(client: Client, contact: Contact, **headers: str) -> Any:
    return client.post(reverse("tickets:undo", args=[contact.pk]), headers=headers)


def test_a_call_that_was_just_saved_can_be_undone_and_comes_back_into_the_row(
    client: Client, nancy: User, incident: Incident
) -> None:
    pharmacy = factories.pharmacy(name="Pharmacie de la Gare")
    kept = factories.contact()
    typed = {
        "incident": incident.public_id,
        "channel": "visit",
        "caller": "gare",
        "pharmacy": str(pharmacy.pk),
    }
    typed |= {"language": "nl", "service": factories.service("dpp").key, "impact": "patient_waiting"}
    typed |= {
        "needed_by": "23:59",
        "urgent_kind": "medicine",
        "note": "a note",
        "callback": "on",
        "callback_number": "8003",
    }
    typed |= {"callback_window": "at", "callback_at": "23:50"}
    log(client, htmx=True, **typed)

    response = undo(client, Contact.objects.exclude(pk=kept.pk).get(), **HTMX)

    assert (response.status_code, response.content) == (200, b"")
    assert json.loads(response["HX-Trigger"])["call-undone"] == typed
    assert (list(Contact.objects.all()), Callback.objects.exists()) == ([kept], False)


def test_without_a_script_too_an_undone_call_comes_back_into_the_row(client: Client, nancy: User) -> None:
    log(client, caller="Marie", note="a note")

    page = undo(client, Contact.objects.get())

    assert [f'value="{value}"' in page.text for value in ("Marie", "a note")] == [True, True]
    assert not Contact.objects.exists()


def test_what_is_late_somebody_elses_or_was_worked_on_is_not_undone(client: Client, nancy: User) -> None:
    now = timezone.now()
    late = factories.contact(agent=nancy, at=now - timedelta(seconds=31))
    others = factories.contact(at=now)
    edited = factories.contact(agent=nancy, at=now, revision=2)
    phoned = factories.contact(agent=nancy, at=now)
    factories.callback(phoned, state="done", closed_at=now, closed_by=nancy)
    just = factories.contact(agent=nancy, at=now - timedelta(seconds=20))

    answers = [undo(client, contact, **HTMX) for contact in (late, others, edited, phoned, just)]

    assert ["too late" in answer.text for answer in answers] == [True, True, True, False, False]
    assert "already called back" in answers[3].text
    assert not Contact.objects.filter(pk=just.pk).exists()
    assert Contact.objects.count() == 4


def test_the_list_offers_to_undo_ones_own_newest_calls_and_no_others(
    client: Client, nancy: User, incident: Incident
) -> None:
    now = timezone.now()
    fresh = factories.contact(agent=nancy, incident=incident, at=now)
    for older in (
        {"agent": nancy, "at": now - timedelta(seconds=11)},
        {"at": now},
        {"agent": nancy, "at": now, "revision": 2},
    ):
        factories.contact(incident=incident, **older)

    rows = re.findall(r'<tr id="contact-(\d+)"[^>]*data-undo', latest(client, incident).text)

    assert rows == [str(fresh.pk)]


def test_the_same_row_sent_twice_is_one_call_and_the_same_answer(client: Client, nancy: User) -> None:
    sent = row(note="once", callback="on", callback_number="8003")

    first, second = (client.post(reverse("tickets:log"), sent, headers=HTMX) for _ in range(2))

    assert text(first) == text(second)
    assert (first.status_code, second.status_code) == (200, 200)
    assert (Contact.objects.count(), Callback.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("choices", "more"),
    [({}, 0), ({"callback": "on", "callback_number": "8003"}, 1), ({"service": "dpp"}, 1)],
)
def test_logging_a_known_caller_takes_five_queries_and_one_more_for_a_callback_or_a_topic(
    client: Client, nancy: User, incident: Incident, told: Update, choices: dict[str, str], more: int
) -> None:
    factories.service("dpp")
    pharmacy = factories.pharmacy(software_house=factories.software_house())
    sent = row(incident=incident.public_id, told=1, pharmacy=pharmacy.pk, **choices)

    with CaptureQueriesContext(connection) as queries:
        assert client.post(reverse("tickets:log"), sent, headers=HTMX).status_code == 200

    # Session, agent with what she may do, message with its incident, pharmacy with its calls, the contact.
    asked = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(asked) == 5 + more, "\n".join(asked)


def test_a_national_number_is_masked_with_a_warning(client: Client, nancy: User) -> None:
    by_script = log(client, htmx=True, note="85.07.30-033.28")
    by_form = client.get(log(client, note="85.07.30-033.28").url)
    harmless = log(client, htmx=True, note="imprimante")

    assert set(Contact.objects.values_list("note", flat=True)) == {"85.07.30-•••.••", "imprimante"}
    warned = ["A national number was masked" in page.text for page in (by_script, by_form, harmless)]
    assert warned == [True, True, False]


def test_what_another_incident_was_told_is_not_taken_for_what_this_one_was(
    client: Client, nancy: User, told: Update
) -> None:
    other = factories.incident()

    log(client, incident=other.public_id, told=1)

    contact = Contact.objects.get()
    assert (contact.incident, contact.told_update) == (other, None)


# ── Refusals ────────────────────────────────────────────────────────────────

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"caller": ""}, "caller"),
    ({"caller": "\x00"}, "caller"),
    ({"caller": "x" * 121}, "caller"),
    ({"note": "x" * 501}, "note"),
    ({"note": "a\x00b"}, "note"),
    ({"caller": "Pharmacie de l’\ufffdtoile"}, "caller"),
    ({"note": "caf\ufffd"}, "note"),
    ({"callback": "on", "callback_number": "8003\ufffd"}, "callback_number"),
    ({"pharmacy": 999_999}, "caller"),
    ({"incident": "nosuchthing1"}, "incident"),
    ({"needed_by": "99:99"}, "needed_by"),
    ({"callback": "on"}, "callback_number"),
    ({"callback": "on", "callback_number": "02 555 12 1"}, "callback_number"),
    (
        {"callback": "on", "callback_number": "8003", "callback_window": "at", "callback_at": "noon"},
        "callback_at",
    ),
    ({"pharmacy": "x"}, "form"),
    ({"pharmacy": 2**70}, "form"),
    ({"service": "nosuch"}, "form"),
    ({"channel": "pigeon"}, "form"),
    ({"language": "xx"}, "form"),
    ({"impact": "doom"}, "form"),
    ({"outcome": "lost"}, "form"),
    ({"key": "not-a-key"}, "form"),
    ({"key": ""}, "form"),
    ({"told": -1}, "form"),
]


@pytest.mark.parametrize(("wrong", "place"), WRONG)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_stored(
    client: Client, nancy: User, wrong: dict[str, Any], place: str
) -> None:
    response = log(client, htmx=True, **wrong)

    said = dict(re.findall(r'id="err-(\w+)"[^>]*>\s*([^<]*?)\s*</p>', response.text))
    assert response.status_code == 422
    assert [name for name, error in said.items() if error] == [place]
    assert "<form" not in response.text  # nothing that has the focus is replaced
    assert not Contact.objects.exists()


def test_a_refused_form_keeps_every_field_and_its_key(
    client: Client, nancy: User, incident: Incident
) -> None:
    factories.service("dpp")
    sent = row(
        incident=incident.public_id,
        channel="visit",
        caller="Marie & <b>Co</b>",
        language="de",
        service="dpp",
        impact="patient_waiting",
        needed_by="99:99",
        callback="on",
        callback_number="8003",
        callback_window="at",
        callback_at="16:00",
        note="<script>alert(1)</script>",
    )

    page = client.post(reverse("tickets:log"), sent)

    assert page.status_code == 422
    checked = re.findall(
        r'<input class="btn-check" type="radio" name="(\w+)" [^>]*value="(\w+)" checked', page.text
    )
    assert dict(checked) == {
        "channel": "visit",
        "language": "de",
        "service": "dpp",
        "impact": "patient_waiting",
    }
    for value in (
        sent["key"],
        "Marie &amp; &lt;b&gt;Co&lt;/b&gt;",
        "99:99",
        "16:00",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ):
        assert f'value="{value}"' in page.text
    assert re.search(r'name="callback" checked', page.text)
    assert "<script>alert" not in page.text


def test_bytes_that_are_no_text_are_never_a_fault_of_the_server(client: Client, nancy: User) -> None:
    body = f"key={uuid.uuid4()}&channel=phone&caller=%ff%fe&note=%00".encode()

    response = client.post(reverse("tickets:log"), body, content_type="application/x-www-form-urlencoded")

    assert response.status_code == 422
    assert not Contact.objects.exists()


def test_a_script_in_a_saved_call_is_shown_as_text_everywhere(client: Client, nancy: User) -> None:
    log(client, caller="<script>alert(1)</script>", note="<script>alert(1)</script>")

    for page in ("calls", "contacts", "callbacks"):
        assert "<script>alert" not in client.get(reverse(f"tickets:{page}")).text
    assert "<script>alert" not in client.get(reverse("tickets:contact", args=[Contact.objects.get().pk])).text


def test_a_session_that_ended_stores_nothing_and_loses_nothing(client: Client, nancy: User) -> None:
    page = client.get(reverse("tickets:calls"))
    (typed_by,) = re.findall(r'name="typed_by" value="([^"]+)"', page.text)
    client.logout()

    assert log(client, htmx=True).status_code == 401
    sent_away = log(client, note="not lost", typed_by=typed_by)
    assert sent_away.url.startswith(reverse("account_login"))
    assert not Contact.objects.exists()

    nancy.set_password("black-friday")
    nancy.save()
    back = client.post(sent_away.url, {"login": nancy.username, "password": "black-friday"}, follow=True)
    assert "not lost" in back.text


# ── The caller ──────────────────────────────────────────────────────────────


def test_without_a_script_looking_up_shows_choices_and_keeps_the_row(client: Client, nancy: User) -> None:
    gare = factories.pharmacy(name="Pharmacie de la Gare")
    factories.pharmacy(name="Apotheek De Linde", town="Hasselt")

    page = log(client, caller="gare", note="kept", search="1", pharmacy="999")

    assert page.status_code == 200
    assert re.findall(r'type="radio" name="pharmacy" value="(\d+)"', page.text) == [str(gare.pk)]
    assert 'value="kept"' in page.text
    assert not Contact.objects.exists()
    assert log(client, caller="gare", pharmacy=gare.pk).status_code == 302
    assert Contact.objects.get().pharmacy == gare


def test_pharmacies_behind_one_number_are_all_offered_and_the_agent_is_asked(
    client: Client, nancy: User
) -> None:
    for name in ("Pharmacie A", "Pharmacie B"):
        PharmacyPhone.objects.create(
            pharmacy=factories.pharmacy(name=name), raw="02 555 12 12", e164="+3225551212"
        )

    shared = client.get(reverse("tickets:lookup"), {"caller": "02/555.12.12"})
    Pharmacy.objects.filter(name="Pharmacie B").delete()
    alone = client.get(reverse("tickets:lookup"), {"caller": "02/555.12.12"})

    assert [shared.text.count('role="option"'), alone.text.count('role="option"')] == [2, 1]
    assert ["data-ask" in shared.text, "data-ask" in alone.text] == [True, False]
    assert "ask which one" in shared.text


def test_a_chosen_pharmacy_is_shown_whole(
    client: Client, nancy: User, incident: Incident, told: Update
) -> None:
    house = factories.software_house(name="Galénis", phone="02 555 01 01")
    gare = factories.pharmacy(name="Pharmacie de la Gare", software_house=house)
    factories.contact(pharmacy=gare, incident=incident, told_update=told, agent=nancy)

    card = client.get(reverse("tickets:lookup"), {"pharmacy": str(gare.pk), "incident": incident.public_id})

    for part in ("Pharmacie de la Gare", "1 call", "Galénis", "02 555 01 01", "Nancy"):
        assert part in card.text
    assert 'role="option"' not in card.text


@pytest.mark.parametrize(
    "asked", [{"caller": "\x00"}, {"pharmacy": "9" * 30}, {"pharmacy": "x"}, {"incident": "?"}, {}]
)
def test_a_look_up_for_nonsense_finds_nothing_and_does_not_fail(
    client: Client, nancy: User, asked: dict[str, str]
) -> None:
    answer = client.get(reverse("tickets:lookup"), asked)

    assert (answer.status_code, 'role="option"' in answer.text) == (200, False)


# ── What to say ─────────────────────────────────────────────────────────────


def say(client: Client, incident: Incident, **asked: Any) -> Any:
    return client.get(reverse("tickets:say"), {"incident": incident.public_id, "language": "fr", **asked})


def seen(page: Any, view: str) -> str:
    (found,) = re.findall(rf'{reverse(f"tickets:{view}")}\?[^"]*seen=([\w-]+)', page.text)
    return str(found)


def test_the_panel_says_the_newest_message_in_the_callers_language(
    client: Client, nancy: User, incident: Incident, told: Update
) -> None:
    told.texts.filter(language="nl").update(
        headline="Het gaat niet.", do="Registreer één keer.", patient="Later."
    )
    Update.objects.filter(pk=told.pk).update(central_confirmed=True)

    dutch = say(client, incident, language="nl")

    for part in ("Het gaat niet.", "Registreer één keer.", "Later.", "Het ligt niet aan uw apotheek."):
        assert part in dutch.text
    assert "Conséquence fr" not in dutch.text
    assert "Conséquence fr" in say(client, incident).text


def test_nothing_new_is_answered_with_nothing(
    client: Client,
    nancy: User,
    incident: Incident,
    told: Update,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    version = seen(say(client, incident), "say")

    with django_assert_num_queries(4):  # session, user, the site's revision, the newest message
        assert say(client, incident, seen=version).status_code == 204
    assert say(client, incident, seen=version, language="nl").status_code == 200


def test_a_status_that_changed_without_a_message_is_news(
    client: Client, nancy: User, incident: Incident
) -> None:
    version = seen(say(client, incident), "say")
    PublicRevision.objects.bump()

    assert say(client, incident, seen=version).status_code == 200


def test_when_what_to_do_holds_no_longer_the_panel_says_so_by_itself(
    client: Client, nancy: User, incident: Incident, told: Update
) -> None:
    told.texts.filter(language="fr").update(do="Notez les demandes.")
    until = timezone.now() + timedelta(minutes=10)
    Update.objects.filter(pk=told.pk).update(valid_until=until)
    holds = say(client, incident)
    version = seen(holds, "say")
    still = say(client, incident, seen=version)

    with time_machine.travel(until + timedelta(seconds=1)):
        past = say(client, incident, seen=version)

    with translation.override("en"):
        later = clock(until)  # towards midnight with the day
    assert (f"Holds until {later}</p>" in holds.text, still.status_code) == (True, 204)
    assert f"Held until {timezone.localtime(until):%H:%M}: say that the next message" in past.text


def confirm(client: Client, incident: Incident, number: object, **headers: str) -> Any:
    sent = {"incident": incident.public_id, "number": number, "language": "fr"}
    return client.post(reverse("tickets:seen"), sent, headers=headers)


def amber(page: Any) -> tuple[bool, str]:
    """Whether the panel is amber, and which version the next contact keeps."""
    (told,) = re.findall(r'data-told="(\d*)"', page.text)
    return 'id="fresh"' in page.text, told


def test_the_panel_is_amber_until_the_newest_version_was_confirmed_and_contacts_keep_the_one_before(
    client: Client, nancy: User, incident: Incident, told: Update
) -> None:
    first = say(client, incident)
    confirmed = confirm(client, incident, 1, **HTMX)
    factories.update(incident, published_at=timezone.now())
    newer = client.get(reverse("tickets:calls"))
    again = confirm(client, incident, 2, **HTMX)

    assert [amber(page) for page in (first, confirmed, newer, again)] == [
        (True, "1"),
        (False, "1"),
        (True, "1"),
        (False, "2"),
    ]
    assert "You were still saying v1" in newer.text
    assert re.findall(r'id="told" value="(\d*)"', newer.text) == ["1"]


def test_who_has_confirmed_none_goes_on_telling_what_stood_before_her(
    client: Client, nancy: User, incident: Incident, told: Update
) -> None:
    factories.update(incident, published_at=timezone.now())

    assert [amber(say(client, incident, told=told)) for told in ("1", "2", "7", "", "x", "²")] == [
        (True, "1"),
        *[(True, "2")] * 5,
    ]


def test_what_somebody_else_has_read_is_not_read_by_me(
    client: Client, nancy: User, incident: Incident, told: Update
) -> None:
    Seen.objects.create(user=factories.user(), update=told, at=timezone.now())

    assert amber(say(client, incident)) == (True, "1")
    confirm(client, incident, 1)
    confirm(client, incident, 1)
    assert amber(say(client, incident)) == (False, "1")
    assert Seen.objects.filter(user=nancy).count() == 1


def test_only_a_published_message_of_the_incident_can_be_confirmed_and_only_by_those_who_log(
    client: Client, nancy: User, incident: Incident, told: Update
) -> None:
    assert [confirm(client, incident, number).status_code for number in (2, "", "x", "²", "9" * 30)] == [
        404
    ] * 5

    client.force_login(factories.user(Role.OBSERVER))
    assert confirm(client, incident, 1).status_code == 403
    assert not amber(say(client, incident))[0]
    assert not Seen.objects.exists()


# ── The list ────────────────────────────────────────────────────────────────


def latest(client: Client, incident: Incident | None, **asked: str) -> Any:
    return client.get(
        reverse("tickets:latest"), {"incident": incident.public_id if incident else "", **asked}
    )


def test_the_list_is_news_when_a_call_came_in_or_was_changed_and_only_then(
    client: Client, nancy: User, incident: Incident
) -> None:
    contact = factories.contact(incident=incident)
    version = seen(latest(client, incident), "latest")
    factories.contact()

    assert latest(client, incident, seen=version).status_code == 204
    Contact.objects.filter(pk=contact.pk).update(revision=2)
    assert latest(client, incident, seen=version).status_code == 200
    version = seen(latest(client, incident), "latest")
    Callback.objects.create(contact=contact, number="8003")
    assert latest(client, incident, seen=version).status_code == 200


def test_the_list_holds_the_twenty_newest_of_its_incident_and_counts_all(
    client: Client, nancy: User, incident: Incident
) -> None:
    for minutes in range(22):
        factories.contact(
            incident=incident,
            caller_text=f"caller {minutes:02}",
            at=factories.OUTAGE + timedelta(minutes=minutes),
        )
    factories.contact(caller_text="free", incident=None)

    about, free = latest(client, incident), latest(client, None)

    assert re.findall(r"<b>caller (\d\d)</b>", about.text) == [f"{n:02}" for n in range(21, 1, -1)]
    assert "22, from 0 pharmacies" in text(about)
    assert ("<b>free</b>" in about.text, "<b>free</b>" in free.text, "caller" in text(free)) == (
        False,
        True,
        False,
    )


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_however_many_rows(
    client: Client, nancy: User, incident: Incident, told: Update, rows: int
) -> None:
    service = factories.service()
    for _ in range(rows):
        contact = factories.contact(
            incident=incident, service=service, told_update=told, agent=factories.user()
        )
        Callback.objects.create(contact=contact, number="8003")

    with CaptureQueriesContext(connection) as queries:
        assert latest(client, incident).text.count('<tr id="contact-') == rows
    assert len(queries) == 6  # session, user, incident, rows, newest message, counts


def test_urgent_callback_and_outdated_are_marked_on_the_row(
    client: Client, nancy: User, incident: Incident
) -> None:
    first = factories.update(incident, published_at=timezone.now() - timedelta(hours=1))
    factories.update(incident, published_at=timezone.now())
    contact = factories.contact(
        incident=incident,
        impact=ContactImpact.PATIENT_WAITING,
        needed_by=factories.OUTAGE + timedelta(hours=2),
        told_update=first,
        at=factories.OUTAGE,
    )
    Callback.objects.create(contact=contact, number="8003", window=CallbackWindow.AT, due_at=timezone.now())

    line = text(latest(client, incident))

    for part in ("Patient waiting", "15:30", "Call back", "v1 outdated"):
        assert part in line
