"""A database that does not answer is a 503, and at once: browsers keep what they wanted to save and come again.

Asking a database that is gone takes seconds, and a few threads serve everybody. So after the first failure nobody else
asks; one looks every second whether it is back.
"""

import time
from collections.abc import Callable
from threading import Lock

import psycopg
import structlog
from django.db import Error, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from accounts.public import language_of

LOOK_EVERY = 1.0  # seconds
# PostgreSQL, appendix A: connection exceptions, and a server that starts or stops.
GONE = ("08", "57P")
OF_THE_DATABASE = (OperationalError, InterfaceError)
NEED_NO_DATABASE = ("/livez", "/readyz")
FOR_ANYONE = "/public/"

logger = structlog.get_logger(__name__)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


class Outage:
    """Whether the database is known to be gone; shared by all threads of a process."""

    def __init__(self) -> None:
        self._gone = False
        self._next_look = 0.0
        self._looking = Lock()

    def note(self, error: Exception) -> None:
        """*error* came from the database; one that only this request has met (a lock, a deadlock) is no outage."""
        if not isinstance(error.__cause__, psycopg.Error):  # SQLite answers at once, whatever it says
            return
        state = error.__cause__.sqlstate
        if state is None or state.startswith(GONE):
            if not self._gone:
                logger.error("database_gone", error=str(error))
            self._next_look = time.monotonic() + LOOK_EVERY
            self._gone = True

    def lasts(self) -> bool:
        if not self._gone:
            return False
        if time.monotonic() < self._next_look or not self._looking.acquire(blocking=False):
            return True
        try:
            if database_answers():
                self._gone = False
                logger.info("database_back")
            self._next_look = time.monotonic() + LOOK_EVERY
        finally:
            self._looking.release()
        return self._gone


OUTAGE = Outage()


class OutageMiddleware:
    """While the database is gone every page is a 503 that asks it nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in NEED_NO_DATABASE and OUTAGE.lasts():
            return unavailable(request)
        return self.get_response(request)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Nothing was saved; the same may be asked again soon (RFC 9110, 15.6.4). Outside the house nobody knows a desk."""
    headers = {"Retry-After": "5", "Cache-Control": "no-store"}
    if not request.path.startswith(FOR_ANYONE):
        return HttpResponse(render_to_string("503.html"), status=503, headers=headers)
    with translation.override(language_of(request)):
        page = render_to_string("public/unavailable.html", {"request": request})
    return HttpResponse(page, status=503, headers=headers)
