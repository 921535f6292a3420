"""The call that the agent answered is offered beside what she does, and taken with one key."""

from collections.abc import Callable

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import User
from tests import factories
from tickets.models import Contact, PharmacyPhone, PhoneCall

type SignIn = Callable[[Page, User], None]
CALL = {"from": "3225551212", "to": "1", "direction": "in"}


@pytest.fixture
def answered(desk: str) -> Callable[..., None]:
    """The telephone system tells that extension 101 has answered."""
    _intake, token = factories.intake()

    def answered(call_id: str, **told: str) -> None:
        event = {**CALL, "event": "answer", "callId": call_id, "answeringNumber": "101", **told}
        response = Client().post(f"/intake/cti/{token}", event, content_type="application/json")
        assert response.status_code == 204

    return answered


@pytest.fixture
def agent(desk: str, page: Page, sign_in: SignIn) -> User:
    agent = factories.user(extension="101")
    factories.service("dpp")
    gare = factories.pharmacy(name="Pharmacie de la Gare", language="nl")
    PharmacyPhone.objects.create(pharmacy=gare, raw="02/555.12.12", e164="+3225551212")
    sign_in(page, agent)
    return agent


def test_a_known_caller_is_two_keystrokes_from_the_offer_to_saved(
    desk: str, page: Page, agent: User, answered: Callable[..., None]
) -> None:
    page.goto(f"{desk}/desk/calls/")
    answered("c1")
    expect(page.locator("#offer")).to_contain_text("Pharmacie de la Gare")

    page.keyboard.press("F9")
    expect(page.locator("#chosen")).to_contain_text("Pharmacie de la Gare")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#latest-rows tr[id^=contact-]")).to_have_count(1)

    contact = Contact.objects.get()
    assert (contact.pharmacy and contact.pharmacy.name, contact.language) == ("Pharmacie de la Gare", "nl")
    assert PhoneCall.objects.get().settled_at
    expect(page.locator("#offer [data-tel]")).to_have_count(0)
    answered("c2")  # the same pharmacy rings again at once
    expect(page.locator("#offer")).to_contain_text("Pharmacie de la Gare")
    page.keyboard.press("F9")
    expect(page.locator("#chosen")).to_contain_text("Pharmacie de la Gare")


def test_what_is_being_typed_stays_and_the_call_follows_when_it_is_saved(
    desk: str, page: Page, agent: User, answered: Callable[..., None]
) -> None:
    page.goto(f"{desk}/desk/calls/")
    page.keyboard.type("Madame Dubois")
    answered("c1")
    expect(page.locator("#offer [data-tel]")).to_be_visible()
    expect(page.locator("#caller")).to_be_focused()
    page.keyboard.press("F9")
    expect(page.locator("#offer [data-waits]")).to_be_visible()
    page.keyboard.type(", Namur")
    expect(page.locator("#caller")).to_have_value("Madame Dubois, Namur")

    page.keyboard.press("Control+Enter")

    expect(page.locator("#chosen")).to_contain_text("Pharmacie de la Gare")
    expect(page.locator("#caller")).to_have_value("02 555 12 12")
    expect(page.locator("#latest-rows tr[id^=contact-]")).to_have_count(1)
    assert Contact.objects.get().caller_text == "Madame Dubois, Namur"


def test_an_offer_on_another_page_leads_to_the_row(
    desk: str, page: Page, agent: User, answered: Callable[..., None]
) -> None:
    page.goto(f"{desk}/desk/callbacks/")
    answered("c1", **{"from": "anonymous"})
    expect(page.locator("#offer [data-tel]")).to_be_visible()

    page.keyboard.press("F9")

    expect(page.locator("#caller")).to_be_focused()
    expect(page.locator("#offer [data-tel]")).to_have_count(0)


def test_an_offer_can_be_waved_away(
    desk: str, page: Page, agent: User, answered: Callable[..., None]
) -> None:
    page.goto(f"{desk}/desk/callbacks/")
    answered("c1")

    page.locator("#offer [name=dismiss]").click()

    expect(page.locator("#offer [data-tel]")).to_have_count(0)
    assert PhoneCall.objects.get().settled_at


def test_a_softphone_finds_a_draft_and_does_not_write_over_it(desk: str, page: Page, agent: User) -> None:
    page.goto(f"{desk}/desk/calls/")
    page.keyboard.type("Madame Dubois")
    expect(page.locator("[data-kept] time")).to_be_visible()

    page.goto(f"{desk}/desk/calls/new?tel=3225551212")
    expect(page.locator("#caller")).to_have_value("Madame Dubois")
    expect(page.locator("#asked [data-tel]")).to_be_visible()
    expect(page.locator("#chosen")).to_have_count(0)
    page.keyboard.press("F9")
    page.keyboard.press("Control+Enter")

    expect(page.locator("#chosen")).to_contain_text("Pharmacie de la Gare")
    expect(page.locator("#latest-rows tr[id^=contact-]")).to_have_count(1)
    assert Contact.objects.get().caller_text == "Madame Dubois"


def test_a_softphone_begins_an_empty_row_at_once(desk: str, page: Page, agent: User) -> None:
    page.goto(f"{desk}/desk/calls/new?tel=%2B3225551212")

    expect(page.locator("#chosen")).to_contain_text("Pharmacie de la Gare")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#latest-rows tr[id^=contact-]")).to_have_count(1)
    expect(page).to_have_url(f"{desk}/desk/calls/")
    page.reload()
    expect(page.locator("#caller")).to_have_value("")
