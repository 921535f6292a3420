"""The page that is not there, and the choice of language."""

from comms.status.facts import Facts
from comms.status.html import Html, join, tag
from comms.status.languages import WORDS
from comms.status.pages.frame import Head, document, feeds, in_each_language, notice_in_all, page
from comms.status.style import STYLE
from comms.status.words import Words


def not_found_page(facts: Facts, words: Words) -> Html:
    head = Head(facts=facts, words=words, path=None, title=words.not_found, description=words.not_found)
    link = tag("a", words.current, href=f"/{words.language}/")
    return page(
        head, [tag("h1", words.not_found, class_="head"), tag("p", words.not_found_help, " ", link)], None
    )


def choice_page(facts: Facts) -> Html:
    """Four links; who reads it is not remembered. What asks for no language is often a feed reader or a chat."""
    words, names = WORDS[facts.default_language], join((w.site for w in WORDS.values()), between=" · ")
    links = (
        tag(
            "li",
            tag("a", tag("b", words.name), " ", words.site, href=f"/{language}/", hreflang=language),
            lang=language,
        )
        for language, words in WORDS.items()
    )
    head = [
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("title", "FarmaFlux – ", names),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="canonical", href=f"{facts.url}/"),
        in_each_language(facts.url, ""),
        tag("link", rel="alternate", hreflang="x-default", href=f"{facts.url}/"),
        tag("meta", property="og:type", content="website"),
        tag("meta", property="og:site_name", content="FarmaFlux"),
        tag("meta", property="og:title", content=names),
        tag("meta", property="og:url", content=f"{facts.url}/"),
        feeds(words, "/"),
        tag("link", rel="icon", href="data:,"),
        tag("style", STYLE),
    ]
    main = tag(
        "main",
        notice_in_all(facts.notice),
        tag("h1", "FarmaFlux", class_="head"),
        tag("ul", links, class_="card choice"),
        class_="wrap",
    )
    return document(head, main, language="fr")
