"""A database that is gone is a 503, and is asked by one request a second, whoever else comes."""

import psycopg
import pytest
from django.db import IntegrityError, OperationalError
from django.test import Client
from psycopg import errors
from pytest_django import Settings

from comms.status import notice
from comms.status.facts import Text
from farmaflux_desk import outage
from tests import factories
from tests.factories import OUTAGE


def failed(cause: Exception) -> OperationalError:
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> outage.Outage:
    known = outage.Outage()
    monkeypatch.setattr(outage, "OUTAGE", known)
    return known


@pytest.mark.parametrize(
    "cause", [psycopg.OperationalError("connection refused"), errors.AdminShutdown("stopping")]
)
def test_a_server_that_is_gone_is_asked_once_more_when_it_is_time(
    known: outage.Outage, monkeypatch: pytest.MonkeyPatch, cause: Exception
) -> None:
    asked: list[bool] = []

    def answers() -> bool:
        asked.append(known.lasts())  # what others are told meanwhile
        return len(asked) > 1

    monkeypatch.setattr(outage, "database_answers", answers)
    known.note(failed(cause))

    assert (known.lasts(), asked) == (True, [])
    known._next_look = 0
    assert (known.lasts(), asked) == (True, [True])
    assert (known.lasts(), asked) == (True, [True])
    known._next_look = 0
    assert (known.lasts(), known.lasts()) == (False, False)


@pytest.mark.parametrize(
    "cause", [errors.DeadlockDetected("deadlock"), errors.QueryCanceled("too long"), ValueError()]
)
def test_what_one_request_meets_is_no_outage(known: outage.Outage, cause: Exception) -> None:
    known.note(failed(cause))

    assert not known.lasts()


def test_while_it_lasts_every_page_is_a_503_in_words_without_a_question(
    client: Client, known: outage.Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No database is allowed in this test."""
    monkeypatch.setattr(known, "lasts", lambda: True)

    answer = client.get("/desk/calls/")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert [words in answer.text for words in ("absente", "De databank is weg", "database is gone")] == [
        True
    ] * 3
    assert "Content-Security-Policy" in answer.headers
    assert client.get("/livez").status_code == 200


@pytest.mark.parametrize("path", ["/public/report/", "/public/subscribe/", "/public/unsubscribe/x/"])
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "Ceci ne marche pas pour le moment"),
        ("nl", "Dit werkt nu niet"),
        ("de", "Das geht im Moment nicht"),
        ("en", "This does not work for the moment"),
    ],
)
def test_who_has_no_account_is_sent_to_the_status_page_in_her_language(
    client: Client,
    known: outage.Outage,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    language: str,
    words: str,
) -> None:
    """No database is allowed in this test."""
    monkeypatch.setattr(known, "lasts", lambda: True)

    answers = [client.get(path, {"lang": language}), client.post(f"{path}?lang={language}")]

    for answer in answers:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert f"<h1>{words}</h1>" in answer.text
        assert f'/{language}/">' in answer.text
        assert "desk" not in answer.text.lower()


@pytest.mark.parametrize("cause", [None, psycopg.OperationalError("connection refused")])
@pytest.mark.django_db
def test_what_the_night_shift_says_stands_where_the_public_writes_to_us_too(
    client: Client,
    known: outage.Outage,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    cause: Exception | None,
) -> None:
    monkeypatch.setattr(outage, "database_answers", lambda: cause is None)
    if cause:
        known.note(failed(cause))
    for language, said in (("fr", "Panne &lt;b&gt; électrique"), ("nl", "Stroompanne")):
        address = f"/public/report/?lang={language}"
        notice.put(settings.DESK_STATUS_ROOT, None, at=OUTAGE)
        before = client.get(address).text
        notice.put(settings.DESK_STATUS_ROOT, Text(fr="Panne <b> électrique", nl="Stroompanne"), at=OUTAGE)
        page = client.get(address).text

        assert '<div class="notice"' not in before
        assert '<div class="notice"' in page
        assert said in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "status"), [(OperationalError, 503), (IntegrityError, 500), (KeyError, 500)]
)
def test_an_error_of_the_database_is_told_from_one_of_ours(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: type[Exception], status: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("farmaflux_desk.views.of_request", fail)
    client.force_login(factories.user())
    client.raise_request_exception = False

    assert client.get("/desk/header/").status_code == status


def test_a_middleware_that_cannot_ask_is_a_503_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", fail)
    client.raise_request_exception = False
    client.cookies["sessionid"] = "something"

    assert client.get("/desk/calls/").status_code == 503
