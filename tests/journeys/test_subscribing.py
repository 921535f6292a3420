""" "Tell me", on a narrow phone without JavaScript, in each language: from the form through the mail to the end."""

import re
from collections.abc import Callable

import pytest
from django.conf import settings as django_settings
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from accounts.languages import Language
from accounts.models import User
from accounts.roles import Role
from comms import links, relay
from comms.links import Purpose
from comms.models import Subscriber, SubscriberKind
from incidents.models import ServiceStatus
from tests import factories
from tests.comms.conftest import use_mail_server
from tests.comms.receivers import mail_server
from tests.journeys.test_reporting import LONGEST, complaints, fits


def link_in(text: str, to: str) -> str:
    """Its path, whatever server the desk believes to be."""
    found = re.search(rf"{django_settings.DESK_BASE_URL}(/public/\S*{to}/\S+)", text)
    assert found, text
    return found[1]


@pytest.mark.parametrize("language", Language)
def test_someone_subscribes_confirms_changes_and_stops_without_a_script(
    desk: str, open_page: Callable[..., Page], settings: Settings, language: Language
) -> None:
    service = factories.service("dpp")
    page = open_page(java_script_enabled=False, viewport={"width": 320, "height": 640})

    with mail_server() as mail:
        use_mail_server(settings, mail.port)
        page.goto(f"{desk}/public/subscribe/?lang={language}")
        page.locator("[name=address]").fill("reader@")
        page.locator("main button").click()
        expect(page.locator(".wrong")).to_have_count(1)
        expect(page.locator("[name=address]")).to_have_value("reader@")
        page.locator("[name=address]").fill("reader@pharmacy.example")
        page.locator("main button").click()
        expect(page.locator("main")).to_contain_text("reader@pharmacy.example")
        relay.run_once()
    [(recipient, letter)] = mail.accepted
    body = letter.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert (recipient, letter["Content-Language"]) == ("reader@pharmacy.example", language)

    page.goto(desk + link_in(text, "confirm"))
    assert [row.state for row in Subscriber.objects.all()] == ["pending"]
    with page.expect_navigation():
        page.locator("main button").click()
    assert [row.state for row in Subscriber.objects.all()] == ["active"]

    page.locator("main a[href*=manage]").click()
    page.locator("[name=scope][value=services]").check()
    page.locator(f"[name=services][value='{service.public_id}']").check()
    page.locator("main button.main").click()
    expect(page.locator("[role=status]")).to_be_visible()
    assert [*Subscriber.objects.get().services.all()] == [service]

    page.goto(desk + link_in(text, "unsubscribe"))
    with page.expect_navigation():
        page.locator("main button").click()
    assert [row.state for row in Subscriber.objects.all()] == ["ended"]
    assert page.locator("html").get_attribute("lang") == language
    assert page.context.cookies() == []


@pytest.mark.parametrize("language", Language)
def test_axe_finds_nothing_and_nothing_sticks_out_of_the_pages_of_subscribers(
    desk: str, open_page: Callable[..., Page], language: Language
) -> None:
    now = timezone.now()
    service = factories.service("eforms", **{f"name_{language}": LONGEST})
    incident = factories.incident(
        services={service: ServiceStatus.MAJOR},
        began_at=now,
        title_fr=LONGEST,
        title_nl=LONGEST,
        title_de=LONGEST,
        title_en=LONGEST,
    )
    made = {
        "pending": factories.subscriber(
            f"{LONGEST.lower()}@pharmacy.example".replace("ü", "u").replace("ä", "a"),
            active=False,
            created_at=now,
            language=language,
            services=(service,),
        ),
        "active": factories.subscriber(incident=incident, language=language),
        "hook": factories.subscriber(
            f"https://hooks.example/{'x' * 90}",
            kind=SubscriberKind.WEBHOOK,
            active=False,
            created_at=now,
            language=language,
        ),
        "ended": factories.subscriber("ended@pharmacy.example", ended_at=now, language=language),
    }
    addresses = [
        f"/public/subscribe/?lang={language}&incident={incident.public_id}",
        f"/public/subscribe/?lang={language}&kind=webhook&service={service.public_id}",
        links.path(made["pending"], Purpose.CONFIRM),
        links.path(made["active"], Purpose.UNSUBSCRIBE),
        *(links.path(row, Purpose.MANAGE) for row in made.values()),
        f"/public/unsubscribe/x/?lang={language}",
    ]
    page = open_page(viewport={"width": 320, "height": 640})

    for address in addresses:
        page.goto(desk + address)
        assert (address, complaints(page), fits(page)) == (address, [], True)
    for address, typed in (
        (addresses[0], "reader@"),
        (addresses[0], "a@b.be"),
        (addresses[1], f"https://{'x' * 60}.be/"),
    ):
        page.goto(desk + address)
        page.locator("[name=address]").fill(typed)
        with page.expect_navigation():
            page.locator("main button").click()
        assert (typed, complaints(page), fits(page)) == (typed, [], True)
    for purpose, row in ((Purpose.CONFIRM, "pending"), (Purpose.UNSUBSCRIBE, "active")):
        page.goto(desk + links.path(made[row], purpose))
        with page.expect_navigation():
            page.locator("main button").click()
        assert (purpose, complaints(page), fits(page)) == (purpose, [], True)
    page.set_viewport_size({"width": 1366, "height": 768})
    for address in addresses:
        page.goto(desk + address)
        assert (address, complaints(page), fits(page)) == (address, [], True)


def test_an_administrator_looks_one_up_and_ends_it(
    desk: str, page: Page, sign_in: Callable[[Page, User], None]
) -> None:
    factories.subscriber()
    factories.incident(services={factories.service("dpp"): ServiceStatus.MAJOR})
    sign_in(page, factories.user(Role.ADMINISTRATOR, language="en"))

    page.goto(desk + reverse("comms:subscribers"))
    page.get_by_label("The whole address").fill("Reader@pharmacy.example")
    with page.expect_navigation():
        page.get_by_role("button", name="Find").click()
    page.emulate_media(reduced_motion="reduce")  # or a colour is measured halfway to the other
    assert complaints(page) == []
    page.get_by_role("button", name="End the subscription").click()

    expect(page.locator("main")).to_contain_text("The subscription has ended.")
    assert Subscriber.objects.get().ended_by is not None
