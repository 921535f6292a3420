"""Colleagues are asked by SMS and e-mail through the outbox, once for each tap; the board shows what became of it."""

import uuid
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.channels.base import TransportError
from comms.channels.reminding import ASKED_FOR, reminder
from comms.models import CallInAsked, Channel, ChannelKind, Delivery
from comms.operations.calling_in import ask
from incidents.models import CallIn, CallInWay, Colleague, Incident
from incidents.operations.staff import ColleagueData, keep_colleague
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead() -> User:
    return factories.user(Role.LEAD, language="en")


@pytest.fixture
def who(lead: User) -> Colleague:
    data = ColleagueData(name="Anne", phone="0470 12 34 56", email="anne@apb.example", language="nl")
    return keep_colleague(data, by=lead)


@pytest.fixture
def sms() -> Channel:
    return Channel.objects.create(key="sms", kind=ChannelKind.STAFF_SMS, name="SMS", settings={})


def asked(incident: Incident, who: Colleague, lead: User, **fields: Any) -> CallInAsked:
    return ask(incident, who, **{"way": CallInWay.SMS, "key": uuid.uuid4(), "by": lead, **fields})


def test_each_tap_owes_one_message_in_her_language_and_the_timeline_tells(
    who: Colleague, lead: User, sms: Channel
) -> None:
    incident, key = factories.incident(), uuid.uuid4()

    for _twice in range(2):
        asked(incident, who, lead, key=key)
    asked(incident, who, lead, way=CallInWay.EMAIL)

    assert [
        (row.channel.kind, row.recipient, row.language, row.state) for row in Delivery.objects.order_by("pk")
    ] == [
        ("staff-sms", "+32470123456", "nl", "queued"),
        ("staff-email", "anne@apb.example", "nl", "queued"),
    ]
    assert "Kun je komen helpen" in Delivery.objects.earliest("pk").text
    assert incident.entries.filter(kind="people").count() == 2


def test_of_an_exercise_nobody_is_asked(who: Colleague, lead: User, sms: Channel) -> None:
    made = asked(factories.incident(drill=True), who, lead)

    assert (made.delivery.state, "OEFENING" in made.delivery.text) == ("rehearsed", True)


def test_who_cannot_be_written_to_or_may_not_write_asks_nobody(who: Colleague, lead: User) -> None:
    incident, stranger = factories.incident(), factories.user(Role.OBSERVER)

    with pytest.raises(Refused):
        asked(incident, who, lead)
    with pytest.raises(NotAllowed):
        asked(incident, who, stranger, way=CallInWay.EMAIL)
    assert not Delivery.objects.exists()


def test_what_waited_for_hours_asks_nobody_any_more(who: Colleague, lead: User, sms: Channel) -> None:
    delivery = asked(factories.incident(), who, lead).delivery
    in_time = reminder(delivery)

    delivery.created_at -= ASKED_FOR

    assert in_time == delivery.text
    with pytest.raises(TransportError):
        reminder(delivery)


def test_the_board_asks_with_one_tap_shows_what_became_of_it_and_leaves_the_answer_to_be_logged(
    client: Client, who: Colleague, lead: User, sms: Channel
) -> None:
    incident = factories.incident()
    board = f"/desk/incidents/{incident.public_id}/call-in/"
    client.force_login(lead)

    sent = client.post(f"{board}{who.pk}/sms/", {"key": str(uuid.uuid4())})
    shown = client.get(board)
    poll = f"{board}asked/?seen={shown.context['version']}"
    nothing_new = client.get(poll, headers={"hx-request": "true"})
    Delivery.objects.update(state="failed", error="The gateway did not answer that it took the message.")
    failed = client.get(poll, headers={"hx-request": "true"})

    assert (sent.status_code, sent["Location"]) == (302, f"{board}#colleague-{who.pk}")
    assert ("waiting" in shown.text, 'href="tel:+32470123456"' in shown.text) == (True, True)
    assert (nothing_new.status_code, f'id="asked-{who.pk}" hx-swap-oob="true"' in failed.text) == (204, True)
    assert "did not answer that it took" in failed.text
    assert not CallIn.objects.exists()


def test_without_a_channel_her_own_telephone_writes_the_sms(
    client: Client, who: Colleague, lead: User
) -> None:
    client.force_login(lead)

    page = client.get(f"/desk/incidents/{factories.incident().public_id}/call-in/").text

    assert ('href="sms:+32470123456' in page, f"/{who.pk}/mail/" in page) == (True, True)
