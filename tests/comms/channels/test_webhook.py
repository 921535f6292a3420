"""Webhooks over a real web server."""

import hashlib
import hmac
import ipaddress
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.roles import Role
from comms import relay
from comms.channels import credentials, http
from comms.models import Delivery, DeliveryState, Update
from comms.operations import deliveries
from incidents.models import ServiceStatus
from tests import factories
from tests.comms.receivers import HookServer, Received, black_hole, free_port

pytestmark = pytest.mark.django_db


def owe(url: str, update: Update | None = None, *, secret: str = "s3cret") -> Delivery:
    factories.webhook_channel(url, secret=secret)
    update = update or factories.update(published_at=factories.OUTAGE)
    with transaction.atomic():
        [delivery] = deliveries.owe(update, at=timezone.now())
    return delivery


def send(url: str, **options: Any) -> Delivery:
    delivery = owe(url, **options)
    relay.run_once()
    delivery.refresh_from_db()
    return delivery


def document(received: Received) -> dict[str, Any]:
    return json.loads(received.body)  # type: ignore[no-any-return]


def test_the_signature_covers_the_timestamp_and_the_body(hook: HookServer) -> None:
    began = int(time.time())

    delivery = send(hook.url, secret="a secret of theirs")

    [received] = hook.received
    parts = dict(part.split("=", 1) for part in received.headers["FarmaFlux-Signature"].split(","))
    expected = hmac.new(b"a secret of theirs", parts["t"].encode() + b"." + received.body, hashlib.sha256)
    assert parts["v1"] == expected.hexdigest()
    assert began <= int(parts["t"]) <= time.time()
    assert (delivery.state, delivery.attempts.get().detail) == ("sent", "HTTP 200")
    assert received.headers["Host"] == hook.url.split("/")[2]


def test_the_body_is_the_incident_as_the_convention_tells_it(hook: HookServer) -> None:
    service = factories.service(name_fr="Enregistrement", name_nl="Registratie")
    incident = factories.incident(services={service: ServiceStatus.MAJOR})
    factories.update(incident, published_at=factories.OUTAGE, statuses={service: ServiceStatus.MAJOR})
    update = factories.update(
        incident,
        published_at=factories.OUTAGE + timedelta(minutes=30),
        statuses={service: ServiceStatus.PARTIAL},
    )
    factories.update(incident, texts={"fr": "Brouillon", "nl": "Ontwerp"})

    send(hook.url, update=update)

    sent = document(hook.received[0])
    assert sent.keys() == {"meta", "page", "incident"}
    told = sent["incident"]
    assert (told["id"], told["status"], told["impact"], told["resolved_at"]) == (
        incident.public_id,
        "investigating",
        "critical",
        None,
    )
    assert told["started_at"] == "2022-07-01T13:30:00.000+02:00"
    newest, first = told["incident_updates"]
    assert newest["body_i18n"] == {
        "fr": "Titre fr\n\nNous y travaillons.",
        "nl": "Titre nl\n\nWe werken eraan.",
        "de": None,
        "en": None,
    }
    assert [u["affected_components"][0]["old_status"] for u in (newest, first)] == [
        "major_outage",
        "operational",
    ]
    assert [component["name_i18n"]["nl"] for component in told["components"]] == ["Registratie"]
    assert told["page_id"] == sent["page"]["id"]
    assert sent["page"]["status_indicator"] == "critical"
    assert "Brouillon" not in hook.received[0].body.decode()


def test_no_name_of_a_colleague_and_no_caller_leaves(hook: HookServer) -> None:
    lead = factories.user(
        Role.LEAD, username="marcelline", first_name="Marcelline", last_name="Vandenbroucke"
    )
    incident = factories.incident(by=lead)
    factories.contact(incident=incident, caller_text="Apotheek Zuidpool", agent=lead)
    update = factories.update(incident, published_at=factories.OUTAGE, by=lead)

    send(hook.url, update=update)

    sent = hook.received[0].body.decode().casefold()
    assert [word for word in ("marcelline", "vandenbroucke", "zuidpool") if word in sent] == []


def test_a_repeat_carries_the_same_key(hook: HookServer) -> None:
    hook.status = 503
    delivery = send(hook.url)
    hook.status = 200
    Delivery.objects.update(not_before=timezone.now())

    relay.run_once()

    assert [r.headers["Idempotency-Key"] for r in hook.received] == [str(delivery.key)] * 2
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.SENT
    assert list(delivery.attempts.values_list("outcome", "detail")) == [
        ("queued", "HTTP 503"),
        ("sent", "HTTP 200"),
    ]


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_success(hook: HookServer, status: int) -> None:
    hook.status, hook.body = status, b""

    assert send(hook.url).state == DeliveryState.SENT


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
def test_a_4xx_is_for_good(hook: HookServer, status: int) -> None:
    hook.status = status

    assert send(hook.url).state == DeliveryState.FAILED


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_time_may_cure_is_tried_again(hook: HookServer, status: int) -> None:
    hook.status = status

    assert send(hook.url).state == DeliveryState.QUEUED


def test_a_requested_pause_is_kept(hook: HookServer) -> None:
    hook.status, hook.headers = 429, {"Retry-After": "1800"}
    asked_at = timezone.now()

    assert send(hook.url).not_before >= asked_at + timedelta(minutes=30)


@pytest.mark.parametrize("value", ["soon", "-5", "Wed, 99 Foo 2022", "1e9", ""])
def test_a_senseless_request_for_a_pause_is_ignored(hook: HookServer, value: str) -> None:
    hook.status, hook.headers = 503, {"Retry-After": value}
    asked_at = timezone.now()

    delivery = send(hook.url)

    assert delivery.state == DeliveryState.QUEUED
    assert delivery.not_before <= asked_at + timedelta(minutes=5)


def test_a_redirect_is_a_failure_and_is_not_followed(hook: HookServer) -> None:
    hook.status, hook.headers = 302, {"Location": hook.url + "/elsewhere"}

    assert send(hook.url).state == DeliveryState.FAILED
    assert len(hook.received) == 1


def test_an_answer_without_end_is_cut_off(hook: HookServer) -> None:
    hook.body = b"x" * (http.LARGEST_ANSWER + 1)

    delivery = send(hook.url)

    assert (delivery.state, delivery.error) == ("failed", http.TOO_LARGE)


def test_an_address_that_says_nothing_is_given_up_and_tried_again(
    local_hooks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 0.2)
    with black_hole() as url:
        delivery = send(url)

    assert (delivery.state, delivery.error) == ("queued", http.NO_ANSWER)


def test_an_answer_that_takes_too_long_as_a_whole_is_hung_up_on(
    hook: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "DEADLINE", 0.3)
    hook.before_answer = lambda: time.sleep(1)

    assert send(hook.url).state == DeliveryState.QUEUED


def test_an_address_where_nobody_listens_is_tried_again(local_hooks: None) -> None:
    assert send(f"http://127.0.0.1:{free_port()}/").state == DeliveryState.QUEUED


def test_a_name_that_leads_inside_at_the_moment_of_the_call_is_refused(
    hook: HookServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DESK_WEBHOOK_NETWORKS = []
    port = hook.url.split(":")[2].partition("/")[0]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", int(port)))])

    delivery = send(f"https://hooks.example.org:{port}/hook")

    assert delivery.state == DeliveryState.FAILED
    assert hook.received == []


def test_a_secret_sealed_with_another_key_is_said_and_nothing_leaves(
    hook: HookServer, settings: Settings
) -> None:
    delivery = owe(hook.url)
    settings.SECRET_KEY = "another secret key of at least thirty-two characters"

    relay.run_once()

    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == ("failed", credentials.WRONG_KEY)
    assert hook.received == []


def test_a_secret_opens_with_the_key_before(hook: HookServer, settings: Settings) -> None:
    delivery = owe(hook.url)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret key of at least thirty-two characters"

    relay.run_once()

    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.SENT


def test_the_proxy_of_the_environment_is_not_asked(hook: HookServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

    assert send(hook.url).state == DeliveryState.SENT


def test_a_listed_network_is_reached_also_when_it_is_private(hook: HookServer, settings: Settings) -> None:
    settings.DESK_WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.1/32")]

    assert send(hook.url).state == DeliveryState.SENT
