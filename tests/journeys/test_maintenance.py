"""Work is planned in opening hours, moved into the quiet with one click, announced, done; with scripts and without."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.request import urlopen

import icalendar
import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.roles import Role
from comms.status import site
from incidents.models import Maintenance
from incidents.opening_hours import Window, disturbed
from tests import factories
from tests.journeys.axe import violations


def next_working_afternoon() -> datetime:
    """14:00 of the next day, not today, on which pharmacies are open then."""
    day = timezone.localtime().replace(hour=14, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while not disturbed(Window(day, day + timedelta(hours=2))):
        day += timedelta(days=1)
    return day


@pytest.mark.parametrize("scripts", ["on", "off"])
def test_work_is_moved_into_the_quiet_announced_and_done(
    desk: str, open_page: Callable[..., Page], sign_in: Callable[[Page, User], None], scripts: str
) -> None:
    factories.service("dpp", name_fr="DPP", name_nl="GFD")
    page = open_page(java_script_enabled=scripts == "on", viewport={"width": 390, "height": 844})
    sign_in(page, factories.user(Role.COMMUNICATIONS, language="fr"))
    afternoon = next_working_afternoon()

    page.goto(f"{desk}/desk/maintenance/plan/")
    page.locator("[name=title_fr]").fill("Redémarrage complet")
    page.locator("[name=title_nl]").fill("Volledige herstart")
    page.locator("[name=body_fr]").fill("De courtes interruptions.")
    page.locator("[name=body_nl]").fill("Korte onderbrekingen.")
    page.get_by_label("DPP").check()
    page.locator("[name=starts_at]").fill(f"{afternoon:%Y-%m-%dT14:00}")
    page.locator("[name=ends_at]").fill(f"{afternoon:%Y-%m-%dT16:00}")
    if scripts == "on":
        page.locator("[name=ends_at]").press("Tab")
    else:
        page.get_by_role("button", name="Planifier et annoncer").click()
    expect(page.locator("#hours")).to_contain_text("Les pharmacies sont ouvertes à ce moment")
    page.locator("[name=take]").click()
    expect(page.locator("[name=starts_at]")).to_have_value(f"{afternoon:%Y-%m-%dT19:00}")
    expect(page.locator("#hours")).not_to_contain_text("ouvertes")
    expect(page.locator("[name=title_nl]")).to_have_value("Volledige herstart")
    page.get_by_role("button", name="Planifier et annoncer").click()
    page.wait_for_url(re.compile(r"/desk/maintenance/\w{12}/$"), wait_until="commit")

    work = Maintenance.objects.get()
    assert (work.starts_at, work.length) == (afternoon.replace(hour=19), timedelta(hours=2))
    assert announced(page, desk, work) == "Prévu"

    page.goto(f"{desk}/desk/maintenance/{work.public_id}/")
    for button in ("Commencer", "Vérifier", "Terminer"):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("button", name=button)).to_have_count(0)
    assert announced(page, desk, work) == "Terminé"


def announced(page: Page, desk: str, work: Maintenance) -> str:
    """What the public reads of its state; the page is fit for everyone, and its calendar for a calendar."""
    page.goto(f"{desk}/fr/maintenance/")
    page.get_by_role("link", name="Redémarrage complet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Redémarrage complet")
    for link in page.locator("a[href$='.ics']").all():
        with urlopen(f"{desk}{link.get_attribute('href')}") as answer:
            assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
            (event,) = icalendar.Calendar.from_ical(answer.read()).walk("VEVENT")
            assert event.decoded("DTSTART") == work.starts_at
    return page.locator(".what .st").inner_text().strip()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1366])
def test_the_public_pages_of_planned_work_are_fit_for_everyone(
    desk: str, open_page: Callable[..., Page], scheme: str, width: int
) -> None:
    work = factories.maintenance(
        factories.service("dpp"), starts_at=timezone.now(), title_de="Wartungsfensterankündigung"
    )
    site.renew()
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)

    for language in ("fr", "nl", "de", "en"):
        for address in ("maintenance/", f"maintenance/{work.public_id}/"):
            page.goto(f"{desk}/{language}/{address}")
            assert violations(page, scheme) == [], (language, address)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
