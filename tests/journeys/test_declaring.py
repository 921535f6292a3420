"""A lead declares an incident by keyboard alone, and is told that it is a relapse."""

import re
import uuid
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.roles import Role
from incidents import operations
from incidents.models import Incident, Phase, ServiceStatus, Severity
from tests import factories


def test_a_relapse_is_declared_by_keyboard_alone(desk: str, page: Page) -> None:
    now, dpp = timezone.now(), factories.service("dpp", name_fr="DPP")
    lead = factories.user(Role.LEAD, username="lead", password="not-a-secret-1")
    morning = operations.declare(
        key=uuid.uuid4(),
        titles={"fr": "La panne du matin", "nl": "De ochtendstoring"},
        severity=Severity.S2,
        statuses={dpp: ServiceStatus.DEGRADED},
        began_at=now - timedelta(hours=3),
        by=lead,
    )
    operations.move(morning, Phase.RESOLVED, by=lead, occurred_at=now - timedelta(hours=2))
    page.goto(f"{desk}/accounts/login/?next=/desk/incidents/declare/")
    page.get_by_role("textbox").first.fill("lead")
    page.locator("[name=password]").fill("not-a-secret-1")
    page.keyboard.press("Enter")
    expect(page.locator("[name=title_fr]")).to_be_focused()

    page.keyboard.type("Panne du DPP")
    page.keyboard.press("Tab")
    page.keyboard.type("Storing van het GFD")
    _tab_to(page, "severity")
    page.keyboard.press("Space")
    _tab_to(page, f"services-{dpp.public_id}")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#relapse .alert")).to_contain_text("La panne du matin")
    expect(page.locator(f"[name=services-{dpp.public_id}]:checked")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/desk/incidents/\w{12}/$"), wait_until="commit")

    incident = Incident.objects.get(title_fr="Panne du DPP")
    assert (incident.severity, incident.relapse_of) == ("S1", morning)
    assert [impact.status for impact in incident.impacts.all()] == ["major_outage"]


def _tab_to(page: Page, name: str) -> None:
    for _press in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")
