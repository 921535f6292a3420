from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import keyring
from accounts.models import User
from tests import factories

pytestmark = pytest.mark.django_db
NOON = datetime(2022, 7, 1, 12, tzinfo=UTC)


def test_the_same_person_gets_the_same_keys_and_another_person_others() -> None:
    one, other = factories.user(), factories.user()

    assert keyring.keys(one, at=NOON) == keyring.keys(one, at=NOON)
    assert not {*keyring.keys(one, at=NOON)} & {*keyring.keys(other, at=NOON)}


def test_what_was_encrypted_in_the_last_twelve_hours_of_a_keys_use_is_readable_for_a_day() -> None:
    user = factories.user()
    first = keyring.keys(user, at=NOON)[0]
    last_read = NOON + timedelta(hours=12) + timedelta(days=1)

    assert first in keyring.keys(user, at=last_read)
    assert first not in keyring.keys(user, at=NOON + timedelta(days=keyring.DAYS))
    assert keyring.keys(user, at=last_read)[0] != first


def test_a_new_secret_key_leaves_calls_readable_while_the_old_one_is_a_fallback(settings: Settings) -> None:
    user = factories.user()
    before = keyring.keys(user, at=NOON)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret-key-of-more-than-32-letters"

    now = keyring.keys(user, at=NOON)

    assert now[0] not in before
    assert now[keyring.DAYS :] == before


def sign_in(user: User) -> str:
    client = Client()
    client.force_login(user)
    named: str = client.get("/desk/calls/keys/").json()["signIn"]
    return named


def test_each_sign_in_has_a_name_of_its_own_that_is_not_its_session() -> None:
    client = Client()
    user = factories.user()
    client.force_login(user)

    answers = [client.get("/desk/calls/keys/").json()["signIn"] for _ in range(2)]

    assert answers[0] == answers[1] != sign_in(user)
    assert answers[0] not in (client.session.session_key or "")
