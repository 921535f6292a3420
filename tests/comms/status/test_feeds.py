"""The feeds, as the library reads them that most feed readers are built on."""

from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest

from accounts.languages import Language
from comms.status import feeds
from comms.status.facts import Facts, Incident, Postmortem
from comms.status.render import render
from comms.status.words import Words
from incidents.models.states import Phase
from tests.comms.status.facts import AT, BEGAN, everywhere, facts, incident, resolved, text, update

FEEDS = [
    "history.atom",
    "history.rss",
    "fr/history.atom",
    "nl/history.rss",
    "de/history.atom",
    "en/history.rss",
]
HOSTILE = "<script>alert('x')</script> ]]> &amp; \x0b \x00 \ufffe end"


def read(name: str = "history.atom", *incidents: Any, **fields: Any) -> Any:
    content = render(facts(*incidents, **fields))[name]
    ElementTree.fromstring(content)  # well-formed
    feed = feedparser.parse(content)
    assert not feed.bozo
    return feed


@pytest.mark.parametrize("name", FEEDS)
def test_each_feed_has_one_entry_for_each_incident_newest_first(name: str) -> None:
    feed = read(name, incident(), resolved(id="p2d6f9j4sk7z"))

    assert [entry.id for entry in feed.entries] == [
        "tag:status.example.org,2005:Incident/k7m2q9x4tb1d",
        "tag:status.example.org,2005:Incident/p2d6f9j4sk7z",
    ]
    assert feed.feed.title.startswith("FarmaFlux")


def test_a_feed_says_what_it_is_and_where() -> None:
    feed = read("nl/history.atom", incident())
    links = {link.rel: link.href for link in feed.feed.links}

    assert feed.feed.id == "tag:status.example.org,2005:/nl/history"
    assert links == {
        "self": "https://status.example.org/nl/history.atom",
        "alternate": "https://status.example.org/nl/",
    }
    assert feed.entries[0].link == "https://status.example.org/nl/incidents/k7m2q9x4tb1d/"
    assert read("history.atom").feed.id == "tag:status.example.org,2005:/history"


@pytest.mark.parametrize("name", ["history.atom", "history.rss"])
def test_an_entry_tells_when_it_was_entered_and_last_changed(name: str) -> None:
    [entry] = read(name, incident(changed_at=AT)).entries

    assert entry.published_parsed[:5] == (2022, 7, 1, 11, 32)
    if name.endswith("atom"):
        assert entry.updated_parsed[:5] == (2022, 7, 1, 13, 20)


@pytest.mark.parametrize("name", ["fr/history.atom", "nl/history.atom", "en/history.rss"])
def test_updates_come_newest_first_each_with_the_english_word_readers_look_for(name: str) -> None:
    told = (
        update(id="b" * 12, phase=Phase.RESOLVED, body=text("Rétabli.", "Hersteld.", "", "Restored.")),
        update(body=text("Nous cherchons.", "We zoeken.", "", "We are looking.")),
    )
    learned = Postmortem(AT + timedelta(days=3), everywhere("Learned."))
    [entry] = read(name, resolved(updates=told, postmortem=learned)).entries
    content = entry.content[0].value if "content" in entry else entry.description

    states = [part.split("</strong>")[0] for part in content.split("<strong>")[1:]]
    assert states == ["Postmortem", "Resolved", "Investigating"]
    assert content.index("Learned") < content.index(
        {"fr": "Rétabli", "nl": "Hersteld", "en": "Restored"}[name[:2]]
    )


@pytest.mark.parametrize("name", FEEDS)
def test_texts_of_people_are_text_and_what_xml_cannot_hold_is_left_out(name: str) -> None:
    told = (update(title=everywhere(HOSTILE), body=everywhere(HOSTILE)),)
    [entry] = read(name, incident(title=everywhere(HOSTILE), updates=told)).entries
    raw = render(facts(incident(title=everywhere(HOSTILE), updates=told)))[name]

    assert b"<script" not in raw
    assert "end" in entry.title
    assert b"\x0b" not in raw


def test_before_the_first_message_an_entry_says_what_the_page_says() -> None:
    [entry] = read("fr/history.atom", incident(updates=())).entries

    assert "<strong>Investigating</strong>" in entry.content[0].value


def test_reopened_after_what_was_learned_an_entry_tells_the_newest_message_first() -> None:
    learned = Postmortem(BEGAN + timedelta(minutes=90), everywhere("Learned."))
    again = update(id="b" * 12, phase=Phase.IDENTIFIED, published_at=BEGAN + timedelta(minutes=100))
    [entry] = read("en/history.atom", incident(updates=(again, update()), postmortem=learned)).entries

    states = [part.split("</strong>")[0] for part in entry.content[0].value.split("<strong>")[1:]]
    assert states == ["Identified", "Postmortem", "Investigating"]


def test_an_incident_is_written_once_and_what_is_read_anew_of_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_french: list[Incident] = []
    write = feeds._written

    def noted(told: Facts, incident: Incident, words: Words) -> tuple[bytes, bytes]:
        in_french.extend([incident] if words.language == Language.FR else [])
        return write(told, incident, words)

    monkeypatch.setattr(feeds, "_written", noted)
    known, anew = (incident(revision=7, title=everywhere(title)) for title in ("Avant", "Après"))
    titles = [read("fr/history.atom", each).entries[0].title for each in (known, known, anew, known)]

    assert titles == ["Avant", "Avant", "Après", "Avant"]
    assert [id(each) for each in in_french] == [id(known), id(anew)]


def test_an_empty_feed_is_a_feed() -> None:
    assert read("history.rss").entries == []
    assert BEGAN < AT
