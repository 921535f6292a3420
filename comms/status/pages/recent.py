"""What the status page keeps of outages that are over."""

from collections.abc import Iterator
from datetime import timedelta

from comms.status import moments
from comms.status.facts import Facts, Incident, Update
from comms.status.html import Child, Html, tag
from comms.status.icons import icon
from comms.status.pages import parts
from comms.status.pages.spoken import lines, paragraphs, spoken
from comms.status.words import Words

RECENT = timedelta(days=14)
MOST_RECENT = 5
JUST_RESOLVED = timedelta(hours=24)  # its last message stays on this page that long


def just_resolved(facts: Facts, words: Words) -> Iterator[Child]:
    """What was resolved in the last day keeps its last message here: what to do with what was left waiting."""
    for incident in facts.incidents:
        if _is_just_resolved(incident, facts) and incident.latest:
            yield _last_message(facts, incident, incident.latest, words)


def _is_just_resolved(incident: Incident, facts: Facts) -> bool:
    ended = incident.resolved_at
    return ended is not None and not incident.outlived and facts.at - ended < JUST_RESOLVED


def _last_message(facts: Facts, incident: Incident, update: Update, words: Words) -> Html:
    resolved = moments.bare(incident.resolved_at or facts.at, words, seen_at=facts.at)
    to_come = any(milestone.reached_at is None for milestone in incident.milestones)
    title = parts.headline(update) or incident.title
    do, dont = (lines(text, words) for text in (update.do, update.dont))
    orders = [("do", line) for line in do] + [("dont", line) for line in dont]
    return parts.section(
        f"last-{incident.id}",
        parts.link(incident, words),
        parts.state("ok", words.phases[incident.phase], beside=resolved),
        tag(
            "div",
            tag("h3", spoken(title, words)),
            parts.marked_beside(title, update.body, words),
            paragraphs(update.body, words),
            parts.marked_beside(title, update.do if do else update.dont, words),
            tag("ul", (tag("li", icon(m), " ", line) for m, line in orders), class_="lines todo")
            if orders
            else None,
            class_="card last",
        ),
        parts.steps(incident, words, seen_at=facts.at) if to_come else None,
        class_="just",
    )


def others(facts: Facts, words: Words) -> Html:
    """What else was resolved lately, by its title."""
    recent = [
        incident
        for incident in facts.incidents
        if incident.resolved_at and facts.at - incident.resolved_at < RECENT
    ][:MOST_RECENT]
    briefly = [incident for incident in recent if not _is_just_resolved(incident, facts)]
    listed = parts.past(briefly, words) if briefly else None if recent else tag("p", words.none_recent)
    history = tag("p", tag("a", words.past, href=f"/{words.language}/history/"), class_="hint far")
    return parts.section("past", words.recent, listed, history)
