"""What stands around every page: notices, addresses for machines, the mark of a page that is no longer renewed."""

import re
from datetime import timedelta

import pytest

from comms.status.languages import WORDS
from comms.status.pages.frame import NOTICE_BEGINS, NOTICE_ENDS
from comms.status.render import render
from comms.status.style import STALE, STALE_HASH
from tests.comms.status.facts import AT, facts, incident, maintenance, resolved, text
from tests.comms.status.reading import Read, shown

URL = "https://status.example.org"


def pages(**fields: object) -> dict[str, bytes]:
    world = facts(incident(), resolved(id="p2d6f9j4sk7z"), maintenances=(maintenance(),), **fields)
    return {name: content for name, content in render(world).items() if name.endswith(".html")}


def test_a_notice_stands_first_on_every_page_between_marks_that_are_always_there() -> None:
    said = text("Le site est figé.", "De site staat stil.")

    for name, content in pages(notice=said).items():
        page = content.decode()
        told = re.findall(f"{NOTICE_BEGINS}(.*?){NOTICE_ENDS}", page)
        language = "nl" if name.startswith("nl/") else "fr"
        assert len(told) == 1, name
        assert said.in_language(language) in told[0], name
        assert page.index(told[0]) < page.index("<h1"), name
    for name, content in pages().items():
        assert content.count(f"{NOTICE_BEGINS}{NOTICE_ENDS}".encode()) == 1, name


def test_a_notice_in_another_language_says_so() -> None:
    page = Read(pages(notice=text("Le site est figé."))["de/index.html"])

    assert "Text auf Französisch" in page.text
    assert ("p", {"lang": "fr"}) in page.elements


@pytest.mark.parametrize(
    ("path", "fallback"),
    [
        ("", "https://status.example.org/"),
        ("history/", "https://status.example.org/fr/history/"),
        ("incidents/k7m2q9x4tb1d/", "https://status.example.org/fr/incidents/k7m2q9x4tb1d/"),
    ],
)
def test_a_page_names_its_own_address_and_that_of_each_language(path: str, fallback: str) -> None:
    page = Read(pages()[f"nl/{path}index.html"])
    links = [found for name, found in page.elements if name == "link"]
    own = f"https://status.example.org/nl/{path}"

    assert [found["href"] for found in links if found.get("rel") == "canonical"] == [own]
    assert {found["hreflang"]: found["href"] for found in links if "hreflang" in found} == {
        **{language: f"https://status.example.org/{language}/{path}" for language in WORDS},
        "x-default": fallback,
    }


def test_the_choice_of_language_names_its_own_address_and_that_of_each_language() -> None:
    page = Read(pages()["index.html"])
    links = [found for name, found in page.elements if name == "link"]
    told = [found for name, found in page.elements if name == "meta" and found.get("property") == "og:url"]

    assert [found["href"] for found in links if found.get("rel") == "canonical"] == [f"{URL}/"]
    assert {found["hreflang"]: found["href"] for found in links if "hreflang" in found} == {
        **{language: f"{URL}/{language}/" for language in WORDS},
        "x-default": f"{URL}/",
    }
    assert [found["content"] for found in told] == [f"{URL}/"]


def test_every_page_announces_both_feeds_of_its_language() -> None:
    site = pages()
    for path, content in site.items():
        folder = "" if path == "index.html" else f"/{path[:2]}"
        links = [found for name, found in Read(content).elements if name == "link" and "title" in found]

        assert [link["href"] for link in links] == [f"{folder}/history.atom", f"{folder}/history.rss"], path
    assert {"index.html", "de/404.html"} <= site.keys()


def test_a_chat_shows_what_is_wrong_and_asks_for_no_picture() -> None:
    page = Read(pages()["nl/index.html"])
    told = {
        found["property"]: found["content"]
        for name, found in page.elements
        if name == "meta" and "property" in found
    }

    assert told["og:title"] == "Grote storing – Status van de diensten FarmaFlux"
    assert told["og:description"] == "Er worden geen certificaten gemaakt."
    assert told["og:url"] == "https://status.example.org/nl/"
    assert told["og:locale"] == "nl_BE"
    assert "og:image" not in told


def test_only_a_page_that_tells_of_an_outage_by_the_clock_carries_the_script_and_may_ask_its_own_site() -> (
    None
):
    found = {name: content for name, content in pages().items() if STALE.encode() in content}

    assert {name for name in found if name.startswith("fr/")} == {
        "fr/index.html",
        "fr/incidents/k7m2q9x4tb1d/index.html",
    }
    assert len(found) == 8
    for name, content in pages().items():
        policy = dict(Read(content).elements[3][1])["content"] or ""
        assert (f"script-src '{STALE_HASH}'; connect-src 'self'" in policy) == (name in found)
        assert ("script-src" in policy) == (name in found)


def test_a_calm_page_carries_no_script_and_no_mark() -> None:
    page = shown("fr/index.html", resolved(resolved_at=AT - timedelta(hours=1)))

    assert page.count("script") == 0
    assert "renouvelée depuis" not in page.text


def test_the_mark_of_a_page_that_is_not_renewed_is_hidden_and_names_its_moment() -> None:
    page = shown("fr/index.html", incident())

    assert ("p", {"id": "stale", "class": "stale", "hidden": None}) in page.elements
    assert "n’a plus été renouvelée depuis 15:20:00" in page.text
    assert ("time", {"datetime": "2022-07-01T15:20:00+02:00"}) in page.elements


def test_what_a_page_links_to_on_this_site_is_there() -> None:
    files = render(facts(incident(), resolved(id="p2d6f9j4sk7z"), maintenances=(maintenance(),)))
    served = {f"/{name.removesuffix('index.html')}" for name in files}

    for name, content in files.items():
        if name.endswith(".html"):
            links = {found["href"] or "" for tag, found in Read(content).elements if found.get("href")}
            assert {link for link in links if link.startswith("/")} <= served, name
