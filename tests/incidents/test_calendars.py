"""Absences out of calendar files as calendar programs write them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.refusals import Refused
from incidents.calendars import MOST_BYTES, Stretch, read

TODAY = date(2026, 11, 26)


def calendar(*events: str) -> bytes:
    body = "".join(f"BEGIN:VEVENT\r\nUID:{n}\r\n{event}\r\nEND:VEVENT\r\n" for n, event in enumerate(events))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n{body}END:VCALENDAR\r\n".encode()


def days(*events: str) -> list[tuple[str, str]]:
    return [(f"{s.first:%d/%m}", f"{s.last:%d/%m}") for s in read(calendar(*events), today=TODAY)]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227", [("24/12", "26/12")]),
        ("DTSTART;VALUE=DATE:20261224", [("24/12", "24/12")]),
        ("DTSTART;VALUE=DATE:20261224\r\nDURATION:P3D", [("24/12", "26/12")]),
        ("DTSTART:20261224T230000Z\r\nDTEND:20261226T230000Z", [("25/12", "26/12")]),
        ("DTSTART:20261224T080000\r\nDTEND:20261224T170000", [("24/12", "24/12")]),
        ("DTSTART;VALUE=DATE:20261120\r\nDTEND;VALUE=DATE:20261126", []),
        ("DTSTART;VALUE=DATE:20261120\r\nDTEND;VALUE=DATE:20261127", [("20/11", "26/11")]),
        ("DTSTART;VALUE=DATE:20261224\r\nTRANSP:TRANSPARENT", []),
        ("DTSTART;VALUE=DATE:20261224\r\nSTATUS:CANCELLED", []),
        (
            "DTSTART;VALUE=DATE:20261106\r\nRRULE:FREQ=WEEKLY;COUNT=5",
            [("27/11", "27/11"), ("04/12", "04/12")],
        ),
        (
            "DTSTART;VALUE=DATE:20261106\r\nRRULE:FREQ=WEEKLY;UNTIL=20261205",
            [("27/11", "27/11"), ("04/12", "04/12")],
        ),
        ("DTSTART;VALUE=DATE:20301224", []),
    ],
)
def test_an_event_is_the_whole_days_that_it_touches(event: str, expected: list[tuple[str, str]]) -> None:
    assert days(event) == expected


def test_what_it_is_for_is_kept_and_the_same_twice_counts_once() -> None:
    event = "DTSTART;VALUE=DATE:20261224\r\nSUMMARY:Vacances\\, ski"

    assert read(calendar(event, event), today=TODAY) == [
        Stretch(date(2026, 12, 24), date(2026, 12, 24), "Vacances, ski")
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00", b"\xff\xfe", b"name;phone\r\n", calendar("SUMMARY:no beginning"), b"x" * (MOST_BYTES + 1)],
)
def test_what_is_no_calendar_is_refused_beside_the_file(content: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        read(content, today=TODAY)
    assert refusal.value.field == "file"


def test_a_rule_without_an_end_stops_a_good_year_ahead() -> None:
    found = read(calendar("DTSTART;VALUE=DATE:20200101\r\nRRULE:FREQ=DAILY"), today=TODAY)

    assert (found[0].first, found[-1].first) == (TODAY, TODAY + timedelta(days=400))


@given(st.binary(max_size=200))
def test_no_bytes_fail_otherwise(content: bytes) -> None:
    try:
        read(content, today=TODAY)
        read(calendar("DTSTART;VALUE=DATE:20261224").replace(b"20261224", content[:20]), today=TODAY)
    except Refused:
        pass
