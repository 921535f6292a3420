"""What was typed when a session had ended comes back to the one who typed it, and to nobody else."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "quiet-afternoon"


def person(username: str) -> User:
    user = factories.user(Role.COMMUNICATIONS, username=username)
    user.set_password(PASSWORD)
    user.save()
    return user


def typed_by(client: Client, user: User, address: str) -> str:
    """The signed field of a form shown to *user*."""
    client.force_login(user)
    found = re.search(r'name="typed_by" value="([^"]+)"', client.get(address).text)
    client.logout()
    assert found
    return found[1]


def sign_in(client: Client, username: str) -> None:
    client.post(reverse("account_login"), {"login": username, "password": PASSWORD})


@pytest.fixture
def address() -> str:
    update = factories.update()
    return reverse("comms:compose", args=[update.incident.public_id])


def test_text_posted_without_a_session_is_shown_again_after_signing_in(client: Client, address: str) -> None:
    writer = person("writer")
    typed = {"body_fr": "Le transfert ne marche pas encore.", "phase": "identified", "title_fr": ""}
    fields = {"typed_by": typed_by(client, writer, address), **typed}

    refused = client.post(address, fields)
    sign_in(client, "writer")
    page = client.get(reverse("accounts:resume"))

    assert refused.url == f"{reverse('account_login')}?next={reverse('accounts:resume')}"  # type: ignore[attr-defined]
    assert "Le transfert ne marche pas encore." in page.text
    assert f'action="{address}"' in page.text
    assert (page.context["typed"].shown, page.context["typed"].others) == ([("fr", typed["body_fr"])], 1)


def test_what_a_form_keeps_for_itself_is_sent_again_but_not_shown_as_typed(
    client: Client, address: str
) -> None:
    own = {"revision": "1", "base": "phase:cc1b1210 body_fr:76aa6b29", "undo": '[{"body_fr": "Avant."}]'}
    own["initial-note_fr"] = "Ce qui était là."
    fields = {"typed_by": typed_by(client, person("writer"), address), "body_fr": "Un texte.", **own}

    client.post(address, fields)
    sign_in(client, "writer")
    typed = client.get(reverse("accounts:resume")).context["typed"]

    assert (typed.shown, typed.others) == ([("fr", "Un texte.")], 0)
    assert own.items() <= dict(typed.resent).items()


def test_a_secret_is_not_kept(client: Client, address: str) -> None:
    writer = person("writer")
    fields = {"typed_by": typed_by(client, writer, address), "body_fr": "Un texte.", "secret_token": "s3cret"}

    client.post(address, fields)
    sign_in(client, "writer")
    page = client.get(reverse("accounts:resume")).text

    assert ("Un texte." in page, "s3cret" in page) == (True, False)


def test_text_waits_through_a_reload_until_it_is_let_go(client: Client, address: str) -> None:
    writer = person("writer")
    client.post(address, {"typed_by": typed_by(client, writer, address), "body_fr": "Encore là."})
    sign_in(client, "writer")

    shown = ["Encore là." in client.get(reverse("accounts:resume")).text for _ in range(2)]
    client.post(reverse("accounts:resume"))

    assert shown == [True, True]
    assert client.get(reverse("accounts:resume")).status_code == 302


def test_text_that_was_sent_no_longer_waits(client: Client) -> None:
    writer = person("writer")
    address = reverse("accounts:profile")
    signed = typed_by(client, writer, address)
    client.post(address, {"typed_by": signed, "language": "nl"})
    sign_in(client, "writer")

    client.post(address, {"typed_by": signed, "language": "nl"})

    assert client.get(reverse("accounts:resume")).status_code == 302


def test_somebody_else_signing_in_is_not_shown_the_text(client: Client, address: str) -> None:
    writer, _other = person("writer"), person("other")
    client.post(address, {"typed_by": typed_by(client, writer, address), "body_fr": "Secret de Manon."})

    sign_in(client, "other")
    page = client.get(reverse("accounts:resume"), follow=True)

    assert "Secret de Manon." not in page.text


def test_a_forged_author_is_not_believed(client: Client, address: str) -> None:
    other = person("other")
    client.post(address, {"typed_by": f"{other.pk}:forged", "body_fr": "Hameçon."})

    sign_in(client, "other")
    page = client.get(reverse("accounts:resume"), follow=True)

    assert "Hameçon." not in page.text


def test_more_than_a_person_types_is_not_kept(client: Client, address: str) -> None:
    writer = person("writer")
    client.post(address, {"typed_by": typed_by(client, writer, address), "body_fr": "x" * 70_000})

    assert "typed" not in client.session


def test_a_script_without_a_session_is_answered_401_and_nothing_is_kept(client: Client, address: str) -> None:
    response = client.post(address, {"body_fr": "Texte."}, headers={"HX-Request": "true"})

    assert (response.status_code, "typed" in client.session) == (401, False)


def test_a_page_older_than_the_sign_in_gives_the_text_back_to_its_own_form(address: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    writer = person("writer")
    signed = typed_by(strict, writer, address)
    strict.force_login(writer)
    fields = {"typed_by": signed, "body_fr": "Écrit avant."}

    ours = strict.post(address, fields, headers={"Sec-Fetch-Site": "same-origin"})
    foreign = strict.post(address, fields, headers={"Sec-Fetch-Site": "cross-site"})

    assert (ours.status_code, "Écrit avant." in ours.text) == (403, True)
    assert (foreign.status_code, "Écrit avant." in foreign.text) == (403, False)
