"""The address for telephone systems, the offer to the agent, and the address for softphones."""

from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Intake, User
from accounts.roles import Role
from tests import factories
from tickets.models import Contact, Pharmacy, PharmacyPhone, PhoneCall

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
CALL = {"event": "newCall", "from": "3225551212", "to": "3227392399", "direction": "in", "callId": "c1"}
JSON = "application/json"


@pytest.fixture
def pbx() -> tuple[Intake, str]:
    return factories.intake()


@pytest.fixture
def nancy(client: Client) -> User:
    nancy = factories.user(first_name="Nancy", language="en", extension="101")
    client.force_login(nancy)
    return nancy


def post(token: str, *, content_type: str = JSON, data: Any = None, **told: object) -> Any:
    """From the telephone system: no session, no CSRF token, checks on."""
    machine = Client(enforce_csrf_checks=True)
    if content_type != JSON:
        return machine.post(f"/intake/cti/{token}", data, content_type=content_type)
    return machine.post(f"/intake/cti/{token}", data or (CALL | told), content_type=JSON)


def call(agent: User, **fields: Any) -> PhoneCall:
    intake = fields.pop("intake", None) or factories.intake()[0]
    told = {"call_id": "c1", "number": "3225551212", "e164": "+3225551212", "rang_at": timezone.now()}
    return PhoneCall.objects.create(intake=intake, agent=agent, answered_at=timezone.now(), **(told | fields))


def pharmacy(**fields: str) -> Pharmacy:
    made = factories.pharmacy(**fields)
    PharmacyPhone.objects.create(pharmacy=made, raw="02/555.12.12", e164="+3225551212")
    return made


def test_an_event_needs_no_sign_in_and_is_answered_204_without_a_body(pbx: tuple[Intake, str]) -> None:
    response = post(pbx[1])

    assert (response.status_code, response.content) == (204, b"")
    assert (PhoneCall.objects.get().intake, PhoneCall.objects.get().e164) == (pbx[0], "+3225551212")


def test_sipgates_new_call_is_answered_with_where_to_tell_the_rest(pbx: tuple[Intake, str]) -> None:
    form = "event=newCall&direction=in&callId=c1&from=3225551212&to=1&user%5B%5D=Alice&user%5B%5D=Bob"

    response = post(pbx[1], content_type="application/x-www-form-urlencoded", data=form)

    answer = ElementTree.fromstring(response.content)
    address = f"{settings.DESK_BASE_URL}/intake/cti/{pbx[1]}"
    assert (response.status_code, response["Content-Type"]) == (200, "application/xml; charset=utf-8")
    assert (answer.tag, answer.attrib) == ("Response", {"onAnswer": address, "onHangup": address})


def test_a_wrong_token_and_one_switched_off_open_nothing(pbx: tuple[Intake, str]) -> None:
    assert post("x").status_code == 404
    Intake.objects.filter(pk=pbx[0].pk).update(enabled=False)
    assert post(pbx[1]).status_code == 404
    assert not PhoneCall.objects.exists()


def test_who_guesses_tokens_is_soon_answered_429(pbx: tuple[Intake, str]) -> None:
    answers = [post(f"guess-{n}").status_code for n in range(22)]

    assert answers == [404] * 20 + [429] * 2
    assert post(pbx[1]).status_code == 204


def test_more_events_than_telephones_can_ring_are_refused(
    pbx: tuple[Intake, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tickets.views.phone_calls.MOST_EVENTS", 2)

    assert [post(pbx[1], callId=f"c{n}").status_code for n in range(3)] == [204, 204, 429]
    assert PhoneCall.objects.count() == 2


def test_a_body_of_more_than_eight_kilobytes_is_not_read(pbx: tuple[Intake, str]) -> None:
    assert post(pbx[1], note="x" * 7000).status_code == 204
    assert post(pbx[1], callId="c2", note="x" * 9000).status_code == 413
    assert [made.call_id for made in PhoneCall.objects.all()] == ["c1"]


def test_what_is_no_event_is_refused_with_the_reason_and_only_post_is_taken(pbx: tuple[Intake, str]) -> None:
    response = post(pbx[1], data={"event": "newCall"})
    get = Client().get(f"/intake/cti/{pbx[1]}")

    assert (response.status_code, response.text) == (400, "callId is missing.\n")
    assert (get.status_code, get["Allow"]) == (405, "POST")


def test_an_event_costs_few_queries(
    pbx: tuple[Intake, str], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(20):
        factories.user(extension=str(n))
    with django_assert_max_num_queries(9):
        post(pbx[1], event="answer", answeringNumber="7")


def test_the_call_she_answered_is_offered_with_the_caller_found(client: Client, nancy: User) -> None:
    pharmacy(name="Pharmacie de la Gare", town="Namur")
    call(nancy)

    response = client.get(reverse("tickets:offer"), headers=HTMX)

    for text in ("Pharmacie de la Gare", "Namur", "02 555 12 12", "F9"):
        assert text in response.text


def test_several_pharmacies_on_the_number_are_never_guessed(client: Client, nancy: User) -> None:
    pharmacy(name="Première")
    pharmacy(name="Seconde")
    call(nancy)

    response = client.get(reverse("tickets:offer"), headers=HTMX)

    assert "Several pharmacies on this number: ask which one." in response.text
    assert "Première" not in response.text


def test_nothing_is_sent_while_nothing_is_new(client: Client, nancy: User) -> None:
    offer = reverse("tickets:offer")
    assert client.get(offer).status_code == 204
    made = call(nancy)
    assert client.get(offer, {"seen": ""}).status_code == 200
    assert client.get(offer, {"seen": made.pk}).status_code == 204
    PhoneCall.objects.update(settled_at=timezone.now())
    assert "data-tel" not in client.get(offer, {"seen": made.pk}).text


def test_an_observer_is_offered_nothing(client: Client) -> None:
    observer = factories.user(Role.OBSERVER, extension="101")
    call(observer)
    client.force_login(observer)

    assert client.get(reverse("tickets:offer")).status_code == 204


def test_taking_leads_to_the_row_begun_for_the_caller_and_ends_the_offer(client: Client, nancy: User) -> None:
    made = call(nancy)

    response = client.post(reverse("tickets:offer_settle", args=[made.pk]))

    assert (response.status_code, response["Location"]) == (302, "/desk/calls/new?tel=%2B3225551212")
    made.refresh_from_db()
    assert made.settled_at


def test_nobody_takes_the_call_of_another(client: Client, nancy: User) -> None:
    made = call(factories.user())

    assert client.post(reverse("tickets:offer_settle", args=[made.pk])).status_code == 404
    made.refresh_from_db()
    assert made.settled_at is None


def test_only_who_has_an_extension_asks_for_offers(client: Client, nancy: User) -> None:
    calls = reverse("tickets:calls")
    assert reverse("tickets:offer") in client.get(calls).text
    client.force_login(factories.user())
    assert reverse("tickets:offer") not in client.get(calls).text


@pytest.mark.parametrize(
    "tel", ["%2B3225551212", "+3225551212", "3225551212", "02%2F555.12.12", "tel:025551212"]
)
def test_a_softphone_opens_the_row_begun_for_the_caller_and_nothing_is_stored(
    client: Client, nancy: User, tel: str
) -> None:
    caller = pharmacy(name="Pharmacie de la Gare")

    response = client.get(f"/desk/calls/new?tel={tel}")

    assert 'value="02 555 12 12"' in response.text
    assert f'id="chosen" data-pharmacy="{caller.pk}"' in response.text
    assert not Contact.objects.exists()


def test_a_softphone_may_open_it_without_a_number_or_with_nonsense(client: Client, nancy: User) -> None:
    for tel in ("", "?tel=", "?tel=anonymous", "?tel=<script>alert(1)</script>"):
        response = client.get(f"/desk/calls/new{tel}")
        assert response.status_code == 200
        assert "<script>alert" not in response.text


def test_who_is_not_signed_in_keeps_the_number_over_the_sign_in(client: Client) -> None:
    response = client.get("/desk/calls/new?tel=025551212")

    assert response["Location"] == "/accounts/login/?next=/desk/calls/new%3Ftel%3D025551212"
