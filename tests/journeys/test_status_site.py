"""The public pages in a real browser: readable by all, at any width, without a script, in one request."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, Request, Route
from pytest_django import Settings

from accounts.languages import Language
from comms.status.facts import Facts, Group, Link, Month, PastImpact, Postmortem, Text
from comms.status.publish import publish
from comms.status.render import HEADERS, documents
from farmaflux_desk import demo
from incidents.models.states import LinkState, MilestoneKind, ServiceStatus
from tests.comms.status.facts import (
    AT,
    BEGAN,
    everywhere,
    facts,
    impact,
    incident,
    maintenance,
    milestone,
    resolved,
    service,
    text,
    update,
)
from tests.journeys.axe import DARK, LIGHT, violations

PAGES = [
    "/{}/",
    "/{}/history/",
    "/{}/history/2022-07/",
    "/{}/maintenance/",
    "/{}/incidents/k7m2q9x4tb1d/",
    "/{}/incidents/p2d6f9j4sk7z/",
    "/{}/nothing/",
]
DATA = Path(demo.__file__).parent / "data"
LONGEST = "Arzneimittelverschreibungsübermittlungsbestätigungsverfahren"


@pytest.fixture
def site(desk: str, settings: Settings) -> str:
    """An outage with something of everything, a second one of which nobody spoke yet, and two that are over."""
    told = update(
        central_confirmed=True,
        title=text("Perturbation", "Storing", f"Die {LONGEST} ist gestört"),
        do=everywhere("Enregistrez chaque eForm une seule fois."),
        dont=everywhere("Ne renvoyez pas un eForm enregistré."),
        patient=text("Le certificat suivra.", "Het certificaat volgt."),
        occurred_at=BEGAN,
        valid_until=AT - timedelta(minutes=5),
    )
    way = tuple(
        Link(everywhere(name), state, text("Sciensano"), AT, text("Rien ne passe.", de=LONGEST))
        for name, state in zip(("Pharmacie", "FarmaFlux", LONGEST, "Certificat"), LinkState, strict=True)
    )
    past = tuple(
        PastImpact(
            f"service{n % 3:05}",
            "p2d6f9j4sk7z",
            status,
            AT - timedelta(days=9 * n + 1),
            AT - timedelta(days=9 * n),
        )
        for n, status in enumerate(ServiceStatus)
    )
    steps = (
        milestone(reached_at=BEGAN + timedelta(minutes=90), confirmed_by=text("Sciensano", "Sciensano")),
        milestone(MilestoneKind.RESTART_DONE, planned_for=BEGAN + timedelta(hours=9)),
    )
    world = facts(
        incident(updates=(told,), milestones=steps, chain=way),
        incident(
            id="c3n8v5r1yw6h",
            title=text("Lenteur", "Traag", LONGEST),
            updates=(),
            impacts=(impact(1, ServiceStatus.DEGRADED),),
        ),
        resolved(
            id="p2d6f9j4sk7z",
            resolved_at=AT - timedelta(minutes=10),
            updates=(told,),
            milestones=steps,
            chain=way,
            postmortem=Postmortem(AT, text(f"Ce qui s’est passé\n\n- {LONGEST}\n- rien")),
            relapse_of=resolved(id="r2d6f9j4sk7z", resolved_at=AT - timedelta(days=3)).brief,
        ),
        resolved(id="r2d6f9j4sk7z", resolved_at=AT - timedelta(days=3)),
        past_impacts=past,
        months=(Month(2022, 7, 4, (resolved().brief,)), Month(2021, 12, 1, ())),
        maintenances=(maintenance(title=everywhere(LONGEST)),),
        notice=text("Le site est renouvelé à la main.", "De site wordt met de hand vernieuwd."),
    )
    publish(documents(world), settings.DESK_STATUS_ROOT, revision=1, at=AT, headers=HEADERS)
    return desk


@pytest.mark.parametrize("language", ["fr", "nl", "de", "en"])
def test_axe_finds_nothing_in_either_theme_and_nothing_sticks_out_at_any_width(
    site: str, open_page: Callable[..., Page], language: str
) -> None:
    page = open_page()
    for path in [*PAGES, "/"]:
        page.goto(site + path.format(language))
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        for width in (320, 390, 1366):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            for scheme in (LIGHT, DARK) if width != 390 else ():
                assert (path, width, scheme, violations(page, scheme)) == (path, width, scheme, [])


def test_a_page_is_one_request_and_its_policy_is_met(site: str, open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))

    page.goto(f"{site}/fr/")

    assert [request.url for request in asked if not request.url.startswith("data:")] == [f"{site}/fr/"]
    background = page.locator(".what").first
    assert background.is_visible()


def test_the_style_is_applied_under_the_policy(site: str, page: Page) -> None:
    page.goto(f"{site}/fr/")

    assert page.evaluate("getComputedStyle(document.querySelector('.skip')).position") == "absolute"


def test_on_paper_it_is_dark_on_white_though_the_screen_is_dark(
    site: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(color_scheme="dark")
    page.goto(f"{site}/fr/")
    shades = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    on_screen = page.evaluate(shades)
    page.emulate_media(media="print", color_scheme="dark")

    assert on_screen == ["rgb(16, 23, 21)", "rgb(232, 238, 235)"]
    assert page.evaluate(shades) == ["rgb(255, 255, 255)", "rgb(22, 33, 30)"]


def test_on_a_screen_of_3840_pixels_it_is_larger(site: str, page: Page) -> None:
    size = "getComputedStyle(document.body).fontSize"
    page.goto(f"{site}/fr/")
    usual = page.evaluate(size)
    page.set_viewport_size({"width": 3840, "height": 2160})

    assert (usual, page.evaluate(size)) == ("16px", "24px")


@pytest.mark.parametrize(("width", "height"), [(360, 640), (375, 667), (360, 780), (390, 844)])
@pytest.mark.parametrize("language", ["fr", "nl", "de", "en"])
def test_the_whole_answer_of_the_day_is_above_the_fold_of_a_phone(
    desk: str, settings: Settings, open_page: Callable[..., Page], language: str, width: int, height: int
) -> None:
    publish(documents(_the_day()), settings.DESK_STATUS_ROOT, revision=1, at=AT, headers=HEADERS)
    page = open_page(viewport={"width": width, "height": height}, java_script_enabled=False)
    page.goto(f"{desk}/{language}/")

    bottoms = page.evaluate(
        "['.what', '.works', '.todo', '.next'].map("
        "part => document.querySelector(part).getBoundingClientRect().bottom)"
    )
    assert bottoms == sorted(bottoms)
    assert bottoms[-1] <= height


@pytest.mark.parametrize("width", [320, 768, 820, 1024])
def test_no_name_is_broken_letter_by_letter_on_a_phone_or_an_upright_tablet(
    desk: str, settings: Settings, open_page: Callable[..., Page], width: int
) -> None:
    ends = [AT - timedelta(days=days) for days in range(1, 9)]
    past = tuple(
        PastImpact(f"service{n % 3:05}", "k7m2q9x4tb1d", ServiceStatus.PARTIAL, end - timedelta(hours=3), end)
        for n, end in enumerate(ends)
    )
    world = replace(_the_day(), past_impacts=past)
    publish(documents(world), settings.DESK_STATUS_ROOT, revision=1, at=AT, headers=HEADERS)
    page = open_page(viewport={"width": width, "height": 900})
    page.goto(f"{desk}/fr/")
    page.locator(".figures summary").click()

    parts = page.locator(".svc .row > :first-child, .figures tbody :is(th, td:not(:last-child))")
    heights = parts.evaluate_all("parts => parts.map(part => part.clientHeight || part.offsetHeight)")
    assert len(heights) > 8
    assert max(heights) < 100, "three lines, and what is around them"


@pytest.mark.parametrize("height", [568, 640, 256])
def test_on_the_smallest_phone_the_next_message_stays_in_sight_but_hides_no_page_read_at_400_per_cent(
    desk: str, settings: Settings, open_page: Callable[..., Page], height: int
) -> None:
    publish(documents(_the_day()), settings.DESK_STATUS_ROOT, revision=1, at=AT, headers=HEADERS)
    page = open_page(viewport={"width": 320, "height": height}, java_script_enabled=False)
    page.goto(f"{desk}/fr/")

    bottom = page.locator(".next").evaluate("next => next.getBoundingClientRect().bottom")
    assert (bottom <= height) == (height > 256)


def _the_day() -> Facts:
    """15:20 of 1 July 2022 as the demonstration tells it: its services and its message, two of them back in part."""
    told = yaml.safe_load((DATA / "messages.yaml").read_text())["afternoon-5"]
    names = yaml.safe_load((DATA / "catalogue.yaml").read_text())["services"]
    services = tuple(
        service(place, name=Text(**{language.value: row[language] for language in Language}))
        for place, row in enumerate(names)
    )

    def said(name: str) -> Text:
        parts = {language.value: told[language][name] for language in Language}
        return Text(
            **{code: part if isinstance(part, str) else "\n".join(part) for code, part in parts.items()}
        )

    message = update(
        central_confirmed=True,
        valid_until=AT + timedelta(hours=2),
        **{name: said(name) for name in ("headline", "title", "body", "do", "dont", "patient")},
    )
    back = [
        impact(place, ServiceStatus.PARTIAL, began_at=BEGAN + timedelta(minutes=90)) for place in range(3)
    ]
    impacts = (*back, *(impact(place) for place in (3, 4)))
    group = Group("group0000000", everywhere("eForms"), services)
    return facts(incident(updates=(message,), impacts=impacts), groups=(group,))


def test_a_page_that_was_not_renewed_for_three_minutes_says_so_by_the_clock_of_the_site(
    site: str, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    asked: list[str] = []
    told = {"Date": ""}

    def answer(route: Route) -> None:
        if route.request.method == "HEAD":
            asked.append(route.request.url)
            route.fulfill(status=200, headers=told)
        else:
            route.continue_()

    page.route(f"{site}/fr/", answer)
    hidden = {}
    for minutes in (2, 3):  # the reader's own clock says years
        told["Date"] = format_datetime(AT + timedelta(minutes=minutes), usegmt=True)
        with page.expect_response(lambda response: response.request.method == "HEAD"):
            page.goto(f"{site}/fr/")
        page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        hidden[minutes] = page.locator("#stale").is_hidden()

    assert hidden == {2: True, 3: False}
    assert len(asked) == 2


def test_a_page_whose_site_is_gone_says_that_it_may_be_old_and_is_sure_of_nothing(
    desk: str, settings: Settings, open_page: Callable[..., Page]
) -> None:
    late = replace(_the_day(), at=AT + timedelta(minutes=40))
    publish(documents(late), settings.DESK_STATUS_ROOT, revision=1, at=AT, headers=HEADERS)
    plain = open_page(java_script_enabled=False)
    plain.goto(f"{desk}/fr/")
    assert plain.get_by_text("La panne dure encore.").is_visible()

    page = open_page()
    page.route(
        f"{desk}/fr/",
        lambda route: route.abort() if route.request.method == "HEAD" else route.continue_(),
    )
    page.goto(f"{desk}/fr/")

    page.locator("#stale").wait_for(state="visible")
    assert "16:00:00" in page.locator("#stale").inner_text()
    assert page.get_by_text("La panne dure encore.").is_hidden()


def test_a_page_just_renewed_asks_for_nothing(site: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.clock.set_fixed_time(AT + timedelta(seconds=90))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    page.goto(f"{site}/fr/")
    page.wait_for_load_state("networkidle")

    assert asked.count("HEAD") == 0
    assert page.locator("#stale").is_hidden()
