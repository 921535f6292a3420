"""What a browser is given to go on without the desk, and what the desk takes from it afterwards."""

import json
import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from accounts.models import User
from incidents.models import ExerciseClock, Incident
from tests import factories
from tickets.models import Contact
from tickets.views import queue

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def nancy(client: Client) -> User:
    nancy = factories.user(first_name="Nancy", language="en")
    client.force_login(nancy)
    return nancy


def log(client: Client, *, sign_in: str = "", **fields: Any) -> Any:
    headers = HTMX | ({"X-Sign-In": sign_in} if sign_in else {})
    row = {"key": str(uuid.uuid4()), "channel": "phone", "caller": "Marie", **fields}
    return client.post("/desk/calls/log/", row, headers=headers)


def test_a_call_that_waited_in_a_browser_happened_when_it_was_taken(client: Client, nancy: User) -> None:
    before = timezone.now()

    answer = log(
        client,
        waited="3600",
        callback="on",
        callback_number="8003",
        callback_window="at",
        callback_at="23:59",
    )

    contact = Contact.objects.select_related("callback").get()
    assert answer.status_code == 200
    assert before - timedelta(hours=1) <= contact.occurred_at <= timezone.now() - timedelta(hours=1)
    assert contact.recorded_at >= before
    assert contact.callback.due_at
    assert contact.occurred_at < contact.callback.due_at <= contact.occurred_at + timedelta(days=1)


def test_in_an_exercise_of_its_own_time_a_call_happened_when_it_was_taken_by_that_time(
    client: Client, nancy: User
) -> None:
    now = timezone.now()
    drill = factories.incident(drill=True, began_at=now - timedelta(minutes=10))
    ExerciseClock.objects.create(
        incident=drill, started_at=drill.began_at, speed=6, running_since=drill.began_at
    )

    log(client, incident=drill.public_id, waited="120")

    shown = Contact.objects.get().occurred_at - drill.began_at
    assert timedelta(minutes=48) <= shown < timedelta(minutes=49)


@pytest.mark.parametrize("waited", ["-1", str(26 * 60 * 60), "soon", "1\x00"])
def test_no_call_waited_for_longer_than_a_browser_keeps_it(client: Client, nancy: User, waited: str) -> None:
    assert log(client, waited=waited).status_code == 422
    assert not Contact.objects.exists()


def test_a_page_of_another_sign_in_saves_nothing(client: Client, nancy: User) -> None:
    page = client.get("/desk/calls/").text
    opened_under = re.search(r'data-sign-in="(\w+)"', page)
    assert opened_under
    client.logout()
    client.force_login(nancy)
    now = client.get("/desk/calls/keys/").json()["signIn"]

    assert log(client, sign_in=opened_under[1]).status_code == 409
    assert not Contact.objects.exists()
    assert log(client, sign_in=now).status_code == 200


def test_keys_are_for_whoever_is_signed_in_and_kept_by_no_cache(client: Client, nancy: User) -> None:
    answer = client.get("/desk/calls/keys/", headers=HTMX)

    assert (answer.json()["user"], "no-store" in answer.headers["Cache-Control"]) == (str(nancy.pk), True)
    assert Client().get("/desk/calls/keys/", headers=HTMX).status_code == 401


def test_the_copy_for_the_browser_says_what_to_say_and_nothing_about_a_caller(
    client: Client, nancy: User
) -> None:
    incident: Incident = factories.incident(began_at=timezone.now() - timedelta(hours=1), title_en="eForms")
    gare = factories.pharmacy(name="Pharmacie de la Gare", town="Namur")
    factories.contact(pharmacy=gare, incident=incident, agent=nancy)
    factories.contact(caller_text="Madame Dubois", incident=incident, agent=nancy)
    told = ("eForms", "Gare", "Namur", "Dubois")

    whole, copy = client.get("/desk/calls/").text, client.get("/desk/calls/offline/").text

    assert [words in whole for words in told] == [True] * 4
    assert [words in copy for words in told] == [True, False, False, False]
    # A copy is opened many times: a key in it would be used for several calls.
    assert re.findall(r'name="key" value="(.*?)"', copy) == [""]


def given_to(worker: str) -> dict[str, Any]:
    given: dict[str, Any] = json.loads(worker.split("self.desk = ")[1].split(";\n")[0])
    return given


def test_the_worker_is_for_anyone_covers_the_agents_page_alone_and_changes_with_its_parts(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.get("/desk/calls/worker.js")
    given = given_to(answer.text)

    assert answer.headers["Content-Type"] == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Service-Worker-Allowed" not in answer.headers
    assert given["page"] == "/desk/calls/"
    assert all(finders.find(part) for part in queue.PARTS)
    monkeypatch.setattr(queue, "PARTS", queue.PARTS[1:])
    queue._version.cache_clear()
    assert given_to(client.get("/desk/calls/worker.js").text)["version"] != given["version"]
    queue._version.cache_clear()


def test_the_copys_parts_are_all_that_its_page_asks_for(client: Client, nancy: User) -> None:
    copy = client.get("/desk/calls/offline/").text
    scripts = {part for part in queue.PARTS if part.endswith(".js")}

    asked = {
        address.removeprefix("/static/") for address in re.findall(r'(?:src|href)="(/static/[^"#]+)', copy)
    }
    for script in scripts:
        imports = re.findall(
            r'^import (?:.* from )?"\./(\w+\.js)"', Path(str(finders.find(script))).read_text(), re.MULTILINE
        )
        asked |= {f"js/{name}" for name in imports}

    assert asked <= {*queue.PARTS}
