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
from incidents.models import EntryKind, Incident, ServiceStatus
from incidents.operations import note_fact
from tests import factories

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
