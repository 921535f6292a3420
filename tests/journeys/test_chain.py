"""From where it is stuck to what was learned, as one person tells it to everybody."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.roles import Role
from incidents.models import Incident, Phase, Postmortem, ServiceStatus
from tests import factories

LEARNED = "Nous le dirons plus tôt.\n\nEt plus clairement."


@pytest.fixture
def writer(transactional_db: None) -> User:
    return factories.user(Role.COMMUNICATIONS, language="fr")


def happened(phase: Phase) -> Incident:
    dpp = factories.service("dpp")
    factories.chain("pharmacy", "farmaflux", services=[dpp])
    services = {dpp: ServiceStatus.MAJOR} if phase != Phase.RESOLVED else {}
    return factories.incident(services=services, phase=phase, began_at=timezone.now() - timedelta(minutes=30))


@pytest.mark.parametrize("scripts", ["on", "off"])
def test_where_it_is_stuck_is_told_once_and_read_in_the_room_and_by_the_pharmacist(
    desk: str,
    open_page: Callable[..., Page],
    sign_in: Callable[[Page, User], None],
    writer: User,
    scripts: str,
) -> None:
    incident = happened(Phase.INVESTIGATING)
    page = open_page(java_script_enabled=scripts == "on", viewport={"width": 390, "height": 844})
    sign_in(page, writer)
    page.goto(desk + reverse("desk:room", args=[incident.public_id]))

    page.get_by_role("link", name="Chaîne").click()
    link = page.get_by_role("group", name="2 · farmaflux fr")
    link.get_by_text("Bloqué ici").click()
    link.get_by_label("Confirmé par").select_option("nous")
    link.get_by_label("Note publique, Français").fill("Rien ne passe.")
    page.get_by_role("button", name="Enregistrer").click()
    expect(link.locator(".invalid-feedback")).to_be_visible()
    link.get_by_label("Note publique, Nederlands").fill("Niets gaat door.")
    page.get_by_role("button", name="Enregistrer").click()

    expect(page.locator("#panel-chain")).to_contain_text("confirmé par nous")
    page.goto(f"{desk}/nl/")
    stuck = page.locator(".chain > li").nth(1)
    expect(stuck).to_contain_text("farmaflux nl")
    expect(stuck).to_contain_text("Niets gaat door.")


def test_what_was_learned_survives_a_reload_and_is_published(
    desk: str, page: Page, sign_in: Callable[[Page, User], None], writer: User
) -> None:
    incident = happened(Phase.RESOLVED)
    sign_in(page, writer)
    page.goto(desk + reverse("desk:room", args=[incident.public_id]))
    page.get_by_role("link", name="Retour d’expérience").click()
    page.get_by_label("Français").fill(LEARNED)

    page.reload()
    expect(page.get_by_label("Français")).to_have_value(LEARNED)
    page.get_by_role("button", name="Enregistrer le brouillon").click()
    page.get_by_label("Nederlands").fill("We zeggen het vroeger.")
    page.get_by_role("button", name="Publier").click()

    expect(page.get_by_role("heading", name="Publié")).to_be_visible()
    assert Postmortem.objects.get().texts_by_language["fr"] == LEARNED
    page.goto(f"{desk}/fr/incidents/{incident.public_id}/")
    expect(page.get_by_text("Et plus clairement.")).to_be_visible()
