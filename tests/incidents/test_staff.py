"""Calling colleagues in: whom next, who answered what, who came."""

import uuid
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from incidents import operations
from incidents.calling import CallInBoard
from incidents.models import CallIn, CallInAnswer, CallInWay, Colleague, Incident
from incidents.operations.staff import ColleagueData
from incidents.timeline import describe
from tests import factories

pytestmark = pytest.mark.django_db
AT = factories.OUTAGE
ICS = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Ski\r\n"
    b"DTSTART;VALUE=DATE:%s\r\nDTEND;VALUE=DATE:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def lead() -> User:
    return factories.user(Role.LEAD, language="en")


@pytest.fixture
def agent() -> User:
    return factories.user(Role.AGENT, language="en")


@pytest.fixture
def incident() -> Incident:
    return factories.incident()


def colleague(by: User, name: str = "An Peeters", **fields: Any) -> Colleague:
    data = {"name": name, "phone": "0470 12 34 56", "email": "an@farmaflux.example", **fields}
    return operations.keep_colleague(ColleagueData(**data), by=by)


def answered(
    incident: Incident, who: Colleague, answer: CallInAnswer, by: User, minute: int = 0, **fields: Any
) -> CallIn:
    return operations.call_in(
        incident,
        who,
        **{"key": uuid.uuid4(), "way": CallInWay.PHONE, "at": AT + timedelta(minutes=minute), **fields},
        answer=answer,
        by=by,
    )


def test_next_is_the_first_in_order_who_can_be_called_then_who_did_not_answer_longest_ago(
    incident: Incident, lead: User, agent: User
) -> None:
    third = colleague(lead, "Cas", position=3)
    first = colleague(lead, "An", position=1)
    second = colleague(lead, "Bo", position=2)
    colleague(lead, "Dé", position=0, unreachable=True)
    away = colleague(lead, "Eva", position=0)
    operations.add_absence(away, date(2022, 6, 30), date(2022, 7, 1), what="ski", by=lead)

    def following() -> Colleague | None:
        row = CallInBoard(incident, at=AT).next
        return row.colleague if row else None

    order = [following()]
    for minute, (who, answer) in enumerate(
        [
            (first, CallInAnswer.NO_ANSWER),
            (second, CallInAnswer.NO_ANSWER),
            (third, CallInAnswer.ON_WAY),
            (first, CallInAnswer.CAME),
            (second, CallInAnswer.CANNOT),
        ]
    ):
        answered(incident, who, answer, agent, minute)
        order.append(following())

    assert order == [first, second, third, first, second, None]
    board = CallInBoard(incident, at=AT)
    assert ([r.colleague for r in board.came], [r.colleague for r in board.coming]) == ([first], [third])
    assert [r.away for r in board.rows if r.colleague == away] == ["01/07, ski"]
    assert CallInBoard(incident, at=AT + timedelta(days=1)).next


def test_a_skill_chooses_among_them(incident: Incident, lead: User) -> None:
    colleague(lead, "An", skills="servers, Deutsch")
    colleague(lead, "Bo", skills="helpdesk, SERVERS")

    board = CallInBoard(incident, at=AT, skill="deutsch")

    assert ([r.colleague.name for r in board.rows], board.skills) == (
        ["An"],
        ["Deutsch", "helpdesk", "SERVERS"],
    )


@pytest.mark.parametrize("drill", [False, True])
def test_an_sms_and_a_mail_are_in_her_language_and_of_an_exercise_bear_its_mark(
    lead: User, *, drill: bool
) -> None:
    colleague(lead, language="nl", email="an+x&y@farmaflux.example")
    row = CallInBoard(factories.incident(drill=drill), at=AT).rows[0]

    sms, mail = unquote(row.sms), row.mail

    assert sms.startswith("sms:+32470123456?body=FarmaFlux: ")
    assert ("OEFENING" in sms, "OEFENING" in mail) == (drill, drill)
    assert mail.startswith("mailto:an%2Bx%26y%40farmaflux.example?subject=")


def test_an_answer_is_logged_once_and_told_in_the_timeline_without_the_remark(
    incident: Incident, lead: User, agent: User
) -> None:
    who, key = colleague(lead), uuid.uuid4()

    rows = {
        answered(incident, who, CallInAnswer.ON_WAY, agent, key=key, note="Ziek kind").pk for _ in range(2)
    }

    (entry,) = incident.entries.filter(kind="people")
    with translation.override("nl"):
        told = describe(entry)
    assert (len(rows), CallIn.objects.get().note) == (1, "Ziek kind")
    assert ("An Peeters" in told, "Ziek" in told) == (True, False)


def test_who_may_not_work_at_an_incident_sees_no_number_and_logs_nothing(
    client: Client, incident: Incident, lead: User
) -> None:
    who = colleague(lead)
    client.force_login(factories.user(Role.OBSERVER))

    board = f"/desk/incidents/{incident.public_id}/call-in/"
    pages = [client.get(path).status_code for path in (board, "/desk/staff/")]

    assert pages == [403, 403]
    with pytest.raises(NotAllowed):
        answered(incident, who, CallInAnswer.CAME, factories.user(Role.OBSERVER))


def test_agents_call_but_do_not_change_the_list(client: Client, lead: User, agent: User) -> None:
    who = colleague(lead)
    client.force_login(agent)

    statuses = [
        client.get("/desk/staff/").status_code,
        client.get(f"/desk/staff/{who.pk}/").status_code,
        client.post("/desk/staff/new/", {"name": "X"}).status_code,
        client.post(f"/desk/staff/{who.pk}/remove/").status_code,
        client.post(f"/desk/staff/{who.pk}/calendar/").status_code,
        client.post(f"/desk/staff/{who.pk}/absence/").status_code,
    ]

    assert statuses == [200, 403, 403, 403, 403, 403]
    with pytest.raises(NotAllowed):
        colleague(agent)


# -- the pages


def typed(**fields: Any) -> dict[str, Any]:
    return {"name": "An Peeters", "phone": "0470 12 34 56", "language": "nl", "position": "1", **fields}


def test_a_lead_adds_changes_and_removes_a_colleague(client: Client, lead: User, incident: Incident) -> None:
    client.force_login(lead)

    added = client.post("/desk/staff/new/", typed(skills="servers", account=lead.username))
    who = Colleague.objects.get()
    client.post(f"/desk/staff/{who.pk}/", typed(name="An Claes", unreachable="on"))
    changed = Colleague.objects.get()
    answered(incident, who, CallInAnswer.CAME, lead)
    client.post(f"/desk/staff/{who.pk}/remove/")

    assert (added.status_code, who.e164, who.account) == (302, "+32470123456", lead)
    assert (changed.name, changed.unreachable, changed.account) == ("An Claes", True, None)
    assert client.get(f"/desk/staff/{who.pk}/").status_code == 404
    board = CallInBoard(incident, at=AT)
    assert ([r.colleague for r in board.came], board.next) == ([who], None)
    with pytest.raises(Refused):
        answered(incident, Colleague.objects.get(), CallInAnswer.CAME, lead)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a" * 81),
        ("name", "a\x00"),
        ("phone", "12"),
        ("phone", "call me"),
        ("email", "an@"),
        ("position", "0"),
        ("position", "first"),
        ("language", "de"),
        ("account", "nobody"),
        ("skills", "x" * 201),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(client: Client, lead: User, field: str, value: str) -> None:
    client.force_login(lead)

    page = client.post("/desk/staff/new/", typed(**{field: value}))

    assert (page.status_code, list(page.context["form"].errors), Colleague.objects.exists()) == (
        422,
        [field],
        False,
    )


def test_a_calendar_replaces_what_came_from_one_before_and_leaves_what_was_entered_by_hand(
    client: Client, lead: User
) -> None:
    who, today = colleague(lead), timezone.localdate()
    client.force_login(lead)
    page = f"/desk/staff/{who.pk}/"
    first = {"first": f"{today:%Y-%m-%d}", "last": f"{today:%Y-%m-%d}", "what": "École"}

    client.post(f"{page}absence/", first)
    for days in (3, 5):
        day = today + timedelta(days=days)
        content = ICS % (f"{day:%Y%m%d}".encode(), f"{day + timedelta(days=2):%Y%m%d}".encode())
        client.post(f"{page}calendar/", {"file": SimpleUploadedFile("ski.ics", content)})
    refused = client.post(f"{page}calendar/", {"file": SimpleUploadedFile("x.ics", b"nothing of the kind")})

    assert [(a.what, a.first - today, a.last - today) for a in who.absences.all()] == [
        ("École", timedelta(0), timedelta(0)),
        ("Ski", timedelta(days=5), timedelta(days=6)),
    ]
    assert (refused.status_code, "This is no calendar file (ICS)." in refused.text) == (422, True)
    client.post(f"/desk/staff/absences/{who.absences.get(what='École').pk}/remove/")
    assert who.absences.count() == 1


def test_an_absence_ends_after_it_begins(client: Client, lead: User) -> None:
    who = colleague(lead)
    client.force_login(lead)

    page = client.post(f"/desk/staff/{who.pk}/absence/", {"first": "2026-07-02", "last": "2026-07-01"})

    assert (page.status_code, page.context["absence"].errors.keys(), who.absences.exists()) == (
        422,
        {"last"},
        False,
    )


def test_one_tap_logs_an_answer_and_leads_back_to_the_row(
    client: Client, incident: Incident, lead: User, agent: User
) -> None:
    who = colleague(lead, phone="02 555 12 12")
    client.force_login(agent)
    page = f"/desk/incidents/{incident.public_id}/call-in/"

    shown = client.get(page).text
    sent = client.post(
        page, {"key": str(uuid.uuid4()), "colleague": who.pk, "way": "phone", "answer": "on_way"}
    )

    assert 'href="tel:+3225551212"' in shown
    assert (sent.status_code, sent["Location"]) == (302, f"{page}#colleague-{who.pk}")
    assert "on the way" in client.get(page).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"answer": "perhaps"},
        {"way": "fax"},
        {"colleague": "9"},
        {"key": "x"},
        {"note": "n" * 201},
        {"note": "a\x00"},
    ],
)
def test_an_answer_that_makes_no_sense_is_refused_and_what_was_typed_stays(
    client: Client, incident: Incident, lead: User, agent: User, wrong: dict[str, str]
) -> None:
    who = colleague(lead)
    client.force_login(agent)
    said = {"key": str(uuid.uuid4()), "colleague": who.pk, "way": "sms", "answer": "came", "note": "Gauche"}

    page = client.post(f"/desk/incidents/{incident.public_id}/call-in/", {**said, **wrong})

    assert (page.status_code, CallIn.objects.exists()) == (422, False)
    assert page.context["refused"].all_errors
    assert "Gauche" in page.text or {"note", "colleague"} & wrong.keys()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_board_costs_the_same_however_many_colleagues(
    client: Client,
    incident: Incident,
    lead: User,
    rows: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(rows):
        who = colleague(lead, f"An {number}")
        operations.add_absence(who, timezone.localdate(), timezone.localdate(), by=lead)
        answered(incident, who, CallInAnswer.CAME, lead)
    client.force_login(lead)

    with django_assert_max_num_queries(31):
        client.get(f"/desk/incidents/{incident.public_id}/call-in/")
    with django_assert_max_num_queries(24):
        client.get("/desk/staff/")
