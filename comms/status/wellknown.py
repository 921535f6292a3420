"""What crawlers and those who find a hole look for at addresses that are agreed upon."""

import hashlib
from collections.abc import Iterator
from datetime import UTC

from comms.status import moments
from comms.status.facts import Facts
from comms.status.html import join, tag
from comms.status.languages import WORDS

NOT_FOR_CRAWLERS = ("/desk/", "/admin/", "/accounts/", "/public/", "/banner/")


def robots(facts: Facts) -> bytes:
    """RFC 9309."""
    refused = "".join(f"Disallow: {path}\n" for path in NOT_FOR_CRAWLERS)
    return f"User-agent: *\n{refused}Sitemap: {facts.url}/sitemap.xml\n".encode()


def sitemap(facts: Facts) -> bytes:
    """https://www.sitemaps.org/protocol.html, each page beside its translations; older outages by their months."""
    urls = (
        tag(
            "url",
            tag("loc", f"{facts.url}/{language}/{path}"),
            (_translation(facts, other, path) for other in WORDS),
        )
        for path in _paths(facts)
        for language in WORDS
    )
    spaces = {
        "xmlns": "http://www.sitemaps.org/schemas/sitemap/0.9",
        "xmlns:xhtml": "http://www.w3.org/1999/xhtml",
    }
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tag("urlset", join(urls), **spaces).encode()


def named(facts: Facts) -> str:
    """Changes when the site map does."""
    return hashlib.sha256(f"{facts.url} {list(_paths(facts))}".encode()).hexdigest()


def _paths(facts: Facts) -> Iterator[str]:
    """Pages in any language, behind its code."""
    yield from ("", "history/", "maintenance/")
    yield from (f"history/{month.key}/" for month in facts.months)
    yield from (f"incidents/{incident.id}/" for incident in facts.incidents)
    yield from (f"maintenance/{maintenance.id}/" for maintenance in facts.works)


def _translation(facts: Facts, language: str, path: str) -> str:
    address = f"{facts.url}/{language}/{path}"
    return tag("xhtml:link", rel="alternate", hreflang=language, href=address)


def security(facts: Facts) -> bytes:
    """RFC 9116. It is renewed each month and expires within half a year, which shows when nobody renews it."""
    first = moments.first_of(*moments.month_of(facts.at))
    month = first.month + 5
    expires = moments.first_of(first.year + month // 12, month % 12 + 1).astimezone(UTC)
    lines = [
        f"Contact: {facts.security_contact}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: " + ", ".join(WORDS),
        f"Canonical: {facts.url}/.well-known/security.txt",
    ]
    return ("\n".join(lines) + "\n").encode()
