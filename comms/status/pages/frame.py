"""What stands around every page."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from comms.status import moments
from comms.status.facts import Facts, Text
from comms.status.html import Child, Html, fill, join, tag
from comms.status.icons import sprite
from comms.status.languages import WORDS
from comms.status.pages.spoken import mark, paragraphs
from comms.status.style import STALE, STALE_HASH, STYLE, STYLE_HASH
from comms.status.words import Words

DOCTYPE = Html("<!doctype html>\n")
CHARSET = tag("meta", charset="utf-8")
POLICY = f"default-src 'none'; style-src '{STYLE_HASH}'; img-src data:"
POLICY_OF_SCRIPT = f"{POLICY}; script-src '{STALE_HASH}'; connect-src 'self'"
STYLED = tag("style", STYLE)
# Between these stands the notice, in every page, so that it can be put into a finished file.
NOTICE_BEGINS, NOTICE_ENDS = Html("<!--notice-->"), Html("<!--/notice-->")
TERRITORIES = {"fr": "fr_BE", "nl": "nl_BE", "de": "de_BE", "en": "en_GB"}
MOST_KEPT = 512  # addresses whose surroundings a process keeps for the next publication
FEEDS = {"Atom": ("history.atom", "application/atom+xml"), "RSS": ("history.rss", "application/rss+xml")}


@dataclass(frozen=True, slots=True)
class Head:
    """path: the page's address behind its language, "" for the status page; None where it has none.

    lasting: it tells of something by the clock, and marks itself when it is no longer renewed.
    """

    facts: Facts
    words: Words
    path: str | None
    title: str
    description: str
    lasting: bool = False


def page(head: Head, main: Child, foot: Child) -> Html:
    """A whole page. The symbols that it uses stand before them, and nothing is fetched from elsewhere."""
    words = head.words
    marks = [notice(head.facts.notice, words), _stale(head) if head.lasting else None]
    top, ways = _around(words.language, head.path)
    foot = tag("footer", tag("div", foot, ways, class_="wrap"))
    body = join([top, tag("main", marks, main, class_="wrap", id="now"), foot])
    skip = tag("a", words.skip, class_="skip", href="#now")
    script = tag("script", STALE) if head.lasting else None
    policy = POLICY_OF_SCRIPT if head.lasting else POLICY
    whole = [skip, sprite(body), body, script]
    return document(_head(head), whole, language=words.language, policy=policy)


def document(head: Child, body: Child, *, language: str, policy: str = POLICY) -> Html:
    """A page that says itself which style it may use, so that it does so wherever its file is served from."""
    allowed = tag("meta", http_equiv="Content-Security-Policy", content=policy)
    return join([DOCTYPE, tag("html", tag("head", CHARSET, allowed, head), tag("body", body), lang=language)])


def notice(text: Text | None, words: Words) -> Html:
    """What the night shift says by hand, or the empty place for it."""
    return join([NOTICE_BEGINS, _told(text, words) if text else None, NOTICE_ENDS])


def notice_in_all(text: Text | None) -> Html:
    """As notice, in each language that it is said in: of the page that has none of its own."""
    told: Child = None
    if text:
        told = [_told(text, words) for language, words in WORDS.items() if text.in_language(language)]
    return join([NOTICE_BEGINS, told, NOTICE_ENDS])


def _told(text: Text, words: Words) -> Html:
    beside = mark(text, words)
    title = tag("p", tag("strong", words.notice), " " if beside else None, beside)
    return tag("div", title, paragraphs(text, words), class_="notice", lang=words.language)


def _stale(head: Head) -> Html:
    """Hidden until the script finds it true. Without scripts the foot says how often the page is renewed."""
    stamp = moments.clock(head.facts.at, seconds=True)
    told = tag("p", fill(head.words.stale, time=stamp), id="stale", class_="stale", hidden=True)
    return tag("div", told, role="status")


def _head(head: Head) -> Iterator[Child]:
    facts, language = head.facts, head.words.language
    title = f"{head.title} – {head.words.site} FarmaFlux"
    yield tag("meta", name="viewport", content="width=device-width,initial-scale=1")
    yield tag("title", title)
    yield tag("meta", name="description", content=head.description)
    yield tag("meta", name="color-scheme", content="light dark")
    if head.path is not None:
        yield _addresses(facts.url, facts.default_language, language, head.path)
        yield _preview(head, title, head.path)
    yield _machines(language)
    yield STYLED


@lru_cache(maxsize=MOST_KEPT)
def _addresses(url: str, default_language: str, own: str, path: str) -> Html:
    """The page's own address, and where it is in each language; who has none of these chooses at /."""
    fallback = f"{url}/{default_language}/{path}" if path else f"{url}/"
    own_address = tag("link", rel="canonical", href=f"{url}/{own}/{path}")
    other = tag("link", rel="alternate", hreflang="x-default", href=fallback)
    return join([own_address, in_each_language(url, path), other])


def in_each_language(url: str, path: str) -> Iterator[Html]:
    """Where *path* is in each language, of the site at *url*."""
    for language in WORDS:
        yield tag("link", rel="alternate", hreflang=language, href=f"{url}/{language}/{path}")


def _preview(head: Head, title: str, path: str) -> Iterator[Child]:
    """What a chat shows of a link; no picture, which would be asked for elsewhere."""
    told = {
        "og:type": "website",
        "og:site_name": "FarmaFlux",
        "og:title": title,
        "og:description": head.description,
        "og:url": f"{head.facts.url}/{head.words.language}/{path}",
        "og:locale": TERRITORIES[head.words.language],
    }
    for key, content in told.items():
        yield tag("meta", property=key, content=content)
    for language, territory in TERRITORIES.items():
        if language != head.words.language:
            yield tag("meta", property="og:locale:alternate", content=territory)


@lru_cache
def _machines(language: str) -> Html:
    """The feeds; and no icon, which browsers would ask for."""
    return join([feeds(WORDS[language], f"/{language}/"), tag("link", rel="icon", href="data:,")])


def feeds(words: Words, folder: str) -> Iterator[Html]:
    """For readers that are given the address of a page: the feeds of *folder*, titled in the language of *words*."""
    for name, (path, kind) in FEEDS.items():
        yield tag("link", rel="alternate", type=kind, title=f"{words.site} ({name})", href=f"{folder}{path}")


@lru_cache(maxsize=MOST_KEPT)
def _around(language: str, path: str | None) -> tuple[Html, Html]:
    """What stands above each page, and the links beneath it: they follow from its address."""
    words = WORDS[language]
    top = tag(
        "header",
        tag(
            "div",
            tag("a", tag("b", "FarmaFlux"), " ", words.site, class_="name", href=f"/{language}/"),
            " ",
            tag("nav", _languages(words, path, brief=True), class_="lang", aria_label=words.languages),
            class_="wrap",
        ),
        class_="top",
    )
    return top, join([tag("ul", _languages(words, path, brief=False)), tag("ul", _links(words, path))])


def _languages(words: Words, path: str | None, *, brief: bool) -> Html:
    links = (
        tag(
            "a",
            language.upper() if brief else other.name,
            href=f"/{language}/{path or ''}",
            lang=language,
            hreflang=language,
            aria_current="page" if language == words.language else None,
            aria_label=f"{language.upper()}, {other.name}" if brief else None,
        )
        for language, other in WORDS.items()
    )
    return join(links, between=" ") if brief else join(tag("li", link, " ") for link in links)


def _links(words: Words, path: str | None) -> Iterator[Child]:
    """To the other pages, and to what machines read."""
    pages = {"": words.current, "history/": words.past, "maintenance/": words.work.title}
    links = {f"/{words.language}/{other}": text for other, text in pages.items() if other != path}
    links |= {f"/{words.language}/{feed}": name for name, (feed, _) in FEEDS.items()}
    links["/api/v2/summary.json"] = "JSON"
    for address, text in links.items():
        yield tag("li", tag("a", text, href=address), " ")
