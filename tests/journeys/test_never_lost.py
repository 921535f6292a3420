"""What someone types survives a reload, an ended session, a lost connection; and goes when the desk has it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from accounts.roles import Role
from incidents.models import Incident
from tests import factories

PASSWORD = "quiet-afternoon"
WORDS = "Sciensano a redémarré l’API."
SignIn = Callable[[Page, User], None]


@pytest.fixture
def scribe(transactional_db: None) -> User:
    return factories.user(Role.LEAD, username="scribe", password=PASSWORD, language="en")


@pytest.fixture
def incident(scribe: User) -> Incident:
    return factories.incident(by=scribe, began_at=timezone.now() - timedelta(minutes=30))


@pytest.fixture
def address(desk: str, incident: Incident) -> str:
    return desk + reverse("incidents:note", args=[incident.public_id])


@pytest.fixture
def text(page: Page, sign_in: SignIn, scribe: User, address: str) -> None:
    """The form to note a fact, with words typed into it that were not sent."""
    sign_in(page, scribe)
    page.goto(address)
    type_words(page)


def type_words(page: Page) -> None:
    page.locator("[name=text]").fill(WORDS)


def noted(incident: Incident) -> list[str]:
    return [entry.text for entry in incident.entries.filter(text=WORDS)]


def end_session(page: Page) -> None:
    Session.objects.all().delete()


def sign_in_by_hand(page: Page) -> None:
    page.locator("[name=login]").fill("scribe")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")


def form_by_script(page: Page, address: str) -> None:
    """The same form as htmx fetches it, which sends itself by htmx too."""
    page.evaluate("(address) => htmx.ajax('GET', address, {target: '.fx-page', swap: 'innerHTML'})", address)
    page.locator("form[hx-post] [name=text]").wait_for()
    type_words(page)


@pytest.mark.usefixtures("text")
def test_typed_text_is_back_after_a_reload(page: Page) -> None:
    page.reload()

    expect(page.locator("[name=text]")).to_have_value(WORDS)
    expect(page.locator("[data-notice=notice-restored]")).to_be_visible()


@pytest.mark.usefixtures("text")
def test_whoever_starts_empty_is_not_shown_it_again(page: Page) -> None:
    page.reload()

    page.get_by_role("button", name="Start empty").click()

    expect(page.locator("[name=text]")).to_have_value("")
    page.reload()
    expect(page.locator("[name=text]")).to_have_value("")


@pytest.mark.usefixtures("text")
def test_accepted_text_is_let_go(page: Page, address: str, incident: Incident) -> None:
    page.get_by_role("button", name="Note it").click()
    page.wait_for_url(lambda url: not url.endswith("/note/"))
    page.goto(address)

    assert noted(incident) == [WORDS]
    expect(page.locator("[name=text]")).to_have_value("")
    assert page.evaluate("localStorage.length") == 0


@pytest.mark.usefixtures("text")
def test_the_next_person_at_this_computer_sees_nothing_of_it(
    page: Page, sign_in: SignIn, address: str
) -> None:
    sign_in(page, factories.user(Role.LEAD))
    page.goto(address)

    expect(page.locator("[name=text]")).to_have_value("")


def test_a_page_that_learns_it_is_somebody_elses_leaves_her_who_is_on_her_way_alone(
    page: Page, sign_in: SignIn, scribe: User, address: str
) -> None:
    sign_in(page, scribe)
    on_her_way: list[Route] = []
    page.route("**/note/?again", lambda route: on_her_way.append(route))
    with page.expect_response("**/calls/keys/"), keys_held(page, address):
        sign_in(page, factories.user(Role.LEAD))
        with page.expect_request("**/note/?again"):
            page.evaluate("() => { location.href = '?again'; }")
    on_her_way[0].continue_()

    page.wait_for_url("**/note/?again")


@pytest.mark.usefixtures("text")
def test_who_signs_out_leaves_nothing_that_can_be_read_and_finds_it_again(
    page: Page, desk: str, sign_in: SignIn, scribe: User, address: str
) -> None:
    page.goto(f"{desk}/accounts/profile/")
    page.get_by_role("button", name="Sign out").first.click()
    page.wait_for_url(lambda url: "/accounts/profile/" not in url)
    assert kept(page) == {"drafts": 1, "readable": False}

    sign_in(page, scribe)
    page.goto(address)

    expect(page.locator("[name=text]")).to_have_value(WORDS)


@pytest.mark.usefixtures("text")
def test_what_was_left_in_clear_for_want_of_a_key_is_sealed_by_the_next_page(
    page: Page, address: str
) -> None:
    sealed(page)
    page.evaluate("() => { crypto.subtle.encrypt = () => new Promise(() => {}); }")
    page.locator("[name=text]").fill(f"{WORDS} Encore un mot.")
    page.goto(address)

    expect(page.locator("[name=text]")).to_have_value(f"{WORDS} Encore un mot.")
    sealed(page)


@pytest.mark.usefixtures("text")
def test_words_typed_before_the_draft_could_be_read_stay_and_the_draft_is_offered(
    page: Page, sign_in: SignIn, scribe: User, address: str
) -> None:
    sealed(page)
    sign_in(page, scribe)  # anew: the key is to be fetched first
    with keys_held(page, address):
        page.locator("[name=text]").fill("Un autre fait.")
        page.wait_for_function("() => Object.keys(localStorage).length === 2")
    notice = page.locator("[data-notice=notice-earlier]")
    expect(notice).to_be_visible()
    expect(page.locator("[name=text]")).to_have_value("Un autre fait.")

    notice.get_by_role("button", name="Bring it back").click()
    expect(page.locator("[name=text]")).to_have_value(WORDS)
    notice.get_by_role("button", name="Bring it back").click()
    expect(page.locator("[name=text]")).to_have_value("Un autre fait.")
    page.reload()

    expect(page.locator("[name=text]")).to_have_value("Un autre fait.")
    notice.get_by_role("button", name="Bring it back").click()
    expect(page.locator("[name=text]")).to_have_value(WORDS)


def test_keys_that_were_cut_off_with_the_page_that_asked_are_none(
    page: Page, sign_in: SignIn, scribe: User, address: str
) -> None:
    sign_in(page, scribe)
    page.route("**/calls/keys/", lambda route: route.fulfill(status=200, body=""))
    with page.expect_response("**/calls/keys/"):
        page.goto(address)
    type_words(page)  # nothing was complained of (open_page)

    page.unroute("**/calls/keys/")
    page.reload()

    expect(page.locator("[name=text]")).to_have_value(WORDS)


@contextmanager
def keys_held(page: Page, address: str) -> Iterator[None]:
    """Opens the page; what it asks for to read drafts is answered only afterwards."""
    held: list[Route] = []
    page.route("**/calls/keys/", lambda route: held.append(route))
    with page.expect_request("**/calls/keys/"):
        page.goto(address)
    yield
    for route in held:
        route.continue_()
    page.unroute("**/calls/keys/")


def sealed(page: Page) -> None:
    """Waits until there is a draft that cannot be read without its key."""
    page.wait_for_function(
        """() => {
            const kept = Object.values(localStorage);
            return kept.length && kept.every((text) => !text.includes("Sciensano"));
        }"""
    )


def kept(page: Page) -> dict[str, object]:
    """What lies in the browser, and whether the words can be read in it."""
    found: list[str] = page.evaluate("Object.entries(localStorage).map((entry) => entry.join())")
    return {"drafts": len(found), "readable": any("Sciensano" in text for text in found)}


@pytest.mark.usefixtures("text")
def test_a_session_that_ended_while_typing_costs_a_sign_in_and_no_text(
    page: Page, incident: Incident
) -> None:
    end_session(page)
    page.get_by_role("button", name="Note it").click()
    page.locator(".fx-door .alert-warning").wait_for()
    sign_in_by_hand(page)
    expect(page.locator(".fx-typed")).to_contain_text(WORDS)

    page.get_by_role("button", name="Send it now").click()
    page.wait_for_url("**/desk/incidents/*/")

    assert noted(incident) == [WORDS]
    assert page.evaluate("localStorage.length") == 0


def test_without_a_script_too_a_session_that_ended_costs_no_text(
    open_page: Callable[..., Page], sign_in: SignIn, scribe: User, address: str, incident: Incident
) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, scribe)
    page.goto(address)
    page.locator("[name=text]").fill(WORDS)
    end_session(page)

    page.get_by_role("button", name="Note it").click()
    sign_in_by_hand(page)
    page.get_by_role("button", name="Send it now").click()
    page.wait_for_url("**/desk/incidents/*/")

    assert noted(incident) == [WORDS]


@pytest.mark.usefixtures("text")
def test_a_script_without_a_session_says_so_above_the_form_and_can_send_again(
    page: Page, address: str, incident: Incident
) -> None:
    form_by_script(page, address)
    end_session(page)
    page.get_by_role("button", name="Note it").click()
    notice = page.locator("form [data-notice=notice-session]")
    with page.expect_popup() as popup:
        notice.get_by_role("link", name="Sign in again").click()
    sign_in_by_hand(popup.value)
    popup.value.get_by_text("You are signed in again").wait_for()
    popup.value.close()

    expect(page.locator("[name=text]")).to_have_value(WORDS)
    with page.expect_response(lambda response: response.request.method == "POST") as sent:
        page.get_by_role("button", name="Note it").click()

    assert (sent.value.status, noted(incident)) == (204, [WORDS])
    expect(notice).to_have_count(0)
    assert page.evaluate("localStorage.length") == 0


@pytest.mark.usefixtures("text")
def test_a_lost_connection_is_said_above_the_form_and_trying_again_stores_it_once(
    page: Page, address: str, incident: Incident
) -> None:
    form_by_script(page, address)
    page.route(
        "**/note/", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
    )
    page.get_by_role("button", name="Note it").click()
    expect(page.locator("form [data-notice=notice-offline]")).to_contain_text("Your text is kept")
    assert noted(incident) == []
    page.unroute("**/note/")

    with page.expect_response(lambda response: response.request.method == "POST") as sent:
        page.get_by_role("button", name="Try again").click()

    assert (sent.value.status, noted(incident)) == (204, [WORDS])
    expect(page.locator("[data-notice]")).to_have_count(0)


def test_text_whose_answer_never_came_is_not_stored_twice(
    page: Page, sign_in: SignIn, scribe: User, address: str, incident: Incident
) -> None:
    sign_in(page, scribe)
    page.goto(address)
    form_by_script(page, address)

    def arrive_and_lose_the_answer(route: object) -> None:
        if route.request.method == "POST":  # type: ignore[attr-defined]
            route.fetch()  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route("**/note/", arrive_and_lose_the_answer)
    page.get_by_role("button", name="Note it").click()
    page.locator("form [data-notice=notice-offline]").wait_for()
    page.unroute("**/note/")
    page.goto(address)
    expect(page.locator("[name=text]")).to_have_value(WORDS)

    page.get_by_role("button", name="Note it").click()
    page.wait_for_url("**/desk/incidents/*/")

    assert noted(incident) == [WORDS]


def test_a_page_that_no_longer_hears_of_anything_says_since_when(
    page: Page, sign_in: SignIn, scribe: User, address: str
) -> None:
    page.clock.install()
    sign_in(page, scribe)
    page.goto(address)
    page.route("**/desk/header/**", lambda route: route.abort())
    page.clock.run_for(6_000)
    since = page.locator("[data-line=lost]:visible, [data-notice=notice-stale]:visible")
    expect(since).to_have_count(1)  # the band of waiting calls, or else the notice

    page.unroute("**/desk/header/**")
    page.clock.run_for(6_000)

    expect(since).to_have_count(0)
