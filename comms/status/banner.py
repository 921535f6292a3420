"""What software houses show in their own pages: a small page per language, and the script that shows it when needed."""

import base64
import hashlib
from pathlib import Path

from comms.status import moments
from comms.status.badge import indicator
from comms.status.facts import Facts, Text
from comms.status.html import Child, Html, fill, join, tag
from comms.status.icons import icon, sprite
from comms.status.pages.frame import CHARSET, DOCTYPE, NOTICE_BEGINS, NOTICE_ENDS
from comms.status.pages.spoken import spoken
from comms.status.pages.status import consequence
from comms.status.words import Words

RENEWED = 60  # seconds after which a frame asks again, by itself
SCRIPT = (Path(__file__).parent / "banner.js").read_bytes()
STYLE = Html(
    ":root{color-scheme:light dark}"
    "body{margin:0;font:1rem/1.35 system-ui,sans-serif;color:#16211e;background:#fdf2d3}"
    "a{display:flex;gap:.75rem;align-items:center;box-sizing:border-box;min-height:4.5rem;padding:.5rem 1rem}"
    "a{color:inherit}"
    "p{margin:0;overflow:hidden;display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical}"
    ".spr{position:absolute}"
    ".i{flex:none;width:1.5rem;height:1.5rem}"
    ".critical{background:#fce6e4}.major{background:#fdeadd}.maintenance{background:#e5eefb}.none{background:#e4f3e9}"
    ".hand{background:#fdf2d3}.hand~a{display:none}"
    ":focus-visible{outline:3px solid #0b3fc4;outline-offset:-3px}"
    "@media(prefers-color-scheme:dark){body,.critical,.major,.maintenance,.none,.hand{color:#eef2f0;background:#2a2118}}"
)
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src '{STYLE_HASH}'"
MARKS = {"none": "ok", "minor": "degraded", "major": "partial", "critical": "major", "maintenance": "maint"}


def banner(facts: Facts, words: Words) -> Html:
    """One sentence and a link to the rest, to stand in a frame of two lines. No script, nothing from elsewhere.

    banner.js shows it unless it says "none" and bears no notice.
    """
    state = indicator(facts)
    said = [tag("b", f"FarmaFlux{words.colon} {words.summary[state]}."), " "]
    incidents = facts.open_incidents
    if incidents:
        said.append(spoken(consequence(incidents[0]), words))
    said += [" ", tag("small", fill(words.as_of_short, time=moments.clock(facts.at)))]
    link = _link(MARKS[state], said, href=f"{facts.url}/{words.language}/")
    head = [
        CHARSET,
        tag("meta", http_equiv="refresh", content=RENEWED),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", f"FarmaFlux{words.colon} {words.summary[state]}"),
        tag("style", STYLE),
    ]
    body = tag("body", notice(facts.notice, words), sprite(link), link, class_=state)
    return join([DOCTYPE, tag("html", tag("head", head), body, lang=words.language)])


def notice(text: Text | None, words: Words) -> Html:
    """What the night shift says by hand, in place of all else; or the empty place for it."""
    if text is None:
        return join([NOTICE_BEGINS, NOTICE_ENDS])
    said = [tag("b", f"FarmaFlux{words.colon} "), spoken(text, words)]
    link = _link("degraded", said, href=f"/{words.language}/", class_="hand")
    return join([NOTICE_BEGINS, sprite(link), link, NOTICE_ENDS])


def _link(mark: str, said: Child, *, href: str, class_: str | None = None) -> Html:
    return tag("a", icon(mark), tag("p", said), class_=class_, href=href, target="_blank", rel="noopener")
