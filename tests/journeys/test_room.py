"""The room fills by itself, and leaves the reader where she was."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.roles import Role
from comms.models import Anchor, Delivery, PlanPhase, PlanStep, PlanTemplate, SignOfLife
from comms.operations.plan import start_plan
from incidents.models import EntryKind, Incident, ServiceStatus
from incidents.operations import note_fact
from tests import factories
from tickets.models import ContactImpact

WORDS = "Sciensano a redémarré l’API."


@pytest.fixture
def room(
    desk: str, page: Page, sign_in: Callable[[Page, User], None], transactional_db: None
) -> tuple[Page, Incident, User]:
    lead = factories.user(Role.LEAD, language="en")
    incident = factories.incident(
        services={factories.service("dpp"): ServiceStatus.MAJOR},
        by=lead,
        began_at=timezone.now() - timedelta(minutes=50),
    )
    page.clock.install()
    sign_in(page, lead)
    page.goto(desk + reverse("desk:room", args=[incident.public_id]))
    return page, incident, lead


def test_a_fact_noted_elsewhere_appears_without_a_reload(room: tuple[Page, Incident, User]) -> None:
    page, incident, lead = room
    note_fact(incident, key=uuid.uuid4(), kind=EntryKind.NOTE, text=WORDS, by=lead)

    page.clock.run_for(5_000)

    expect(page.locator("#panel-time")).to_contain_text(WORDS)


def test_what_changes_takes_neither_the_focus_nor_what_was_unfolded(
    room: tuple[Page, Incident, User],
) -> None:
    page, incident, lead = room
    page.locator("#panel-press summary").click()
    page.locator("#panel-time [data-key=n]").focus()
    note_fact(incident, key=uuid.uuid4(), kind=EntryKind.NOTE, text=WORDS, by=lead)
    factories.contact(incident=incident, at=timezone.now() - timedelta(minutes=3))

    page.clock.run_for(5_000)

    expect(page.locator("#panel-time")).to_contain_text(WORDS)
    expect(page.locator("#panel-time [data-key=n]")).to_be_focused()
    expect(page.locator("#panel-press .fx-chart .v")).to_have_count(1)
    expect(page.locator("#panel-press details")).to_have_attribute("open", "")


def test_n_opens_the_form_for_a_fact_unless_single_keys_are_off(
    room: tuple[Page, Incident, User],
) -> None:
    page, incident, lead = room
    lead.single_keys = False
    lead.save()
    page.reload()
    page.keyboard.press("n")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_have_count(0)
    stayed = page.url

    lead.single_keys = True
    lead.save()
    page.reload()
    page.keyboard.press("n")
    page.wait_for_url("**/note/")

    assert stayed.endswith(f"/{incident.public_id}/")


def late(incident: Incident, lead: User) -> None:
    """A patient waits, one step of the plan is late and another comes next."""
    factories.contact(incident=incident, impact=ContactImpact.PATIENT_WAITING, occurred_at=timezone.now())
    plan = PlanTemplate.objects.create(key="plan", name_fr="Plan", name_nl="Plan")
    for number, minutes in ((1, 10), (2, 90)):
        PlanStep.objects.create(
            template=plan,
            number=number,
            phase=PlanPhase.RUN,
            title_fr="Prévenir le comité directeur",
            title_nl="Het directiecomité verwittigen",
            anchor=Anchor.PLAN_START,
            offset_minutes=minutes,
            owners=["scribe"],
        )
    start_plan(incident, plan, by=lead, at=incident.began_at)


@pytest.mark.parametrize("width", [390, 820, 1190, 1280, 1440])
def test_that_nothing_is_sent_any_more_is_read_whole(
    desk: str, open_page: Callable[..., Page], sign_in: Callable[[Page, User], None], width: int
) -> None:
    now = timezone.now()
    lead = factories.user(Role.LEAD, language="nl")
    began = {factories.service("dpp"): ServiceStatus.MAJOR}
    incident = factories.incident(began_at=now - timedelta(minutes=50), services=began, by=lead)
    late(incident, lead)
    update = factories.update(
        incident, published_at=now - timedelta(minutes=20), next_update_at=now - timedelta(minutes=5)
    )
    Delivery.objects.create(
        update=update,
        channel=factories.mail_channel("a@apb.example"),
        recipient="a@apb.example",
        environment="embedded",
        created_at=now - timedelta(minutes=12),
        not_before=now,
    )
    SignOfLife.objects.create(runner="relay", seen_at=now - timedelta(minutes=5))
    page = open_page(viewport={"width": width, "height": 800})
    sign_in(page, lead)

    page.goto(f"{desk}/desk/messages/")

    stopped = page.locator(".fx-stopped")
    expect(stopped).to_contain_text("verzending gestopt sinds")
    box, frame = stopped.bounding_box(), page.locator(".fx-unsent").bounding_box()
    assert box
    assert frame
    assert frame["x"] <= box["x"]
    assert box["x"] + box["width"] <= frame["x"] + frame["width"] <= width
    assert box["y"] + box["height"] <= frame["y"] + frame["height"]
