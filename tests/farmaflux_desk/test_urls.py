"""Every address the desk answers, walked by a stranger and by each role."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.admindocs.views import simplify_regex
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.roles import Role
from comms.models import Channel, ListMember, MailList
from incidents.models import Incident, ServiceStatus
from tests import factories

pytestmark = pytest.mark.django_db

# Whoever adds an address that a stranger may read adds it here, and says why in its view.
PUBLIC = {
    "/accounts/inactive/",
    "/accounts/login/",
    "/accounts/logout/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/done/",
    "/accounts/password/reset/key/<uidb36>-<key>/",
    "/intake/alertmanager",
    "/desk/calls/worker.js",
    "/intake/cti/<token>",
    "/language/",
    "/livez",
    "/metrics",
    "/public/report/",
    "/public/report/received/",
    "/public/subscribe/",
    "/public/subscribe/confirm/<token>/",
    "/public/subscribe/manage/<token>/",
    "/public/unsubscribe/<token>/",
    "/public/leave/<token>/",
    "/public/volunteer/<token>/",
    "/readyz",
}

DOORS = ("/accounts/login/", "/admin/login/")
SIGNS_OUT = {"/accounts/logout/", "/admin/logout/", "/accounts/password/change/", "/accounts/login/"}


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    """ "/desk/incidents/<public_id>/" for every pattern, those of allauth and of the admin too."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield re.sub(r"<\w+:", "<", simplify_regex(route))


def paths(values: dict[str, object]) -> dict[str, str]:
    """By route, the address with *values* in the places of its names; any other place gets 1."""
    return {route: re.sub(r"<(\w+)>", lambda name: str(values.get(name[1], 1)), route) for route in routes()}


@pytest.fixture
def incident() -> Incident:
    began_at = timezone.now() - timedelta(minutes=50)
    made = factories.incident(services={factories.service("dpp"): ServiceStatus.MAJOR}, began_at=began_at)
    factories.update(made, published_at=began_at + timedelta(minutes=10))
    factories.update(made)
    factories.contact(incident=made, at=began_at + timedelta(minutes=20))
    factories.mail_channel("chair@apb.example")
    return made


def values(incident: Incident) -> dict[str, object]:
    return {
        "public_id": incident.public_id,
        "number": 1,
        "key": uuid.UUID(int=1),
        "uidb36": "1",
        "app_label": "incidents",
        "format": "csv",
        "kind": "webhook",
        "channel": Channel.objects.get().pk,
        "mail_list": MailList.objects.get().pk,
        "member": ListMember.objects.get().pk,
    }


def test_the_walk_finds_the_addresses_it_is_about() -> None:
    found = set(routes())

    assert {"/desk/", "/desk/channels/<channel>/", "/admin/login/", "/accounts/password/change/"} <= found
    assert found >= PUBLIC


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_to_the_sign_in_from_everywhere_but_the_public_addresses(
    client: Client, incident: Incident, method: str
) -> None:
    let_in = set()
    for route, path in paths(values(incident)).items():
        response = getattr(client, method)(path)
        if response.status_code == 302 and response["Location"].startswith(DOORS):
            continue
        if response.status_code not in (401, 403):
            let_in.add(route)

    assert let_in == PUBLIC


def test_a_strangers_script_is_answered_401(client: Client, incident: Incident) -> None:
    answers = {
        route: client.get(path, headers={"HX-Request": "true"}).status_code
        for route, path in paths(values(incident)).items()
        if route not in PUBLIC and not route.startswith("/admin/")
    }

    assert set(answers.values()) == {401}, answers


@pytest.mark.parametrize("role", list(Role))
def test_no_role_meets_an_error_of_ours_anywhere(client: Client, incident: Incident, role: Role) -> None:
    client.raise_request_exception = False  # all of them, not the first
    user = factories.user(role, is_staff=role is Role.ADMINISTRATOR)
    junk = {
        "text": "a\x00b",
        "title_fr": "x" * 5000,
        "severity": "S9",
        "key": "no-key",
        "began_at": "9999-99-99",
    }
    ways: list[dict[str, str] | None] = [None, {}, junk]
    met = {}
    client.force_login(user)
    for at, (route, path) in enumerate(paths(values(incident)).items()):
        # The administrator may go everywhere: each page is asked for and sent junk. The others take turns.
        turns = (
            [None, junk] if role is Role.ADMINISTRATOR else [ways[(at + list(Role).index(role)) % len(ways)]]
        )
        for sent in turns:
            response = client.get(path) if sent is None else client.post(path, sent)
            if response.status_code >= 500:
                met[route] = sent
        if route in SIGNS_OUT:
            client.force_login(user)

    assert met == {}
