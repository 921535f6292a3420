""" "I have this too", on a narrow phone without JavaScript, in each language; and the desk sees it come in."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.languages import Language
from accounts.models import User
from accounts.roles import Role
from incidents.models import Incident, Service, ServiceStatus
from tests import factories
from tests.journeys.axe import DARK, LIGHT, violations
from tickets.models import Report

LONGEST = "Arzneimittelverschreibungsübermittlungsbestätigungsverfahren"


@pytest.fixture
def incident() -> Incident:
    now = timezone.now()
    service = factories.service("eforms", name_de=LONGEST)
    incident = factories.incident(
        services={service: ServiceStatus.MAJOR}, began_at=now - timedelta(minutes=50)
    )
    update = factories.update(
        incident,
        texts={language.value: "x" for language in Language},
        published_at=now - timedelta(minutes=5),
        next_update_at=now + timedelta(minutes=20),
        central_confirmed=True,
    )
    update.texts.update(headline=f"{LONGEST} {LONGEST}", do=f"{LONGEST}\nx")
    factories.service("dpp")
    return incident


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def complaints(page: Page) -> list[tuple[str, str]]:
    """What axe finds, in the light and in the dark."""
    return violations(page, LIGHT) + violations(page, DARK)


@pytest.mark.parametrize("language", Language)
def test_a_pharmacist_reports_without_a_script_and_learns_when_she_hears_more(
    desk: str, open_page: Callable[..., Page], incident: Incident, language: Language
) -> None:
    page = open_page(
        java_script_enabled=False, viewport={"width": 320, "height": 640}, locale=f"{language}-BE"
    )
    service = incident.services_touched[0]

    page.goto(f"{desk}/public/report/")
    assert page.locator("html").get_attribute("lang") == language
    page.locator("[name=apb_number]").fill("12 a")
    page.locator("main button").click()
    expect(page.locator(".wrong")).to_have_count(2)
    expect(page.locator("[name=apb_number]")).to_have_value("12 a")

    page.locator("[name=apb_number]").fill("")
    page.locator("[name=service]").select_option(service.public_id)
    page.locator("main button").click()

    promised = incident.updates.published()[0].next_update_at
    assert promised
    expect(page.locator(".next h2")).to_contain_text(f"{timezone.localtime(promised):%H:%M}")
    assert page.locator("html").get_attribute("lang") == language
    assert page.context.cookies() == []
    page.reload()
    assert [report.incident for report in Report.objects.all()] == [incident]


@pytest.mark.parametrize("language", Language)
def test_axe_finds_nothing_and_nothing_sticks_out_of_the_public_forms(
    desk: str, open_page: Callable[..., Page], incident: Incident, language: Language
) -> None:
    page = open_page(viewport={"width": 320, "height": 640})
    known = f"/public/report/received/?service={incident.services_touched[0].public_id}&lang={language}"
    unknown = f"/public/report/received/?service={Service.objects.get(key='dpp').public_id}&lang={language}"

    for address in (f"/public/report/?lang={language}", known, unknown):
        page.goto(desk + address)
        assert (address, complaints(page), fits(page)) == (address, [], True)
    page.goto(f"{desk}/public/report/?lang={language}")
    page.locator("main button").click()
    expect(page.locator(".wrong")).to_have_count(1)
    assert (complaints(page), fits(page)) == ([], True)


def test_the_room_counts_a_report_while_someone_looks(
    desk: str,
    open_page: Callable[..., Page],
    sign_in: Callable[[Page, User], None],
    incident: Incident,
) -> None:
    room, phone = open_page(), open_page(java_script_enabled=False)
    sign_in(room, factories.user(Role.LEAD, language="en"))
    room.goto(desk + reverse("desk:room", args=[incident.public_id]))
    expect(room.locator(".fx-felt")).to_contain_text("None so far.")

    phone.goto(f"{desk}/public/report/?service={incident.services_touched[0].public_id}")
    phone.locator("main button").click()

    expect(room.locator(".fx-felt")).to_contain_text("1 in the last 15 minutes")
