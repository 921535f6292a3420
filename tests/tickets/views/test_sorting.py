import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from tests import factories
from tickets.models import Answer, Contact, PharmacyPhone

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def nancy(client: Client) -> User:
    nancy = factories.user(first_name="Nancy", language="en")
    client.force_login(nancy)
    return nancy


def post(client: Client, name: str, *args: Any, **sent: Any) -> Any:
    headers = sent.pop("headers", {})
    return client.post(reverse(f"tickets:{name}", args=args), sent, headers=headers, follow=not headers)


def test_ticked_contacts_are_attached_and_the_list_comes_back_as_it_was(client: Client, nancy: User) -> None:
    incident = factories.incident()
    ticked, other = [factories.contact() for _ in range(2)], factories.contact()
    listed = client.get(reverse("tickets:contacts"), {"incident": "none"})
    assert len(re.findall(r'name="contact" value="\d+" form="attach"', listed.text)) == 3

    page = post(
        client,
        "attach",
        contact=[*(each.pk for each in ticked), "x", "²"],
        to=incident.public_id,
        back="/desk/contacts/?incident=none",
    )

    assert page.redirect_chain == [("/desk/contacts/?incident=none", 302)]
    assert "2 contacts moved." in page.text
    assert list(Contact.objects.filter(incident=None)) == [other]


@pytest.mark.parametrize(
    "back", ["https://elsewhere.example/", "//elsewhere.example/", "no:where", "nowhere", "1"]
)
def test_nobody_is_led_out_of_the_desk_by_where_to_go_back(client: Client, nancy: User, back: str) -> None:
    page = post(client, "attach", back=back)

    assert page.redirect_chain == [("/desk/contacts/", 302)]


def test_the_page_of_a_contact_offers_what_may_be_the_same_call_and_merges_it(
    client: Client, nancy: User
) -> None:
    gare = factories.pharmacy()
    kept, duplicate = (factories.contact(pharmacy=gare, note=note) for note in ("one", "two"))
    factories.contact()

    shown = client.get(reverse("tickets:contact", args=[kept.pk])).text
    assert re.findall(r'name="duplicate" value="(\d+)"', shown) == [str(duplicate.pk)]
    merged = post(client, "merge", kept.pk, duplicate=duplicate.pk)

    assert "Merged." in merged.text
    assert Contact.objects.filter(pharmacy=gare).get().note == "one / two"
    assert post(client, "merge", kept.pk, duplicate="x").status_code == 404


def test_a_split_leads_to_the_second_contact(client: Client, nancy: User) -> None:
    contact = factories.contact()
    key = uuid.uuid4()

    page = post(client, "split", contact.pk, key=key)

    second = Contact.objects.exclude(pk=contact.pk).get()
    assert page.redirect_chain == [(reverse("tickets:contact", args=[second.pk]), 302)]
    assert "incomplete" in post(client, "split", contact.pk, key="x").text
    assert Contact.objects.count() == 2


def test_what_was_handed_over_is_listed_for_the_colleague(client: Client, nancy: User) -> None:
    contact = factories.contact()
    factories.contact()

    assert "Handed over to Nancy." in post(client, "hand_over", contact.pk, handed_to=nancy.pk).text
    listed = client.get(reverse("tickets:contacts"), {"handed": "on"}).text
    assert re.findall(r'<tr id="contact-(\d+)"', listed) == [str(contact.pk)]
    assert "→ Nancy" in listed


def test_a_new_number_is_attached_from_the_row_and_from_the_contact(client: Client, nancy: User) -> None:
    gare = factories.pharmacy(name="Pharmacie de la Gare")
    contact = factories.contact(pharmacy=gare, caller_text="071/12.34.56", caller_e164="+3271123456")
    url = reverse("tickets:contact", args=[contact.pk])
    assert "071 12 34 56" in client.get(url).text

    line = post(client, "attach_number", gare.pk, number="02 555 12 12", headers=HTMX)
    page = post(client, "attach_number", gare.pk, number=contact.caller_e164, contact=contact.pk)

    assert "02 555 12 12 now belongs to Pharmacie de la Gare." in line.text
    assert page.redirect_chain == [(url, 302)]
    assert set(PharmacyPhone.objects.values_list("e164", flat=True)) == {"+3225551212", "+3271123456"}
    assert "is not one of their numbers yet" not in client.get(url).text
    refused = post(client, "attach_number", gare.pk, number="8003", headers=HTMX)
    assert "not a telephone number" in refused.text


def test_two_at_one_contact_hear_of_each_other_and_nobody_is_locked_out(client: Client, nancy: User) -> None:
    contact = factories.contact()
    gerti = Client()
    gerti.force_login(factories.user(first_name="Gerti", language="en"))
    assert "is here too" not in post(gerti, "presence", "contact", contact.pk, headers=HTMX).text

    assert "Gerti is here too" in post(client, "presence", "contact", contact.pk, headers=HTMX).text
    assert "is here too" not in post(client, "presence", "pharmacy", contact.pk, headers=HTMX).text
    assert "is here too" not in post(client, "presence", "moon", contact.pk, headers=HTMX).text


def test_an_observer_sees_none_of_it_and_may_do_none_of_it(client: Client) -> None:
    client.force_login(factories.user(Role.OBSERVER))
    contact, gare = factories.contact(), factories.pharmacy()

    page = client.get(reverse("tickets:contact", args=[contact.pk])).text
    assert "h-sorting" not in page
    refused = [
        post(client, "attach", contact=contact.pk),
        post(client, "merge", contact.pk, duplicate=factories.contact().pk),
        post(client, "split", contact.pk, key=uuid.uuid4()),
        post(client, "hand_over", contact.pk, handed_to=""),
        post(client, "attach_number", gare.pk, number="02 555 12 12"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 5


def test_where_both_changed_a_field_the_second_may_leave_it_as_it_is_now(client: Client, nancy: User) -> None:
    contact = factories.contact(note="first", caller_text="Marie")
    url = reverse("tickets:contact", args=[contact.pk])
    sent = {"revision": 1, "caller": "Marie", "channel": "phone", "language": "fr", "impact": "info"}
    sent |= {"outcome": "informed", "pharmacy": contact.pharmacy_id or ""}
    client.post(url, {**sent, "note": "theirs"})

    refused = client.post(url, {**sent, "note": "mine", "caller": "Marie, Namur"})
    assert re.findall(r'name="theirs" value="(\w+)"', refused.text) == ["note"]
    client.post(url, {**sent, "revision": 2, "note": "mine", "caller": "Marie, Namur", "theirs": "note"})

    stored = Contact.objects.get()
    assert (stored.note, stored.caller_text) == ("theirs", "Marie, Namur")


# ── Answers, readers ────────────────────────────────────────────────────────


def test_answers_are_written_in_a_form_that_says_what_is_wrong(client: Client) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS, language="en"))
    sent = {"revision": 0, "trigger": "cert", "text_fr": "Il suit {demain}.", "text_nl": "Het volgt."}

    refused = post(client, "answer_new", **sent)
    assert (refused.status_code, "{demain} stands for nothing." in refused.text) == (422, True)
    assert "Het volgt." in refused.text
    page = post(client, "answer_new", **{**sent, "text_fr": "Il suit."})
    assert page.redirect_chain == [(reverse("tickets:answers"), 302)]
    assert "::cert" in page.text

    made = Answer.objects.get()
    assert "Il suit." in client.get(reverse("tickets:answer", args=[made.pk])).text
    post(client, "answer_remove", made.pk)
    assert not Answer.objects.exists()


def test_agents_read_answers_beside_the_message_in_the_callers_language(client: Client, nancy: User) -> None:
    factories.answer("cert", text_nl="Het volgt.")

    panel = client.get(reverse("tickets:say"), {"language": "nl"}).text

    assert re.findall(r'data-trigger="(\w+)".*?<dd lang="(\w+)">(.*?)</dd>', panel) == [
        ("cert", "nl", "Het volgt.")
    ]
    assert client.get(reverse("tickets:answer_new")).status_code == 403
    assert post(client, "answer_remove", Answer.objects.get().pk).status_code == 403
    assert "New answer" not in client.get(reverse("tickets:answers")).text


def test_who_has_read_the_newest_message_is_shown_to_those_who_lead(client: Client, nancy: User) -> None:
    incident = factories.incident()
    url = reverse("tickets:readers", args=[incident.public_id])
    assert client.get(url).status_code == 403

    client.force_login(factories.user(Role.LEAD, language="en"))
    assert "Nothing published yet" in client.get(url).text
    factories.update(incident, published_at=timezone.now())
    factories.contact(incident=incident, agent=nancy, at=timezone.now())
    page = client.get(url).text
    assert ("Nancy" in page, "1 not yet" in page) == (True, True)
