import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from tests import factories
from tests.factories import OUTAGE
from tickets.forms import contacts as forms
from tickets.models import Callback, Contact, ContactChannel, ContactImpact, PharmacyPhone, Province
from tickets.views import contacts as views

pytestmark = pytest.mark.django_db


@pytest.fixture
def nancy(client: Client) -> User:
    nancy = factories.user(first_name="Nancy", language="en")
    client.force_login(nancy)
    return nancy


def listed(client: Client, **asked: Any) -> list[str]:
    page = client.get(reverse("tickets:contacts"), asked)
    assert page.status_code == 200
    return re.findall(r"<a id=\"c\d+\"[^>]*><b>([^<]*)</b>", page.text)


def test_every_filter_lets_through_what_it_names_and_nothing_else(client: Client, nancy: User) -> None:
    incident, service = factories.incident(), factories.service("dpp")
    house = factories.software_house(key="galenis")
    gare = factories.pharmacy(
        name="Pharmacie Lemaître", province=Province.HAINAUT, software_house=house, apb_number="210144"
    )
    PharmacyPhone.objects.create(pharmacy=gare, raw="010/41.20.11", e164="+3210412011")
    match = factories.contact(
        pharmacy=gare,
        incident=incident,
        service=service,
        channel=ContactChannel.EMAIL,
        language="de",
        impact=ContactImpact.PATIENT_WAITING,
        agent=nancy,
        note="Imprimante en panne",
        at=OUTAGE + timedelta(days=3),
    )
    Callback.objects.create(contact=match, number="8003")
    other = factories.contact(caller_text="0475/12.34.56", caller_e164="+32475123456")
    closed = Callback.objects.create(
        contact=other, number="8003", state="done", closed_at=OUTAGE, closed_by=nancy
    )

    for asked in (
        {"incident": incident.public_id},
        {"mine": "on"},
        {"urgent": "on"},
        {"callback": "on"},
        {"channel": "email"},
        {"language": "de"},
        {"service": "dpp"},
        {"software_house": "galenis"},
        {"province": "WHT"},
        {"since": "2022-07-02"},
        {"text": "lemaitre IMPRIMANTE"},
        {"text": "010 41 20"},
        {"text": "210144"},
        {"mine": "on", "text": "panne", "channel": "email"},
    ):
        assert listed(client, **asked) == ["Pharmacie Lemaître"], asked
    for asked in (
        {"incident": "none"},
        {"unattached": "on"},
        {"until": "2022-07-01"},
        {"text": "+32 475 12"},
        {"text": "0475/12.34.56"},
    ):
        assert listed(client, **asked) == ["0475/12.34.56"], asked
    assert listed(client, mine="on", unattached="on") == []
    assert len(listed(client)) == 2
    assert closed.state == "done"


@pytest.mark.parametrize(
    "nonsense",
    [
        {"incident": "nosuch"},
        {"channel": "pigeon"},
        {"service": "nosuch"},
        {"since": "0000-99-99"},
        {"since": "9999-12-31", "until": "0001-01-01"},
        {"since": "0001-01-01", "until": "9999-12-31"},
        {"text": "\x00"},
        {"text": "%_\\"},
        {"text": "x" * 500},
        {"before": "\x00,1"},
        {"before": "2022-07-01T00:00:00+00:00,x"},
        {"before": "0001-01-01T00:00:00+02:00,1"},
        {"before": "9999-12-31T23:59:00-02:00,1"},
        {"before": "2022-99-01T00:00:00+00:00,1"},
        {"before": f"2022-07-01T00:00:00+00:00,{'9' * 40}"},
    ],
)
def test_a_filter_that_makes_no_sense_is_no_fault_of_the_server(
    client: Client, nancy: User, nonsense: dict[str, str]
) -> None:
    factories.contact()

    assert client.get(reverse("tickets:contacts"), nonsense).status_code == 200


def test_each_page_goes_on_where_the_one_before_ended(
    client: Client, nancy: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE", 2)
    for n in range(5):  # two of them at the same moment
        factories.contact(caller_text=f"caller {n}", at=OUTAGE + timedelta(minutes=n // 2))

    pages, address = [], reverse("tickets:contacts") + "?text=caller"
    while address:
        page = client.get(address)
        pages.append(re.findall(r"<b>(caller \d)</b>", page.text))
        older = re.findall(r'rel="next" href="([^"]+)"', page.text)
        address = reverse("tickets:contacts") + older[0].replace("&amp;", "&") if older else ""

    assert pages == [["caller 4", "caller 3"], ["caller 2", "caller 1"], ["caller 0"]]


def test_counts_tell_callers_from_calls_and_stop_counting_when_it_takes_too_long(
    client: Client, nancy: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    gare = factories.pharmacy()
    for _ in range(2):
        factories.contact(pharmacy=gare, impact=ContactImpact.PATIENT_WAITING)

    assert "2, from 1 pharmacy · 2 urgent" in client.get(reverse("tickets:contacts")).text
    monkeypatch.setattr(views, "COUNTED_UP_TO", 1)
    assert "more than 1" in client.get(reverse("tickets:contacts")).text


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_however_many_rows(client: Client, nancy: User, rows: int) -> None:
    incident = factories.incident()
    for _ in range(rows):
        contact = factories.contact(
            incident=incident,
            service=factories.service(),
            told_update=factories.update(incident, published_at=OUTAGE),
            agent=factories.user(),
        )
        Callback.objects.create(contact=contact, number="8003")

    with CaptureQueriesContext(connection) as queries:
        assert len(listed(client)) == rows
    about = [query["sql"] for query in queries if "tickets_contact" in query["sql"]]
    assert len(about) == 6, "\n".join(about)  # rows, counts, four of the header


def test_a_rare_value_is_looked_for_among_the_newest_alone_and_further_back_in_a_period_or_an_incident(
    client: Client, nancy: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "SEARCHED", 2)
    incident, old = factories.incident(), OUTAGE - timedelta(days=9)
    rare = {"language": "de", "agent": nancy, "impact": ContactImpact.PATIENT_WAITING}
    factories.contact(caller_text="old", at=old, **rare)
    factories.contact(caller_text="of an incident", at=old, incident=incident, **rare)
    for n in range(3):
        factories.contact(caller_text="new", at=OUTAGE + timedelta(minutes=n))

    assert listed(client, language="de") == []
    assert listed(client, urgent="on") == listed(client, urgent="on", mine="on") != []
    assert listed(client, language="de", until="2022-06-23") == ["of an incident", "old"]
    assert listed(client, language="de", incident=incident.public_id) == ["of an incident"]
    page = client.get(reverse("tickets:contacts"), {"text": "new"}).text
    assert "Searched: the newest" in page


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="with a handful of rows PostgreSQL reads all of them"
)
@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({"channel": "visit"}, "(occurred_at>?)"),
        ({"language": "de", "province": "WHT"}, "occurred_at>?)"),
        ({"service": "dpp"}, "contact_topic (service_id=? AND occurred_at>?)"),
        ({"handed": "on"}, "contact_handed (handed_to_id=?)"),
        ({"urgent": "on"}, "USING INDEX contact_urgent"),
        ({"unattached": "on"}, "(pharmacy_id=?)"),
        ({"callback": "on"}, "USING INTEGER PRIMARY KEY"),
        ({"text": "x"}, "(occurred_at>?)"),
    ],
)
def test_every_filter_reads_a_range_of_an_index(
    nancy: User, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str], index: str
) -> None:
    monkeypatch.setattr(forms, "SEARCHED", 1)
    factories.service("dpp")
    factories.contact()

    plan = forms.FilterForm(asked).contacts(nancy)[:50].explain()

    assert index in plan, plan
    assert "SCAN tickets_contact\n" not in f"{plan}\n"


def test_an_empty_list_says_why(client: Client, nancy: User) -> None:
    assert "No contact has been logged yet." in client.get(reverse("tickets:contacts")).text
    assert "No contact is like that." in client.get(reverse("tickets:contacts"), {"mine": "on"}).text


# ── One contact ─────────────────────────────────────────────────────────────


def form(contact: Contact, **changed: Any) -> dict[str, Any]:
    return {
        "revision": contact.revision,
        "caller": contact.caller_text,
        "pharmacy": contact.pharmacy_id or "",
        "incident": contact.incident.public_id if contact.incident else "",
        "channel": contact.channel,
        "language": contact.language,
        "service": "",
        "impact": contact.impact,
        "needed_by": "",
        "outcome": contact.outcome,
        "note": contact.note,
        **changed,
    }


def edit(client: Client, contact: Contact, **changed: Any) -> Any:
    return client.post(reverse("tickets:contact", args=[contact.pk]), form(contact, **changed))


def test_an_edit_is_saved_and_the_page_says_who_changed_what(client: Client, nancy: User) -> None:
    contact = factories.contact(caller_text="02 555 12 12", agent=factories.user(first_name="Gerti"))
    gare = factories.pharmacy(name="Pharmacie de la Gare", town="Ottignies")

    response = edit(
        client,
        contact,
        pharmacy=gare.pk,
        impact="patient_waiting",
        needed_by="2022-07-01T18:10",
        note="corrected",
    )

    page = client.get(response.url).text
    contact.refresh_from_db()
    assert (contact.pharmacy, contact.impact, contact.note) == (
        gare,
        ContactImpact.PATIENT_WAITING,
        "corrected",
    )
    assert contact.needed_by is not None
    assert f"{timezone.localtime(contact.needed_by):%H:%M}" == "18:10"
    edits = page.split('class="fx-edits"')[1]
    assert re.findall(r"<b>(\w+)</b>", edits) == ["Nancy", "Gerti"]
    assert "Note: <s>–</s> → corrected" in edits
    assert 'value="2022-07-01T18:10"' in page


def test_the_second_of_two_is_shown_what_changed_and_keeps_what_she_typed(
    client: Client, nancy: User
) -> None:
    contact = factories.contact(note="first")
    edit(client, contact, note="theirs")

    refused = edit(client, contact, note="mine")

    assert refused.status_code == 409
    assert "Note: now <b>theirs</b>, typed <b>mine</b>" in refused.text
    assert 'name="note" id="id_note" value="mine"' in refused.text
    assert Contact.objects.get().note == "theirs"
    (revision,) = re.findall(r'name="revision" value="(\d+)"', refused.text)
    assert edit(client, contact, note="mine", revision=revision).status_code == 302
    assert Contact.objects.get().note == "mine"


def test_looking_up_another_pharmacy_keeps_what_was_typed(client: Client, nancy: User) -> None:
    contact = factories.contact(caller_text="anonymous")
    gare = factories.pharmacy(name="Pharmacie de la Gare")

    page = edit(client, contact, note="typed", find="gare", search="1")

    assert re.findall(r'name="pharmacy" value="(\d*)"', page.text) == [str(gare.pk), ""]
    assert 'value="typed"' in page.text
    assert Contact.objects.get().note == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"caller": ""},
        {"note": "\x00"},
        {"note": "x" * 501},
        {"note": "caf\ufffd"},
        {"pharmacy": 999_999},
        {"pharmacy": "x"},
        {"incident": "nosuch"},
        {"service": "nosuch"},
        {"channel": "pigeon"},
        {"impact": "patient_waiting", "needed_by": "9999-12-31T23:59"},
        {"impact": "patient_waiting", "needed_by": "0001-01-01T00:00"},
        {"impact": "patient_waiting", "needed_by": "soon"},
        {"revision": ""},
        {"revision": "x"},
    ],
)
def test_a_wrong_edit_is_refused_and_changes_nothing(
    client: Client, nancy: User, wrong: dict[str, Any]
) -> None:
    contact = factories.contact(caller_text="anonymous")

    assert edit(client, contact, **{"note": "typed", **wrong}).status_code == 422
    stored = Contact.objects.get()
    assert (stored.note, stored.revision) == ("", 1)


def test_an_observer_reads_a_contact_but_cannot_change_it(client: Client) -> None:
    contact = factories.contact(note="seen")
    client.force_login(factories.user(Role.OBSERVER))

    page = client.get(reverse("tickets:contact", args=[contact.pk]))
    assert ("seen" in page.text, 'name="note"' in page.text) == (True, False)
    assert edit(client, contact, note="changed").status_code == 403
    assert Contact.objects.get().note == "seen"

    client.force_login(factories.user())
    assert edit(client, contact, note="changed").status_code == 302
    assert Contact.objects.get().note == "changed"


def test_an_unknown_contact_is_not_found(client: Client, nancy: User) -> None:
    assert client.get(reverse("tickets:contact", args=[999])).status_code == 404
    assert client.get("/desk/contacts/99999999999999999999999999/").status_code == 404


def test_a_contact_moves_to_one_of_the_newest_incidents_or_stays_with_its_own(
    client: Client, nancy: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "INCIDENTS", 2)
    own, forgotten, older, newest = (
        factories.incident(began_at=OUTAGE + timedelta(days=day)) for day in range(4)
    )
    contact = factories.contact(incident=own, pharmacy=factories.pharmacy())
    address = reverse("tickets:contact", args=[contact.pk])

    page = client.get(address).text
    choices = re.search(r'<select[^>]* name="incident".*?</select>', page, re.DOTALL)

    assert choices
    assert re.findall(r'value="(\w+)"', choices[0]) == [
        newest.public_id,
        older.public_id,
        own.public_id,
    ]
    assert forgotten.public_id not in choices[0]
