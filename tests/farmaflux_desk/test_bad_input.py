"""Every form of the desk, filled with what no form is for."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from itertools import cycle
from urllib.parse import quote_from_bytes, urlencode, urljoin

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone

from accounts.roles import Role
from comms.models import PlanTemplate
from comms.operations import standard_plan
from comms.operations.plan import start_plan
from incidents.models import Incident, ServiceStatus
from tests import factories

pytestmark = pytest.mark.django_db

# By round what the fields of a form are given in turn.
BAD = {
    "nothing": [b""],
    "a script, too long": [b'"><script>alert(1)</script>' + b"x" * 6000],
    "a short script": [b'"><script>alert(1)</script>'],
    "NUL and what is not UTF-8": [b"a\x00b caf\xe9 \xff\xfe \xed\xa0\xbd"],
    "what is not there": [b"9" * 40, b"nosuch", b"0001-01-01"],
    "what is not there either": [b"0001-01-01", b"9" * 40, b"nosuch"],
}
NOT_OURS = {"csrfmiddlewaretoken"}
LEAVES = ("/accounts/logout/", "/accounts/password/")  # allauth's; after the first there are no more pages


@pytest.fixture
def incident() -> Incident:
    """One of each thing that a page of the desk is about."""
    began_at = timezone.now() - timedelta(minutes=50)
    service = factories.service("dpp")
    made = factories.incident(services={service: ServiceStatus.MAJOR}, began_at=began_at)
    factories.chain("pharmacy", "hub", services=[service])
    factories.update(made, published_at=began_at + timedelta(minutes=10))
    factories.update(made)
    factories.callback(factories.contact(incident=made, at=began_at + timedelta(minutes=20)))
    factories.maintenance(service, starts_at=timezone.now() + timedelta(days=2))
    factories.subscriber()
    standard_plan.install()
    start_plan(made, PlanTemplate.objects.get(), by=factories.user(Role.LEAD), at=began_at)
    return made


class Page(HTMLParser):
    """The links of a page, its forms (method, action, names of fields), and what it sends along of itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, str, list[str]]] = []
        self.hidden: list[dict[str, str]] = []  # by form: names and values
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "form":
            self.forms.append((found.get("method", "get").lower(), found.get("action", ""), []))
            self.hidden.append({})
        elif tag in ("input", "textarea", "select", "button") and found.get("name") and self.forms:
            self.forms[-1][2].append(found["name"])
            if found.get("type") == "hidden":
                self.hidden[-1][found["name"]] = found.get("value", "")


def kind(address: str) -> str:
    """One for all addresses that differ in what they are about alone."""
    return re.sub(r"/(\d+|[a-z0-9]{12}|[0-9a-f-]{36})(?=/)", "/*", address.partition("?")[0])


def pages(client: Client) -> Iterator[tuple[str, Page]]:
    """Every page of the desk that links lead to, one of each kind."""
    waiting, known = ["/desk/"], {"/desk/"}
    while waiting:
        address = waiting.pop(0)
        response = client.get(address, follow=True)
        if not response["Content-Type"].startswith("text/html"):
            continue
        page = Page(response.text)
        yield address, page
        for link in (urljoin(address, each).partition("#")[0] for each in page.links):
            if link.startswith(("/desk/", "/accounts/")) and kind(link) not in known:
                known.add(kind(link))
                waiting.append(link)


def forms(client: Client) -> dict[tuple[str, str], tuple[str, set[str]]]:
    """By method and kind of address: an address, and the fields of every form that is sent there."""
    found: dict[tuple[str, str], tuple[str, set[str]]] = {}
    for at, page in pages(client):
        for method, action, names in page.forms:
            address = urljoin(at, action)
            if method in ("get", "post") and not address.startswith(LEAVES):
                _, fields = found.setdefault((method, kind(address)), (address, set()))
                fields.update(set(names) - NOT_OURS)
    return found


def filled(names: set[str], values: list[bytes]) -> str:
    return "&".join(
        f"{name}={quote_from_bytes(value)}" for name, value in zip(sorted(names), cycle(values), strict=False)
    )


def send(client: Client, method: str, address: str, body: str) -> HttpResponseBase:
    if method == "post":
        return client.post(address, body, content_type="application/x-www-form-urlencoded")
    return client.get(f"{address.partition('?')[0]}?{body}")


def test_nonsense_in_a_form_is_no_error_of_ours_and_a_script_comes_back_as_text(
    client: Client, incident: Incident
) -> None:
    client.force_login(factories.user(Role.LEAD))
    client.raise_request_exception = False  # all of them, not the first
    found = forms(client)
    wrong = []
    for (method, where), (address, names) in found.items():
        for what, values in BAD.items():
            response = send(client, method, address, filled(names, values))
            if response.status_code >= 500 or b"<script>alert" in b"".join(response):
                wrong.append((method, where, what, response.status_code))

    assert len(found) > 20, sorted(found)
    assert wrong == []


def test_what_a_page_sends_along_of_itself_may_be_nonsense_too(client: Client, incident: Incident) -> None:
    """One field after the other, the rest as the page has it: nonsense everywhere is stopped by the first."""
    client.force_login(factories.user(Role.LEAD))
    client.raise_request_exception = False
    known, wrong = set(), []
    for at, page in pages(client):
        for (method, action, _names), own in zip(page.forms, page.hidden, strict=True):
            address = urljoin(at, action)
            for name in own.keys() - NOT_OURS if method == "post" else ():
                if (kind(address), name) in known or address.startswith(LEAVES):
                    continue
                known.add((kind(address), name))
                response = send(client, method, address, urlencode(own | {name: "nosuch"}))
                if response.status_code >= 500:
                    wrong.append((kind(address), name))

    assert len(known) > 20
    assert wrong == []
