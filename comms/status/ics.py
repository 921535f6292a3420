"""Planned work as calendars read it: RFC 5545, moments in UTC, the same bytes for the same facts."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from comms.status.facts import Facts, Maintenance
from comms.status.pages.maintenance import address, service_names
from comms.status.words import Words
from incidents.models.states import MaintenanceStatus

LONGEST_LINE = 75  # octets, RFC 5545, 3.1
ESCAPED = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"}
# 3.3.11: a text holds no control characters; those of 3.1 that end a line become one line's end.
LINE_END = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
PRODUCT = "-//FarmaFlux//Desk//EN"


def event(facts: Facts, maintenance: Maintenance, words: Words) -> bytes:
    """A calendar with the one."""
    return _calendar(facts, [maintenance], words)


def feed(facts: Facts, words: Words) -> bytes:
    """A calendar to subscribe to with all that is planned, under way or cancelled, so that nobody keeps what is not."""
    lasting = [m for m in reversed(facts.works) if m.status != MaintenanceStatus.COMPLETED]
    return _calendar(facts, lasting, words)


def _calendar(facts: Facts, maintenances: Iterable[Maintenance], words: Words) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_text(f'FarmaFlux – {words.work.title}')}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        *(line for maintenance in maintenances for line in _event(facts, maintenance, words)),
        "END:VCALENDAR",
    ]
    return "".join(_folded(line) for line in lines).encode()


def _event(facts: Facts, maintenance: Maintenance, words: Words) -> Iterator[str]:
    """SEQUENCE grows with each change, by which calendars know the newer; DTSTAMP is when it last changed."""
    language = words.language
    title, body = (text.said_in(language) for text in (maintenance.title, maintenance.body))
    services = ", ".join(name.said_in(language).text for name in service_names(facts, maintenance))
    described = "\n\n".join([body.text, f"{words.work.services}{words.colon} {services}"])
    yield "BEGIN:VEVENT"
    yield f"UID:maintenance-{maintenance.id}@{urlsplit(facts.url).hostname}"
    yield f"DTSTAMP:{_utc(maintenance.changed_at)}"
    yield f"CREATED:{_utc(maintenance.recorded_at)}"
    yield f"LAST-MODIFIED:{_utc(maintenance.changed_at)}"
    yield f"SEQUENCE:{maintenance.revision}"
    yield f"DTSTART:{_utc(maintenance.starts_at)}"
    yield f"DTEND:{_utc(maintenance.ends_at)}"
    yield f"SUMMARY;LANGUAGE={title.language}:{_text(f'FarmaFlux – {title.text}')}"
    yield f"DESCRIPTION;LANGUAGE={body.language}:{_text(described)}"
    yield f"URL:{facts.url}{address(maintenance, words)}"
    yield f"STATUS:{'CANCELLED' if maintenance.is_cancelled else 'CONFIRMED'}"
    yield "TRANSP:TRANSPARENT"  # a pharmacy's own time is not taken by it
    yield "END:VEVENT"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    plain = CONTROL.sub("", LINE_END.sub("\n", text))
    return "".join(ESCAPED.get(character, character) for character in plain)


def _folded(line: str) -> str:
    """*line* with its end, broken where it is too long, never inside a character; a space opens what follows."""
    pieces, piece, room = [], "", LONGEST_LINE
    for character in line:
        size = len(character.encode())
        if size > room:
            pieces.append(piece)
            piece, room = "", LONGEST_LINE - 1
        piece += character
        room -= size
    return "\r\n ".join([*pieces, piece]) + "\r\n"
