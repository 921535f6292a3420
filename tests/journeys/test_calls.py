"""The agent's page in a real browser: what its keys do, what it never does, and how it looks to axe."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from incidents.models import Incident, ServiceStatus, Severity
from tests import factories
from tests.journeys.axe import violations
from tickets.models import Contact, PharmacyPhone

SignIn = Callable[[Page, User], None]


@pytest.fixture
def incident(transactional_db: None) -> Incident:
    services = [factories.service(f"topic-{n}", name_fr=f"Sujet {n}", position=n) for n in range(1, 9)]
    incident = factories.incident(
        began_at=timezone.now() - timedelta(hours=1), services={services[0]: ServiceStatus.MAJOR}
    )
    factories.update(incident, published_at=timezone.now() - timedelta(minutes=20), central_confirmed=True)
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


def focused(page: Page) -> tuple[str, float, float]:
    """The name of the field that has the focus, and where in the page it begins: down, across."""
    name, down, across = page.evaluate(
        """() => {
            const focused = document.activeElement;
            const { top, left } = (focused.labels?.[0] ?? focused).getBoundingClientRect();
            return [focused.name, top + scrollY, left + scrollX];
        }"""
    )
    return name, down, across


@pytest.mark.parametrize("width", [1366, 1024, 390])
def test_the_row_is_gone_through_and_read_in_the_order_of_a_call(
    desk: str, open_page: Callable[..., Page], sign_in: SignIn, agent: User, incident: Incident, width: int
) -> None:
    page = open_page(viewport={"width": width, "height": 900})
    sign_in(page, agent)
    page.goto(f"{desk}/desk/calls/")
    page.locator("#callback_window").select_option("at")
    page.locator("#incident").focus()

    fields = [focused(page)]
    while fields[-1][0] != "outcome":
        page.keyboard.press("Tab")
        fields.append(focused(page))

    assert [name for name, *_ in fields] == [
        *("incident", "channel", "caller", "language", "service", "impact"),
        *("needed_by", "urgent_kind", "callback", "callback_number", "callback_window", "callback_at"),
        *("note", "outcome"),
    ]
    below_the_caller = [down for _, down, _ in fields[3:]]
    lines = [round(down / 12) for down in below_the_caller]  # fields of a line differ by a few pixels
    assert lines == sorted(lines)
    panels = page.evaluate(
        "[...document.querySelectorAll('#calls > *')].map((it) => it.getBoundingClientRect().top)"
    )
    assert (len(panels), panels) == (3, sorted(panels))


def topic(page: Page) -> str:
    return str(page.evaluate("document.querySelector('[name=service]:checked')?.value ?? ''"))


def press(page: Page, key: str, code: str) -> None:
    """One key as a keyboard of another layout sends it: what it writes, and where it is."""
    page.evaluate(
        "([key, code]) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', "
        "{ key, code, bubbles: true, cancelable: true }))",
        [key, code],
    )


def test_a_digit_chooses_a_topic_but_digits_in_a_row_are_a_number(calls: Page) -> None:
    calls.keyboard.press("3")
    assert (topic(calls), calls.input_value("#caller")) == ("topic-3", "")
    calls.wait_for_timeout(1600)  # the page takes digits this far apart for two topics
    calls.keyboard.press("3")
    assert topic(calls) == ""
    calls.wait_for_timeout(1600)

    calls.keyboard.type("8003")
    assert (topic(calls), calls.input_value("#caller")) == ("", "8003")


def test_on_azerty_the_unshifted_digits_choose_topics_and_the_shifted_ones_too(calls: Page) -> None:
    press(calls, "&", "Digit1")
    assert topic(calls) == "topic-1"
    press(calls, "é", "Digit2")
    assert topic(calls) == "topic-2"
    calls.wait_for_timeout(1600)
    press(calls, "5", "Digit5")
    assert topic(calls) == "topic-5"


def test_on_azerty_a_word_that_begins_like_a_digit_is_a_word(calls: Page) -> None:
    calls.evaluate(
        """() => {
            const press = (key, code) =>
                document.activeElement.dispatchEvent(
                    new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true }));
            press("é", "Digit2");
            press("g", "KeyG");
        }"""
    )
    calls.keyboard.type("hez")

    assert (topic(calls), calls.input_value("#caller")) == ("", "éghez")


def test_who_switched_single_keys_off_types_digits_as_digits(
    desk: str, page: Page, sign_in: SignIn, incident: Incident
) -> None:
    sign_in(page, factories.user(single_keys=False))
    page.goto(f"{desk}/desk/calls/")

    page.keyboard.type("3")
    assert (topic(page), page.input_value("#caller")) == ("", "3")


def test_a_number_behind_which_several_answer_is_never_picked_from(calls: Page) -> None:
    for name in ("Apotheek A", "Apotheek B"):
        pharmacy = factories.pharmacy(name=name, language="nl")
        PharmacyPhone.objects.create(pharmacy=pharmacy, raw="02 555 12 12", e164="+3225551212")

    calls.keyboard.type("025551212")
    expect(calls.locator("[role=option]")).to_have_count(2)
    calls.keyboard.press("Enter")
    assert calls.input_value("#pharmacy") == ""
    calls.keyboard.press("ArrowDown")
    calls.keyboard.press("ArrowDown")
    calls.keyboard.press("Enter")

    expect(calls.locator("#chosen")).to_contain_text("Apotheek B")
    expect(calls.locator("#say")).to_contain_text("Conséquence nl")
    assert calls.input_value("#callback_number") == "025551212"


def test_the_callers_card_says_each_thing_once(calls: Page, incident: Incident) -> None:
    house = factories.software_house(name="Officinal", phone="02 555 01 01")
    gare = factories.pharmacy(name="Pharmacie de la Gare", software_house=house)
    told = incident.updates.get()
    sandrine = factories.user(first_name="Sandrine")
    now = timezone.now()
    factories.contact(
        pharmacy=gare, incident=incident, told_update=told, agent=sandrine, at=now - timedelta(minutes=9)
    )

    calls.keyboard.type("gare")
    option = calls.locator("[role=option]")
    expect(option).to_contain_text("Officinal")
    expect(option).to_contain_text("Sandrine")
    calls.keyboard.press("Enter")

    card = calls.locator("#chosen").inner_text()
    assert {word: card.count(word) for word in ("Officinal", "v1", "Sandrine", "Conséquence fr")} == {
        "Officinal": 1,
        "v1": 1,
        "Sandrine": 1,
        "Conséquence fr": 1,
    }

    factories.contact(pharmacy=gare, incident=incident, at=now)  # told nothing: when she heard it is said too
    calls.locator("#caller").fill("")
    calls.locator("#caller").fill("gare")
    expect(option).to_have_count(1)
    calls.keyboard.press("Enter")
    heard_at = timezone.localtime(now - timedelta(minutes=9)).strftime("%H:%M")
    expect(calls.locator("#chosen")).to_contain_text(f"({heard_at}, Sandrine)")


@pytest.fixture
def lookups(calls: Page) -> list[Route]:
    """What is asked about the caller from the second time on: it waits here until the test answers."""
    PharmacyPhone.objects.create(
        pharmacy=factories.pharmacy(name="Pharmacie du Parc"), raw="02 555 12 11", e164="+3225551211"
    )
    PharmacyPhone.objects.create(
        pharmacy=factories.pharmacy(name="Pharmacie de la Gare"), raw="02 555 12 12", e164="+3225551212"
    )
    calls.keyboard.type("025551211")
    expect(calls.locator("[role=option]")).to_contain_text("Parc")
    held: list[Route] = []
    calls.route(
        "**/desk/calls/lookup/?*", lambda route: held.append(route)
    )  # Playwright wraps no method of C
    return held


def overtake(page: Page, held: list[Route], *keys: str) -> None:
    """Another number, and *keys* before the desk has said whose it is."""
    page.locator("#caller").fill("025551212")
    for key in keys:
        page.keyboard.press(key)
    while not held:
        page.wait_for_timeout(50)


def test_enter_never_chooses_whom_the_box_meant_before(calls: Page, lookups: list[Route]) -> None:
    overtake(calls, lookups, "Enter")
    assert calls.input_value("#pharmacy") == ""

    lookups[0].continue_()

    expect(calls.locator("#chosen")).to_contain_text("Gare")


def test_a_call_that_is_saved_before_the_caller_is_found_waits_for_her(
    calls: Page, lookups: list[Route]
) -> None:
    overtake(calls, lookups, "Enter", "Control+Enter")
    assert not Contact.objects.exists()

    lookups[0].continue_()

    expect(calls.locator("#latest-rows tr[id^=contact-]").first).to_contain_text("Gare")
    assert [*Contact.objects.values_list("pharmacy__name", flat=True)] == ["Pharmacie de la Gare"]


@pytest.mark.parametrize("next_key", ["", "x"])
def test_a_call_whose_caller_is_not_found_soon_is_saved_as_it_was_typed(
    calls: Page, lookups: list[Route], next_key: str
) -> None:
    overtake(calls, lookups, "Enter", "Control+Enter", *next_key)

    expect(calls.locator("#latest-rows tr[id^=contact-]").first).to_contain_text("025551212")
    assert (Contact.objects.get().pharmacy, calls.input_value("#caller")) == (None, next_key)


def test_held_down_the_keys_that_save_do_so_once(calls: Page) -> None:
    calls.keyboard.type("Marie")
    calls.keyboard.down("Control")
    for _ in range(3):
        calls.keyboard.down("Enter")

    expect(calls.locator("#latest-rows tr[id^=contact-]").first).to_contain_text("Marie")
    expect(calls.locator(".is-queued")).to_have_count(0)
    expect(calls.locator("#err-caller")).to_be_empty()
    assert Contact.objects.get().caller_text == "Marie"


def test_urgent_and_callback_have_their_keys_and_the_row_is_cleared_after_saving(calls: Page) -> None:
    pharmacy = factories.pharmacy(name="Pharmacie de la Gare")
    PharmacyPhone.objects.create(pharmacy=pharmacy, raw="010/41.20.11", e164="+3210412011")

    calls.keyboard.type("gare")
    expect(calls.locator("[role=option]")).to_have_count(1)
    calls.keyboard.press("Enter")
    calls.keyboard.press("Alt+u")
    calls.keyboard.type("18:10")
    calls.keyboard.press("Alt+r")
    calls.keyboard.press("Control+Shift+Enter")

    expect(calls.locator("#latest-rows tr[id^=contact-]").first).to_contain_text("Pharmacie de la Gare")
    expect(calls.locator("#caller")).to_be_focused()
    contact = Contact.objects.select_related("callback").get()
    assert (contact.pharmacy, contact.impact, contact.outcome, contact.callback.number) == (
        pharmacy,
        "patient_waiting",
        "escalated",
        "010/41.20.11",
    )
    left = [
        calls.input_value(f"#{name}")
        for name in ("caller", "pharmacy", "needed_by", "callback_number", "note")
    ]
    assert left == ["", "", "", "", ""]
    assert not calls.is_checked("#callback")


def test_a_refusal_stands_beside_its_field_and_the_cursor_goes_there(calls: Page) -> None:
    calls.keyboard.type("Marie")
    calls.keyboard.press("Alt+u")
    calls.keyboard.type("99:99")
    calls.keyboard.press("Control+Enter")

    expect(calls.locator("#err-needed_by")).not_to_be_empty()
    expect(calls.locator("#needed_by")).to_be_focused()
    assert (calls.input_value("#caller"), calls.input_value("#needed_by")) == ("Marie", "99:99")
    assert not Contact.objects.exists()

    calls.locator("#needed_by").fill("18:10")
    calls.keyboard.press("Control+Enter")
    expect(calls.locator("#latest-rows tr[id^=contact-]").first).to_contain_text("Marie")
    expect(calls.locator("#err-needed_by")).to_be_empty()


def test_a_newer_message_is_marked_and_told_only_once_it_was_read(calls: Page, incident: Incident) -> None:
    factories.update(incident, published_at=timezone.now())

    expect(calls.locator("#fresh")).to_contain_text("v2", timeout=15_000)  # it asks every five seconds
    expect(calls.locator("#caller")).to_be_focused()
    calls.keyboard.type("one")
    calls.keyboard.press("Control+Enter")
    expect(calls.locator("#latest-rows tr[id^=contact-]").first).to_contain_text("one")
    calls.keyboard.press("F8")
    expect(calls.locator("#fresh")).to_have_count(0)
    calls.keyboard.type("two")
    calls.keyboard.press("Control+Enter")
    expect(calls.locator("#latest-rows tr[id^=contact-]").first).to_contain_text("two")

    told = Contact.objects.order_by("pk").values_list("caller_text", "told_update__number")
    assert list(told) == [("one", 1), ("two", 2)]


def test_what_will_be_noted_goes_with_the_incident_of_the_row(calls: Page, incident: Incident) -> None:
    factories.incident(began_at=timezone.now(), severity=Severity.S3)
    calls.reload()
    expect(calls.locator("#will-note")).to_contain_text("v1")

    calls.keyboard.press("Alt+2")

    expect(calls.locator("#will-note")).to_be_hidden()
    calls.keyboard.press("Alt+1")
    expect(calls.locator("#will-note")).to_contain_text("v1")


def test_a_row_that_comes_back_after_a_reload_brings_the_words_for_its_incident(
    calls: Page, incident: Incident
) -> None:
    other = factories.incident(began_at=timezone.now(), severity=Severity.S3)
    calls.reload()
    calls.keyboard.press("Alt+2")
    expect(calls.locator("#say")).to_have_attribute("data-incident", other.public_id)
    calls.keyboard.type("Eupen")

    calls.reload()

    expect(calls.locator("#caller")).to_have_value("Eupen")
    expect(calls.locator("#incident")).to_have_value(other.public_id)
    expect(calls.locator("#say")).to_have_attribute("data-incident", other.public_id)
    expect(calls.locator("#will-note")).to_be_hidden()


def test_the_day_of_an_earlier_contact_does_not_run_into_who_called(
    desk: str, calls: Page, agent: User
) -> None:
    factories.contact(agent=agent, caller_text="0499 88 77 66", pharmacy=None)  # of 2022
    calls.goto(f"{desk}/desk/contacts/?from=2022-01-01")
    when, who = (
        calls.locator(f"#rows tr {part}").first.bounding_box() for part in ("time", "td:nth-child(2)")
    )

    assert when
    assert who
    assert when["x"] + when["width"] < who["x"]


def test_the_list_of_keys_opens_from_the_empty_box_and_not_while_typing(calls: Page) -> None:
    calls.keyboard.type("a?")
    expect(calls.locator("#keys")).not_to_be_visible()
    calls.locator("#caller").fill("")
    calls.keyboard.press("?")
    expect(calls.locator("#keys")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1366, 390, 320])
def test_axe_finds_nothing_on_the_agents_pages_and_nothing_sticks_out(
    desk: str,
    open_page: Callable[..., Page],
    sign_in: SignIn,
    agent: User,
    incident: Incident,
    scheme: str,
    width: int,
) -> None:
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    sign_in(page, agent)
    gare = factories.pharmacy(
        name="Pharmacie de la Gare", software_house=factories.software_house(phone="02 555 01 01")
    )
    contact = factories.contact(pharmacy=gare, incident=incident, agent=agent, impact="patient_waiting")
    factories.callback(contact)
    for address in (
        "calls/",
        "contacts/",
        f"contacts/{contact.pk}/",
        "callbacks/",
        "pharmacies/?q=gare",
        f"pharmacies/{gare.pk}/",
    ):
        page.goto(f"{desk}/desk/{address}")
        if address == "calls/":
            page.locator("#caller").fill("gare")
            expect(page.locator("[role=option]")).to_have_count(1)
        assert violations(page, scheme, context="main") == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
