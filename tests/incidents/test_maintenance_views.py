"""The desk's pages about planned work."""

import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from incidents import operations
from incidents.models import Maintenance, MaintenanceStatus, Milestone, MilestoneKind, ServiceStatus
from incidents.opening_hours import BRUSSELS, Window
from tests import factories

pytestmark = pytest.mark.django_db
S = MaintenanceStatus
HOUR = timedelta(hours=1)
NOW = datetime(2022, 7, 1, 15, 20, tzinfo=BRUSSELS)  # a Friday
LIST, PLAN, HOURS = "/desk/maintenance/", "/desk/maintenance/plan/", "/desk/maintenance/hours/"
TEXTS = {
    "title_fr": "Redémarrage complet",
    "title_nl": "Volledige herstart",
    "title_de": "",
    "title_en": "",
    "body_fr": "De courtes interruptions.",
    "body_nl": "Korte onderbrekingen.",
    "body_de": "",
    "body_en": "",
}


@pytest.fixture(autouse=True)
def _friday_afternoon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def signed_in(client: Client) -> Callable[[Role], User]:
    def sign_in(role: Role) -> User:
        person = factories.user(role, language="fr")
        client.force_login(person)
        return person

    return sign_in


@pytest.fixture
def comms(signed_in: Callable[[Role], User]) -> User:
    return signed_in(Role.COMMUNICATIONS)


def plan(
    starts_at: str = "2022-07-01T22:00", ends_at: str = "2022-07-02T00:00", **fields: Any
) -> dict[str, Any]:
    return {
        "key": str(uuid.uuid4()),
        **TEXTS,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "services": [factories.service("dpp").public_id],
        **fields,
    }


def planned(**fields: Any) -> Maintenance:
    starts_at = NOW + 7 * HOUR
    return factories.maintenance(factories.service("dpp"), **{"starts_at": starts_at, **fields})


def page(work: Maintenance) -> str:
    return f"/desk/maintenance/{work.public_id}/"


def step(status: str, **fields: Any) -> dict[str, Any]:
    notes = {f"note_{language}": "" for language in ("fr", "nl", "de", "en")}
    return {"key": str(uuid.uuid4()), "status": status, "occurred_at": "", **notes, **fields}


def value(html: str, name: str) -> str:
    found = re.search(rf'<input[^>]*name="{name}"[^>]*>', html)
    assert found, name
    said = re.search(r'value="([^"]*)"', found[0])
    return unescape(said[1]) if said else ""


# Planning


def test_who_plans_at_night_is_not_warned_and_comes_to_its_page(client: Client, comms: User) -> None:
    answer = client.post(PLAN, plan())

    work = Maintenance.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, page(work))
    assert (work.title_nl, work.body_fr, work.created_by) == (TEXTS["title_nl"], TEXTS["body_fr"], comms)
    assert (work.starts_at, work.ends_at) == (
        datetime(2022, 7, 1, 22, 0, tzinfo=BRUSSELS),
        datetime(2022, 7, 2, 0, 0, tzinfo=BRUSSELS),
    )
    assert [service.key for service in work.services.all()] == ["dpp"]


def test_who_plans_while_pharmacies_are_open_is_warned_first_and_keeps_what_was_typed(
    client: Client, comms: User
) -> None:
    sent = plan("2022-07-04T14:00", "2022-07-04T16:00")

    answer = client.post(PLAN, sent)

    assert (answer.status_code, Maintenance.objects.count()) == (422, 0)
    assert "Les pharmacies sont ouvertes à ce moment" in answer.text
    assert "4 juil. 19:00 – 4 juil. 21:00" in unescape(answer.text)
    kept = {
        name: value(answer.text, name) for name in ("key", "title_fr", "title_nl", "starts_at", "ends_at")
    }
    assert kept == {name: sent[name] for name in kept}
    assert TEXTS["body_fr"] in answer.text


def test_who_was_warned_may_plan_it_all_the_same(client: Client, comms: User) -> None:
    sent = plan("2022-07-04T14:00", "2022-07-04T16:00")
    seen = value(client.post(PLAN, sent).text, "seen")

    other = client.post(PLAN, {**sent, "seen": seen, "ends_at": "2022-07-04T17:00"})
    answer = client.post(PLAN, {**sent, "seen": seen})

    assert (other.status_code, answer.status_code) == (422, 302)
    assert Maintenance.objects.get().starts_at == datetime(2022, 7, 4, 14, 0, tzinfo=BRUSSELS)


def test_one_click_takes_the_quiet_window_and_keeps_the_rest(client: Client, comms: User) -> None:
    sent = plan("2022-07-04T14:00", "2022-07-04T16:00", body_nl="")
    take = re.search(r'name="take" value="([^"]+)"', client.post(PLAN, sent).text)
    assert take

    answer = client.post(PLAN, {**sent, "take": take[1]})

    assert (answer.status_code, Maintenance.objects.count()) == (200, 0)
    assert (value(answer.text, "starts_at"), value(answer.text, "ends_at")) == (
        "2022-07-04T19:00",
        "2022-07-04T21:00",
    )
    assert (value(answer.text, "title_fr"), value(answer.text, "key")) == (TEXTS["title_fr"], sent["key"])
    assert 'name="take"' not in answer.text
    assert "is-invalid" not in answer.text


def test_the_script_asks_for_the_warning_and_for_the_quiet_window(client: Client, comms: User) -> None:
    typed = {"starts_at": "2022-07-21T14:00", "ends_at": "2022-07-21T16:00"}
    holiday = client.get(HOURS, typed)
    workday = client.get(HOURS, {name: moment.replace("21T", "20T") for name, moment in typed.items()})
    taken = client.get(HOURS, {**typed, "take": "2022-07-20T19:00 2022-07-20T21:00"})

    assert ["alert-warning" in answer.text for answer in (holiday, workday, taken)] == [False, True, False]
    assert "<html" not in workday.text
    assert value(taken.text, "starts_at") == "2022-07-20T19:00"


def test_no_window_is_proposed_in_the_past(client: Client, comms: User) -> None:
    html = client.get(HOURS, {"starts_at": "2022-06-30T18:00", "ends_at": "2022-06-30T20:00"}).text

    assert re.findall(r'name="take" value="([^"]+)"', html) == ["2022-07-01T19:00 2022-07-01T21:00"]


@pytest.mark.parametrize(
    "junk", [{}, {"starts_at": "x"}, {"starts_at": "2022-07-20T14:00", "ends_at": "2199-01-01T00:00"}]
)
def test_a_window_that_is_none_warns_of_nothing(client: Client, comms: User, junk: dict[str, str]) -> None:
    answer = client.get(HOURS, junk)

    assert (answer.status_code, "alert-warning" in answer.text) == (200, False)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title_nl": ""}, "Ce champ est obligatoire."),
        ({"services": []}, "Dites quels services sont concernés."),
        ({"ends_at": "2022-07-01T21:00"}, "La fin vient après le début."),
        ({"starts_at": "soon"}, "Donnez une date et une heure."),
        ({"body_fr": "85.07.30-033.28"}, "numéro national"),
    ],
)
def test_a_refused_plan_comes_back_with_the_reason_and_all_that_was_typed(
    client: Client, comms: User, fields: dict[str, Any], said: str
) -> None:
    sent = plan(**fields)

    answer = client.post(PLAN, sent)

    assert (answer.status_code, Maintenance.objects.count()) == (422, 0)
    assert said in unescape(answer.text)
    assert value(answer.text, "title_fr") == sent["title_fr"]
    assert sent["body_nl"] in answer.text


def test_the_end_of_an_incident_is_proposed_with_its_services_and_its_restart(
    client: Client, comms: User
) -> None:
    lead, dpp = factories.user(Role.LEAD), factories.service("dpp")
    factories.service("raotd")
    outage = factories.incident(services={dpp: ServiceStatus.MAJOR})
    operations.plan_milestone(outage, MilestoneKind.RESTART_DONE, planned_for=NOW + 8 * HOUR, by=lead)

    html = client.get(PLAN, {"follows": outage.public_id}).text

    assert (value(html, "starts_at"), value(html, "ends_at")) == ("2022-07-01T23:20", "2022-07-02T01:20")
    assert re.findall(r'name="services"[^>]*value="(\w+)"[^>]* checked', html) == [dpp.public_id]
    assert re.search(rf'<option value="{outage.public_id}" selected', html)


@pytest.mark.parametrize(("hours", "reached_at"), [(-1, None), (1, NOW)])
def test_a_restart_that_is_past_or_done_proposes_no_hour(
    client: Client, comms: User, hours: int, reached_at: datetime | None
) -> None:
    outage = factories.incident()
    Milestone.objects.create(
        incident=outage,
        kind=MilestoneKind.RESTART_DONE,
        planned_for=NOW + hours * HOUR,
        reached_at=reached_at,
    )

    html = client.get(PLAN, {"follows": outage.public_id}).text

    assert value(html, "starts_at") == "2022-07-01T22:00"


def test_from_the_room_one_plans_the_follow_up_and_sees_it(client: Client, comms: User) -> None:
    outage = factories.incident()
    client.post(PLAN, plan(follows=outage.public_id))
    work = Maintenance.objects.get()

    html = client.get(f"/desk/incidents/{outage.public_id}/").text

    assert work.follows == outage
    assert f'href="{PLAN}?follows={outage.public_id}"' in html
    assert f'href="{page(work)}"' in html


# Moving


def amended(client: Client, work: Maintenance, **fields: Any) -> Any:
    """As the browser sends it: what stands in the form, what stood there at first, and what was changed."""
    html = client.get(f"{page(work)}edit/").text
    names = [n for n in TEXTS if n.startswith("title")] + ["starts_at", "ends_at", "seen"]
    sent: dict[str, Any] = {name: value(html, name) for name in names}
    sent |= {name: value(html, name) for name in re.findall(r'name="(initial-\w+)"', html)}
    sent |= {n: getattr(work, n) for n in TEXTS if n.startswith("body")}
    sent |= {"services": [s.public_id for s in work.services.all()]}
    sent |= {"initial-services": sent["services"]}
    return client.post(f"{page(work)}edit/", {**sent, **fields})


def test_moving_it_changes_only_when_it_is(client: Client, comms: User) -> None:
    work = planned(title_en="Restart")

    answer = amended(client, work, starts_at="2022-07-02T22:00", ends_at="2022-07-03T00:00")

    work.refresh_from_db()
    assert (answer.status_code, answer["Location"]) == (302, page(work))
    assert work.starts_at == datetime(2022, 7, 2, 22, 0, tzinfo=BRUSSELS)
    assert (work.title_en, work.last_change.from_starts_at) == ("Restart", NOW + 7 * HOUR)


def test_what_another_changed_meanwhile_stays(client: Client, comms: User) -> None:
    work = planned()
    opened = client.get(f"{page(work)}edit/").text
    later = Window(work.starts_at + HOUR, work.ends_at + HOUR)
    operations.amend_maintenance(work, window=later, by=comms)

    sent = {name: value(opened, name) for name in re.findall(r'name="(initial-\w+)"', opened)}
    texts = {**TEXTS, "body_fr": work.body_fr, "body_nl": work.body_nl, "title_fr": "Redémarrage"}
    client.post(
        f"{page(work)}edit/",
        {
            **sent,
            **texts,
            "starts_at": value(opened, "starts_at"),
            "ends_at": value(opened, "ends_at"),
            "services": [s.public_id for s in work.services.all()],
        },
    )

    work.refresh_from_db()
    assert (work.title_fr, work.starts_at, work.ends_at) == ("Redémarrage", *later)


def test_who_only_corrects_a_text_is_not_asked_about_hours_again(client: Client, comms: User) -> None:
    work = planned(starts_at=datetime(2022, 7, 4, 14, 0, tzinfo=BRUSSELS))

    answer = amended(client, work, title_fr="Autre")

    work.refresh_from_db()
    assert (answer.status_code, work.title_fr) == (302, "Autre")


def test_moving_it_into_opening_hours_warns(client: Client, comms: User) -> None:
    work = planned()

    answer = amended(client, work, starts_at="2022-07-04T14:00", ends_at="2022-07-04T16:00")

    work.refresh_from_db()
    assert (answer.status_code, "Les pharmacies sont ouvertes" in answer.text) == (422, True)
    assert work.starts_at == NOW + 7 * HOUR


# How it goes


def test_each_state_offers_what_may_follow(client: Client, comms: User) -> None:
    offered = {
        status: re.findall(
            r'<button[^>]*name="status" value="(\w+)"', client.get(page(planned(status=status))).text
        )
        for status in S
    }

    assert offered == {
        S.SCHEDULED: ["in_progress", "cancelled"],
        S.IN_PROGRESS: ["verifying", "completed"],
        S.VERIFYING: ["completed", "in_progress"],
        S.COMPLETED: [],
        S.CANCELLED: [],
    }


def test_it_is_begun_with_words_for_the_public(client: Client, comms: User) -> None:
    work = planned(starts_at=NOW - HOUR)

    answer = client.post(
        page(work),
        step(
            "in_progress", occurred_at="2022-07-01T14:30", note_fr="Nous commençons.", note_nl="We beginnen."
        ),
    )

    assert (answer.status_code, work.status) == (302, S.IN_PROGRESS)
    assert work.started_at == datetime(2022, 7, 1, 14, 30, tzinfo=BRUSSELS)
    assert work.last_change.note_nl == "We beginnen."


def test_words_alone_change_no_state(client: Client, comms: User) -> None:
    work = planned()

    answer = client.post(page(work), step("", note_fr="Rappel.", note_nl="Herinnering."))

    assert (answer.status_code, work.status, work.last_change.note_fr) == (302, S.SCHEDULED, "Rappel.")


@pytest.mark.parametrize(
    "sent",
    [
        step("", note_fr="Seulement ceci."),
        step("completed", note_fr="Seulement ceci."),
        step("no-such-state", note_fr="Seulement ceci."),
        step("in_progress", note_fr="Seulement ceci.", note_nl="x", occurred_at="2022-07-03T10:00"),
        step("in_progress", key="", note_fr="Seulement ceci.", note_nl="x"),
    ],
)
def test_a_refused_step_comes_back_with_its_words(client: Client, comms: User, sent: dict[str, Any]) -> None:
    work = planned()

    answer = client.post(page(work), sent)

    assert (answer.status_code, work.changes.count()) == (422, 1)
    assert "Seulement ceci." in answer.text
    assert re.search(r'class="(alert alert-danger|invalid-feedback[^"]*)"', answer.text)


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.COMMUNICATIONS, 200), (Role.LEAD, 200), (Role.AGENT, 403), (Role.OBSERVER, 403)],
)
def test_others_read_but_find_nothing_to_press(
    client: Client, signed_in: Callable[[Role], User], role: Role, status: int
) -> None:
    signed_in(role)
    work = planned()

    read = [client.get(address).text for address in (LIST, page(work))]

    assert [work.title_fr in html for html in read] == [True, True]
    assert ['name="status"' in read[1], PLAN in read[0]] == [status == 200] * 2
    assert [client.get(a).status_code for a in (PLAN, HOURS, f"{page(work)}edit/")] == [status] * 3
    if status == 403:
        assert client.post(page(work), step("in_progress")).status_code == 403
        assert work.status == S.SCHEDULED


# The list


def test_late_work_is_said_to_be_late_and_counted_in_the_rail(client: Client, comms: User) -> None:
    planned(title_fr="À temps")
    planned(title_fr="Pas commencé", starts_at=NOW - HOUR)
    planned(title_fr="Pas fini", starts_at=NOW - 5 * HOUR, status=S.IN_PROGRESS)

    html = unescape(client.get(LIST).text)

    assert html.count("aurait dû commencer il y a 60 min") == 1
    assert html.count("devrait être terminé depuis 180 min") == 1
    assert "2 en retard" in html
    assert html.index("Pas fini") < html.index("Pas commencé") < html.index("À temps")


def test_what_is_over_stands_below_and_is_paged(client: Client, comms: User) -> None:
    for number in range(21):
        planned(title_fr=f"Travaux {number}", status=S.COMPLETED, starts_at=NOW - timedelta(days=number + 1))
    planned(title_fr="À venir")

    first, second = (client.get(LIST, {"page": number}).text for number in (1, 2))

    assert ["Travaux 0<" in html for html in (first, second)] == [True, False]
    assert ["Travaux 20<" in html for html in (first, second)] == [False, True]
    assert unescape(first).index("À venir") < first.index("Travaux 0<")


def test_the_list_asks_as_much_for_one_as_for_three(client: Client, comms: User) -> None:
    counts = []
    for more in (1, 2):
        for _ in range(more):
            planned(follows=factories.incident())
            planned(status=S.COMPLETED, follows=factories.incident())
        client.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        counts.append(len(queries))

    assert counts[0] == counts[1]
