"""What the score sheet counts, and a whole day played at sixty times its speed."""

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.roles import Role
from comms.models import Anchor, PlanPhase, PlanStep, PlanTemplate, Tick, Update
from comms.operations import drafts, plan, publishing, standard_plan
from farmaflux_desk.rehearsal import replay as operations
from farmaflux_desk.rehearsal import score as scoring
from farmaflux_desk.rehearsal.score import Score
from incidents.models import Incident, MilestoneKind, Partner, Phase, ServiceStatus
from incidents.operations import move, reach_milestone, set_statuses
from tests import factories
from tickets.models import Contact, ContactChannel
from tickets.operations import log_contact

pytestmark = pytest.mark.django_db
AT = factories.OUTAGE
STORED = Path(__file__).parent / "score_of_1_july.json"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lead() -> User:
    return factories.user(Role.LEAD, language="en")


def scored(incident: Incident, at: datetime) -> Score:
    return scoring.score(incident, at=at, language="en")


def message(incident: Incident, minute: int, promised: int | None, *languages: str, **fields: Any) -> Update:
    return factories.update(
        incident,
        published_at=AT + minute * MINUTE,
        next_update_at=None if promised is None else AT + promised * MINUTE,
        texts=dict.fromkeys(languages or ("fr", "nl"), "Texte."),
        **fields,
    )


def test_a_promise_is_kept_by_the_next_message_or_by_the_end() -> None:
    incident = factories.incident(drill=True)
    message(incident, 15, 35)
    message(incident, 35, 55)
    message(incident, 60, 80)
    message(incident, 70, 100)

    sheet = scored(incident, AT + 130 * MINUTE)

    assert sheet.first_message == 15 * MINUTE
    assert [(promise.number, promise.kept, promise.late) for promise in sheet.promises] == [
        (1, True, 0 * MINUTE),
        (2, False, 5 * MINUTE),
        (3, True, 0 * MINUTE),
        (4, False, 30 * MINUTE),
    ]
    assert (sheet.kept, len(sheet.due_promises)) == (2, 4)


def test_a_promise_that_is_not_due_yet_is_not_judged() -> None:
    incident = factories.incident()
    message(incident, 15, 35)

    sheet = scored(incident, AT + 20 * MINUTE)

    assert ([(p.kept, p.late) for p in sheet.promises], sheet.due_promises) == ([(False, 0 * MINUTE)], [])


def test_a_caller_is_told_an_outdated_version_once_a_newer_one_stands() -> None:
    incident = factories.incident()
    first = message(incident, 10, 30)
    message(incident, 20, 40, withdrawn_at=AT + 21 * MINUTE, withdrawn_by=factories.user())
    third = message(incident, 30, 50)
    for minute, told in ((15, first), (25, first), (30, first), (35, third), (36, None)):
        factories.contact(incident=incident, at=AT + minute * MINUTE, told_update=told)
    factories.contact(at=AT + 31 * MINUTE)

    sheet = scored(incident, AT + 60 * MINUTE)

    assert (sheet.contacts, sheet.told, sheet.told_outdated) == (5, 4, 1)
    assert [(e.number, e.before, e.after) for e in sheet.effects] == [(1, 0, 1), (2, 1, 2), (3, 2, 3)]


def test_languages_are_in_step_where_a_message_says_it_anew_in_all_that_are_spoken() -> None:
    incident = factories.incident()
    message(incident, 10, 30, "fr", "nl")
    message(incident, 30, 50, "fr", "nl", "de", "en")
    third = message(incident, 50, 70, "fr", "nl", "de", "en")
    third.texts.exclude(language="de").update(body="Autre texte.")

    sheet = scored(incident, AT + 60 * MINUTE)

    # The second one said in French and Dutch what the first did, the third left the German as it was.
    assert (sheet.in_step, sheet.messages, sheet.languages) == (0, 3, {"fr": 2, "nl": 2, "de": 1, "en": 2})


def step(template: PlanTemplate, number: int, minutes: int, **fields: Any) -> None:
    PlanStep.objects.create(
        **{
            "template": template,
            "number": number,
            "phase": PlanPhase.RUN,
            "title_fr": f"Étape {number}",
            "title_nl": f"Stap {number}",
            "anchor": Anchor.PLAN_START,
            "offset_minutes": minutes,
            "owners": [],
            **fields,
        }
    )


def test_steps_are_on_time_late_or_left_out_as_they_were_when_they_were_done(lead: User) -> None:
    incident = factories.incident(by=lead)
    template = PlanTemplate.objects.create(key="plan", name_fr="Plan", name_nl="Plan")
    for number in (1, 2, 3, 4):
        step(template, number, 10)
    step(template, 5, 60)
    step(template, 6, 0, anchor=Anchor.LAST_MESSAGE, repeat_minutes=30)
    checklist = plan.start_plan(incident, template, by=lead, at=AT)
    message(incident, 5, None)

    def tick(number: int, minute: int, outcome: Tick.Outcome = Tick.Outcome.DONE) -> None:
        item = checklist.items.get(number=number)
        plan.tick(
            item, key=uuid.uuid4(), outcome=outcome, note="Inutile ici.", by=lead, at=AT + minute * MINUTE
        )

    tick(1, 10)
    tick(2, 14)
    tick(3, 9, Tick.Outcome.NOT_APPLICABLE)
    tick(6, 36)
    message(incident, 37, None)

    sheet = scored(incident, AT + 50 * MINUTE)

    assert [(s.number, s.outcome, s.late_minutes, s.open) for s in sheet.steps or ()] == [
        (1, "on_time", 0, False),
        (2, "late", 4, False),
        (3, "skipped", 0, False),
        (4, "late", 40, True),
        (6, "late", 1, False),
    ]
    assert [s.reason for s in sheet.skipped] == ["Inutile ici."]


def test_where_no_plan_was_started_no_step_is_counted() -> None:
    assert scored(factories.incident(), AT + MINUTE).steps is None


# -- the pages


def filled(lead: User, rows: int) -> Incident:
    for number in range(rows):
        earlier = factories.incident(
            drill=True, phase=Phase.RESOLVED, began_at=AT - timedelta(days=number + 1)
        )
        factories.update(earlier, published_at=earlier.began_at + MINUTE)
    incident = factories.incident(drill=True, by=lead)
    template = PlanTemplate.objects.create(key="plan", name_fr="Plan", name_nl="Plan")
    for number in range(1, rows + 1):
        step(template, number, 1)
    plan.start_plan(incident, template, by=lead, at=AT)
    for number in range(rows):
        told = message(incident, 5 + number, 6 + number)
        factories.contact(incident=incident, told_update=told)
    return incident


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_costs_the_same_however_much_there_is(
    client: Client, lead: User, rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    incident = filled(lead, rows)
    client.force_login(lead)

    with django_assert_max_num_queries(50):
        page = client.get(f"/desk/incidents/{incident.public_id}/score/")

    assert (page.status_code, "DRILL" in page.text, len(page.context["earlier"])) == (200, True, rows)


@pytest.mark.parametrize("language", ["fr", "nl", "en"])
def test_page_and_paper_are_there_for_every_reader_with_any_letters(client: Client, language: str) -> None:
    incident = filled(factories.user(Role.LEAD), 1)
    Incident.objects.filter(pk=incident.pk).update(
        title_fr="Œuvre “Łódź” 日本 — 🙂", title_nl="IJ’s “Łódź” 日本"
    )
    client.force_login(factories.user(Role.OBSERVER, language=language))

    page = client.get(f"/desk/incidents/{incident.public_id}/score/")
    paper = client.get(f"/desk/incidents/{incident.public_id}/score.pdf")

    assert (page.status_code, paper.status_code, paper["Content-Type"]) == (200, 200, "application/pdf")
    assert paper.content.startswith(b"%PDF-")


def test_an_incident_of_which_nothing_is_known_yet_has_a_sheet_all_the_same(
    client: Client, lead: User
) -> None:
    client.force_login(lead)
    incident = factories.incident()

    answers = [
        client.get(f"/desk/incidents/{incident.public_id}/score{form}") for form in ("/", ".pdf", ".json")
    ]
    unknown = client.get("/desk/incidents/nosuchthing/score/")

    assert [answer.status_code for answer in (*answers, unknown)] == [200, 200, 200, 404]
    assert answers[2].json()["first_message_after"] is None


# -- 1 July 2022, sixty times as fast


class Team:
    """Answers with what the screens call; a second of ours is a minute of the exercise."""

    def __init__(self, incident: Incident, lead: User, colleague: User) -> None:
        self.incident = incident
        self.lead = lead
        self.colleague = colleague

    def start_plan(self) -> None:
        plan.start_plan(self.incident, PlanTemplate.objects.get(), by=self.lead)

    def tick(self, number: int, outcome: Tick.Outcome = Tick.Outcome.DONE) -> None:
        item = self.incident.checklist.items.get(number=number)
        proof = plan.Proof(reached="Le comité", how="téléphone", message="Panne.", acknowledged="oui")
        plan.tick(item, key=uuid.uuid4(), outcome=outcome, note="Fait.", proof=proof, by=self.lead)

    def say(self, promised: int | None, *languages: str, phase: Phase = Phase.INVESTIGATING) -> None:
        draft = drafts.draft_for(self.incident, by=self.colleague)
        texts = {
            spoken: {
                "title": f"Titre {spoken}",
                "headline": f"Suite {spoken}",
                "body": f"Nous cherchons depuis {timezone.localtime(self.incident.now()):%H:%M}.",
            }
            for spoken in languages
        }
        works = ServiceStatus.OPERATIONAL if phase == Phase.RESOLVED else ServiceStatus.MAJOR
        statuses = {impact.service: works for impact in self.incident.impacts.select_related("service")}
        data = drafts.DraftData(
            phase=phase,
            next_update_at=self.incident.now() + timedelta(minutes=promised) if promised else None,
            statuses=statuses,
            texts=texts,
        )
        saved = drafts.save_draft(draft, data, by=self.colleague, revision=draft.revision)
        publishing.publish(saved, by=self.colleague, revision=saved.revision)

    def answer_with(self, number: int) -> None:
        log_contact(
            key=uuid.uuid4(),
            by=self.colleague,
            channel=ContactChannel.PHONE,
            caller_text="Pharmacie du Parc",
            incident=self.incident,
            told_update=self.incident.updates.get(number=number),
        )

    def registration_is_back(self) -> None:
        reach_milestone(self.incident, MilestoneKind.REGISTRATION_BACK, by=self.lead)
        slow = {i.service: ServiceStatus.DEGRADED for i in self.incident.impacts.select_related("service")}
        set_statuses(self.incident, slow, by=self.lead)
        move(self.incident, Phase.IDENTIFIED, by=self.lead)

    def by_the_clock(self) -> dict[int, Callable[[], None]]:
        return {
            3: self.start_plan,
            5: lambda: self.tick(1),
            7: lambda: self.tick(2),
            15: lambda: self.say(20, "fr", "nl", "de", "en"),
            20: lambda: self.tick(16, Tick.Outcome.NOT_APPLICABLE),
            35: lambda: self.say(30, "fr", "nl"),
            40: lambda: self.answer_with(1),
            41: lambda: self.answer_with(2),
            75: lambda: self.say(30, "fr", "nl", "de", "en"),
            90: self.registration_is_back,
            100: lambda: self.say(80, "fr", "nl", "de", "en", phase=Phase.IDENTIFIED),
            180: lambda: self.say(60, "fr", "nl", "de", "en", phase=Phase.MONITORING),
            250: lambda: self.say(None, "fr", "nl", "de", "en", phase=Phase.RESOLVED),
        }


@pytest.fixture
def colleague() -> User:
    return factories.user(Role.COMMUNICATIONS)


def test_1_july_plays_from_its_first_signal_to_its_closure_and_scores_as_stored(
    lead: User, colleague: User, client: Client
) -> None:
    standard_plan.install()
    factories.mail_channel("a@apb.example")
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
    begins = AT
    with time_machine.travel(begins, tick=False) as clock, translation.override("fr"):
        incident = operations.begin(operations.built_in(), key=uuid.uuid4(), speed=60, by=lead)
        does = Team(incident, lead, colleague).by_the_clock()
        for second in range(256):
            clock.move_to(begins + timedelta(seconds=second))
            if second % 5 == 0 or second in does:
                operations.play_all()
            if second in does:
                does[second]()
        client.force_login(lead)
        sheet = client.get(f"/desk/incidents/{incident.public_id}/score.json").json()

    assert sheet.pop("incident") == incident.public_id
    assert incident.entries.filter(kind="signal").count() == 10
    assert Contact.objects.filter(incident=incident, agent__username="scenario").count() > 140
    assert set(incident.updates.values_list("deliveries__state", flat=True)) == {"rehearsed"}
    assert sheet == json.loads(STORED.read_text(encoding="utf-8"))
