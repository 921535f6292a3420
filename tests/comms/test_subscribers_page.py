"""How many are told, for the desk; and one of them, for an administrator who knows the whole address."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from comms.models import Delivery, Subscriber, SubscriberKind
from tests import factories

pytestmark = pytest.mark.django_db

PAGE = "/desk/subscribers/"


def signed_in(role: Role) -> Client:
    client = Client()
    client.force_login(factories.user(role, language="en"))
    return client


def state(subscriber: Subscriber) -> str:
    return Subscriber.objects.get(pk=subscriber.pk).state


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.OBSERVER, 403),
        (Role.AGENT, 403),
        (Role.COMMUNICATIONS, 200),
        (Role.LEAD, 200),
        (Role.ADMINISTRATOR, 200),
    ],
)
def test_who_sees_the_numbers(role: Role, status: int) -> None:
    client = signed_in(role)

    assert client.get(PAGE).status_code == status
    assert (PAGE in client.get("/desk/messages/").text) == (status == 200)


def test_the_numbers_are_those_of_the_active_and_no_address_is_shown() -> None:
    service = factories.service("dpp")
    for name, language in (("a", "fr"), ("b", "fr"), ("c", "nl")):
        factories.subscriber(f"{name}@pharmacy.example", language=language)
    factories.subscriber("d@pharmacy.example", language="de", services=(service,))
    factories.subscriber("https://hooks.example/", kind=SubscriberKind.WEBHOOK)
    factories.subscriber("e@pharmacy.example", active=False)
    factories.subscriber("f@pharmacy.example", ended_at=timezone.now())

    response = signed_in(Role.COMMUNICATIONS).get(PAGE)

    assert [(row.kind, row.scope, row.numbers, row.total) for row in response.context["rows"]] == [
        ("email", "everything", (2, 1, 0, 0), 3),
        ("email", "services", (0, 0, 1, 0), 1),
        ("webhook", "everything", (1, 0, 0, 0), 1),
    ]
    assert "1 has not confirmed yet" in response.text
    assert "pharmacy.example" not in response.text
    assert "hooks.example" not in response.text


def test_the_numbers_cost_as_many_queries_with_many_as_with_one() -> None:
    client = signed_in(Role.COMMUNICATIONS)
    factories.subscriber("first@pharmacy.example")
    client.get(PAGE)
    counted = []
    for names in ("abc", "d"):
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counted.append(len(queries))
        for name in names:
            factories.subscriber(f"{name}@pharmacy.example", language="nl")

    assert counted[0] == counted[1]


def test_an_administrator_finds_one_by_the_whole_address_in_any_spelling() -> None:
    factories.subscriber("reader@xn--exmple-cua.be")
    client = signed_in(Role.ADMINISTRATOR)

    found = client.post(f"{PAGE}find/", {"address": "Reader@Exämple.be "})
    part = client.post(f"{PAGE}find/", {"address": "eader@exämple.be"})

    assert [row.state for row in found.context["found"]] == ["active"]
    assert part.context["found"] == []
    assert "No subscription has this address." in part.text


def test_what_is_no_address_is_refused_beside_its_field() -> None:
    response = signed_in(Role.ADMINISTRATOR).post(f"{PAGE}find/", {"address": "reader"})

    assert response.status_code == 422
    assert 'value="reader"' in response.text
    assert 'id="find-error"' in response.text


def test_nobody_else_finds_ends_or_sends() -> None:
    row = factories.subscriber()
    client = signed_in(Role.LEAD)

    assert "find" not in client.get(PAGE).text.lower()
    for name in ("end", "link"):
        assert client.post(reverse(f"comms:subscriber_{name}", args=[row.key])).status_code == 403
    assert client.post(f"{PAGE}find/", {"address": "reader@pharmacy.example"}).status_code == 403
    assert (state(row), Delivery.objects.exists()) == ("active", False)


def test_an_administrator_ends_one_and_cannot_twice() -> None:
    row = factories.subscriber()
    client = signed_in(Role.ADMINISTRATOR)
    address = reverse("comms:subscriber_end", args=[row.key])

    first, second = client.post(address), client.post(address)

    assert (first.status_code, first["Location"], state(row)) == (302, PAGE, "ended")
    assert second.status_code == 422
    assert "This subscription has ended already." in second.text


def test_an_administrator_sends_the_link_to_an_active_one_only() -> None:
    active = factories.subscriber()
    pending = factories.subscriber("pending@pharmacy.example", active=False)
    client = signed_in(Role.ADMINISTRATOR)

    answers = [
        client.post(reverse("comms:subscriber_link", args=[row.key])).status_code for row in (active, pending)
    ]

    assert answers == [302, 422]
    assert Delivery.objects.get().subscriber == active


def test_what_is_written_to_a_subscriber_is_no_page_of_the_desk() -> None:
    client = signed_in(Role.ADMINISTRATOR)
    client.post(reverse("comms:subscriber_link", args=[factories.subscriber().key]))

    delivery = Delivery.objects.get()

    assert client.get(reverse("comms:delivery", args=[delivery.pk])).status_code == 404
    assert client.post(reverse("comms:delivery_retry", args=[delivery.pk])).status_code == 404
