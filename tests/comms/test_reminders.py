"""The plan reminds its owners, then the crisis lead, each once, through the outbox."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.languages import Language
from accounts.models import User
from accounts.roles import Role
from comms.models import (
    Anchor,
    Channel,
    ChannelKind,
    Checklist,
    Delivery,
    DeliveryState,
    Notice,
    PlanPhase,
    PlanStep,
    PlanTemplate,
    Reminder,
    Stage,
    Tick,
)
from comms.operations import browsers, plan
from comms.operations.reminders import remind, stage
from comms.plan.agenda import Pending
from comms.relay import run_once
from incidents import operations as incidents
from incidents.models import Colleague, Incident, ResponseRole
from tests import factories
from tests.factories import OUTAGE

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lead() -> User:
    return factories.user(Role.LEAD, email="lead@apb.example", language="en")


@pytest.fixture
def scribe() -> User:
    return factories.user(email="scribe@apb.example", phone="+32470123456", language="nl")


def started(lead: User, *, incident: Incident | None = None, **fields: Any) -> Checklist:
    template = PlanTemplate.objects.create(key="short", name_fr="Short plan", name_nl="Short plan")
    texts = {"title_fr": "Appeler", "title_nl": "Bellen", "title_en": "Call"}
    due = {"anchor": Anchor.PLAN_START, "offset_minutes": 30, "owners": ["scribe"], **fields}
    PlanStep.objects.create(template=template, number=1, phase=PlanPhase.RUN, **texts, **due)
    return plan.start_plan(incident or factories.incident(), template, by=lead, at=OUTAGE)


def held(checklist: Checklist, lead: User, scribe: User) -> None:
    incidents.assign_role(checklist.incident, ResponseRole.CRISIS_LEAD, lead, by=lead, at=OUTAGE)
    incidents.assign_role(checklist.incident, ResponseRole.SCRIBE, scribe, by=lead, at=OUTAGE)


def sent() -> list[tuple[str, str]]:
    rows = Delivery.objects.filter(notice=Notice.REMINDER).order_by("pk")
    return [(row.recipient, row.text.splitlines()[1]) for row in rows]


@pytest.mark.parametrize(
    ("minute", "promised", "now"),
    [
        (24, False, None),
        (25, False, Stage.BEFORE),
        (22, True, Stage.BEFORE),
        (30, False, Stage.DUE),
        (39, False, Stage.DUE),
        (40, False, Stage.ESCALATED),
        (33, True, Stage.ESCALATED),
    ],
)
def test_what_the_public_was_promised_nags_earlier_and_escalates_sooner(
    minute: int,
    promised: bool,  # noqa: FBT001
    now: Stage | None,
) -> None:
    step = Pending(1, 1, {"fr": "Appeler"}, OUTAGE + 30 * MINUTE, None, promised)

    assert stage(step, OUTAGE + minute * MINUTE) == now


def test_the_owner_is_reminded_in_her_language_before_and_when_it_is_due_then_the_crisis_lead_too_each_once(
    lead: User, scribe: User
) -> None:
    checklist = started(lead)
    held(checklist, lead, scribe)

    for minute in (20, 26, 27, 30, 31, 41, 42, 90):
        remind(OUTAGE + minute * MINUTE)

    assert sent()[:2] == [
        ("scribe@apb.example", "tegen 14:00: stap 1, Bellen"),
        ("scribe@apb.example", "nu te doen (14:00): stap 1, Bellen"),
    ]
    assert set(sent()[2:]) == {
        ("scribe@apb.example", "te laat sinds 14:00, de crisisleider krijgt bericht: stap 1, Bellen"),
        ("lead@apb.example", "late since 14:00, the crisis lead is told: step 1, Call"),
    }
    assert Reminder.objects.count() == 3


def test_nobody_is_reminded_of_what_is_done_and_a_step_without_an_owner_goes_to_the_lead(lead: User) -> None:
    checklist = started(lead)
    remind(OUTAGE + 30 * MINUTE)
    key, at = checklist.incident.key, OUTAGE + 31 * MINUTE
    plan.tick(checklist.items.get(), key=key, outcome=Tick.Outcome.DONE, by=lead, at=at)


def test_a_channel_of_the_team_is_told_with_the_names_of_whom_each_step_concerns(
    lead: User, scribe: User
) -> None:
    Channel.objects.create(
        key="team", name="Team", kind=ChannelKind.SLACK, reminders=True, languages=[Language.NL]
    )
    factories.webhook_channel()
    held(started(lead), lead, scribe)

    for minute in (30, 40):
        remind(OUTAGE + minute * MINUTE)

    said = Delivery.objects.filter(channel__key="team").order_by("pk")
    assert [(row.language, row.text.splitlines()[1]) for row in said] == [
        ("nl", f"nu te doen (14:00): stap 1, Bellen → {scribe.display_name}"),
        (
            "nl",
            "te laat sinds 14:00, de crisisleider krijgt bericht: stap 1, Bellen"
            f" → {scribe.display_name}, {lead.display_name}",
        ),
    ]


def test_an_owner_whose_account_is_closed_leaves_her_step_to_the_crisis_lead(
    lead: User, scribe: User
) -> None:
    held(started(lead), lead, scribe)
    User.objects.filter(pk=scribe.pk).update(is_active=False)

    remind(OUTAGE + 30 * MINUTE)

    assert [recipient for recipient, _said in sent()] == ["lead@apb.example"]


def test_a_deputy_is_reminded_where_nobody_holds_the_role_and_of_what_is_late_for_long(
    lead: User, scribe: User
) -> None:
    deputy = factories.user(email="deputy@apb.example", language="en")
    incident = started(lead).incident
    incidents.assign_role(incident, ResponseRole.SCRIBE, deputy, by=lead, deputy=True, at=OUTAGE)
    told: list[set[str]] = []

    for minute, holder in ((26, None), (30, scribe), (40, scribe)):
        incidents.assign_role(incident, ResponseRole.SCRIBE, holder, by=lead, at=OUTAGE)
        remind(OUTAGE + minute * MINUTE)
        told.append({recipient for recipient, _said in sent()[sum(map(len, told)) :]})

    assert told == [
        {"deputy@apb.example"},
        {"scribe@apb.example"},
        {"scribe@apb.example", "deputy@apb.example", "lead@apb.example"},
    ]


def test_her_telephone_is_told_too_by_its_number_in_her_account_or_on_the_list_of_colleagues(
    lead: User, scribe: User
) -> None:
    Channel.objects.create(key="sms", kind=ChannelKind.STAFF_SMS, name="SMS")
    Colleague.objects.create(name="Lead", phone="0470 65 43 21", e164="+32470654321", account=lead)
    held(started(lead), lead, scribe)

    remind(OUTAGE + 40 * MINUTE)

    assert {recipient for recipient, _said in sent()} == {
        "scribe@apb.example",
        "+32470123456",
        "lead@apb.example",
        "+32470654321",
    }


# -- in the browser


def offered(lead: User, scribe: User) -> Delivery:
    """A reminder that the relay has put before the scribe's pages."""
    User.objects.filter(pk=scribe.pk).update(browser_reminders=True)
    held(started(lead), lead, scribe)
    remind(OUTAGE + 30 * MINUTE)
    Delivery.objects.filter(channel__kind="staff-browser").update(
        state=DeliveryState.SENT, sent_at=OUTAGE + 30 * MINUTE
    )
    return Delivery.objects.get(channel__kind="staff-browser")


def test_who_asked_for_it_is_reminded_in_her_browser_too_and_nobody_else_is(lead: User, scribe: User) -> None:
    reminder = offered(lead, scribe)

    assert (reminder.recipient, reminder.language, reminder.text.splitlines()[1]) == (
        scribe.username,
        "nl",
        "nu te doen (14:00): stap 1, Bellen",
    )


def test_one_of_her_pages_shows_it_once_and_a_stranger_s_none(lead: User, scribe: User) -> None:
    reminder = offered(lead, scribe)
    at = OUTAGE + 31 * MINUTE

    taken = [browsers.take(by=person, at=at) for person in (lead, scribe, scribe)]

    assert taken == [[], [reminder], []]


def test_what_no_page_asked_for_in_a_quarter_of_an_hour_is_shown_by_none(lead: User, scribe: User) -> None:
    offered(lead, scribe)

    assert browsers.take(by=scribe, at=OUTAGE + 46 * MINUTE) == []


def test_the_relay_puts_it_before_her_pages_which_say_what_and_where(
    client: Client, lead: User, scribe: User
) -> None:
    with time_machine.travel(OUTAGE + 31 * MINUTE, tick=False):
        reminder = offered(lead, scribe)
        Delivery.objects.filter(pk=reminder.pk).update(state=DeliveryState.QUEUED, sent_at=None)
        run_once()
        client.force_login(scribe)
        first, second = (client.post("/desk/plan/reminders/") for _page in range(2))

    assert (first.json()["reminders"][0]["body"], second.status_code) == (
        "nu te doen (14:00): stap 1, Bellen",
        204,
    )
    assert first.json()["reminders"][0]["url"].endswith(f"/desk/plan/{Incident.objects.get().public_id}/")


def test_she_asks_for_it_in_her_profile_and_can_take_that_back(client: Client, scribe: User) -> None:
    client.force_login(scribe)

    page = client.get("/accounts/profile/").text
    states = []
    for typed in ({"on": "1"}, {}):
        client.post("/accounts/profile/reminders/", typed)
        scribe.refresh_from_db()
        states.append(scribe.browser_reminders)

    assert ('action="/accounts/profile/reminders/"' in page, 'id="reminders"' in page) == (True, False)
    assert states == [True, False]
