"""An incident's permanent page. Once it is resolved nothing on it depends on when it was rendered: it follows from the
incident and the work that finishes it.
"""

from collections.abc import Iterator
from datetime import datetime

from comms.status import moments
from comms.status.facts import Facts, Incident, Maintenance, Postmortem, Text
from comms.status.html import Child, Html, fill, join, tag
from comms.status.pages import parts
from comms.status.pages.chain import chain
from comms.status.pages.frame import Head, page
from comms.status.pages.maintenance import address, when
from comms.status.pages.spoken import mark, names, prose, spoken
from comms.status.pages.status import acts, answer, consequence
from comms.status.words import Words


def incident_page(facts: Facts, incident: Incident, words: Words) -> Html:
    title = incident.title.said_in(words.language).text
    head = Head(
        facts=facts,
        words=words,
        path=f"incidents/{incident.id}/",
        title=title,
        description=consequence(incident).said_in(words.language).text,
        lasting=incident.is_open,
    )
    return page(head, _main(facts, incident, words), _foot(facts, incident, words))


def _foot(facts: Facts, incident: Incident, words: Words) -> Html:
    if incident.is_open:
        return parts.as_of(facts, words)
    changed = incident.changed_at
    stamp = fill(words.last_change, time=moments.clock(changed), day=moments.day(changed, words))
    return tag("p", stamp, " ", words.zone)


def _main(facts: Facts, incident: Incident, words: Words) -> Iterator[Child]:
    """While it lasts first what the status page says of it: who follows a link from a mail or a post comes here."""
    seen_at = incident.began_at
    if incident.is_open:
        yield answer(facts, incident, words, path=f"incidents/{incident.id}/")
        yield acts(facts, incident, words)
    else:
        yield _ended(incident, words)
    yield tag("dl", _facts(facts, incident, words), class_="card facts")
    yield chain(incident, words, seen_at=seen_at)
    if incident.milestones:
        yield parts.section("steps", words.recovery, parts.steps(incident, words, seen_at=seen_at))
    if incident.updates:
        yield _messages(incident, words, seen_at=seen_at)
    if incident.postmortem:
        yield _learned(incident.postmortem, words)
    yield _related(incident, words)


def _ended(incident: Incident, words: Words) -> Html:
    ended = incident.resolved_at
    return tag(
        "div",
        tag(
            "div",
            parts.outcome(incident, words, beside=moments.day(ended, words) if ended else None),
            tag("h1", spoken(incident.title, words)),
            None if incident.outlived else tag("p", spoken(consequence(incident), words)),
            class_="what",
        ),
        class_="now ok calm",
    )


def _messages(incident: Incident, words: Words, *, seen_at: datetime) -> Html:
    """The newest first while it lasts; afterwards as a story."""
    if incident.is_open:
        told = parts.messages(incident.updates, words, seen_at=seen_at, reversed_=True)
        return parts.section("msg", words.messages, told)
    told = parts.messages(reversed(incident.updates), words, seen_at=seen_at, reversed_=False)
    return parts.section("msg", words.messages_in_order, told)


def _learned(postmortem: Postmortem, words: Words) -> Html:
    at = postmortem.published_at
    published = fill(
        words.postmortem_published, at=fill(words.dated, date=moments.day(at, words), time=moments.clock(at))
    )
    beside = mark(postmortem.text, words)
    return parts.section(
        "learned",
        words.postmortem,
        tag("p", published, " " if beside else None, beside, class_="hint"),
        prose(postmortem.text, words, heading="h3"),
    )


def _facts(facts: Facts, incident: Incident, words: Words) -> Iterator[Child]:
    status = incident.worst_ever
    touched, untouched = _services(facts, incident)
    yield _fact(words.begin_end if incident.resolved_at else words.begin, parts.when(incident, words))
    yield _fact(words.at_worst, parts.state(status.mark, words.disturbances[status], element="span"))
    if touched:
        yield _fact(words.touched, names(touched, words))
    if untouched:
        yield _fact(words.untouched, names(untouched, words))
    if work := facts.follow_ups.get(incident.id):
        yield _fact(
            words.work.followed_by, join((_follow_up(each, words) for each in work), between=f"{tag('br')} ")
        )


def _follow_up(maintenance: Maintenance, words: Words) -> Html:
    link = parts.link_to(address(maintenance, words), maintenance.title, words)
    hours = words.work.states[maintenance.status] if maintenance.is_cancelled else when(maintenance, words)
    return join([link, ", ", hours])


def _services(facts: Facts, incident: Incident) -> tuple[list[Text], list[Text]]:
    ids = {impact.service_id for impact in incident.impacts}
    return (
        [service.name for service in facts.services if service.id in ids],
        [service.name for service in facts.services if service.id not in ids],
    )


def _fact(term: str, *told: Child) -> Html:
    return tag("div", tag("dt", term), " ", tag("dd", *told))


def _related(incident: Incident, words: Words) -> Iterator[Child]:
    """What it is a relapse of, and what later came back."""
    earlier = [incident.relapse_of] if incident.relapse_of else []
    later = list(incident.relapses)
    for key, title, found in (("earlier", words.relapse_of, earlier), ("later", words.relapsed_as, later)):
        if found:
            yield parts.section(key, title, parts.past(found, words))
