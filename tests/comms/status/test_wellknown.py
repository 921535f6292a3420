"""What crawlers, badges and those who find a hole read."""

import json
from datetime import datetime, timedelta
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest

from comms.status import badge
from comms.status.facts import Facts, Month
from comms.status.render import documents, render
from incidents.models.states import ServiceStatus
from tests.comms.status.facts import AT, facts, impact, incident

SPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def disturbed(status: ServiceStatus) -> Facts:
    return facts(incident(impacts=(impact(0, status),)))


@pytest.mark.parametrize(
    "status", [status for status in ServiceStatus if status != ServiceStatus.OPERATIONAL]
)
def test_a_badge_says_in_words_how_it_is_in_each_language(status: ServiceStatus) -> None:
    site = render(disturbed(status))
    told = json.loads(site["api/v2/status.json"])["status"]

    assert json.loads(site["badge.json"])["message"] == told["description_i18n"]["fr"]
    for language, said in told["description_i18n"].items():
        picture = ElementTree.fromstring(site[f"{language}/badge.svg"])
        title = picture.find("{http://www.w3.org/2000/svg}title")
        assert title is not None
        assert said in str(title.text)
        assert json.loads(site[f"{language}/badge.json"])["message"] == said


def test_a_badges_letters_can_be_read_and_each_state_has_a_shape_of_its_own() -> None:
    for colour in badge.COLOURS.values():
        assert (1.05) / (luminance(colour) + 0.05) >= 4.5
    assert len(set(badge.SHAPES.values())) == len(badge.COLOURS)


def test_crawlers_are_kept_off_what_is_no_page_of_the_site() -> None:
    robots = RobotFileParser()
    robots.parse(render(facts())["robots.txt"].decode().splitlines())

    assert all(
        robots.can_fetch("*", path)
        for path in ("/", "/fr/", "/nl/incidents/k7m2q9x4tb1d/", "/api/v2/status.json")
    )
    assert not any(robots.can_fetch("*", path) for path in ("/desk/", "/accounts/login/", "/public/report/"))
    assert robots.site_maps() == ["https://status.example.org/sitemap.xml"]


def test_the_site_map_names_pages_that_are_there_each_with_its_translations() -> None:
    world = facts(incident(), months=(Month(2022, 7, 1, (incident().brief,)),))
    site = render(world)
    tree = ElementTree.fromstring(site["sitemap.xml"])
    named = [
        str(found.text).removeprefix("https://status.example.org/")
        for found in tree.iterfind(".//s:loc", SPACE)
    ]

    assert {f"{name}index.html" for name in named} <= site.keys()
    assert {"fr/", "de/history/", "nl/incidents/k7m2q9x4tb1d/", "en/history/2022-07/"} <= set(named)
    for url in tree.iterfind("s:url", SPACE):
        assert [link.get("hreflang") for link in url.iterfind("x:link", SPACE)] == ["fr", "nl", "de", "en"]


def test_the_site_map_is_made_again_only_when_it_changes() -> None:
    def key(world: Facts) -> str:
        return next(each.key for each in documents(world) if each.name == "sitemap.xml")

    assert key(facts(incident())) == key(facts(incident(), at=AT + timedelta(days=1)))
    assert key(facts(incident())) != key(facts(incident(), incident(id="p2d6f9j4sk7z")))


def test_who_finds_a_hole_is_told_where_to_say_so_and_until_when() -> None:
    lines = render(facts(security_contact="mailto:veiligheid@example.org"))[
        ".well-known/security.txt"
    ].decode()
    told = dict(line.split(": ", 1) for line in lines.splitlines())
    expires = datetime.fromisoformat(told["Expires"])

    assert told["Contact"] == "mailto:veiligheid@example.org"
    assert told["Canonical"] == "https://status.example.org/.well-known/security.txt"
    assert timedelta(days=90) < expires - AT < timedelta(days=185)


def test_without_a_contact_there_is_no_such_file() -> None:
    assert ".well-known/security.txt" not in render(facts())
