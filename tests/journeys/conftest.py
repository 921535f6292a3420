"""What a journey needs: the desk as it is served, and Debian's Chromium."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from socket import SHUT_RDWR, socket
from threading import Thread
from typing import Any

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
PLAIN = (
    "desk.test"  # the desk without TLS, at a name to which browsers give neither cipher nor locks nor worker
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {PLAIN} 127.0.0.1",
]
# What Chromium and htmx write when an answer is not 200, none comes, none is awaited any more, or there is no TLS.
ANSWERS = (
    "Failed to load resource",
    "Response Status Error Code",
    "htmx:afterRequest, ",
    "htmx:sendError, ",
    "htmx:sendAbort, ",
    "The Cross-Origin-Opener-Policy header has been ignored",
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


class _Listener(ThreadedWSGIServer):
    """Closed, it leaves no connection open either: a browser would go on with it."""

    def __init__(self, port: int) -> None:
        self._connections: list[socket] = []
        super().__init__(("127.0.0.1", port), _Quiet)

    def get_request(self) -> tuple[socket, Any]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def server_close(self) -> None:
        super().server_close()
        for connection in self._connections:
            with suppress(OSError):  # it has ended already
                connection.shutdown(SHUT_RDWR)


class Server:
    """The desk, the status site before it, at one address: it can be stopped and started again there."""

    def __init__(self, status_root: Path) -> None:
        self._app = StatusFront(StaticFilesHandler(get_wsgi_application()), status_root)
        self._port = 0
        self.start()

    @property
    def address(self) -> str:
        """Without a trailing slash."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._server = _Listener(self._port)
        self._port = self._server.server_port
        self._server.set_app(self._app)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server(transactional_db: None, settings: Settings) -> Iterator[Server]:
    """It shares the test's database."""
    server = Server(settings.DESK_STATUS_ROOT)
    yield server
    server.stop()


@pytest.fixture
def desk(server: Server) -> str:
    """The address of a running desk."""
    return server.address


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
