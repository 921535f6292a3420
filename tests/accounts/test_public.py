import time_machine
from django.test import RequestFactory
from pytest_django import Settings

from accounts.public import form_key, is_ours, key_in, language_of


def language(query: str = "", accept: str = "") -> str:
    return language_of(RequestFactory().get(f"/{query}", headers={"accept-language": accept}))


def ours(**headers: str) -> bool:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return is_ours(RequestFactory().post("/", headers=named))


def test_the_language_asked_for_goes_before_the_browsers_and_french_is_the_last_resort() -> None:
    assert language("?lang=de", "nl") == "de"
    assert language("", "de-BE,fr;q=0.5") == "de"
    assert language("", "pt,en;q=0.1,nl;q=0.9") == "nl"
    assert (language("?lang=xx", "pt"), language("?lang=%00")) == ("fr", "fr")


def test_a_form_of_our_own_page_is_ours(settings: Settings) -> None:
    settings.DESK_BASE_URL = "https://desk.farmaflux.example"

    assert ours(origin="http://testserver", sec_fetch_site="same-origin")
    assert ours(origin="https://desk.farmaflux.example")
    assert ours()


def test_a_form_of_another_site_is_not_ours_whichever_of_the_two_says_so() -> None:
    assert not ours(origin="https://elsewhere.example")
    assert not ours(origin="null")
    assert not ours(sec_fetch_site="cross-site")
    assert not ours(sec_fetch_site="same-site", origin="http://testserver")


def test_a_forms_key_is_known_again_for_twelve_hours_and_no_other_is() -> None:
    with time_machine.travel("2022-07-01T12:00:00Z", tick=False) as clock:
        key = form_key()
        known = key_in(key)
        clock.shift(11 * 60 * 60)
        still = key_in(key)
        clock.shift(2 * 60 * 60)
        old = key_in(key)

    assert (known is not None, still == known, old) == (True, True, None)
    assert key_in("") is None
    assert key_in(key.partition(":")[0]) is None
    assert key_in(key.replace(key[0], "x", 1)) is None
