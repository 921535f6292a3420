"""The pages nobody wants to see: in the reader's language where one is known, and never an error themselves."""

import pytest
from django.core.exceptions import BadRequest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "Cette page n’existe pas"),
        ("nl", "Deze pagina bestaat niet"),
        ("en", "This page does not exist"),
    ],
)
def test_a_page_that_is_not_there_says_so_in_the_users_language(
    client: Client, language: str, words: str
) -> None:
    client.force_login(factories.user(Role.AGENT, language=language))

    answer = client.get("/desk/nothing/")

    assert (answer.status_code, words in answer.text) == (404, True)


def test_a_stranger_gets_it_in_the_language_of_the_browser(client: Client) -> None:
    answer = client.get("/nothing/", headers={"Accept-Language": "nl-BE"})

    assert (answer.status_code, "Deze pagina bestaat niet" in answer.text) == (404, True)


def test_a_refusal_by_role_says_so(client: Client) -> None:
    client.force_login(factories.user(Role.OBSERVER, language="en"))

    answer = client.get("/desk/incidents/declare/")

    assert (answer.status_code, "You may not do this" in answer.text) == (403, True)


def test_a_request_nobody_can_read_is_answered_in_words(client: Client) -> None:
    client.raise_request_exception = False

    answer = client.get("/desk/", headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert "FarmaFlux Desk" in answer.text


def test_a_bad_request_of_someone_signed_in_is_in_her_language(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise BadRequest

    monkeypatch.setattr("farmaflux_desk.views.of_request", refuse)
    client.force_login(factories.user(Role.AGENT, language="nl"))

    answer = client.get("/desk/header/")

    assert (answer.status_code, "We konden deze aanvraag niet lezen" in answer.text) == (400, True)


def test_our_own_error_is_told_in_three_languages_without_asking_the_database() -> None:
    with CaptureQueriesContext(connection) as queries:
        page = render_to_string("500.html")

    assert [
        page.count(words) for words in ("Rien n’a été enregistré", "Er is niets bewaard", "Nothing was")
    ] == [1] * 3
    assert len(queries) == 0
