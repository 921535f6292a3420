"""The parts that several pages share."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache

from comms.status import moments
from comms.status.facts import Brief, Facts, Incident, Milestone, Text, Update
from comms.status.html import Child, Html, fill, join, tag
from comms.status.icons import icon
from comms.status.languages import WORDS
from comms.status.pages.spoken import mark, name, paragraphs, plain, spoken
from comms.status.words import Words
from incidents.models.states import Phase, ServiceStatus


def state(mark: str, word: str, *, beside: Child = None, element: str = "p") -> Html:
    """An icon and a word: a status is never told by colour alone."""
    hint = [" ", tag("span", beside, class_="hint")] if beside else None
    return tag(element, icon(mark), " ", tag("b", word), hint, class_=f"st {mark}")


def as_of(facts: Facts, words: Words) -> Html:
    """When this was true, once with its date and zone; while something is wrong, how often it is renewed."""
    stamp = fill(words.as_of, time=moments.clock(facts.at, seconds=True), day=moments.day(facts.at, words))
    renewed = [" ", words.renewed] if facts.open_incidents else None
    return tag("p", stamp, " ", words.zone, renewed)


def section(key: str, title: Child, *content: Child, class_: str | None = None) -> Html:
    return tag(
        "section", tag("h2", title, id=f"h-{key}"), *content, aria_labelledby=f"h-{key}", class_=class_
    )


def steps(incident: Incident, words: Words, *, seen_at: datetime) -> Iterator[Child]:
    """The stages of recovery, those to come as well."""
    done = sum(1 for milestone in incident.milestones if milestone.reached_at)
    yield tag("p", words.steps_done.format(done=done, all=len(incident.milestones)))
    yield tag(
        "ol",
        (_step(milestone, words, seen_at) for milestone in incident.milestones),
        class_="steps",
    )


def _step(milestone: Milestone, words: Words, seen_at: datetime) -> Html:
    mark = "ok" if milestone.reached_at else "wait"
    return tag(
        "li",
        icon(mark),
        " ",
        tag("strong", words.steps[milestone.kind]),
        " ",
        tag("span", _when(milestone, words, seen_at), class_="hint"),
        class_=mark,
    )


def _when(milestone: Milestone, words: Words, seen_at: datetime) -> Iterator[Child]:
    if milestone.reached_at:
        yield fill(words.step_done, at=moments.at(milestone.reached_at, words, seen_at=seen_at))
        if milestone.confirmed_by:
            yield ", "
            yield fill(words.step_confirmed, partner=name(milestone.confirmed_by, words))
    elif milestone.planned_for:
        yield fill(words.step_planned, at=moments.at(milestone.planned_for, words, seen_at=seen_at))
    else:
        yield words.step_to_come


def messages(updates: Iterable[Update], words: Words, *, seen_at: datetime, reversed_: bool) -> Html:
    day = moments.local(seen_at).replace(hour=0, minute=0, second=0, microsecond=0)
    return tag(
        "ol", (_message(update, words.language, day) for update in updates), class_="msgs", reversed=reversed_
    )


@lru_cache(maxsize=4096)
def _message(update: Update, language: str, seen_at: datetime) -> Html:
    words = WORDS[language]
    if update.withdrawn_at:
        return _withdrawn(update, words, seen_at)
    title = headline(update)
    return tag(
        "li",
        tag(
            "h3",
            tag("span", moments.short(update.published_at, words, seen_at=seen_at), class_="t"),
            " ",
            spoken(title, words) if title else words.phases[update.phase],
        ),
        _two_clocks(update, words, seen_at),
        _corrected(update, words, seen_at),
        marked_beside(title, update.body, words),
        paragraphs(update.body, words),
    )


def marked_beside(title: Text | None, text: Text, words: Words) -> Html | None:
    """The mark of *text*, where it is in another language than the *title* above it, which bears its own."""
    beside = mark(text, words)
    if beside is None or (
        title and title.said_in(words.language).language == text.said_in(words.language).language
    ):
        return None
    return tag("p", beside, class_="hint")


def _withdrawn(update: Update, words: Words, seen_at: datetime) -> Html:
    """That something stood here is said; what it was is not."""
    when = moments.short(update.published_at, words, seen_at=seen_at)
    assert update.withdrawn_at  # noqa: S101  # only such ones come here
    told = fill(words.withdrawn, at=moments.at(update.withdrawn_at, words, seen_at=seen_at))
    return tag("li", tag("h3", tag("span", when, class_="t"), " ", told))


def _corrected(update: Update, words: Words, seen_at: datetime) -> Html | None:
    if update.corrected_at is None:
        return None
    at = moments.at(update.corrected_at, words, seen_at=seen_at)
    return tag("p", fill(words.corrected, at=at), class_="hint")


def headline(update: Update) -> Text | None:
    """A message's own title, else what it means for the pharmacist."""
    return next((text for text in (update.title, update.headline) if text.said_in("fr").text), None)


def _two_clocks(update: Update, words: Words, seen_at: datetime) -> Html | None:
    happened, published = (
        moments.at(moment, words, seen_at=seen_at) for moment in (update.occurred_at, update.published_at)
    )
    if happened == published:
        return None
    return tag("p", fill(words.happened_published, happened=happened, published=published), class_="hint")


def past(incidents: Iterable[Incident | Brief], words: Words, *, heading: str = "h3") -> Html:
    """A list of incidents, each with its state, its title and when it was."""
    briefs = (incident if isinstance(incident, Brief) else incident.brief for incident in incidents)
    return tag("ul", (_past(brief, words.language, heading) for brief in briefs), class_="card past")


@lru_cache(maxsize=4096)
def _past(incident: Brief, language: str, heading: str) -> Html:
    words = WORDS[language]
    return tag(
        "li",
        outcome(incident, words),
        tag(heading, link(incident, words)),
        tag("p", when(incident, words), class_="hint"),
    )


def outcome(incident: Incident | Brief, words: Words, *, beside: Child = None) -> Html:
    """Resolved, looked into, or how bad it is now."""
    if not incident.is_open or is_unclear(incident):
        return state(mark_of(incident), words.phases[incident.phase], beside=beside)
    return state(mark_of(incident), words.disturbances[incident.status], beside=beside)


def is_unclear(incident: Incident | Brief) -> bool:
    """Its cause is looked for though it does nothing to services now, so that nobody may call it restored."""
    return incident.phase == Phase.INVESTIGATING and incident.status == ServiceStatus.OPERATIONAL


def mark_of(incident: Incident | Brief) -> str:
    if not incident.is_open:
        return "ok"
    return "wait" if is_unclear(incident) else incident.status.mark


def link(incident: Incident | Brief, words: Words) -> Html:
    return link_to(f"/{words.language}/incidents/{incident.id}/", incident.title, words)


def link_to(address: str, text: Text, words: Words) -> Html:
    """A link that is the text; the mark of another language stands behind it."""
    return join(
        [tag("a", plain(text, words), href=address), [" ", beside] if (beside := mark(text, words)) else None]
    )


def when(incident: Incident | Brief, words: Words) -> Html:
    """From when to when; never a computed length, because people's times are about right and no more."""
    if incident.resolved_at:
        return moments.span(incident.began_at, incident.resolved_at, words)
    day = moments.day(incident.began_at, words)
    began = fill("{day}, {time}", day=day, time=moments.clock(incident.began_at))
    return fill("{began} – {open}", began=began, open=words.still_open)
