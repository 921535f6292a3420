"""The banner in somebody else's page, from another origin."""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect
from pytest_django import Settings

from comms.status.publish import publish
from comms.status.render import HEADERS, documents
from tests.comms.status.facts import AT, facts, incident

pytestmark = pytest.mark.browser
EXAMPLE = Path(__file__).parents[2] / "docs" / "banner-example.html"


@pytest.fixture
def elsewhere(tmp_path: Path, desk: str) -> Iterator[str]:
    """The example page of the documentation on a server of its own, with the address of our site in it."""
    page = EXAMPLE.read_text()
    assert page.count("http://127.0.0.1:8000/") == 1
    (tmp_path / "www").mkdir()
    (tmp_path / "www/index.html").write_text(page.replace("http://127.0.0.1:8000", desk))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_the_banner_shows_while_something_is_wrong_and_goes_when_it_is_over(
    elsewhere: str, settings: Settings, open_page: Callable[..., Page]
) -> None:
    root = Path(settings.DESK_STATUS_ROOT)
    publish(documents(facts(incident())), root, revision=1, at=AT, headers=HEADERS)
    page = open_page()
    page.clock.install()
    page.goto(elsewhere)

    shown = page.frame_locator("iframe[title=FarmaFlux]")
    expect(shown.locator("a")).to_contain_text("Er worden geen certificaten gemaakt")
    expect(shown.locator("a")).to_have_attribute("target", "_blank")
    assert page.context.cookies() == []
    frame, link = (place.bounding_box() for place in (page.locator("iframe"), shown.locator("a")))
    assert frame == link, "all of it is seen"

    publish(documents(facts()), root, revision=2, at=AT, headers=HEADERS)
    page.clock.run_for(61_000)
    expect(page.locator("iframe")).to_have_count(0)


def test_what_the_night_shift_says_by_hand_is_shown_though_all_was_well_before(
    elsewhere: str, settings: Settings, open_page: Callable[..., Page]
) -> None:
    root = Path(settings.DESK_STATUS_ROOT)
    publish(documents(facts()), root, revision=1, at=AT, headers=HEADERS)
    page = open_page()
    page.clock.install()
    page.goto(elsewhere)
    page.wait_for_load_state("networkidle")
    expect(page.locator("iframe")).to_have_count(0)

    call_command("breakglass", "Appelez le 02 555 01 00.", "Bel 02 555 01 00.")
    page.clock.run_for(61_000)
    shown = page.frame_locator("iframe[title=FarmaFlux]").locator("a:visible")
    expect(shown).to_have_text("FarmaFlux: Bel 02 555 01 00.")
    assert page.locator("iframe").bounding_box() == shown.bounding_box()

    call_command("breakglass", "--clear")
    page.clock.run_for(61_000)
    expect(page.locator("iframe")).to_have_count(0)


def test_a_page_whose_status_site_is_gone_stays_as_it_is(
    elsewhere: str, settings: Settings, open_page: Callable[..., Page]
) -> None:
    publish(documents(facts(incident())), Path(settings.DESK_STATUS_ROOT), revision=1, at=AT, headers=HEADERS)
    page = open_page()
    page.route("**/banner/*.htm", lambda route: route.abort())
    page.goto(elsewhere)

    expect(page.get_by_role("heading")).to_have_text("Apotheeksoftware (voorbeeld)")
    expect(page.locator("iframe")).to_have_count(0)


def test_the_script_is_small() -> None:
    from comms.status.banner import SCRIPT

    assert len(SCRIPT) <= 2048
