import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import User
from accounts.roles import Role
from incidents.models import Milestone, MilestoneKind, Phase
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

    assert response.status_code == 302
    client.get(reverse("tickets:callbacks"))  # says once that it is closed
    assert "Marie" not in client.get(reverse("tickets:callbacks")).text
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


def sections(client: Client) -> dict[str, list[str]]:
    """By the heading of the window, who stands under it."""
    parts = client.get(reverse("tickets:callbacks")).text.split('<h3 class="fx-ph">')[1:]
    return {part.split(" <b")[0]: re.findall(r"<b>([a-z ]+)</b></a>", part) for part in parts}


def test_who_waits_until_it_works_is_due_when_that_is_published_and_not_before(
    client: Client, nancy: User
) -> None:
    now = timezone.now()
    incident = factories.incident(began_at=now - timedelta(hours=2))
    factories.update(incident, published_at=now - timedelta(minutes=50))
    for name, called in (("before", -60), ("after", -5)):
        contact = factories.contact(caller_text=name, incident=incident, at=now + timedelta(minutes=called))
        Callback.objects.create(contact=contact, number="8003")

    assert sections(client) == {"When it works again": ["before", "after"]}
    Milestone.objects.create(
        incident=incident, kind=MilestoneKind.TRANSFER_BACK, reached_at=now - timedelta(minutes=20)
    )
    assert sections(client) == {"When it works again": ["before", "after"]}  # nobody has been told
    factories.update(incident, published_at=now - timedelta(minutes=10))
    assert sections(client) == {"To phone now": ["before"], "When it works again": ["after"]}
    factories.update(incident, published_at=now, phase=Phase.RESOLVED)
    assert sections(client) == {"To phone now": ["before", "after"]}


def test_who_phones_is_shown_to_the_others_for_ten_minutes(
    client: Client, nancy: User, time_machine: TimeMachineFixture
) -> None:
    now = timezone.now()
    time_machine.move_to(now, tick=False)
    waiting, gerti = callback("Marie"), factories.user(first_name="Gerti")
    close(client, waiting, claim="1")
    assert 'name="done"' in client.get(reverse("tickets:callbacks")).text
    other = Client()
    other.force_login(gerti)

    refused = close(other, waiting, claim="1")

    assert (refused.status_code, "Nancy" in refused.text) == (422, True)
    page = other.get(reverse("tickets:callbacks")).text
    assert ("Nancy" in page, 'name="done"' in page) == (True, False)
    time_machine.move_to(now + timedelta(minutes=10), tick=False)
    close(other, waiting, claim="1")
    waiting.refresh_from_db()
    assert waiting.claimed_by == gerti
    close(client, waiting, release="1")  # not hers any more
    close(client, waiting, claim="1", instead_of=str(gerti.pk))
    waiting.refresh_from_db()
    assert waiting.claimed_by == nancy
    close(client, waiting, release="1")
    waiting.refresh_from_db()
    assert waiting.claimed_by is None


def test_three_tries_are_noted_once_each_and_then_it_ends_as_not_reached(client: Client, nancy: User) -> None:
    waiting = callback("Marie", window=CallbackWindow.SOON)

    close(client, waiting, **{"try": "busy", "number": "1"})
    close(client, waiting, **{"try": "busy", "number": "1"})  # sent twice
    assert list(sections(client)) == ["Later"]
    close(client, waiting, **{"try": "voicemail", "number": "2"})
    waiting.refresh_from_db()
    assert waiting.state == CallbackState.OPEN
    close(client, waiting, **{"try": "no_answer", "number": "3"})

    waiting.refresh_from_db()
    assert (waiting.state, waiting.closed_by) == (CallbackState.UNREACHED, nancy)
    assert list(waiting.tries.values_list("number", "outcome")) == [
        (1, "busy"),
        (2, "voicemail"),
        (3, "no_answer"),
    ]
    assert close(client, waiting, **{"try": "busy", "number": "4"}).status_code == 422
    other = callback()
    assert close(client, other, **{"try": "nosuch", "number": "1"}).status_code == 422
    assert close(client, other, **{"try": "busy", "number": "x\x00"}).status_code == 302
    assert not other.tries.exists()


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
    assert len(about) == 4, "\n".join(
        about
    )  # rows, how many are open, who hears that it works, the rail's badge
