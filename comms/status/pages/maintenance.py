"""Planned work: what is announced, under way and done; a page for each, and what the status page says of it.

Moments are told with their day: nothing on the page of one depends on when it was rendered.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache

from comms.status import moments
from comms.status.facts import Facts, Maintenance, MaintenanceNote, Text
from comms.status.html import Child, Html, fill, tag
from comms.status.languages import WORDS
from comms.status.pages import parts
from comms.status.pages.frame import Head, page
from comms.status.pages.spoken import mark, names, paragraphs, spoken
from comms.status.words import Words
from incidents.models.states import MaintenanceStatus

MARKS = {
    MaintenanceStatus.SCHEDULED: "maint",
    MaintenanceStatus.IN_PROGRESS: "maint",
    MaintenanceStatus.VERIFYING: "maint",
    MaintenanceStatus.COMPLETED: "ok",
    MaintenanceStatus.CANCELLED: "wait",
}
MOST_ON_THE_STATUS_PAGE = 3


def address(maintenance: Maintenance, words: Words) -> str:
    return f"/{words.language}/maintenance/{maintenance.id}/"


def maintenances_page(facts: Facts, words: Words) -> Html:
    head = Head(
        facts=facts,
        words=words,
        path="maintenance/",
        title=words.work.title,
        description=words.work.intro,
    )
    return page(head, _all(facts, words), parts.as_of(facts, words))


def maintenance_page(facts: Facts, maintenance: Maintenance, words: Words) -> Html:
    """The permanent page of one. It follows from the maintenance and from the names of services alone."""
    head = Head(
        facts=facts,
        words=words,
        path=f"maintenance/{maintenance.id}/",
        title=maintenance.title.said_in(words.language).text,
        description=maintenance.body.said_in(words.language).text,
    )
    changed = maintenance.changed_at
    stamp = fill(words.last_change, time=moments.clock(changed), day=moments.day(changed, words))
    return page(head, _one(facts, maintenance, words), tag("p", stamp, " ", words.zone))


def maintenance_block(facts: Facts, words: Words) -> Html | None:
    """For the status page: what is under way, what comes next, and until when it should have ended what was cancelled;
    None where there is nothing of these.
    """
    active = _active(facts)
    called_off = [work for work in reversed(facts.cancelled) if work.ends_at > facts.at]
    shown = [*active, *_upcoming(facts), *called_off][:MOST_ON_THE_STATUS_PAGE]
    if not shown:
        return None
    title = words.work.title if active else words.work.announced
    link = tag("a", words.work.title, href=f"/{words.language}/maintenance/")
    cards = [_card(facts, maintenance, words) for maintenance in shown]
    return parts.section("work", title, cards, tag("p", link, class_="hint far"))


def window(starts_at: datetime, ends_at: datetime, words: Words) -> Html:
    """vendredi 1er juillet 2022, 22:00 – 24:00; both dates where it goes on past midnight."""
    first, last = moments.local(starts_at).date(), moments.local(ends_at - timedelta(seconds=1)).date()
    if first != last or moments.local(ends_at).date() == first:
        return moments.span(starts_at, ends_at, words)
    midnight = tag("time", "24:00", datetime=moments.local(ends_at).isoformat(timespec="minutes"))
    return fill(
        "{day}, {began} – {ended}",
        day=moments.day(starts_at, words),
        began=moments.clock(starts_at),
        ended=midnight,
    )


def _active(facts: Facts) -> list[Maintenance]:
    return [maintenance for maintenance in reversed(facts.maintenances) if maintenance.is_active]


def _upcoming(facts: Facts) -> list[Maintenance]:
    """What begins first comes first."""
    announced = [m for m in facts.maintenances if m.status == MaintenanceStatus.SCHEDULED]
    return announced[::-1]


def _all(facts: Facts, words: Words) -> Iterator[Child]:
    yield tag("h1", words.work.title, class_="head")
    active, upcoming = _active(facts), _upcoming(facts)
    if not active and not upcoming:
        yield tag("p", words.work.none)
    feed = tag("a", words.work.calendar_of_all, href=f"/{words.language}/maintenance.ics")
    yield tag("p", feed, class_="far")
    for key, title, found in (("active", words.work.active, active), ("next", words.work.upcoming, upcoming)):
        if found:
            yield parts.section(key, title, (_card(facts, maintenance, words) for maintenance in found))
    past = [work for work in facts.works if work.is_cancelled or work.status == MaintenanceStatus.COMPLETED]
    past.sort(key=lambda work: work.starts_at, reverse=True)
    if past:
        listed = tag("ul", (_past(maintenance, words) for maintenance in past), class_="card past")
        yield parts.section("past", words.work.past, listed)


def _state(maintenance: Maintenance, words: Words, *, beside: Child = None) -> Html:
    word = words.work.states[maintenance.status]
    return parts.state(MARKS[maintenance.status], word, beside=beside)


def _card(facts: Facts, maintenance: Maintenance, words: Words) -> Html:
    services = tuple(service_names(facts, maintenance))
    return _told(maintenance, services, _late(maintenance, words, facts.at), words.language)


@lru_cache(maxsize=512)
def _told(maintenance: Maintenance, services: tuple[Text, ...], late: str | None, language: str) -> Html:
    words = WORDS[language]
    return tag(
        "div",
        _state(maintenance, words, beside=when(maintenance, words)),
        tag("h3", parts.link_to(address(maintenance, words), maintenance.title, words)),
        tag("p", tag("strong", late)) if late else None,
        _marked(maintenance, words),
        paragraphs(maintenance.body, words),
        tag("p", words.work.services, words.colon, " ", names(services, words), class_="hint"),
        None if maintenance.is_cancelled else tag("p", _calendar(maintenance, words), class_="hint far"),
        class_=f"card plan {MARKS[maintenance.status]}",
    )


def _late(maintenance: Maintenance, words: Words, seen_at: datetime) -> str | None:
    """Late is said to be late, once it is."""
    if maintenance.status == MaintenanceStatus.SCHEDULED and maintenance.starts_at < seen_at:
        return words.work.begins_late
    return words.work.ends_late if maintenance.is_active and maintenance.ends_at < seen_at else None


def _calendar(maintenance: Maintenance, words: Words) -> Html:
    address = f"/{words.language}/maintenance/{maintenance.id}.ics"
    return tag("a", words.work.calendar, href=address)


def _services(facts: Facts, maintenance: Maintenance, words: Words) -> Html:
    return names(service_names(facts, maintenance), words)


def service_names(facts: Facts, maintenance: Maintenance) -> list[Text]:
    return [service.name for service in facts.services if service.id in maintenance.service_ids]


def _past(maintenance: Maintenance, words: Words) -> Html:
    return tag(
        "li",
        _state(maintenance, words),
        tag("h3", parts.link_to(address(maintenance, words), maintenance.title, words)),
        tag("p", when(maintenance, words), class_="hint"),
    )


def when(maintenance: Maintenance, words: Words) -> Html:
    """From when to when it was, as far as that is known, else as it was planned."""
    began = maintenance.started_at or maintenance.starts_at
    ended = maintenance.completed_at or maintenance.ends_at
    return window(began, max(began, ended), words)


def _one(facts: Facts, maintenance: Maintenance, words: Words) -> Iterator[Child]:
    yield tag(
        "div",
        tag(
            "div",
            _state(maintenance, words),
            tag("h1", spoken(maintenance.title, words)),
            _marked(maintenance, words),
            tag("div", paragraphs(maintenance.body, words)),
            class_="what",
        ),
        class_=f"now {MARKS[maintenance.status]} calm",
    )
    yield tag("dl", _facts(facts, maintenance, words), class_="card facts")
    if maintenance.status == MaintenanceStatus.SCHEDULED or maintenance.is_active:
        yield tag("p", _calendar(maintenance, words), class_="far")
    if maintenance.follows:
        incident = f"/{words.language}/incidents/{maintenance.follows}/"
        yield tag("p", tag("a", words.work.follows, href=incident), class_="far")
    told = maintenance.notes[:-1]  # the first says what stands above
    if told:
        yield parts.section("msg", words.messages, _notes(told, maintenance, words))
    yield tag("p", tag("a", words.work.title, href=f"/{words.language}/maintenance/"), class_="far")


def _marked(maintenance: Maintenance, words: Words) -> Html | None:
    """Where the body is in another language than the title's mark says, it has a mark of its own."""
    title, body = (t.said_in(words.language).language for t in (maintenance.title, maintenance.body))
    beside = mark(maintenance.body, words) if title != body else None
    return tag("p", beside, class_="hint") if beside else None


def _facts(facts: Facts, maintenance: Maintenance, words: Words) -> Iterator[Child]:
    yield _fact(words.work.planned, window(maintenance.starts_at, maintenance.ends_at, words))
    if maintenance.completed_at:
        yield _fact(words.work.really, when(maintenance, words))
    elif maintenance.started_at:
        began = moments.bare(maintenance.started_at, words, seen_at=maintenance.starts_at)
        yield _fact(words.work.really, fill(words.since, time=began))
    yield _fact(words.work.services, _services(facts, maintenance, words))


def _fact(term: str, *told: Child) -> Html:
    return tag("div", tag("dt", term), " ", tag("dd", *told))


def _notes(notes: Iterable[MaintenanceNote], maintenance: Maintenance, words: Words) -> Html:
    return tag("ol", (_note(note, maintenance, words) for note in notes), class_="msgs", reversed=True)


def _note(note: MaintenanceNote, maintenance: Maintenance, words: Words) -> Html:
    when = moments.short(note.published_at, words, seen_at=maintenance.starts_at)
    return tag(
        "li",
        tag("h3", tag("span", when, class_="t"), " ", words.work.states[note.status]),
        tag("p", mark(note.body, words), class_="hint") if mark(note.body, words) else None,
        paragraphs(note.body, words),
    )
