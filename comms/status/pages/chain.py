"""The way a message goes, where on it there is a fault, and who says so."""

from datetime import datetime

from comms.status import moments
from comms.status.facts import Incident, Link
from comms.status.html import Html, fill, tag
from comms.status.icons import icon
from comms.status.pages import parts
from comms.status.pages.spoken import name, spoken
from comms.status.words import Words
from incidents.models.states import LinkState

MARKS = {
    LinkState.OK: "ok",
    LinkState.STUCK: "major",
    LinkState.WAITING: "wait",
    LinkState.UNKNOWN: "unknown",
}


def chain(incident: Incident, words: Words, *, seen_at: datetime) -> Html | None:
    """The section, None where no chain is told."""
    if not incident.chain:
        return None
    links = (_link(link, words, seen_at) for link in incident.chain)
    intro = tag("p", words.chain.intro)
    return parts.section(f"chain-{incident.id}", words.chain.title, intro, tag("ol", links, class_="chain"))


def _link(link: Link, words: Words, seen_at: datetime) -> Html:
    mark = MARKS[link.state]
    return tag(
        "li",
        icon(mark),
        " ",
        tag("h3", name(link.name, words)),
        tag("p", tag("b", words.chain.states[link.state]), class_=f"st {mark}"),
        tag("p", spoken(link.note, words), class_="hint") if link.note.said_in("fr").text else None,
        tag("p", _confirmed(link, words, seen_at), class_="hint") if link.confirmed_at else None,
        class_=f"{mark} cut" if link.state == LinkState.STUCK else mark,
    )


def _confirmed(link: Link, words: Words, seen_at: datetime) -> Html | None:
    if not (link.confirmed_by and link.confirmed_at):
        return None
    at = moments.at(link.confirmed_at, words, seen_at=seen_at)
    return fill(words.chain.confirmed, partner=name(link.confirmed_by, words), at=at)
