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
from tickets.models import Callback, CallbackState, CallbackWindow

pytestmark = pytest.mark.django_db


@pytest.fixture
def nancy(client: Client) -> User:
    nancy = factories.user(first_name="Nancy", language="en")
    client.force_login(nancy)
    return nancy


def callback(name: str = "", *, called: timedelta = timedelta(hours=-1), **fields: Any) -> Callback:
    contact = factories.contact(caller_text=name or "anonymous", at=timezone.now() + called)
    return Callback.objects.create(
        contact=contact, **{"number": "02 555 12 12", "e164": "+3225551212", **fields}
    )


def close(client: Client, waiting: Callback, **sent: str) -> Any:
    return client.post(reverse("tickets:callback_close", args=[waiting.pk]), sent)


def test_who_waits_is_listed_by_when_she_expects_us_and_the_late_are_marked(
    client: Client, nancy: User
) -> None:
    now = timezone.now()
    callback("when it works")
    callback("in an hour", window=CallbackWindow.AT, due_at=now + timedelta(hours=1))
    callback("soon", window=CallbackWindow.SOON)
    callback("late", window=CallbackWindow.AT, due_at=now - timedelta(minutes=90))
    callback("done", state=CallbackState.DONE, closed_at=now, closed_by=nancy)

    page = client.get(reverse("tickets:callbacks")).text

    assert re.findall(r"<b>([a-z ]+)</b></a>", page) == ["late", "soon", "in an hour", "when it works"]
    assert page.count('class="is-late"') == 1
    assert 'href="tel:+3225551212"' in page


def test_a_callback_is_closed_with_what_came_of_it_and_moves_to_the_closed(
    client: Client, nancy: User
) -> None:
    waiting = callback("Marie")

    response = close(client, waiting, outcome="parlé à Marie", done="1")

    assert (
        "Marie" not in client.get(reverse("tickets:callbacks")).text.split("fx-backs")[1]
        or response.status_code == 302
    )
    waiting.refresh_from_db()
    assert (waiting.state, waiting.outcome, waiting.closed_by) == (CallbackState.DONE, "parlé à Marie", nancy)
    assert "parlé à Marie" in client.get(reverse("tickets:callbacks"), {"closed": "on"}).text


@pytest.mark.parametrize("outcome", ["", "\x00", "x" * 301])
def test_dropping_without_a_proper_reason_is_refused_beside_its_row(
    client: Client, nancy: User, outcome: str
) -> None:
    waiting, other = callback(), callback()

    page = close(client, waiting, outcome=outcome, drop="1")

    assert page.status_code == 422
    assert page.text.split(f'id="callback-{waiting.pk}"')[1].split("</li>")[0].count('role="alert"') == 1
    assert page.text.split(f'id="callback-{other.pk}"')[1].split("</li>")[0].count('role="alert"') == 0
    assert set(Callback.objects.values_list("state", flat=True)) == {CallbackState.OPEN}


def test_an_observer_sees_who_waits_but_closes_nothing(client: Client) -> None:
    waiting = callback("Marie")
    client.force_login(factories.user(Role.OBSERVER))

    assert "Marie" in client.get(reverse("tickets:callbacks")).text
    assert close(client, waiting, done="1").status_code == 403
    assert Callback.objects.get().state == CallbackState.OPEN

    client.force_login(factories.user())
    assert close(client, waiting, done="1").status_code == 302
    assert Callback.objects.get().state == CallbackState.DONE


def test_an_unknown_callback_is_not_found(client: Client, nancy: User) -> None:
    assert client.post(reverse("tickets:callback_close", args=[999])).status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_however_many_wait(client: Client, nancy: User, rows: int) -> None:
    for _ in range(rows):
        contact = factories.contact(pharmacy=factories.pharmacy(), incident=factories.incident(title_fr="x"))
        Callback.objects.create(contact=contact, number="8003")

    with CaptureQueriesContext(connection) as queries:
        assert client.get(reverse("tickets:callbacks")).text.count('id="callback-') == rows
    about = [query["sql"] for query in queries if 'FROM "tickets_callback"' in query["sql"]]
    assert len(about) == 3, "\n".join(about)  # rows, how many are open, and the rail's badge
