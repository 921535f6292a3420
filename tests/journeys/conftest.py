"""What a journey needs: the desk as it is served, and Debian's Chromium."""

import os
import shutil
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django import Settings

from accounts.models import User
from comms.status.front import StatusFront

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What Chromium and htmx write when an answer is not 200, or none comes.
ANSWERS = (
    "Failed to load resource",
    "Response Status Error Code",
    "htmx:afterRequest, ",
    "htmx:sendError, ",
)
# Milliseconds until what does not come is a failure: two cores may be busy with other journeys.
PATIENCE = 15_000
MISSING = "no Chromium here, so the browser journeys did not run (Debian: apt-get install chromium)"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.journey)


expect.set_options(timeout=PATIENCE)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def desk(transactional_db: None, settings: Settings) -> Iterator[str]:
    """The address of a running desk without a trailing slash, the status site before it; it shares the database."""
    with ThreadedWSGIServer(("127.0.0.1", 0), _Quiet) as server:
        behind = StaticFilesHandler(get_wsgi_application())
        server.set_app(StatusFront(behind, settings.DESK_STATUS_ROOT))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Where there is none the journey is skipped; in CI that is a failure."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, from which Django would refuse to ask the database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page in a browser of its own (cookies, storage); what the page complains of fails the test.

    Keyword arguments are Playwright's for a context. An answer other than 200 is no complaint: a refusal is a 422.
    """
    complaints: list[str] = []
    contexts = []

    def open_page(**options: object) -> Page:
        defaults = {
            "locale": "fr-BE",
            "timezone_id": "Europe/Brussels",
            "viewport": {"width": 1366, "height": 768},
        }
        context = browser.new_context(**(defaults | options))  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type == "error" and not message.text.startswith(ANSWERS)
                else None
            ),
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


@pytest.fixture
def sign_in(desk: str) -> Callable[[Page, User], None]:
    """Gives the page's browser the session of someone who has signed in."""

    def sign_in(page: Page, user: User) -> None:
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": desk}])

    return sign_in
