"""The history as Atom and RSS: one entry for each incident (contract: docs/statuspage-v2.md)."""

import html
import re
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urlsplit

from comms.status import moments
from comms.status.facts import Facts, Incident, Text, Update
from comms.status.html import Html, join, tag
from comms.status.kept import Kept
from comms.status.words import Words

MOST_LISTED = 50
NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Readers take the first <strong> for the state and know these words; ours stands beside it.
STATES = {
    "investigating": "Investigating",
    "identified": "Identified",
    "monitoring": "Monitoring",
    "resolved": "Resolved",
    "postmortem": "Postmortem",
}

_kept = Kept[tuple[bytes, bytes]]()


def atom(facts: Facts, words: Words, *, path: str) -> bytes:
    """RFC 4287; *path*: the feed's own address, /history.atom or that of a language."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{words.language}">',
        f"<id>{_id(facts, path.removesuffix('.atom'))}</id>",
        f"<title>{_text(_title(words))}</title>",
        f"<updated>{_iso(facts.changed_at)}</updated>",
        f'<link rel="self" type="application/atom+xml" href="{_text(facts.url + path)}"/>',
        f'<link rel="alternate" type="text/html" href="{_text(f"{facts.url}/{words.language}/")}"/>',
        "<author><name>FarmaFlux</name></author>",
    ]
    entries = (_entry(facts, incident, words)[0] for incident in facts.incidents[:MOST_LISTED])
    return b"\n".join(["\n".join(lines).encode(), *entries, b"</feed>\n"])


def rss(facts: Facts, words: Words, *, path: str) -> bytes:
    """RSS 2.0, with the same entries."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>',
        f"<title>{_text(_title(words))}</title>",
        f"<link>{_text(f'{facts.url}/{words.language}/')}</link>",
        f"<description>{_text(words.history_intro)}</description>",
        f"<language>{words.language}</language>",
        f"<lastBuildDate>{_rfc822(facts.changed_at)}</lastBuildDate>",
        f'<atom:link rel="self" type="application/rss+xml" href="{_text(facts.url + path)}"/>',
    ]
    entries = (_entry(facts, incident, words)[1] for incident in facts.incidents[:MOST_LISTED])
    return b"\n".join(["\n".join(lines).encode(), *entries, b"</channel></rss>\n"])


def _entry(facts: Facts, incident: Incident, words: Words) -> tuple[bytes, bytes]:
    """An incident's entry as Atom and as RSS, written once."""
    return _kept.of(incident, facts.url, words.language, write=lambda: _written(facts, incident, words))


def _written(facts: Facts, incident: Incident, words: Words) -> tuple[bytes, bytes]:
    title = _text(incident.title.said_in(words.language).text)
    id_ = _id(facts, f"Incident/{incident.id}")
    link = _text(f"{facts.url}/{words.language}/incidents/{incident.id}/")
    content = _text(join(_updates(incident, words)))
    atom_entry = (
        f"<entry><id>{id_}</id><title>{title}</title>"
        f"<published>{_iso(incident.recorded_at)}</published><updated>{_iso(incident.changed_at)}</updated>"
        f'<link rel="alternate" type="text/html" href="{link}"/>'
        f'<content type="html">{content}</content></entry>'
    )
    rss_item = (
        f"<item><title>{title}</title><link>{link}</link>"
        f'<guid isPermaLink="false">{id_}</guid><pubDate>{_rfc822(incident.recorded_at)}</pubDate>'
        f"<description>{content}</description></item>"
    )
    return atom_entry.encode(), rss_item.encode()


def _updates(incident: Incident, words: Words) -> list[Html]:
    """Newest first."""
    told = [_message(update, words) for update in incident.updates]
    if not told:
        text = Text(**{words.language: words.no_message_yet})
        told = [
            _update(incident.phase.value, words.phases[incident.phase], text, incident.recorded_at, words)
        ]
    if learned := incident.postmortem:
        told.insert(
            incident.told_after_postmortem,
            _update("postmortem", words.postmortem, learned.text, learned.published_at, words),
        )
    return told


def _message(update: Update, words: Words) -> Html:
    if update.withdrawn_at:
        text = Text(**{words.language: words.withdrawn_short})
        return _update(update.phase.value, words.phases[update.phase], text, update.published_at, words)
    said = [update.title.said_in(words.language).text, update.body.said_in(words.language).text]
    text = Text(**{words.language: "\n".join(part for part in said if part)})
    return _update(update.phase.value, words.phases[update.phase], text, update.published_at, words)


def _update(state: str, word: str, text: Text, at: datetime, words: Words) -> Html:
    here = moments.local(at)
    stamp = tag("small", moments.day(at, words), f", {here:%H:%M}")
    localised = f" ({word})" if words.language != "en" else ""
    lines = join(text.said_in(words.language).text.splitlines(), between="<br>")
    return tag("p", stamp, tag("br"), tag("strong", STATES[state]), localised, " - ", lines)


def _title(words: Words) -> str:
    return f"FarmaFlux, {words.site}"


def _id(facts: Facts, name: str) -> str:
    """A tag URI (RFC 4151), the same for the life of what it names."""
    return f"tag:{urlsplit(facts.url).hostname},2005:{name}"


def _text(value: str) -> str:
    """Escaped, without the characters that XML 1.0 cannot hold."""
    return html.escape(NO_XML.sub("", value))


def _iso(moment: datetime) -> str:
    return moments.local(moment).isoformat(timespec="seconds")


def _rfc822(moment: datetime) -> str:
    return format_datetime(moments.local(moment))
