"""The pages that correct and withdraw a published message."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.roles import Role
from comms.models import PARTS, Correction, Update
from incidents.models import ServiceStatus
from tests import factories

pytestmark = pytest.mark.django_db

AT = factories.OUTAGE


@pytest.fixture(autouse=True)
def _that_afternoon() -> Iterator[None]:
    with time_machine.travel(AT + timedelta(minutes=11)):
        yield


def signed_in(role: Role = Role.COMMUNICATIONS) -> Client:
    client = Client()
    client.force_login(factories.user(role, language="en"))
    return client


def published() -> Update:
    statuses = {factories.service("eforms"): ServiceStatus.MAJOR}
    return factories.update(published_at=AT, statuses=statuses)


def address(name: str, update: Update) -> str:
    return reverse(f"comms:{name}", args=[update.incident.public_id, update.number])


def form(update: Update, **changed: str) -> dict[str, Any]:
    said = {f"{part}_{text.language}": getattr(text, part) for text in update.texts.all() for part in PARTS}
    return {
        **said,
        "key": str(uuid.uuid4()),
        "revision": str(update.revision),
        "next_time": "14:00",
        "reason": "A wrong hour",
        **changed,
    }


def test_the_text_is_put_right_and_the_promise_moved() -> None:
    update = published()

    response = signed_in().post(
        address("correct", update), form(update, body_fr="Encore.", next_time="14:30")
    )

    assert response.status_code == 302
    update.refresh_from_db()
    assert update.texts.get(language="fr").body == "Encore."
    assert update.next_update_at == AT + timedelta(hours=1)


def test_a_clock_that_was_not_touched_keeps_its_day() -> None:
    update = published()
    Update.objects.update(next_update_at=AT + timedelta(days=2))

    signed_in().post(address("correct", update), form(update, body_fr="Encore.", next_time="13:30"))

    update.refresh_from_db()
    assert update.next_update_at == AT + timedelta(days=2)


def test_what_is_refused_stands_beside_its_field_and_nothing_typed_is_lost() -> None:
    update = published()

    typed = form(update, body_fr="Appelez 0470 12 34 56.", reason="")
    response = signed_in().post(address("correct", update), typed)

    assert response.status_code == 422
    assert "Appelez 0470 12 34 56." in response.text
    assert list(response.context["form"].errors) == ["reason"]
    assert not Correction.objects.exists()


def test_what_the_checks_forbid_stands_beside_its_field() -> None:
    update = published()

    response = signed_in().post(address("correct", update), form(update, body_fr="Appelez 0470 12 34 56."))

    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["body_fr"]


def test_withdrawing_asks_for_a_reason_and_says_what_counts_then() -> None:
    update = published()
    newer = factories.update(update.incident, published_at=AT + timedelta(minutes=20))
    client = signed_in()

    asked = client.get(address("withdraw_message", newer)).text
    refused = client.post(address("withdraw_message", newer), {"reason": ""})
    done = client.post(address("withdraw_message", newer), {"reason": "Wrong"})

    assert "What counts then is v1" in asked
    assert (refused.status_code, done.status_code) == (422, 302)
    assert list(update.incident.updates.standing()) == [update]


@pytest.mark.parametrize("name", ["correct", "withdraw_message"])
def test_who_may_not_publish_sees_neither_page_nor_button(name: str) -> None:
    update = published()
    client = signed_in(Role.AGENT)

    assert client.get(address(name, update)).status_code == 403
    assert address(name, update) not in client.get(address("deliveries", update)).text
    assert address(name, update) in signed_in().get(address("deliveries", update)).text


def test_a_withdrawn_message_offers_no_further_change() -> None:
    update = published()
    client = signed_in()
    client.post(address("withdraw_message", update), {"reason": "Wrong"})

    page = client.get(address("deliveries", update)).text

    assert "withdrawn" in page
    assert address("correct", update) not in page
    assert client.get(address("correct", update)).status_code == 404
