"""The legal clocks: off until switched on, decided with who, when and why, computed, drafted from the timeline."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.models import (
    Delivery,
    FilingStage,
    LegalDecision,
    LegalFiling,
    Notice,
    Regime,
    RegimeSwitch,
)
from comms.operations import legal
from comms.operations.legal_reminders import remind_of_law
from comms.plan.duties import duties
from comms.plan.legal import deadlines
from incidents import operations as incidents
from incidents.models import EntryKind, Incident, ResponseRole
from incidents.timeline import describe
from tests import factories
from tests.factories import OUTAGE

AWARE = datetime(2023, 1, 28, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def decision(regime: Regime) -> LegalDecision:
    return LegalDecision(regime=regime, applies=True, aware_at=AWARE)


def test_nis2_wants_to_hear_within_24_and_72_hours_and_a_month_after_the_notification() -> None:
    filed = LegalFiling(stage=FilingStage.NOTIFICATION, filed_at=AWARE + 60 * HOUR)

    open_ = deadlines(decision(Regime.NIS2), {})
    notified = deadlines(decision(Regime.NIS2), {FilingStage.NOTIFICATION: filed})

    assert [each.due_at for each in open_] == [
        AWARE + 24 * HOUR,
        AWARE + 72 * HOUR,
        datetime(2023, 2, 28, 12, 30, tzinfo=UTC),
    ]
    assert notified[2].due_at == datetime(2023, 2, 28, 0, 30, tzinfo=UTC)
    assert [each.late(AWARE + 48 * HOUR) for each in notified] == [True, False, False]


def test_a_month_is_one_of_the_calendar_in_brussels_whatever_the_clocks_do() -> None:
    aware = datetime(2023, 2, 28, 11, tzinfo=UTC)  # noon in Brussels; the notification is due on 3 March

    [*_others, final] = deadlines(LegalDecision(regime=Regime.NIS2, applies=True, aware_at=aware), {})

    assert final.due_at == datetime(2023, 4, 3, 10, tzinfo=UTC)


def test_the_authority_has_72_hours_and_controllers_hear_without_undue_delay() -> None:
    assert [each.due_at for each in deadlines(decision(Regime.GDPR), {})] == [AWARE + 72 * HOUR]
    [controllers] = deadlines(decision(Regime.CONTROLLERS), {})
    assert (controllers.due_at, controllers.late(AWARE + 900 * HOUR)) == (None, False)
    assert deadlines(LegalDecision(regime=Regime.GDPR, applies=False), {}) == []


@pytest.fixture
def lead(db: None) -> User:
    return factories.user(Role.LEAD, language="en", first_name="Marc")


@pytest.fixture
def incident(lead: User) -> Incident:
    return factories.incident(by=lead)


def on(*regimes: Regime) -> None:
    admin = factories.user(Role.ADMINISTRATOR)
    for regime in regimes:
        legal.switch(regime, on=True, by=admin)


def decide(incident: Incident, by: User, **given: Any) -> LegalDecision:
    said = {
        "key": uuid.uuid4(),
        "applies": True,
        "reason": "data were lost",
        "aware_at": OUTAGE,
        "at": OUTAGE + HOUR,
    }
    return legal.decide(incident, Regime.NIS2, by=by, **{**said, **given})


def test_nothing_is_watched_until_an_administrator_switches_it_on(incident: Incident, lead: User) -> None:
    before = duties(incident)
    with pytest.raises(NotAllowed):
        decide(incident, lead)
    with pytest.raises(NotAllowed):
        legal.switch(Regime.NIS2, on=True, by=lead)
    on(Regime.NIS2)

    assert (before, [duty.regime for duty in duties(incident)]) == ([], [Regime.NIS2])


def test_a_decision_is_kept_with_who_when_and_why_and_a_later_one_stands_for_it(
    incident: Incident, lead: User
) -> None:
    on(Regime.NIS2)
    key = uuid.uuid4()
    first = decide(
        incident, lead, key=key, applies=False, aware_at=None, reason="nothing lost, 85.07.30-033.28"
    )
    again = decide(incident, lead, key=key)
    decide(incident, lead, at=OUTAGE + 2 * HOUR)

    [duty] = duties(incident)
    assert (first, first.reason) == (again, "nothing lost, 85.07.30-•••.••")
    assert [(each.applies, each.by) for each in duty.decisions] == [(True, lead), (False, lead)]
    assert len(duty.deadlines) == 3
    told = [describe(entry) for entry in incident.entries.filter(kind=EntryKind.PLAN).order_by("sequence")]
    assert told == [
        "NIS2, pas de notification\N{NO-BREAK SPACE}: nothing lost, 85.07.30-•••.••",
        "NIS2, délai lancé\N{NO-BREAK SPACE}: data were lost",
    ]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"reason": "a\x00"}, "reason"),
        ({"aware_at": None}, "aware_at"),
        ({"aware_at": OUTAGE + 9 * HOUR}, "aware_at"),
    ],
)
def test_a_decision_that_cannot_be_kept_is_refused(
    incident: Incident, lead: User, given: dict[str, Any], field: str
) -> None:
    on(Regime.NIS2)

    with pytest.raises(Refused) as refused:
        decide(incident, lead, **given)

    assert (refused.value.field, LegalDecision.objects.exists()) == (field, False)


def test_the_data_protection_officer_of_the_incident_decides_too_and_nobody_else(
    incident: Incident, lead: User
) -> None:
    on(Regime.NIS2)
    officer, agent = factories.user(), factories.user()
    incidents.assign_role(incident, ResponseRole.DATA_PROTECTION_OFFICER, officer, by=lead)

    with pytest.raises(NotAllowed):
        decide(incident, agent)

    assert decide(incident, officer).by == officer


def test_what_is_notified_is_noted_once_and_only_of_a_duty_that_applies(
    incident: Incident, lead: User
) -> None:
    on(Regime.NIS2, Regime.GDPR)
    decide(incident, lead)
    with pytest.raises(Refused):
        legal.file(incident, Regime.GDPR, FilingStage.NOTIFICATION, by=lead)
    made = legal.file(
        incident, Regime.NIS2, FilingStage.EARLY_WARNING, reference="CCB-1", by=lead, at=OUTAGE + HOUR
    )
    again = legal.file(incident, Regime.NIS2, FilingStage.EARLY_WARNING, reference="other", by=lead)

    assert (made, again.reference, LegalFiling.objects.count()) == (again, "CCB-1", 1)


def test_the_pages_decide_draft_and_note(client: Client, incident: Incident, lead: User) -> None:
    client.force_login(lead)
    page = reverse("comms:legal", args=[incident.public_id])
    off = client.get(page).text
    on(Regime.NIS2)
    sent = reverse("comms:legal_decide", args=[incident.public_id, "nis2"])
    refused = client.post(sent, {"nis2-applies": "yes", "nis2-aware_at": "x", "nis2-reason": "<b>why</b>"})
    aware = f"{timezone.localtime(timezone.now() - HOUR):%Y-%m-%dT%H:%M}"
    decided = client.post(sent, {"nis2-applies": "yes", "nis2-aware_at": aware, "nis2-reason": "<b>why</b>"})
    draft = client.get(reverse("comms:legal_draft", args=[incident.public_id, "nis2", "early-warning", "nl"]))
    filed = client.post(reverse("comms:legal_file", args=[incident.public_id, "nis2", "early-warning"]))
    after = client.get(page).text

    assert "No legal clock is switched on" in off
    assert (refused.status_code, "&lt;b&gt;why&lt;/b&gt;" in refused.text) == (422, True)
    assert (decided.status_code, filed.status_code, "notified" in after) == (302, 302, True)
    assert draft["Content-Disposition"].endswith(f'early-warning-{incident.public_id}-nl.md"')
    assert "Storing van de eForms" in draft.text
    assert "<b>why</b>" in draft.text


def test_who_may_not_decide_reads_and_changes_nothing(client: Client, incident: Incident, lead: User) -> None:
    on(Regime.NIS2)
    decide(incident, lead)
    client.force_login(factories.user(language="en"))
    args = [incident.public_id, "nis2"]

    page = client.get(reverse("comms:legal", args=args[:1]))
    answers = [
        client.post(reverse("comms:legal_decide", args=args), {}).status_code,
        client.post(reverse("comms:legal_file", args=[*args, "early-warning"])).status_code,
        client.get(reverse("comms:legal_draft", args=[*args, "early-warning", "nl"])).status_code,
        client.post(reverse("comms:legal_switches"), {"regime": "nis2", "on": "0"}).status_code,
    ]

    assert (page.status_code, "Note the decision" in page.text) == (200, False)
    assert answers == [403] * 4
    assert RegimeSwitch.objects.get().enabled


def test_an_administrator_switches_on_and_off_and_unknown_names_are_not_found(
    client: Client, db: None
) -> None:
    client.force_login(factories.user(Role.ADMINISTRATOR))
    address = reverse("comms:legal_switches")

    for value in ("1", "0"):
        client.post(address, {"regime": "gdpr", "on": value})
    unknown = client.post(address, {"regime": "x", "on": "1"}).status_code

    assert (client.get(address).status_code, unknown) == (200, 404)
    assert list(RegimeSwitch.objects.values_list("regime", "enabled")) == [("gdpr", False)]


def test_a_deadline_that_comes_near_is_told_once_for_each_hour_and_not_once_it_is_filed(
    incident: Incident, lead: User
) -> None:
    on(Regime.NIS2)
    officer = factories.user(email="dpo@apb.example", language="en")
    incidents.assign_role(incident, ResponseRole.DATA_PROTECTION_OFFICER, officer, by=lead)
    decide(incident, lead)

    told = [remind_of_law(OUTAGE + hours * HOUR) for hours in (1, 17, 18, 19, 22, 24, 25)]
    legal.file(incident, Regime.NIS2, FilingStage.EARLY_WARNING, by=lead, at=OUTAGE + 26 * HOUR)
    legal.file(incident, Regime.NIS2, FilingStage.NOTIFICATION, by=lead, at=OUTAGE + 26 * HOUR)

    assert told == [0, 0, 1, 0, 1, 1, 0]
    assert remind_of_law(OUTAGE + 80 * HOUR) == 0
    rows = Delivery.objects.filter(notice=Notice.REMINDER).order_by("pk")
    assert [row.recipient for row in rows] == ["dpo@apb.example"] * 3
    assert rows[0].text.splitlines()[1:] == [
        "legal deadline 07/02/2022 1:30 p.m.: NIS2: the national CSIRT, early warning",
        f"http://127.0.0.1:8000/desk/plan/{incident.public_id}/legal/",
    ]
