"""Calendars, read by a library that knows nothing of ours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comms.status import ics
from comms.status.facts import Maintenance, Text
from comms.status.languages import WORDS
from incidents.models.states import MaintenanceStatus
from tests.comms.status.facts import BEGAN, everywhere, facts, maintenance, text

ANY_TEXT = st.text(max_size=300).filter(lambda s: "\ufeff" not in s)


def events(content: bytes) -> list[Any]:
    """The properties of an event have a class each; what they are is what the tests ask."""
    return list(icalendar.Calendar.from_ical(content).walk("VEVENT"))


def event(work: Maintenance, language: str = "fr", **told: Any) -> Any:
    (found,) = events(ics.event(facts(maintenances=(work,), **told), work, WORDS[language]))
    return found


def test_an_event_says_what_when_and_where_to_read_more() -> None:
    found = event(maintenance())

    assert found.decoded("DTSTART") == datetime(2022, 7, 1, 20, 0, tzinfo=UTC)
    assert found.decoded("DTEND") == datetime(2022, 7, 1, 22, 0, tzinfo=UTC)
    assert found["SUMMARY"] == "FarmaFlux – Redémarrage complet"
    assert (
        found["DESCRIPTION"]
        == "De courtes interruptions.\n\nServices concernés\u00a0: Tests rapides, Transfert"
    )
    assert found["URL"] == "https://status.example.org/fr/maintenance/m1w2x3y4z5a6/"
    assert found["STATUS"] == "CONFIRMED"


def test_who_has_it_in_a_calendar_learns_there_that_it_is_cancelled() -> None:
    gone = maintenance(status=MaintenanceStatus.CANCELLED, revision=1)
    found = events(ics.feed(facts(cancelled=(gone,)), WORDS["fr"]))

    for told in (*found, event(gone)):
        assert (told["UID"], told["STATUS"], told["SEQUENCE"]) == (
            event(maintenance())["UID"],
            "CANCELLED",
            1,
        )
    assert len(found) == 1


def test_a_text_that_is_not_in_the_language_says_which_it_is_in() -> None:
    found = event(maintenance(), "de")

    assert (found["SUMMARY"].params["LANGUAGE"], found["DESCRIPTION"].params["LANGUAGE"]) == ("de", "fr")


def test_a_change_keeps_the_event_and_grows_its_sequence() -> None:
    first = event(maintenance())
    moved = event(
        maintenance(starts_at=BEGAN + timedelta(days=2), revision=1, changed_at=BEGAN + timedelta(hours=3))
    )

    assert moved["UID"] == first["UID"] == "maintenance-m1w2x3y4z5a6@status.example.org"
    assert (first["SEQUENCE"], moved["SEQUENCE"]) == (0, 1)
    assert moved.decoded("DTSTAMP") == BEGAN + timedelta(hours=3) > first.decoded("DTSTAMP")


def test_the_event_is_the_same_in_every_language() -> None:
    found = [event(maintenance(), language) for language in WORDS]

    assert len({(e["UID"], e["SEQUENCE"], e.decoded("DTSTART"), e.decoded("DTEND")) for e in found}) == 1
    assert len({e["SUMMARY"] for e in found}) == 4


def test_the_calendar_holds_what_is_planned_and_under_way_the_first_first() -> None:
    work = tuple(
        maintenance(id=f"work{place:08}", starts_at=BEGAN + timedelta(days=5 - place), status=status)
        for place, status in enumerate(
            (MaintenanceStatus.SCHEDULED, MaintenanceStatus.VERIFYING, MaintenanceStatus.COMPLETED)
        )
    )

    found = events(ics.feed(facts(maintenances=work), WORDS["nl"]))

    assert [e["UID"].partition("@")[0] for e in found] == [
        "maintenance-work00000001",
        "maintenance-work00000000",
    ]


def test_a_calendar_of_nothing_is_a_calendar() -> None:
    calendar = icalendar.Calendar.from_ical(ics.feed(facts(), WORDS["en"]))

    assert (calendar["VERSION"], calendar["METHOD"], calendar["X-WR-CALNAME"]) == (
        "2.0",
        "PUBLISH",
        "FarmaFlux – Maintenance",
    )


@given(title=ANY_TEXT, body=ANY_TEXT)
def test_whatever_people_write_is_text_in_lines_that_are_not_too_long(title: str, body: str) -> None:
    work = maintenance(title=everywhere(title), body=everywhere(body))
    content = ics.event(facts(maintenances=(work,)), work, WORDS["fr"])

    lines = content.split(b"\r\n")
    assert lines.pop() == b""
    assert max(map(len, lines)) <= 75
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    for line in lines:
        line.decode()  # nothing is broken inside a character
    (found,) = events(content)
    assert "".join(found["SUMMARY"].split()) == "".join(f"FarmaFlux–{kept(title)}".split())
    assert found["UID"] == "maintenance-m1w2x3y4z5a6@status.example.org"
    assert found.decoded("DTSTART") == work.starts_at


def test_a_text_comes_back_as_it_was_written() -> None:
    written = "C:\\nom\\, a; b\\\\n, « é »\n" + "Ünïcödé, " * 60

    found = event(maintenance(title=everywhere("a\\n"), body=everywhere(written)))

    assert found["SUMMARY"] == "FarmaFlux – a\\n"
    assert found["DESCRIPTION"].startswith(written)


def test_long_texts_go_on_in_lines_that_are_not_too_long() -> None:
    for letters in ("x" * 500, "é" * 500, "💊" * 200):
        work = maintenance(body=everywhere(letters))

        lines = ics.event(facts(maintenances=(work,)), work, WORDS["fr"]).split(b"\r\n")

        assert max(len(line) for line in lines) <= 75


def kept(written: str) -> str:
    """What of it a calendar can hold."""
    return "".join(c for c in written if c.isspace() or (c >= " " and c != "\x7f"))


@pytest.mark.parametrize(
    "title", ["a\r\nEND:VEVENT\r\nBEGIN:VEVENT", "x;y,z\\n", "\u2028DTSTART:19700101T000000Z", "\x00\x1b[2J"]
)
def test_nobody_writes_a_property_through_a_text(title: str) -> None:
    found = event(maintenance(title=text(title), body=Text(fr=title)))

    assert (found.decoded("DTSTART"), len(found.property_items())) == (
        maintenance().starts_at,
        len(event(maintenance()).property_items()),
    )
    assert "\x00" not in found["SUMMARY"]
