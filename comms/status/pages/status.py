"""The status page: what is wrong, is it me, what works, what to do, when the next message comes. In this order."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from comms.status import moments
from comms.status.facts import Condition, Facts, Incident, Text, Update
from comms.status.html import Child, Html, fill, join, tag
from comms.status.icons import icon
from comms.status.pages import bars, parts, recent
from comms.status.pages.chain import chain
from comms.status.pages.frame import Head, page
from comms.status.pages.maintenance import maintenance_block
from comms.status.pages.spoken import lines, mark, names, spoken
from comms.status.words import Words
from incidents.models.states import ServiceStatus

MOST_MESSAGES = 20  # of one incident; its own page has them all


def status_page(facts: Facts, words: Words) -> Html:
    incidents = facts.open_incidents
    title, description = _summary(facts, words)
    head = Head(
        facts=facts,
        words=words,
        path="",
        title=title,
        description=description,
        lasting=bool(incidents),
    )
    return page(
        head,
        _outage(facts, incidents, words) if incidents else _calm(facts, words),
        parts.as_of(facts, words),
    )


def _summary(facts: Facts, words: Words) -> tuple[str, str]:
    """What a search engine and a chat's preview show."""
    if not facts.open_incidents and _under_maintenance(facts):
        return words.summary["maintenance"], words.work.intro
    if not facts.open_incidents:
        return words.calm, words.calm_help
    gravest = facts.open_incidents[0]
    said = consequence(gravest).said_in(words.language).text
    if parts.is_unclear(gravest):
        return words.phases[gravest.phase], said
    return words.disturbances[gravest.status], said


def consequence(incident: Incident) -> Text:
    """What it means for the pharmacist, from the latest message; where there is none that holds, the title."""
    update = None if incident.outlived else incident.latest
    texts = (update.headline, update.title) if update else ()
    return next((text for text in texts if text.said_in("fr").text), incident.title)


def _calm(facts: Facts, words: Words) -> Iterator[Child]:
    touched = _under_maintenance(facts)
    status = ServiceStatus.MAINTENANCE if touched else ServiceStatus.OPERATIONAL
    concerned = [words.work.services, words.colon, " ", names(touched, words)] if touched else words.calm_help
    yield tag(
        "div",
        tag(
            "div",
            parts.state(status.mark, words.statuses[status]),
            tag("h1", words.summary["maintenance"] if touched else words.calm),
            tag("p", concerned),
            class_="what",
        ),
        class_=f"now {status.mark} calm",
    )
    yield acts(facts, None, words)
    yield recent.just_resolved(facts, words)
    yield maintenance_block(facts, words)
    yield bars.services(facts, words)
    yield recent.others(facts, words)


def _under_maintenance(facts: Facts) -> list[Text]:
    """The services that work is under way on."""
    conditions = facts.conditions
    return [
        service.name
        for service in facts.services
        if conditions[service.id].status == ServiceStatus.MAINTENANCE
    ]


def _outage(facts: Facts, incidents: Sequence[Incident], words: Words) -> Iterator[Child]:
    for place, incident in enumerate(incidents):
        yield _card(facts, incident, words, others=incidents[1:] if place == 0 else None)
    yield acts(facts, incidents[0], words)
    for incident in incidents:
        yield chain(incident, words, seen_at=facts.at)
        yield _details(facts, incident, words, alone=len(incidents) == 1)
    yield maintenance_block(facts, words)
    yield bars.services(facts, words)
    yield recent.just_resolved(facts, words)
    yield recent.others(facts, words)


def acts(facts: Facts, incident: Incident | None, words: Words) -> Html:
    """Where to say that one has the problem too, and to be told of what comes: pages that may fail alone."""
    language = f"?lang={words.language}"
    about = f"&incident={incident.id}" if incident else ""
    report = tag(
        "a",
        words.me_too if incident else words.a_problem,
        href=f"{facts.app_url}/public/report/{language}",
        class_="btn",
    )
    tell = tag("a", words.tell_me, href=f"{facts.app_url}/public/subscribe/{language}{about}", class_="btn")
    return tag("p", report, " ", tell, class_="acts")


def _card(facts: Facts, incident: Incident, words: Words, *, others: Sequence[Incident] | None) -> Html:
    """The answer. The first card speaks for the page: it has the h1, what works, and links to the others."""
    heading, inner = ("h2", "h3") if others is None else ("h1", "h2")
    what = [
        _since(facts, incident, words),
        tag(heading, spoken(consequence(incident), words)),
        _whose(incident, words),
        _others(others, words),
    ]
    return _answer(facts, incident, words, what, inner, everything=others is not None, path="")


def answer(facts: Facts, incident: Incident, words: Words, *, path: str) -> Html:
    """As the page of the incident gives it, under its own title; of the services only those that it touches.

    path: the page's address behind its language.
    """
    said = consequence(incident)
    what = [
        _since(facts, incident, words),
        tag("h1", spoken(incident.title, words)),
        tag("p", spoken(said, words)) if incident.latest and said != incident.title else None,
        _whose(incident, words),
    ]
    return _answer(facts, incident, words, what, "h2", everything=False, path=path)


def _answer(
    facts: Facts, incident: Incident, words: Words, what: Child, inner: str, *, everything: bool, path: str
) -> Html:
    todo = _todo(incident, words, inner, facts.at)
    return tag(
        "div",
        tag("div", what, class_="what"),
        _works(facts, incident, words, inner, everything=everything, wide=todo is None),
        todo,
        _next(facts, incident, words, inner, path=path),
        class_=f"now {parts.mark_of(incident)}",
        id=f"i-{incident.id}",
    )


def _since(facts: Facts, incident: Incident, words: Words) -> Html:
    since = fill(words.since, time=moments.bare(incident.began_at, words, seen_at=facts.at))
    return parts.outcome(incident, words, beside=since)


def _whose(incident: Incident, words: Words) -> Iterator[Child]:
    """Whether it is the pharmacy: what is known of that."""
    update = incident.latest
    if incident.came_back and (parts.is_unclear(incident) or incident.status != ServiceStatus.OPERATIONAL):
        yield tag("p", words.came_back, " ", words.no_message_yet)
    elif incident.status == ServiceStatus.OPERATIONAL:
        yield tag("p", words.watched)
    elif update and update.central_confirmed:
        yield tag("p", tag("strong", words.not_you), " ", words.central)
    elif not update:
        yield tag("p", words.no_message_yet)


def _others(others: Sequence[Incident] | None, words: Words) -> Html | None:
    if not others:
        return None
    links = (parts.link_to(f"#i-{other.id}", other.title, words) for other in others)
    label = words.other_one if len(others) == 1 else words.others
    return tag("p", label, " ", join(links, between=" · "), class_="more")


def _works(
    facts: Facts, incident: Incident, words: Words, heading: str, *, everything: bool, wide: bool
) -> Html | None:
    """How services do, the working ones first; in the card of a further incident only those it touches. Of those it
    touched before it was opened again nobody knows yet.
    """
    touched = {impact.service_id for impact in incident.impacts if impact.ended_at is None}
    is_unknown = incident.came_back and parts.is_unclear(incident)
    unknown = {impact.service_id for impact in incident.impacts} if is_unknown else set()
    conditions = facts.conditions
    alike: dict[Condition, list[Text]] = {}
    for service in facts.services:
        if service.id in touched or (everything and service.id not in unknown):
            alike.setdefault(conditions[service.id], []).append(service.name)
    rows = [
        _line(condition, alike[condition], incident.began_at, facts, words)
        for condition in sorted(alike, key=lambda c: (c.status.rank, c.since or facts.at))
    ]
    if not rows:
        return None
    return tag(
        "div",
        tag(heading, words.what_works if everything else words.touched),
        tag("ul", rows, class_="lines"),
        class_="works wide" if wide else "works",
    )


def _line(condition: Condition, services: list[Text], began_at: datetime, facts: Facts, words: Words) -> Html:
    """One line for the services that do alike; since when, unless that is when the incident began."""
    since = None
    if condition.since and condition.since != began_at:
        since = fill(words.since, time=moments.bare(condition.since, words, seen_at=facts.at))
    told = [tag("strong", names(services, words)), words.colon, " ", words.told[condition.status]]
    mark = condition.status.mark
    return tag("li", icon(mark), " ", tag("span", told, [" ", since] if since else None), class_=mark)


def _todo(incident: Incident, words: Words, heading: str, seen_at: datetime) -> Html | None:
    update = incident.latest
    if not update:
        return None
    do = lines(update.do, words)
    if update.patient.said_in(words.language).text:
        opening, closing = words.quotes
        said = join([words.to_patient, " ", opening, *lines(update.patient, words), closing])
        beside = None if mark(update.do, words) else mark(update.patient, words)
        do.append(join([said, [" ", beside] if beside else None]))
    blocks = [
        _instructions(words.to_do, update.do, do, "do", words, heading, _validity(update, words, seen_at)),
        _instructions(words.not_to_do, update.dont, lines(update.dont, words), "dont", words, heading, None),
    ]
    return tag("div", blocks, class_="todo") if any(blocks) else None


def _validity(update: Update, words: Words, seen_at: datetime) -> Html | None:
    """How long what to do meanwhile holds; honest once that is over and no newer message came."""
    if not update.valid_until:
        return None
    until = moments.bare(update.valid_until, words, seen_at=seen_at)
    if update.valid_until > seen_at:
        return tag("p", fill(words.valid_until, time=until), class_="hint valid")
    return tag("p", fill(words.valid_no_more, time=until), class_="valid over")


def _instructions(
    title: str, source: Text, told: list[Html], mark_: str, words: Words, heading: str, hint: Html | None
) -> Child:
    if not told:
        return None
    rows = [tag("li", icon(mark_), " ", tag("span", line)) for line in told]
    return tag(
        "div",
        tag(heading, title, " ", mark(source, words)),
        hint,
        tag("ul", rows, class_="lines"),
        class_=mark_,
    )


def _next(facts: Facts, incident: Incident, words: Words, heading: str, *, path: str) -> Html:
    """When we speak again. A promise that was not kept says so itself, as soon as the page is renewed."""
    promised = incident.latest and incident.latest.next_update_at
    if not incident.latest:
        title, hint = join(words.first_soon), None
    elif not promised:
        title, hint = join(words.next_unknown), None
    elif promised > facts.at:
        at = moments.at(promised, words, seen_at=facts.at)
        title, hint = fill(words.next_at, at=at), words.even_without_news
    else:
        title = fill(words.late, time=moments.bare(promised, words, seen_at=facts.at))
        hint = tag("span", words.late_help, class_="sure")
    stamp = fill(words.as_of_short, time=moments.clock(facts.at))
    reload = tag("a", words.reload, href=f"/{words.language}/{path}")
    return tag(
        "div",
        tag(heading, title),
        tag("p", [hint, " "] if hint else None, stamp, " ", reload, class_="hint"),
        class_="next",
    )


def _details(facts: Facts, incident: Incident, words: Words, *, alone: bool) -> Html | None:
    """Stages and messages; where several incidents last each part says which it belongs to."""
    about = None if alone else tag("p", parts.link(incident, words))
    sections = []
    if incident.milestones:
        body = parts.steps(incident, words, seen_at=facts.at)
        sections.append(parts.section(f"steps-{incident.id}", words.recovery, about, body))
    if incident.updates:
        told = parts.messages(incident.updates[:MOST_MESSAGES], words, seen_at=facts.at, reversed_=True)
        sections.append(
            parts.section(
                f"msg-{incident.id}",
                words.messages,
                about,
                told,
                _permanent(incident, words) if alone else None,
                class_="wide",
            )
        )
    if not sections:
        return None
    return tag("div", sections, class_="two" if len(sections) == 2 else "one")


def _permanent(incident: Incident, words: Words) -> Html:
    address = f"/{words.language}/incidents/{incident.id}/"
    return tag("p", tag("a", words.permanent_link, href=address), class_="hint far")
