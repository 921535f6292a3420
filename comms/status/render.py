"""All files of the site from one set of facts. Pure: the same facts give the same bytes, anywhere."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from comms.status import api, badge, banner, feeds, ics, wellknown
from comms.status.documents import Document, with_siblings
from comms.status.facts import Facts, Incident, Maintenance, Month, Text
from comms.status.html import Html
from comms.status.languages import WORDS
from comms.status.pages.history import history_page, month_page
from comms.status.pages.incident import incident_page
from comms.status.pages.maintenance import maintenance_page, maintenances_page
from comms.status.pages.plain import choice_page, not_found_page
from comms.status.pages.status import status_page
from comms.status.style import STYLE
from comms.status.words import Words

# Browsers ask each time, which costs a 304 from memory, so that published means visible; a shared cache in front may
# answer for five seconds, which is what makes thousands of readers one.
CACHE = "public, max-age=0, s-maxage=5, must-revalidate"
COMMON = {"Cache-Control": CACHE, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
# For pages of others, those that let in only what says so included.
SHARED = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin", **COMMON}
# What only a header can say; which style a page may use it says itself (comms.status.pages.frame).
POLICY = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# What goes out with a file, by the end of its name: whoever serves the folder sets the same (deploy/nginx.conf).
HEADERS = {
    ".html": {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        **COMMON,
    },
    ".htm": {"Content-Type": "text/html; charset=utf-8", **SHARED},  # to stand in somebody else's page
    ".json": {"Content-Type": "application/json", **SHARED},
    ".atom": {"Content-Type": "application/atom+xml; charset=utf-8", **SHARED},
    ".rss": {"Content-Type": "application/rss+xml; charset=utf-8", **SHARED},
    ".ics": {"Content-Type": "text/calendar; charset=utf-8", **SHARED},
    ".js": {"Content-Type": "text/javascript; charset=utf-8", **SHARED},
    ".svg": {"Content-Type": "image/svg+xml", **SHARED},
    ".txt": {"Content-Type": "text/plain; charset=utf-8", **SHARED},
    ".xml": {"Content-Type": "application/xml", **SHARED},
}


def documents(facts: Facts) -> list[Document]:
    """The files of a publication that tells *facts*, each still to be made."""
    made = [
        Document(f"api/v2/{name}", partial(bytes, content)) for name, content in api.documents(facts).items()
    ]
    made += _for_machines(facts)
    for language, words in WORDS.items():
        made += _pages(facts, language, words)
    for incident in (*facts.incidents, *facts.written_anew):
        if incident.is_open or incident.id not in facts.archived:
            made += incident_documents(facts, incident)
    for month in facts.months:
        if month.listed:
            made += month_documents(facts, month)
    return made + _planned(facts)


def archived_documents(facts: Facts, incidents: Iterable[Incident], month: Month) -> Iterator[Document]:
    """The pages of *incidents* that are over, and of the *month* they began in."""
    for incident in incidents:
        if not incident.is_open:
            yield from incident_documents(facts, incident)
    yield from month_documents(facts, month)


def _for_machines(facts: Facts) -> list[Document]:
    words, settled = WORDS[facts.default_language], made_of_facts(facts)
    state = f"{settled} {badge.indicator(facts)}"
    made = [
        Document("index.html", lambda: choice_page(facts).encode(), settled),
        Document("history.atom", lambda: feeds.atom(facts, words, path="/history.atom")),
        Document("history.rss", lambda: feeds.rss(facts, words, path="/history.rss")),
        Document("badge.svg", lambda: badge.svg(facts, words), state),
        Document("badge.json", lambda: badge.shield(facts, words), state),
        Document("robots.txt", lambda: wellknown.robots(facts), settled),
        Document("sitemap.xml", lambda: wellknown.sitemap(facts), wellknown.named(facts)),
        Document("banner/banner.js", lambda: banner.SCRIPT, SOURCE),
    ]
    if facts.security_contact:
        made.append(Document(".well-known/security.txt", lambda: wellknown.security(facts)))
    return made


def _pages(facts: Facts, language: str, words: Words) -> list[Document]:
    settled = made_of_facts(facts)
    state = f"{settled} {badge.indicator(facts)}"
    return [
        Document(f"{language}/index.html", lambda: status_page(facts, words).encode()),
        Document(f"{language}/history/index.html", lambda: history_page(facts, words).encode()),
        Document(f"{language}/maintenance/index.html", lambda: maintenances_page(facts, words).encode()),
        Document(
            f"{language}/history.atom", lambda: feeds.atom(facts, words, path=f"/{language}/history.atom")
        ),
        Document(f"{language}/history.rss", lambda: feeds.rss(facts, words, path=f"/{language}/history.rss")),
        Document(f"{language}/badge.svg", lambda: badge.svg(facts, words), state),
        Document(f"{language}/badge.json", lambda: badge.shield(facts, words), state),
        Document(f"banner/{language}.htm", lambda: banner.banner(facts, words).encode()),
        Document(f"{language}/404.html", lambda: not_found_page(facts, words).encode(), settled),
    ]


def _planned(facts: Facts) -> list[Document]:
    """The calendar of all that is planned, in each language; of each its own, and its page."""
    names = [(service.id, service.name) for service in facts.services] if facts.works else []
    depends = f"{made_of_facts(facts)} {names}"
    told = [f"{depends} {maintenance}" for maintenance in facts.works]
    key = hashlib.sha256("".join([depends, *told]).encode()).hexdigest()
    made = [
        Document(f"{language}/maintenance.ics", partial(ics.feed, facts, words), key)
        for language, words in WORDS.items()
    ]
    for maintenance, its in zip(facts.works, told, strict=True):
        made += maintenance_documents(facts, maintenance, its)
    return made


def incident_documents(facts: Facts, incident: Incident) -> list[Document]:
    """An incident's page in each language; once it is resolved its page follows from the incident and the work that
    finishes it.
    """
    lasting = incident.is_open or not incident.revision
    key = "" if lasting else f"{made_of_facts(facts)} {incident.revision}"
    if key and (work := facts.follow_ups.get(incident.id)):
        key += hashlib.sha256(f" {work}".encode()).hexdigest()
    return [
        Document(
            incident_name(language, incident.id),
            partial(_encoded, incident_page, facts, incident, words),
            key,
        )
        for language, words in WORDS.items()
    ]


def maintenance_documents(facts: Facts, maintenance: Maintenance, told: str) -> list[Document]:
    """The page and the calendar of one, in each language; *told* names all that they depend on."""
    made = []
    key = hashlib.sha256(told.encode()).hexdigest()
    for language, words in WORDS.items():
        name = f"{language}/maintenance/{maintenance.id}"
        page = partial(_encoded, maintenance_page, facts, maintenance, words)
        made.append(Document(f"{name}/index.html", page, key))
        made.append(Document(f"{name}.ics", partial(ics.event, facts, maintenance, words), key))
    return made


def month_documents(facts: Facts, month: Month) -> list[Document]:
    """The page of a month in each language; it follows from what began in it."""
    key = hashlib.sha256(f"{made_of_facts(facts)} {month.listed}".encode()).hexdigest()
    return [
        Document(month_name(language, month.key), partial(_encoded, month_page, facts, month, words), key)
        for language, words in WORDS.items()
    ]


def incident_name(language: str, incident_id: str) -> str:
    return f"{language}/incidents/{incident_id}/index.html"


def month_name(language: str, key: str) -> str:
    return f"{language}/history/{key}/index.html"


def made_of(*, url: str, app_url: str, default_language: str, notice: Text | None) -> str:
    """Changes with everything that pages of what is over depend on beside the incident and the catalogue's names."""
    settled = (url, app_url, default_language, notice)
    return hashlib.sha256(f"{SOURCE} {settled}".encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def made_of_facts(facts: Facts) -> str:
    return made_of(
        url=facts.url,
        app_url=facts.app_url,
        default_language=facts.default_language,
        notice=facts.notice,
    )


def render(facts: Facts) -> dict[str, bytes]:
    """File names, relative to the site's folder, to contents; beside each file its compressed siblings."""
    files: dict[str, bytes] = {}
    for document in documents(facts):
        files |= with_siblings(document.name, document.make())
    return files


def _encoded(page: Callable[..., Html], *told: Any) -> bytes:
    return page(*told).encode()


def _source() -> str:
    """The code and style that the pages are made by."""
    here = Path(__file__).parent
    sources = sorted(path for path in here.rglob("*") if path.suffix in {".py", ".css", ".svg", ".js"})
    digest = hashlib.sha256(STYLE.encode())
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest()


SOURCE = _source()
