"""What stands around every page."""

from collections.abc import Iterator
from dataclasses import dataclass

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
# Between these stands the notice, in every page, so that it can be put into a finished file.
NOTICE_BEGINS, NOTICE_ENDS = Html("<!--notice-->"), Html("<!--/notice-->")
TERRITORIES = {"fr": "fr_BE", "nl": "nl_BE", "de": "de_BE", "en": "en_GB"}
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
    body = join([_top(head), tag("main", marks, main, class_="wrap", id="now"), _foot(head, foot)])
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
    told = None
    if text:
        beside = mark(text, words)
        title = tag("p", tag("strong", words.notice), " " if beside else None, beside)
        told = tag("div", title, paragraphs(text, words), class_="notice")
    return join([NOTICE_BEGINS, told, NOTICE_ENDS])


def _stale(head: Head) -> Html:
    """Hidden until the script finds it true. Without scripts the foot says how often the page is renewed."""
    stamp = moments.clock(head.facts.at, seconds=True)
    told = tag("p", fill(head.words.stale, time=stamp), id="stale", class_="stale", hidden=True)
    return tag("div", told, role="status")


def _head(head: Head) -> Iterator[Child]:
    title = f"{head.title} – {head.words.site} FarmaFlux"
    yield tag("meta", name="viewport", content="width=device-width,initial-scale=1")
    yield tag("title", title)
    yield tag("meta", name="description", content=head.description)
    yield tag("meta", name="color-scheme", content="light dark")
    if head.path is not None:
        yield _addresses(head, head.path)
        yield _preview(head, title, head.path)
    yield feeds(head.words, f"/{head.words.language}/")
    yield tag("link", rel="icon", href="data:,")
    yield tag("style", STYLE)


def _addresses(head: Head, path: str) -> Iterator[Child]:
    """The page's own address, and where it is in each language; who has none of these chooses at /."""
    url = head.facts.url
    yield tag("link", rel="canonical", href=f"{url}/{head.words.language}/{path}")
    yield in_each_language(url, path)
    fallback = f"{url}/{head.facts.default_language}/{path}" if path else f"{url}/"
    yield tag("link", rel="alternate", hreflang="x-default", href=fallback)


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


def feeds(words: Words, folder: str) -> Iterator[Html]:
    """For readers that are given the address of a page: the feeds of *folder*, titled in the language of *words*."""
    for name, (path, kind) in FEEDS.items():
        yield tag("link", rel="alternate", type=kind, title=f"{words.site} ({name})", href=f"{folder}{path}")


def _top(head: Head) -> Html:
    words = head.words
    return tag(
        "header",
        tag(
            "div",
            tag("a", tag("b", "FarmaFlux"), " ", words.site, class_="name", href=f"/{words.language}/"),
            " ",
            tag("nav", _languages(head, brief=True), class_="lang", aria_label=words.languages),
            class_="wrap",
        ),
        class_="top",
    )


def _languages(head: Head, *, brief: bool) -> Html:
    links = (
        tag(
            "a",
            language.upper() if brief else other.name,
            href=f"/{language}/{head.path or ''}",
            lang=language,
            hreflang=language,
            aria_current="page" if language == head.words.language else None,
            aria_label=f"{language.upper()}, {other.name}" if brief else None,
        )
        for language, other in WORDS.items()
    )
    return join(links, between=" ") if brief else join(tag("li", link, " ") for link in links)


def _foot(head: Head, foot: Child) -> Html:
    words = head.words
    links = [
        ("", words.current),
        ("history/", words.past),
        ("maintenance/", words.work.title),
    ]
    shown = [
        tag("li", tag("a", text, href=f"/{words.language}/{path}"), " ")
        for path, text in links
        if path != head.path
    ]
    machines = {name: f"/{words.language}/{path}" for name, (path, _) in FEEDS.items()}
    machines["JSON"] = "/api/v2/summary.json"
    shown += [tag("li", tag("a", name, href=address), " ") for name, address in machines.items()]
    return tag(
        "footer",
        tag("div", foot, tag("ul", _languages(head, brief=False)), tag("ul", shown), class_="wrap"),
    )
