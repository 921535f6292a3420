"""The first minutes of a crisis: the plan started, the holding statement public, the board on a phone."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from accounts.roles import Role
from comms.models import Tick
from comms.operations.drafts import draft_for
from comms.operations.plan import Proof, start_plan, tick
from comms.operations.prepared import install as install_messages
from comms.operations.reminders import remind
from comms.operations.standard_plan import install
from comms.relay import run_once
from incidents.models import Incident, ResponseRole, ServiceStatus, Severity
from incidents.operations import assign_role, declare
from tests import factories

SignIn = Callable[[Page, User], None]
OpenPage = Callable[..., Page]
MOST_CLICKS = 6
UNHURRIED = 10  # seconds for one step: to read the page, find the button, point at it and press
MOST_SECONDS = 60
THUMB = 44  # CSS pixels, WCAG 2.2 target size (enhanced)
SMALLER = """(part, least) => [...part.querySelectorAll("a, button, input, select, summary, textarea")]
  .filter((target) => target.checkVisibility())
  .map((target) => [target, target.getBoundingClientRect(), getComputedStyle(target, "::after")])
  .map(([target, box, around]) => ({
    text: target.textContent.trim(),
    width: Math.round(Math.max(box.width, parseFloat(around.width) || 0)),
    height: Math.round(Math.max(box.height, parseFloat(around.height) || 0)),
  }))
  .filter(({ width, height }) => width < least || height < least)
  .map(({ text, width, height }) => `${text}: ${width} × ${height}`)"""  # ::after is pressed as its link is


def outage(lead: User) -> Incident:
    install_messages()
    return declare(
        key=uuid.uuid4(),
        titles={"fr": "Les eForms ne passent pas", "nl": "De eForms gaan niet door"},
        severity=Severity.S1,
        statuses={factories.service("transfer"): ServiceStatus.MAJOR},
        began_at=timezone.now() - timedelta(minutes=5),
        by=lead,
    )


def test_from_the_incidents_page_the_plan_is_started_and_the_holding_statement_public_in_six_clicks(
    desk: str, page: Page, open_page: OpenPage, sign_in: SignIn
) -> None:
    lead = factories.user(Role.LEAD, language="fr")
    incident = outage(lead)
    install()
    sign_in(page, lead)
    clicks = 0

    def click(target: Locator) -> None:
        nonlocal clicks
        clicks += 1
        target.click()

    page.goto(f"{desk}/desk/incidents/{incident.public_id}/")
    click(page.locator("#hints").get_by_role("button", name="Lancer le plan"))
    page.wait_for_url(re.compile(r"/desk/plan/"), wait_until="commit")
    click(page.locator("#step-3").get_by_role("button", name="Écrire ce message"))
    page.wait_for_url(re.compile(r"/desk/messages/"), wait_until="commit")
    click(page.locator("button[name=action][value=publish]"))
    page.wait_for_url(re.compile(rf"/desk/incidents/{incident.public_id}/$"), wait_until="commit")

    said = incident.updates.published().get().texts.get(language="nl").headline
    reader = open_page(java_script_enabled=False)
    reader.goto(f"{desk}/nl/")
    expect(reader.locator("h1")).to_have_text(said)
    page.goto(f"{desk}/desk/plan/{incident.public_id}/")
    expect(page.locator("#step-3")).to_have_class("is-done")
    assert clicks <= MOST_CLICKS
    assert (clicks + 1) * UNHURRIED <= MOST_SECONDS  # the first one: to come to the page


def test_on_a_phone_everything_on_the_board_and_the_checklist_is_as_large_as_a_thumb(
    desk: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    lead = factories.user(Role.LEAD, language="nl")
    outage(lead)
    incident = outage(lead)
    assign_role(incident, ResponseRole.CRISIS_LEAD, lead, by=lead)
    steps = start_plan(incident, install(), by=lead, at=timezone.now() - timedelta(minutes=20)).items
    proof = Proof(update=factories.update(incident, published_at=timezone.now()))
    tick(steps.get(number=3), key=uuid.uuid4(), outcome=Tick.Outcome.DONE, proof=proof, by=lead)
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    sign_in(page, lead)

    for part in ("board/", "board/?by=role", ""):
        page.goto(f"{desk}/desk/plan/{incident.public_id}/{part}")
        expect(page.locator(".is-late").first).to_be_visible()
        assert page.locator("main").evaluate(SMALLER, THUMB) == []
        assert page.locator("#incident-header").evaluate(SMALLER, THUMB) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_reminder_is_shown_as_a_notification_by_one_of_two_open_pages(
    desk: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    lead = factories.user(Role.LEAD, language="fr")
    page = open_page(permissions=["notifications"])
    page.context.add_init_script(
        """window.shown = [];
        window.Notification = class extends EventTarget {
          static permission = "granted";
          static requestPermission = async () => "granted";
          constructor(title, said) { super(); window.shown.push(said.body); }
        };"""
    )
    sign_in(page, lead)
    page.goto(f"{desk}/accounts/profile/")
    page.get_by_role("button", name="Afficher les rappels dans ce navigateur").click()
    expect(page.locator("[data-browser-reminders] [data-on]")).to_be_visible()

    start_plan(outage(lead), install(), by=lead, at=timezone.now() - timedelta(minutes=10))
    assert remind()
    run_once()
    tabs = [page, page.context.new_page()]
    for tab in tabs:
        tab.goto(f"{desk}/desk/plan/")
    for tab in tabs:
        tab.wait_for_load_state("networkidle")

    shown = [body for tab in tabs for body in tab.evaluate("window.shown")]
    assert (len(shown), "étape" in shown[0]) == (1, True)


def test_where_pages_may_show_none_a_service_worker_shows_the_reminder(
    desk: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    lead = factories.user(Role.LEAD, language="fr", browser_reminders=True)
    page = open_page(permissions=["notifications"])
    page.context.add_init_script(
        """window.Notification = class {
          static permission = "granted";
          constructor() { throw new TypeError("Illegal constructor, as on Android"); }
        };"""
    )
    sign_in(page, lead)
    start_plan(outage(lead), install(), by=lead, at=timezone.now() - timedelta(minutes=10))
    assert remind()
    run_once()

    page.goto(f"{desk}/accounts/profile/")
    shown = page.evaluate(
        """async () => {
          const shown = async () => {
            const [registration] = await navigator.serviceWorker.getRegistrations();
            return (await registration?.getNotifications()) ?? [];
          };
          for (let frame = 0; frame < 600 && !(await shown()).length; frame++) {
            await new Promise(requestAnimationFrame);
          }
          return (await shown()).map(({ body, data }) => `${body} ${data}`);
        }"""
    )

    assert (len(shown), "étape" in shown[0], "/desk/plan/" in shown[0]) == (1, True, True)
    expect(page.locator("#notices .fx-notice")).to_have_count(0)


def test_the_prepared_messages_open_by_the_keys_place_where_it_types_a_sign(
    desk: str, page: Page, sign_in: SignIn
) -> None:
    lead = factories.user(Role.LEAD, language="fr")
    incident = outage(lead)
    draft_for(incident, by=lead)
    sign_in(page, lead)
    page.goto(f"{desk}/desk/messages/{incident.public_id}/")
    expect(page.locator("#prepared")).to_be_hidden()

    # As a Mac tells of Option+M.
    page.evaluate(
        "document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'µ', code: 'KeyM', altKey: true, bubbles: true}))"
    )

    expect(page.locator("#prepared")).to_be_visible()
