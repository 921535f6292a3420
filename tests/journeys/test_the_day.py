"""The main job in a real browser: calls by keyboard, a message the public sees, the plan against the clock."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.roles import Role
from comms.models import Anchor, PlanPhase, PlanStep, PlanTemplate, Tick, Update
from comms.operations.plan import start_plan
from incidents import operations
from incidents.models import Incident, Service, ServiceStatus, Severity
from tests import factories
from tickets.models import Contact

SignIn = Callable[[Page, User], None]
OpenPage = Callable[..., Page]


@pytest.fixture
def transfer(transactional_db: None) -> Service:
    return factories.service(
        "transfer", name_fr="Transfert vers Sciensano", name_nl="Doorsturen naar Sciensano"
    )


@pytest.fixture
def incident(transfer: Service) -> Incident:
    return operations.declare(
        key=uuid.uuid4(),
        titles={"fr": "Les eForms ne passent pas", "nl": "De eForms gaan niet door"},
        severity=Severity.S1,
        statuses={transfer: ServiceStatus.MAJOR},
        began_at=timezone.now() - timedelta(minutes=30),
        by=factories.user(Role.LEAD),
    )


def test_an_agent_logs_a_known_and_an_unknown_caller_by_keyboard_alone(
    desk: str, page: Page, sign_in: SignIn, incident: Incident
) -> None:
    station = factories.pharmacy(name="Pharmacie de la Gare", town="Ottignies", language="fr")
    factories.pharmacy(name="Apotheek De Linde", town="Hasselt", language="nl")
    nancy = factories.user(Role.AGENT, username="nancy", language="fr")
    sign_in(page, nancy)
    page.goto(f"{desk}/desk/calls/")
    expect(page.locator("#caller")).to_be_focused()

    page.keyboard.type("gare otti")
    expect(page.locator("#sugg [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#latest-rows")).to_contain_text("Pharmacie de la Gare")
    expect(page.locator("#caller")).to_be_focused()
    expect(page.locator("#caller")).to_have_value("")

    page.keyboard.type("0475 12 34 56")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#latest-rows")).to_contain_text("0475 12 34 56")

    expect(page.locator("#latest-rows tr[id^=contact-]")).to_have_count(
        2
    )  # what is under way has no number yet
    known, unknown = Contact.objects.order_by("pk")
    assert (known.pharmacy, known.language, known.incident, known.agent) == (station, "fr", incident, nancy)
    assert (unknown.pharmacy, unknown.caller_e164, unknown.incident) == (None, "+32475123456", incident)


def test_a_message_is_published_and_a_browser_without_sign_in_sees_it_in_french_and_dutch(
    desk: str, page: Page, open_page: OpenPage, sign_in: SignIn, incident: Incident
) -> None:
    sign_in(page, factories.user(Role.COMMUNICATIONS, language="fr"))
    page.goto(f"{desk}/desk/incidents/{incident.public_id}/")
    page.locator(f"form[action='/desk/messages/{incident.public_id}/draft/'] button").first.click()
    page.locator("#id_headline_fr").fill("Aucun certificat n’est créé.")
    page.locator("#id_headline_nl").fill("Er wordt geen certificaat aangemaakt.")
    page.locator("button[name=action][value=publish]").click()
    page.wait_for_url(re.compile(rf"/desk/incidents/{incident.public_id}/$"))

    reader = open_page(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    reader.goto(f"{desk}/fr/")
    expect(reader.locator("h1")).to_have_text("Aucun certificat n’est créé.")
    reader.goto(f"{desk}/nl/")
    expect(reader.locator("h1")).to_have_text("Er wordt geen certificaat aangemaakt.")
    expect(page.locator("#panel-time")).to_contain_text("v1")


def test_a_step_becomes_late_under_the_eyes_of_the_room_and_is_done(
    desk: str, page: Page, sign_in: SignIn, incident: Incident
) -> None:
    template = PlanTemplate.objects.create(key="crisis", name_fr="Plan", name_nl="Plan")
    PlanStep.objects.create(
        template=template,
        number=1,
        phase=PlanPhase.START,
        title_fr="Informer le Comité directeur",
        title_nl="Directiecomité informeren",
        anchor=Anchor.PLAN_START,
        offset_minutes=10,
    )
    lead = factories.user(Role.LEAD, language="fr")
    start_plan(incident, template, by=lead, at=timezone.now() - timedelta(minutes=10) + timedelta(seconds=3))
    sign_in(page, lead)
    page.goto(f"{desk}/desk/incidents/{incident.public_id}/")
    step = page.locator("#panel-plan li", has_text="Informer le Comité directeur")
    expect(step).to_have_class("is-due")

    expect(step).to_have_class("is-late")
    expect(page.locator("#incident-header [data-s=major] dd")).to_contain_text("1")
    step.get_by_role("link").click()
    page.locator("input[name=note]").fill("Présidence jointe à 13:44")
    page.locator("button[name=outcome][value=done]").click()

    expect(page.locator("#step-1")).to_contain_text("Présidence jointe à 13:44")
    expect(page.locator(".is-late")).to_have_count(0)
    assert Tick.objects.get().by == lead


def test_the_second_to_save_a_draft_is_shown_what_changed_and_nothing_is_overwritten(
    desk: str, page: Page, open_page: OpenPage, sign_in: SignIn, incident: Incident
) -> None:
    other = open_page()
    sign_in(page, factories.user(Role.COMMUNICATIONS, username="manon", language="fr"))
    sign_in(other, factories.user(Role.COMMUNICATIONS, username="barbara", language="fr"))
    page.goto(f"{desk}/desk/incidents/{incident.public_id}/")
    page.locator(f"form[action='/desk/messages/{incident.public_id}/draft/'] button").first.click()
    other.goto(f"{desk}/desk/messages/{incident.public_id}/")

    other.locator("#id_title_fr").fill("Titre de Barbara")
    other.locator("button.btn[value=save]").click()
    expect(other.locator("#id_revision, input[name=revision]").first).to_have_value("2")
    page.locator("#id_title_fr").fill("Titre de Manon")
    page.locator("button.btn[value=save]").click()

    expect(page.locator(".fx-conflict")).to_contain_text("Titre de Barbara")
    expect(page.locator("#id_title_fr")).to_have_value("Titre de Manon")
    assert Update.objects.get().texts.get(language="fr").title == "Titre de Barbara"
    page.locator("button.btn[value=save]").click()
    expect(page.locator(".fx-conflict")).to_have_count(0)
    assert Update.objects.get().texts.get(language="fr").title == "Titre de Manon"
