"""Calls are taken while the desk, its database or the network is gone, and each is stored once, in order."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Page, Route, expect
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from farmaflux_desk import outage
from tests import factories
from tests.journeys.conftest import PATIENCE, PLAIN, Server
from tickets.models import Contact

type SignIn = Callable[[Page, User], None]
PASSWORD = "quiet-afternoon"
COPIED = """async () => {
    while (!(await caches.match("/desk/calls/", { cacheName: "desk-page" }))) {
        await new Promise((done) => setTimeout(done, 50));
    }
}"""
NOTE = "certificate refused twice"


@pytest.fixture
def nancy(transactional_db: None) -> User:
    return factories.user(first_name="Nancy", username="nancy", password=PASSWORD, language="en")


@pytest.fixture
def calls(desk: str, page: Page, sign_in: SignIn, nancy: User) -> Page:
    """The agent's page, once its browser can open it without the desk."""
    factories.pharmacy(name="Pharmacie de la Gare")
    factories.contact(
        caller_text="Madame Dubois",
        incident=factories.incident(began_at=timezone.now() - timedelta(hours=1)),
        agent=nancy,
    )
    sign_in(page, nancy)
    page.goto(f"{desk}/desk/calls/")
    page.evaluate(COPIED)
    return page


def save(page: Page, *callers: str, note: str = "") -> None:
    for caller in callers:
        page.locator("#caller").fill(caller)
        page.locator("#note").fill(note)
        page.keyboard.press("Control+Enter")
        expect(page.locator("#caller")).to_have_value("")


def waiting(page: Page, count: int) -> None:
    expect(page.locator("[data-line=waiting] [data-n]")).to_have_text(str(count))


def arrived(page: Page, count: int) -> None:
    expect(page.locator("#latest-rows tr[id^=contact-]")).to_have_count(count)
    expect(page.locator("#queue")).to_be_hidden()


def stored() -> list[str]:
    """The callers of this test, in the order in which the desk has them."""
    return [
        *Contact.objects.exclude(caller_text="Madame Dubois")
        .order_by("pk")
        .values_list("caller_text", flat=True)
    ]


def test_calls_saved_while_the_server_is_down_are_there_once_and_in_order_when_it_is_back(
    server: Server, calls: Page
) -> None:
    server.stop()
    save(calls, "one", "two", "three")
    waiting(calls, 3)
    expect(calls.locator("[data-line=lost]")).to_be_visible()
    calls.wait_for_timeout(1500)  # to the second it is told how long a call has waited
    server.start()

    arrived(calls, 4)
    assert stored() == ["one", "two", "three"]
    waited = [
        call.recorded_at - call.occurred_at for call in Contact.objects.exclude(caller_text="Madame Dubois")
    ]
    assert min(waited) >= timedelta(seconds=1)


def test_two_tabs_of_the_same_agent_send_each_call_once_and_in_the_order_in_which_they_were_taken(
    server: Server, calls: Page, desk: str
) -> None:
    other = calls.context.new_page()
    other.goto(f"{desk}/desk/calls/")
    posted: list[str] = []
    calls.context.on(
        "requestfinished", lambda asked: posted.append(asked.url) if asked.method == "POST" else None
    )
    server.stop()
    save(calls, "one")
    waiting(calls, 1)
    save(other, "two")
    waiting(other, 2)
    save(calls, "three")
    save(other, "four")
    for tab in (calls, other):
        waiting(tab, 4)
    server.start()

    for tab in (calls, other):
        expect(tab.locator("#queue")).to_be_hidden()
    assert stored() == ["one", "two", "three", "four"]
    assert len([url for url in posted if url.endswith("/calls/log/")]) == 4


@pytest.fixture
def other(calls: Page, desk: str) -> Page:
    """Another tab of the same browser."""
    tab = calls.context.new_page()
    tab.set_default_timeout(PATIENCE)
    tab.goto(f"{desk}/desk/calls/")
    return tab


def saved(page: Page, caller: str, *, within: int = PATIENCE) -> None:
    row = page.locator("#latest-rows tr[id^=contact-]", has_text=caller)
    expect(row).to_be_visible(timeout=within)


def test_a_call_of_one_tab_goes_out_behind_those_that_wait_in_another(calls: Page, other: Page) -> None:
    calls.route("**/desk/calls/log/", lambda route: route.abort())
    save(calls, "one", "two")
    waiting(calls, 2)

    save(other, "three")

    saved(other, "three")
    assert stored() == ["one", "two", "three"]
    expect(calls.locator("#queue")).to_be_hidden()


def test_a_tab_that_hangs_with_what_waits_holds_up_nobody(calls: Page, other: Page) -> None:
    calls.route("**/desk/calls/log/", lambda route: route.abort())
    save(calls, "one")
    waiting(calls, 1)
    calls.evaluate(
        """() => {
            const hang = (name) => navigator.locks.request(name, () => new Promise(() => {})).catch(() => {});
            hang("desk-calls");
            hang("desk-call-1");
        }"""
    )
    other.clock.set_fixed_time(timezone.now() + timedelta(minutes=1))

    save(other, "two")

    saved(other, "two", within=3 * PATIENCE)
    assert stored() == ["one", "two"]


def test_a_call_on_its_way_in_one_tab_holds_up_none_of_another(calls: Page, other: Page) -> None:
    held: list[Route] = []
    calls.route("**/desk/calls/log/", lambda route: held.append(route))  # Playwright wraps no method of C
    save(calls, "one")
    while not held:
        calls.wait_for_timeout(50)

    save(other, "two")

    saved(other, "two")
    assert stored() == ["two"]
    held[0].continue_()
    saved(calls, "one")
    assert stored() == ["two", "one"]


def test_a_refused_call_stays_in_its_tab_and_holds_up_none_of_another(calls: Page, other: Page) -> None:
    calls.locator("#needed_by").fill("99:99")
    held: list[Route] = []
    calls.route("**/desk/calls/log/", lambda route: held.append(route))
    save(calls, "Marie")
    calls.locator("#caller").fill("next")
    while not held:
        calls.wait_for_timeout(50)
    held[0].continue_()
    expect(calls.locator(".is-queued [data-state=refused]")).to_be_visible()

    save(other, "two")

    saved(other, "two")
    expect(other.locator("#caller")).to_have_value("")
    expect(calls.locator(".is-queued [data-state=refused]")).to_be_visible()
    assert stored() == ["two"]


def test_a_call_that_has_waited_for_a_day_is_gone_and_a_younger_one_is_sent(calls: Page) -> None:
    now = timezone.now()
    calls.route("**/desk/calls/log/", lambda route: route.abort())
    save(calls, "a day ago")
    waiting(calls, 1)
    calls.clock.set_fixed_time(now + timedelta(hours=23))
    save(calls, "an hour ago")
    waiting(calls, 2)

    calls.clock.set_fixed_time(now + timedelta(hours=24, minutes=1))
    calls.reload()
    waiting(calls, 1)
    assert kept(calls)["calls"] == 1
    calls.unroute("**/desk/calls/log/")

    arrived(calls, 2)
    assert stored() == ["an hour ago"]


def test_the_page_opens_without_a_network_holds_no_caller_and_takes_calls(calls: Page) -> None:
    calls.context.set_offline(True)
    save(calls, "before", note=NOTE)
    calls.reload()
    expect(calls.locator("body[data-kept]")).to_be_visible()
    assert "Dubois" not in calls.content()
    waiting(calls, 1)
    save(calls, "after")
    waiting(calls, 2)
    calls.context.set_offline(False)

    expect(calls.locator("body:not([data-kept])")).to_be_visible()
    arrived(calls, 3)
    assert stored() == ["before", "after"]
    assert Contact.objects.get(caller_text="before").note == NOTE


def test_without_its_database_the_desk_says_so_at_once_and_the_browser_keeps_the_calls(
    calls: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as gone:
        gone.setattr(outage.OUTAGE, "lasts", lambda: True)
        save(calls, "one")
        waiting(calls, 1)
        calls.reload()
        expect(calls.locator("body[data-kept]")).to_be_visible()
        save(calls, "two")
        waiting(calls, 2)

    arrived(calls, 3)
    assert stored() == ["one", "two"]


def test_who_signs_out_takes_the_key_with_her_and_is_asked_when_she_is_back(
    calls: Page, desk: str, sign_in: SignIn, nancy: User
) -> None:
    calls.route("**/desk/calls/log/", lambda route: route.abort())
    save(calls, "Marie", note=NOTE)
    waiting(calls, 1)
    calls.goto(f"{desk}/accounts/profile/")
    calls.get_by_role("button", name="Sign out").first.click()
    expect(calls.locator("#leaving [data-n]")).to_have_text("1")
    calls.locator("#leaving button[value=leave]").click()
    calls.wait_for_url(lambda url: "/accounts/" not in url)
    assert kept(calls) == {"calls": 1, "keys": 0, "readable": False, "page": False}
    calls.unroute("**/desk/calls/log/")

    sign_in(calls, factories.user(first_name="Omar"))
    calls.goto(f"{desk}/desk/calls/")
    expect(calls.locator("[data-line=others] [data-n]")).to_have_text("1")
    expect(calls.locator(".is-queued")).to_have_count(0)
    save(calls, "Omar's own")
    expect(calls.locator("#latest-rows tr[id^=contact-]")).to_have_count(2)

    sign_in(calls, nancy)
    calls.reload()
    expect(calls.locator("[data-line=asking]")).to_contain_text("Marie")
    assert stored() == ["Omar's own"]
    calls.get_by_role("button", name="Send them now").click()
    arrived(calls, 3)
    assert stored() == ["Omar's own", "Marie"]
    assert Contact.objects.get(caller_text="Marie").agent == nancy


def kept(page: Page) -> dict[str, object]:
    """What is left in the browser of someone who has gone."""
    found: dict[str, object] = json.loads(
        page.evaluate(
            """async (note) => {
                const database = await new Promise((done) => {
                    indexedDB.open("desk-calls").onsuccess = (event) => done(event.target.result);
                });
                const all = (name) => new Promise((done) => {
                    const asked = database.transaction(name).objectStore(name).getAll();
                    asked.onsuccess = () => done(asked.result);
                });
                const calls = await all("calls");
                const text = calls.map(({ data }) => new TextDecoder("latin1").decode(data)).join();
                const beside = JSON.stringify(localStorage) + JSON.stringify(sessionStorage);
                return JSON.stringify({
                    calls: calls.length,
                    keys: (await all("keys")).length,
                    readable: (text + beside).includes(note),
                    page: await caches.has("desk-page"),
                });
            }""",
            NOTE,
        )
    )
    return found


def test_a_session_that_ended_costs_a_sign_in_and_a_word(calls: Page, desk: str) -> None:
    Session.objects.all().delete()
    save(calls, "Marie")
    with calls.expect_popup() as popup:
        calls.locator("[data-line=session]").get_by_role("link", name="Sign in again").click()
    popup.value.locator("[name=login]").fill("nancy")
    popup.value.locator("[name=password]").fill(PASSWORD)
    popup.value.keyboard.press("Enter")
    popup.value.get_by_text("You are signed in again").wait_for()
    popup.value.close()

    expect(calls.locator("[data-line=asking]")).to_contain_text("Marie")
    assert stored() == []
    calls.get_by_role("button", name="Send them now").click()
    arrived(calls, 2)
    assert stored() == ["Marie"]


def test_a_page_that_dies_before_the_call_is_kept_does_not_take_it_along(calls: Page) -> None:
    calls.evaluate("() => { crypto.subtle.encrypt = () => new Promise(() => {}); }")
    save(calls, "Marie")
    calls.reload()

    arrived(calls, 2)
    assert stored() == ["Marie"]
    assert calls.evaluate("Object.keys(localStorage)") == []


def test_without_tls_the_page_says_that_it_alone_keeps_the_calls_and_sends_them_all_the_same(
    desk: str, page: Page, sign_in: SignIn, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = [PLAIN]
    plain = desk.replace("127.0.0.1", PLAIN)
    sign_in(page, factories.user(Role.VOLUNTEER, language="en"))  # signs out on the page itself
    (session,) = (cookie for cookie in page.context.cookies(desk) if "session" in cookie["name"])
    page.context.add_cookies([{"name": session["name"], "value": session["value"], "url": plain}])
    page.goto(f"{plain}/desk/calls/")
    page.route("**/desk/calls/log/", lambda route: route.abort())

    save(page, "one", "two")
    waiting(page, 2)
    expect(page.locator("[data-line=alone]")).to_be_visible()
    page.get_by_role("button", name="Sign out").first.click()
    expect(page.locator("#leaving [data-go]")).to_be_visible()
    expect(page.locator("#leaving [data-stay]")).to_be_hidden()
    page.locator("#leaving button[value=stay]").click()
    page.unroute("**/desk/calls/log/")

    arrived(page, 2)
    assert stored() == ["one", "two"]
