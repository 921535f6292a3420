import pytest
from django.test import Client
from django.urls import reverse

from accounts.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db


def test_the_interface_speaks_the_language_of_its_user_not_of_her_browser(client: Client) -> None:
    client.force_login(factories.user(Role.AGENT, language="nl"))

    page = client.get(reverse("accounts:profile"), headers={"Accept-Language": "en"})

    assert '<html lang="nl">' in page.text


def test_the_profile_changes_language_and_keys(client: Client) -> None:
    user = factories.user(Role.AGENT, language="fr")
    client.force_login(user)

    client.post(reverse("accounts:profile"), {"language": "nl"})

    user.refresh_from_db()
    assert (user.language, user.single_keys) == ("nl", False)


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("/accounts/profile/?a=1", "/accounts/profile/?a=1"),
        ("https://evil.example/", "/accounts/profile/"),
        ("//evil.example/", "/accounts/profile/"),
        ("nothing", "/accounts/profile/"),
        ("/desk/\x00", "/desk/%00"),
    ],
)
def test_saving_the_profile_leads_back_to_our_own_page_only(
    client: Client, asked: str, leads_to: str
) -> None:
    client.force_login(factories.user(Role.AGENT))

    response = client.post(reverse("accounts:profile"), {"language": "nl", "next": asked})

    assert response["Location"] == leads_to


def test_a_language_we_do_not_speak_is_refused_beside_its_field(client: Client) -> None:
    user = factories.user(Role.AGENT, language="fr")
    client.force_login(user)

    response = client.post(reverse("accounts:profile"), {"language": "xx"})

    user.refresh_from_db()
    assert (response.status_code, user.language) == (422, "fr")
    assert "invalid-feedback" in response.text


@pytest.mark.parametrize("path", ["signup/", "email/", "2fa/", "3rdparty/", "login/code/"])
def test_allauths_pages_that_nobody_needs_are_not_there(client: Client, path: str) -> None:
    client.force_login(factories.user(Role.ADMINISTRATOR))

    assert client.get(f"/accounts/{path}").status_code == 404


def test_signing_in_with_a_wrong_password_says_so_and_keeps_the_name(client: Client) -> None:
    factories.user(Role.AGENT, username="nancy")

    page = client.post(reverse("account_login"), {"login": "nancy", "password": "wrong"})

    assert 'value="nancy"' in page.text
    assert "alert" in page.text or "invalid-feedback" in page.text


def test_guessing_passwords_is_stopped_even_when_the_last_guess_is_right(client: Client) -> None:
    factories.user(Role.AGENT, username="nancy", password="quiet-afternoon")
    for _ in range(5):
        client.post(reverse("account_login"), {"login": "nancy", "password": "wrong"})

    page = client.post(reverse("account_login"), {"login": "nancy", "password": "quiet-afternoon"})

    assert page.status_code == 200
    assert "_auth_user_id" not in client.session


def test_a_right_password_at_once_signs_in(client: Client) -> None:
    factories.user(Role.AGENT, username="nancy", password="quiet-afternoon")

    page = client.post(reverse("account_login"), {"login": "nancy", "password": "quiet-afternoon"})

    assert (page.status_code, page["Location"]) == (302, "/desk/")
    assert "messages" not in page.cookies


def test_the_sign_in_page_changes_its_language_before_anyone_signed_in(client: Client) -> None:
    client.post(reverse("set_language"), {"language": "nl", "next": reverse("account_login")})

    assert "Aanmelden" in client.get(reverse("account_login")).text


def test_after_a_sign_in_only_our_own_pages_follow(client: Client) -> None:
    factories.user(Role.AGENT, username="nancy", password="quiet-afternoon")

    page = client.post(
        f"{reverse('account_login')}?next=https://evil.example/",
        {"login": "nancy", "password": "quiet-afternoon", "next": "https://evil.example/"},
    )

    assert page["Location"] == "/desk/"


def test_a_changed_password_leads_back_to_the_profile(client: Client) -> None:
    user = factories.user(Role.AGENT, password="quiet-afternoon")
    client.force_login(user)

    page = client.post(
        reverse("account_change_password"),
        {"oldpassword": "quiet-afternoon", "password1": "louder-evening", "password2": "louder-evening"},
    )

    user.refresh_from_db()
    assert (page["Location"], user.check_password("louder-evening")) == (reverse("accounts:profile"), True)


def test_every_page_forbids_what_is_not_ours(client: Client) -> None:
    page = client.get(reverse("account_login"))

    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]
    assert (page["X-Frame-Options"], page["Referrer-Policy"]) == ("DENY", "same-origin")
