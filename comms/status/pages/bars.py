"""90 days of a service as bars, and the same in words and in a table: nobody needs to see a picture to know."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from itertools import islice

from comms.status import moments
from comms.status.facts import Condition, Facts, Service, Text
from comms.status.html import Child, Html, fill, join, tag
from comms.status.icons import icon
from comms.status.languages import WORDS
from comms.status.pages import parts
from comms.status.pages.spoken import name
from comms.status.uptime import DAYS, WHOLE, Day, History, histories
from comms.status.words import Words
from incidents.models.states import ServiceStatus

STEP, WIDTH, HEIGHT = 5, 4, 24
# The height says how bad a day was, as the colour does.
HEIGHTS = {
    ServiceStatus.OPERATIONAL: 10,
    ServiceStatus.MAINTENANCE: 12,
    ServiceStatus.DEGRADED: 15,
    ServiceStatus.PARTIAL: 20,
    ServiceStatus.MAJOR: 24,
}


def services(facts: Facts, words: Words) -> Html | None:
    """The section of all services in their groups: how each does now, and did for 90 days. None where there is none."""
    if not facts.groups:
        return None
    past, conditions = histories(facts), facts.conditions
    groups = (
        tag(
            "div",
            tag("h3", name(group.name, words), class_="grp"),
            tag(
                "ul",
                (
                    _service(facts, service, conditions[service.id], past[service.id], words)
                    for service in group.services
                ),
                class_="card svc",
            ),
        )
        for group in facts.groups
    )
    intro = tag("p", _period(past, words)) if past else None
    return parts.section(
        "svc", words.services, intro, groups, _explained(facts, past, words) if past else None
    )


def _service(facts: Facts, service: Service, condition: Condition, past: History, words: Words) -> Html:
    since = None
    if condition.since:
        since = fill(words.since, time=moments.bare(condition.since, words, seen_at=facts.at))
    state = parts.state(condition.status.mark, words.statuses[condition.status], beside=since, element="div")
    return tag(
        "li",
        tag("div", tag("strong", name(service.name, words)), " ", state, class_="row"),
        bars(past, words.language),
    )


@lru_cache(maxsize=256)
def bars(past: History, language: str) -> Html:
    """The picture, and beneath it the same in words; most services have the same past in each publication of a day."""
    words = WORDS[language]
    told = note(past, words)
    known = (past.known - past.first).days * STEP
    quiet = tag(
        "path",
        d=f"M{known} {HEIGHT - HEIGHTS[ServiceStatus.OPERATIONAL] // 2}H{DAYS * STEP}",
        class_="ok",
        stroke="currentColor",
        stroke_width=HEIGHTS[ServiceStatus.OPERATIONAL],
        stroke_dasharray=f"{WIDTH} {STEP - WIDTH}",
    )
    shapes = [
        tag("path", d=drawn, class_=status.mark)
        for status in HEIGHTS
        if (drawn := "".join(_bar(day, past) for day in past.days if day.status == status))
    ]
    svg = tag(
        "svg",
        quiet,
        shapes,
        class_="bar",
        width=DAYS * STEP,
        height=HEIGHT,
        viewBox=f"0 0 {DAYS * STEP - 1} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=words.days.label.format(told=told),
    )
    share = words.days.available.format(percent=percent(past.uptime, words))
    return tag("div", svg, tag("p", tag("span", told), " ", tag("span", share, class_="num"), class_="hint"))


def _bar(day: Day, past: History) -> str:
    """Over the dash of a quiet day."""
    height = HEIGHTS[day.status]
    return f"M{(day.day - past.first).days * STEP} {HEIGHT - height}h{WIDTH}v{height}h-{WIDTH}z"


def note(past: History, words: Words) -> str:
    """How many days were disturbed and when the last one was, planned maintenance left out."""
    days = disturbed(past)
    if not days:
        return words.days.none
    shown = moments.short_day(days[-1].day, words)
    if len(days) == 1:
        return words.days.one.format(status=words.disturbances[days[0].status], day=shown)
    return words.days.several.format(count=len(days), day=shown)


def disturbed(past: History) -> list[Day]:
    return [day for day in past.days if day.status != ServiceStatus.MAINTENANCE]


def percent(hundredths: int, words: Words) -> str:
    """99,93; 100 means that nothing was missing."""
    whole, rest = divmod(hundredths, 100)
    return "100" if hundredths == WHOLE else f"{whole}{words.days.decimal}{rest:02}"


def _explained(facts: Facts, past: Mapping[str, History], words: Words) -> Html:
    """What a bar and the percentage mean, and the table behind the picture."""
    titles = {incident.id: incident.title for incident in facts.incidents}
    tables = (
        _table(service.name, past[service.id], _titles(past[service.id], titles), words.language)
        for service in facts.services
    )
    figures = tag("details", tag("summary", words.days.figures), tables, class_="figures")
    return join([tag("p", words.days.rule, class_="hint rule"), figures])


def _titles(past: History, known: Mapping[str, Text]) -> tuple[Text | None, ...]:
    """Of the incidents in *past*, day by day, as far as the site of today still tells of them."""
    return tuple(known.get(incident) for day in past.days for incident in day.incidents)


def _period(past: Mapping[str, History], words: Words) -> str:
    """From which day to which the bars are."""
    any_ = next(iter(past.values()))
    first, last = (moments.short_day(day, words) for day in (any_.first, any_.last))
    return words.days.bars.format(first=first, last=last)


@lru_cache(maxsize=256)
def _table(service: Text, past: History, titles: tuple[Text | None, ...], language: str) -> Html:
    words = WORDS[language]
    share = words.days.available.format(percent=percent(past.uptime, words))
    caption = tag("caption", name(service, words), " ", tag("span", share, class_="num"))
    if not past.days:
        return tag("p", tag("b", name(service, words)), " ", words.days.none, ", ", share)
    head = tag("tr", (tag("th", title, scope="col") for title in (*words.days.columns, words.days.outages)))
    told = iter(titles)
    rows = [_row(day, language, tuple(islice(told, len(day.incidents)))) for day in past.days]
    body = tag("tbody", reversed(rows))
    return tag("div", tag("table", caption, tag("thead", head), body), class_="scroll")


@lru_cache(maxsize=4096)
def _row(day: Day, language: str, titles: tuple[Text | None, ...]) -> Html:
    words = WORDS[language]
    outages = (_outage(title, id_, words) for title, id_ in zip(titles, day.incidents, strict=True))
    return tag(
        "tr",
        tag("th", moments.short_day(day.day, words), scope="row"),
        tag("td", _state(day.status, words)),
        tag("td", join(_durations(day, words), between=", "), class_="num"),
        tag("td", join(outages, between=" ")),
    )


def _state(status: ServiceStatus, words: Words) -> Html:
    return tag("span", icon(status.mark), " ", words.statuses[status], class_=f"st {status.mark}")


def _durations(day: Day, words: Words) -> Iterator[Child]:
    """How long in each state, which is named where there was more than one."""
    for status, lasted in day.down:
        hours, rest = divmod(lasted // timedelta(minutes=1), 60)
        pattern = words.days.hours if hours else words.days.minutes
        long = pattern.format(hours=hours, minutes=rest)
        yield f"{long} ({words.statuses[status]})" if len(day.down) > 1 else long


def _outage(title: Text | None, incident_id: str, words: Words) -> Html:
    """By its title where that is known."""
    address = f"/{words.language}/incidents/{incident_id}/"
    return parts.link_to(address, title, words) if title else tag("a", incident_id, href=address)
