"""A scenario plays in an exercise: at its speed, held up when asked, each arrival once."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.models import Delivery
from farmaflux_desk.jobs import jobs
from farmaflux_desk.models import Replay
from farmaflux_desk.rehearsal import replay as operations
from farmaflux_desk.rehearsal.scenario import Scenario, read
from incidents.models import ExerciseClock, Incident, Partner, Phase
from incidents.operations import move
from tests import factories
from tickets.models import Callback, Contact

pytestmark = pytest.mark.django_db
AT = factories.OUTAGE
TEXT = """\
title: {fr: Panne du soir, nl: Storing in de avond}
severity: S2
services: {eforms: major_outage}
begins: "18:00"
events:
  - {at: "18:00", signal: {fr: Plus rien., nl: Niets meer.}}
  - {at: "18:10", partner: sciensano, says: {fr: Rien ne vient., nl: Er komt niets.}}
  - {at: "18:20", call: "Attend 85.07.30-033.28", language: nl, waiting: true, callback: "02 555 12 12"}
  - {at: "18:30", call: Merci., language: fr, caller: Pharmacie X, service: eforms}
"""


@pytest.fixture
def lead() -> User:
    return factories.user(Role.LEAD, language="en")


@pytest.fixture
def scenario() -> Scenario:
    factories.service("eforms")
    Partner.objects.create(key="sciensano", name_fr="Sciensano", name_nl="Sciensano", position="downstream")
    return read(TEXT, services=["eforms"], partners=["sciensano"])


@pytest.fixture
def replay(scenario: Scenario, lead: User) -> Replay:
    return begun(scenario, lead)


def begun(scenario: Scenario, by: User, **fields: Any) -> Replay:
    incident = operations.begin(scenario, **{"key": uuid.uuid4(), "speed": 10, "by": by, "at": AT, **fields})
    return Replay.objects.get(incident=incident)


def after(minutes: float) -> int:
    """How much arrives when the job runs *minutes* after the beginning."""
    return operations.play_all(at=AT + timedelta(minutes=minutes))


def test_it_begins_as_an_exercise_and_the_same_key_begins_no_second(scenario: Scenario, lead: User) -> None:
    key = uuid.uuid4()

    replays = {begun(scenario, lead, key=key).pk for _ in range(2)}

    incident = Incident.objects.get()
    assert (len(replays), incident.drill, incident.severity, incident.title_nl) == (
        1,
        True,
        "S2",
        "Storing in de avond",
    )


def test_who_may_not_declare_begins_holds_and_goes_on_with_nothing(
    replay: Replay, scenario: Scenario
) -> None:
    agent = factories.user(Role.AGENT)

    with pytest.raises(NotAllowed):
        begun(scenario, agent)
    with pytest.raises(NotAllowed):
        operations.hold(replay, by=agent)
    with pytest.raises(NotAllowed):
        operations.go_on(replay, speed=1, by=agent)
    assert Incident.objects.count() == 1


@pytest.mark.parametrize("speed", [0, 61, -1])
def test_it_goes_between_1_and_60_times_as_fast(
    replay: Replay, scenario: Scenario, lead: User, speed: int
) -> None:
    with pytest.raises(Refused):
        begun(scenario, lead, speed=speed)
    with pytest.raises(Refused):
        operations.go_on(replay, speed=speed, by=lead)


def test_what_arrives_stands_in_the_room_at_the_moment_of_the_exercise_at_which_it_was_due(
    replay: Replay,
) -> None:
    assert [after(minutes) for minutes in (0, 0.5, 1.1, 1.1, 2.5, 60)] == [1, 0, 1, 0, 1, 1]

    signals = replay.incident.entries.filter(kind="signal").order_by("sequence")
    assert [
        (entry.data["said"]["nl"], entry.source and entry.source.key, entry.occurred_at) for entry in signals
    ] == [
        ("Niets meer.", None, AT),
        ("Er komt niets.", "sciensano", AT + timedelta(minutes=10)),
    ]
    calls = Contact.objects.order_by("occurred_at")
    assert [(call.caller_text, call.note, call.impact, call.occurred_at) for call in calls] == [
        ("Pharmacie · Apotheek", "Attend 85.07.30-•••.••", "patient_waiting", AT + timedelta(minutes=20)),
        ("Pharmacie X", "Merci.", "info", AT + timedelta(minutes=30)),
    ]
    assert Callback.objects.get().number == "02 555 12 12"
    assert {(call.agent.username, call.agent.is_active) for call in calls} == {("scenario", False)}
    assert not Delivery.objects.exists()


def test_held_up_nothing_arrives_and_it_goes_on_from_there_at_another_speed(
    replay: Replay, lead: User
) -> None:
    operations.hold(replay, by=lead, at=AT + timedelta(minutes=1.5))
    held = after(30)
    operations.go_on(replay, speed=1, by=lead, at=AT + timedelta(minutes=40))

    # 15 minutes of the scenario were played; the next call is due in 5 more, one for one.
    assert [held, after(44), after(45), after(54), after(56)] == [0, 0, 1, 0, 1]


def test_two_runners_let_nothing_arrive_twice(replay: Replay) -> None:
    at = AT + timedelta(minutes=60)

    assert [operations.play(replay.pk, at=at) for _ in range(2)] == [4, 0]
    Replay.objects.update(arrived=0)  # as if the note of it were lost
    operations.play(replay.pk, at=at)
    assert (Contact.objects.count(), replay.incident.entries.filter(kind="signal").count()) == (2, 2)


def test_once_the_exercise_is_over_nothing_arrives_any_more(replay: Replay, lead: User) -> None:
    move(replay.incident, Phase.RESOLVED, by=lead, at=AT + timedelta(minutes=1))

    assert (after(60), Replay.objects.running().exists()) == (0, False)
    replay.incident.refresh_from_db()
    with pytest.raises(Refused):
        operations.go_on(replay, speed=1, by=lead)


def test_the_job_costs_one_query_where_nothing_runs(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    assert ("play scenarios", operations.play_all) in [(job.name, job.function) for job in jobs("relay")]

    with django_assert_num_queries(1):
        operations.play_all()


# -- the pages


def typed(**fields: Any) -> dict[str, Any]:
    file = SimpleUploadedFile("soir.yaml", TEXT.encode())
    return {"key": str(uuid.uuid4()), "source": "own", "speed": "60", "file": file, **fields}


def test_a_lead_begins_from_a_file_of_her_own_and_sees_it_in_the_room(
    client: Client, lead: User, scenario: Scenario
) -> None:
    client.force_login(lead)

    room = client.post("/desk/drills/", typed(), follow=True)
    operations.play_all()
    replay = Replay.objects.get()
    part = client.get(f"/desk/drills/{replay.incident.public_id}/?seen=", headers={"hx-request": "true"}).text

    assert "DRILL · Panne du soir" in room.text
    assert ("0 of 4 have arrived" in room.text, "1 of 4 have arrived" in part, "18:0" in part) == (
        True,
        True,
        True,
    )


def test_the_part_of_the_room_answers_nothing_new_while_nothing_is(
    client: Client, lead: User, replay: Replay
) -> None:
    client.force_login(lead)
    with time_machine.travel(AT, tick=False):
        shown = client.get(f"/desk/incidents/{replay.incident.public_id}/").context["room"].playing
        again = client.get(
            f"/desk/drills/{replay.incident.public_id}/",
            {"seen": shown.version},
            headers={"hx-request": "true"},
        )

    assert again.status_code == 204


def test_the_built_in_day_begins_where_its_services_are_known(client: Client, lead: User) -> None:
    client.force_login(lead)

    refused = client.post("/desk/drills/", typed(source="built_in"))
    for key in (
        "eforms-rapid-test",
        "eforms-vaccination",
        "eforms-booster",
        "transfer-sciensano",
        "certificates",
    ):
        factories.service(key)
    for key in ("software-houses", "sciensano", "digitaal-vlaanderen"):
        Partner.objects.create(key=key, name_fr=key, name_nl=key, position="downstream")
    begun = client.post("/desk/drills/", typed(source="built_in"))

    assert (refused.status_code, "No service of this desk has the key" in refused.text) == (422, True)
    assert (begun.status_code, Incident.objects.get().title_nl[:11]) == (302, "1 juli 2022")


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"file": ""}, "file", "Choose the file"),
        ({"file": SimpleUploadedFile("x.yaml", b"\xff\xfe\x00")}, "file", "This is no text in UTF-8."),
        ({"file": SimpleUploadedFile("x.yaml", b"severity: S9")}, "file", "Line 1: "),
        ({"file": SimpleUploadedFile("x.yaml", b"#" * 200_001)}, "file", "At most 195"),
        ({"speed": "61"}, "speed", "60"),
        ({"speed": "fast"}, "speed", "nombre entier"),
        ({"source": "dream"}, "source", "dream"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_begins(
    client: Client, lead: User, scenario: Scenario, wrong: dict[str, Any], field: str, said: str
) -> None:
    client.force_login(lead)

    page = client.post("/desk/drills/", typed(**wrong))

    assert (page.status_code, Incident.objects.exists()) == (422, False)
    assert said in " ".join(page.context["form"].errors[field])


@time_machine.travel(AT + timedelta(minutes=1), tick=False)
def test_holding_and_going_on_from_the_room(client: Client, lead: User, replay: Replay) -> None:
    client.force_login(lead)
    at = f"/desk/drills/{replay.incident.public_id}/"

    client.post(f"{at}hold/")
    held = ExerciseClock.objects.get().running_since
    refused = client.post(f"{at}go-on/", {"speed": "99"}, follow=True)
    still = ExerciseClock.objects.get().running_since
    client.post(f"{at}go-on/", {"speed": "5"})

    assert (held, still, ExerciseClock.objects.get().speed) == (None, None, 5)
    assert "60" in next(str(message) for message in refused.context["messages"])


def test_others_see_the_exercises_and_begin_none(client: Client, replay: Replay) -> None:
    client.force_login(factories.user(Role.AGENT, language="en"))

    seen, sent = client.get("/desk/drills/"), client.post("/desk/drills/", typed())
    held = client.post(f"/desk/drills/{replay.incident.public_id}/hold/")

    assert ("DRILL · Panne du soir" in seen.text, "Begin the exercise" in seen.text) == (True, False)
    assert (sent.status_code, held.status_code, Incident.objects.count()) == (403, 403, 1)


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_however_many_exercises(
    client: Client,
    lead: User,
    scenario: Scenario,
    rows: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(rows):
        begun(scenario, lead)
    client.force_login(lead)

    with django_assert_max_num_queries(22):
        client.get("/desk/drills/")


# -- an exercise that was declared by hand


def test_a_scenario_is_loaded_into_an_exercise_under_way_once_and_runs_from_then_on(
    scenario: Scenario, lead: User
) -> None:
    incident = factories.incident(drill=True, began_at=AT - timedelta(minutes=20))
    key, later = uuid.uuid4(), AT + timedelta(minutes=5)

    loaded = {
        operations.load(scenario, incident, key=key, speed=10, by=lead, at=later).pk for _again in range(2)
    }
    arrived = after(6.1)

    incident.refresh_from_db()
    assert (len(loaded), arrived, Incident.objects.get().title_fr) == (1, 2, incident.title_fr)
    assert list(
        incident.entries.filter(kind="signal").values_list("occurred_at", flat=True).order_by("pk")
    ) == [
        later,
        later + timedelta(minutes=10),
    ]
    with pytest.raises(Refused):
        operations.load(scenario, incident, key=uuid.uuid4(), speed=10, by=lead)


def test_what_is_real_or_over_is_given_no_scenario(scenario: Scenario, lead: User) -> None:
    over = factories.incident(drill=True, phase=Phase.RESOLVED)
    running, agent = factories.incident(drill=True), factories.user(Role.AGENT)

    for incident in (factories.incident(), over):
        with pytest.raises(Refused):
            operations.load(scenario, incident, key=uuid.uuid4(), speed=1, by=lead)
    with pytest.raises(NotAllowed):
        operations.load(scenario, running, key=uuid.uuid4(), speed=1, by=agent)
    assert not Replay.objects.exists()


def test_the_room_of_an_exercise_without_a_scenario_leads_to_loading_one(
    client: Client, lead: User, scenario: Scenario
) -> None:
    incident = factories.incident(drill=True)
    real = factories.incident()
    client.force_login(lead)

    room = client.get(f"/desk/incidents/{incident.public_id}/").text
    form = client.get(f"/desk/drills/?into={incident.public_id}").text
    refused = client.post("/desk/drills/", typed(into=real.public_id))
    sent = client.post("/desk/drills/", typed(into=incident.public_id))

    assert f"/desk/drills/?into={incident.public_id}" in room
    assert f'<option value="{incident.public_id}" selected>' in form
    assert (refused.status_code, "into" in refused.context["form"].errors) == (422, True)
    assert (sent.url, Replay.objects.get().incident) == (  # type: ignore[attr-defined]
        f"/desk/incidents/{incident.public_id}/",
        incident,
    )
