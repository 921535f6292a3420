"""The wallboard, and what it costs."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import User
from accounts.roles import Role
from farmaflux_desk.wall import Wall
from incidents.models import ExerciseClock, Incident
from tests import factories
from tickets.models import Callback, CallbackWindow, ContactImpact, Province

pytestmark = pytest.mark.django_db
NOW = factories.OUTAGE + timedelta(minutes=62)  # 14:32 in Brussels
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _now(time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def observer(client: Client) -> User:
    observer = factories.user(Role.OBSERVER, language="en")
    client.force_login(observer)
    return observer


@pytest.fixture
def incident() -> Incident:
    return factories.incident()


def wall(user: User, **asked: Any) -> Wall:
    return Wall(user=user, at=timezone.now(), **asked)


def test_calls_stand_per_five_minutes_against_the_same_hours_of_the_last_weeks(
    observer: User, incident: Incident
) -> None:
    for minutes in (1, 2, 12, 130):
        factories.contact(at=NOW - minutes * MINUTE, incident=incident)
    factories.contact(at=NOW - MINUTE, incident=factories.incident(drill=True))
    for week in (1, 2, 3, 4):
        for minutes in (2, 3, 4, 5, 6):
            factories.contact(at=NOW - timedelta(weeks=week) - minutes * MINUTE)
    factories.contact(at=NOW - timedelta(weeks=5))

    board = wall(observer)

    assert [bar.calls for bar in board.bars][-4:] == [0, 1, 0, 2]
    assert (board.bars[-1].running, board.bars[-1].usual, board.bars[0].usual) == (True, 1.0, 0.0)
    assert board.last_quarter == (1, 3)


def test_callers_are_counted_once_each_and_by_place_as_a_share_of_all(
    observer: User, incident: Incident
) -> None:
    house = factories.software_house(name="Galénis")
    gare = factories.pharmacy(province=Province.NAMUR, software_house=house)
    for n in range(4):
        factories.pharmacy(province=Province.NAMUR if n else Province.LIEGE)
    for _ in range(3):
        factories.contact(pharmacy=gare, incident=incident)
    factories.contact(caller_text="unknown", incident=incident)
    factories.contact()  # about nothing

    board = wall(observer)

    namur = next(place for place in board.provinces if place.shape and place.shape.province == "WNA")
    assert (namur.calls, namur.pharmacies, namur.share) == (3, 1, 25)
    assert (board.pharmacies, board.all_pharmacies) == (1, 6)
    assert [(place.name, place.calls, place.share) for place in board.houses] == [("Galénis", 3, 100)]


def test_the_page_tells_what_waits_what_was_said_and_who_is_there(
    client: Client, observer: User, incident: Incident
) -> None:
    urgent = {"impact": ContactImpact.PATIENT_WAITING, "needed_by": NOW - 5 * MINUTE}
    nancy = factories.user(first_name="Nancy")
    contact = factories.contact(incident=incident, at=NOW - 10 * MINUTE, agent=nancy, **urgent)
    Callback.objects.create(contact=contact, number="8003", window=CallbackWindow.AT, due_at=NOW - MINUTE)
    for n in range(4):
        factories.update(incident, published_at=NOW - (40 - 10 * n) * MINUTE, next_update_at=NOW + 7 * MINUTE)

    page = client.get("/desk/wall/").text

    told = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "Urgent patients 1 1 late" in told
    assert "1 callbacks" in told
    assert "Last message 10 min ago" in told
    assert "7 min, at" in told
    assert re.findall(r'<span class="fx-tag">(v\d)</span>', page) == ["v4", "v3", "v2"]
    assert "Nancy" in told
    assert page.count("<polygon") == 11


def test_it_is_drawn_anew_when_a_call_comes_in_and_every_minute(
    client: Client, observer: User, incident: Incident, time_machine: TimeMachineFixture
) -> None:
    def poll() -> int:
        return client.get("/desk/wall/live/", {"seen": seen}).status_code

    seen = wall(observer).version
    assert poll() == 204
    factories.contact(incident=incident, at=NOW - MINUTE)
    assert poll() == 200
    seen = wall(observer).version
    time_machine.move_to(NOW + MINUTE, tick=False)
    assert poll() == 200


def test_it_stands_without_an_incident_and_with_one_that_is_not_known(client: Client, observer: User) -> None:
    factories.contact(at=NOW - 10 * MINUTE)
    for asked in ("", "nosuch", "\x00"):
        page = client.get("/desk/wall/", {"incident": asked})
        assert (page.status_code, "No open incident" in page.text) == (200, True)


def test_its_cost_is_flat(client: Client, observer: User, incident: Incident) -> None:
    def queries(address: str) -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200
        return len(asked)

    def more(count: int) -> None:
        for n in range(count):
            pharmacy = factories.pharmacy(software_house=factories.software_house())
            factories.contact(incident=incident, pharmacy=pharmacy, at=NOW - n * MINUTE)
            factories.update(incident, published_at=NOW - n * MINUTE)

    more(1)
    few = queries("/desk/wall/"), queries("/desk/wall/live/")
    more(5)

    assert (queries("/desk/wall/"), queries("/desk/wall/live/")) == few
    assert max(few) <= 30
    poll = wall(observer)
    with CaptureQueriesContext(connection) as asked:
        _ = poll.version
    assert len(asked) <= 7


def test_of_an_exercise_it_shows_the_exercise_alone_by_its_own_time(
    observer: User, incident: Incident
) -> None:
    drill = factories.incident(drill=True, began_at=NOW - 4 * MINUTE)
    ExerciseClock.objects.create(
        incident=drill, started_at=NOW - 4 * MINUTE, speed=30, running_since=NOW - 4 * MINUTE
    )
    said = factories.update(drill, published_at=NOW + 90 * MINUTE)
    factories.update(incident)
    for minutes in (1, 31, 116):
        call = factories.contact(at=NOW + minutes * MINUTE, incident=drill)
        factories.callback(call, window=CallbackWindow.AT, due_at=NOW + 100 * MINUTE)
    factories.contact(at=NOW - MINUTE, incident=incident)

    board = wall(observer, public_id=drill.public_id)

    assert board.at == NOW + 116 * MINUTE
    assert (sum(bar.calls for bar in board.bars), board.late_callbacks) == (3, 3)
    assert (board.updates, board.minutes_since_message) == ([said], 26)
    assert sum(bar.calls for bar in wall(observer, public_id=incident.public_id).bars) == 1
