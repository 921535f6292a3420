"""A saved call leaves the row at once, can be undone, and comes back when the desk did not take it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from incidents.models import Incident
from tests import factories
from tickets.models import Callback, Contact, PharmacyPhone, Seen

SignIn = Callable[[Page, User], None]


@pytest.fixture
def incident(transactional_db: None) -> Incident:
    incident = factories.incident(began_at=timezone.now() - timedelta(hours=1))
    factories.update(incident, published_at=timezone.now() - timedelta(minutes=20))
    return incident


@pytest.fixture
def agent(transactional_db: None) -> User:
    return factories.user(first_name="Nancy")


@pytest.fixture
def calls(desk: str, page: Page, sign_in: SignIn, agent: User, incident: Incident) -> Page:
    sign_in(page, agent)
    page.goto(f"{desk}/desk/calls/")
    expect(page.locator("#caller")).to_be_focused()
    return page


def saved(page: Page, text: str) -> None:
    expect(page.locator("#latest-rows tr[id]").first).to_contain_text(text)


@pytest.fixture
def held(calls: Page) -> list[Route]:
    """What is sent to save a call waits here until the test answers it."""
    routes: list[Route] = []
    calls.route("**/desk/calls/log/", lambda route: routes.append(route))  # Playwright wraps no method of C
    return routes


def sent(page: Page, held: list[Route], count: int = 1) -> None:
    for _ in range(100):
        if len(held) >= count:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{len(held)} of {count} calls were sent")


def unsent(page: Page) -> int:
    """How many calls the browser keeps."""
    count: int = page.evaluate(
        "import('/static/js/vault.js').then((vault) => vault.all('')).then((all) => all.others)"
    )
    return count


def test_the_next_call_is_typed_while_the_last_is_being_saved_and_both_are_stored(
    calls: Page, held: list[Route]
) -> None:
    calls.keyboard.type("first")
    calls.keyboard.press("Control+Enter")
    expect(calls.locator("#caller")).to_have_value("")
    expect(calls.locator(".is-queued")).to_contain_text("first")
    calls.keyboard.type("second")
    calls.keyboard.press("Control+Shift+Enter")
    calls.keyboard.type("third")

    sent(calls, held, 2)
    for route in held:
        route.continue_()

    expect(calls.locator("#latest-rows tr[id]")).to_have_count(2)
    expect(calls.locator(".is-queued")).to_have_count(0)
    assert calls.input_value("#caller") == "third"
    stored = Contact.objects.order_by("caller_text").values_list("caller_text", "outcome")
    assert list(stored) == [("first", "informed"), ("second", "escalated")]
    assert unsent(calls) == 0


def test_a_call_that_was_refused_while_the_next_is_typed_waits_beside_it_and_returns_when_asked(
    calls: Page, held: list[Route]
) -> None:
    calls.keyboard.type("Marie")
    calls.locator("#needed_by").fill("99:99")
    calls.keyboard.press("Control+Enter")
    calls.locator("#caller").fill("next")
    sent(calls, held)
    held[0].continue_()
    calls.unroute("**/desk/calls/log/")

    refused = calls.locator(".is-queued [data-state=refused]")
    expect(refused).to_be_visible()
    assert calls.input_value("#caller") == "next"
    calls.locator("#caller").focus()
    calls.keyboard.press("Control+Enter")
    saved(calls, "next")
    refused.locator("button").click()
    expect(calls.locator("#caller")).to_have_value("Marie")
    calls.locator("#needed_by").fill("18:10")
    calls.keyboard.press("Control+Enter")
    saved(calls, "Marie")

    assert set(Contact.objects.values_list("caller_text", flat=True)) == {"Marie", "next"}


def test_a_call_whose_answer_was_lost_is_sent_again_and_stored_once(calls: Page, held: list[Route]) -> None:
    calls.keyboard.type("Marie")
    calls.keyboard.press("Control+Enter")
    sent(calls, held)
    held[0].fetch()  # the desk has stored it
    held[0].abort()
    calls.unroute("**/desk/calls/log/")

    saved(calls, "Marie")
    expect(calls.locator(".is-queued")).to_have_count(0)
    assert (Contact.objects.count(), unsent(calls)) == (1, 0)


def test_a_call_that_waits_can_be_corrected_first(calls: Page) -> None:
    calls.route("**/desk/calls/log/", lambda route: route.abort())
    calls.keyboard.type("Mari")
    calls.keyboard.press("Control+Enter")
    calls.locator(".is-queued [data-state=waiting] button").click()
    expect(calls.locator("#caller")).to_have_value("Mari")
    calls.unroute("**/desk/calls/log/")
    calls.keyboard.press("End")
    calls.keyboard.type("e")
    calls.keyboard.press("Control+Enter")

    saved(calls, "Marie")
    assert [contact.caller_text for contact in Contact.objects.all()] == ["Marie"]


def test_a_call_taken_back_while_the_queue_is_read_anew_does_not_go_out_as_it_was(calls: Page) -> None:
    calls.route("**/desk/calls/log/", lambda route: route.abort())
    calls.keyboard.type("Mari")
    calls.keyboard.press("Control+Enter")
    back = calls.locator(".is-queued [data-state=waiting] button")
    expect(back).to_be_visible()
    calls.evaluate(
        """() => {
            const { subtle } = crypto;
            const decrypt = subtle.decrypt.bind(subtle);
            const released = new Promise((done) => (window.release = done));
            const reads = new Promise((done) => {
                subtle.decrypt = async (...sealed) => (done(), await released, decrypt(...sealed));
            });
            dispatchEvent(new Event("online")); // the queue is read, and sent
            return reads;
        }"""
    )
    back.click()
    expect(calls.locator("#caller")).to_have_value("Mari")
    calls.unroute("**/desk/calls/log/")
    calls.evaluate("release()")
    calls.keyboard.press("End")
    calls.keyboard.type("e")
    calls.keyboard.press("Control+Enter")

    saved(calls, "Marie")
    expect(calls.locator(".is-queued")).to_have_count(0)
    assert [contact.caller_text for contact in Contact.objects.all()] == ["Marie"]


def test_a_call_that_was_on_its_way_when_the_page_died_is_stored_once(calls: Page, held: list[Route]) -> None:
    calls.keyboard.type("Marie")
    calls.locator("#note").fill("no certificate")
    calls.keyboard.press("Control+Enter")
    sent(calls, held)
    held[0].fetch()  # stored, but the page is gone before it hears so
    calls.unroute("**/desk/calls/log/")
    calls.reload()

    saved(calls, "Marie")
    expect(calls.locator(".is-queued")).to_have_count(0)
    expect(calls.locator("#caller")).to_have_value("")
    assert [contact.note for contact in Contact.objects.all()] == ["no certificate"]
    assert unsent(calls) == 0


def test_a_call_is_undone_within_ten_seconds_and_stands_in_the_row_again(calls: Page) -> None:
    gare = factories.pharmacy(name="Pharmacie de la Gare")
    calls.keyboard.type("gare")
    expect(calls.locator("[role=option]")).to_have_count(1)
    calls.keyboard.press("Enter")
    calls.locator("#note").fill("no certificate")
    calls.locator("#callback").check()
    calls.locator("#callback_number").fill("8003")
    calls.keyboard.press("Control+Enter")
    saved(calls, "Pharmacie de la Gare")

    calls.locator(".fx-call-undo button").click()

    expect(calls.locator("#chosen")).to_contain_text("Pharmacie de la Gare")
    expect(calls.locator("#note")).to_have_value("no certificate")
    assert (calls.is_checked("#callback"), calls.input_value("#callback_number")) == (True, "8003")
    assert not Contact.objects.exists()
    assert not Callback.objects.exists()
    calls.keyboard.press("Control+Enter")
    saved(calls, "Pharmacie de la Gare")
    assert Contact.objects.get().pharmacy == gare


def test_a_number_nobody_has_is_attached_with_one_key_once_the_name_is_known(calls: Page) -> None:
    gare = factories.pharmacy(name="Pharmacie de la Gare")
    calls.keyboard.type("071 12 34 56")
    expect(calls.locator("#caller-slot .fx-hint b")).to_be_visible()
    calls.locator("#caller").fill("gare")
    expect(calls.locator("[role=option]")).to_have_count(1)
    calls.keyboard.press("Enter")
    expect(calls.locator("#attach-number")).to_contain_text("071 12 34 56")
    assert calls.input_value("#callback_number") == "071 12 34 56"

    press(calls, "~", "KeyN")  # as a Mac writes Option+N

    expect(calls.locator("#attach-number[role=status]")).to_contain_text("071 12 34 56")
    assert PharmacyPhone.objects.get().pharmacy == gare
    calls.keyboard.press("Control+Enter")
    saved(calls, "Pharmacie de la Gare")


def test_an_answers_trigger_becomes_its_text_in_the_callers_language(calls: Page) -> None:
    factories.answer("cert", text_nl="Het certificaat volgt.")
    factories.answer("other")
    factories.pharmacy(name="Apotheek De Linde", language="nl")
    calls.keyboard.type("linde")
    expect(calls.locator("[role=option]")).to_have_count(1)
    calls.keyboard.press("Enter")
    expect(calls.locator("[data-trigger=cert] dd")).to_have_text("Het certificaat volgt.")

    calls.locator("#note").focus()
    calls.keyboard.type("gezegd: ::ce")
    expect(calls.locator("[data-trigger=cert].is-meant")).to_be_visible()
    calls.keyboard.type("rt ")
    calls.reload()
    expect(calls.locator("#note")).to_have_value("gezegd: Het certificaat volgt. ")  # as a draft too
    calls.locator("#note").focus()
    calls.keyboard.press("End")
    calls.keyboard.type("en meer")

    assert calls.input_value("#note") == "gezegd: Het certificaat volgt. en meer"


def test_the_panel_is_amber_until_f8_and_the_keyboard_stays_where_it_was(calls: Page, agent: User) -> None:
    expect(calls.locator("#fresh")).to_be_visible()
    calls.keyboard.type("Mar")

    calls.keyboard.press("F8")
    expect(calls.locator("#fresh")).to_have_count(0)
    calls.keyboard.type("ie")

    assert calls.input_value("#caller") == "Marie"
    assert Seen.objects.get().user == agent


def press(page: Page, key: str, code: str) -> None:
    """Alt and a key as another keyboard writes it."""
    page.evaluate(
        "([key, code]) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', "
        "{ key, code, altKey: true, bubbles: true, cancelable: true }))",
        [key, code],
    )
