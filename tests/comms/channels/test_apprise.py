"""Apprise for real, to a web server of this machine."""

import builtins
import ipaddress
import json
import time
from typing import Any

import pytest
from pytest_django import Settings

from comms.channels import addresses, apprise, credentials
from comms.models import Channel, ChannelKind, Delivery, DeliveryState
from tests.comms.channels.outgoing import channel, owe, send, test_of
from tests.comms.receivers import HookServer, black_hole

pytestmark = pytest.mark.django_db


def service(server: str, extra: str = "") -> Channel:
    return channel(
        ChannelKind.APPRISE, secrets={"url": server.replace("http://", "json://user:geheim@") + extra}
    )


def test_a_message_reaches_the_service_as_it_stands(hook: HookServer) -> None:
    delivery = send(owe(service(hook.url), text="Panne *totale* \\n\n<b>& https://status.example/fr/"))

    [received] = hook.received
    told = json.loads(received.body)
    assert (told["title"], told["message"]) == ("", "Panne *totale* \\n\n<b>& https://status.example/fr/")
    assert (delivery.state, delivery.attempts.get().detail) == ("sent", apprise.TAKEN)


def test_a_test_is_a_message(hook: HookServer) -> None:
    delivery = test_of(service(hook.url))

    assert json.loads(hook.received[0].body)["message"].startswith("Message d’essai")
    assert delivery.state == DeliveryState.SENT


@pytest.mark.parametrize("status", [302, 401, 500])
def test_of_a_failure_nobody_knows_how_far_it_came(hook: HookServer, status: int) -> None:
    hook.status, hook.headers = status, {"Location": hook.url + "/elsewhere"}

    delivery = send(owe(service(hook.url, "?redirect=yes")))
    send(delivery)

    assert (delivery.state, len(hook.received)) == (DeliveryState.UNKNOWN, 1)
    assert delivery.error.splitlines()[0] == apprise.IN_DOUBT
    assert "geheim" not in delivery.error


def test_a_service_that_hangs_is_given_up(local_hooks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "SECONDS", 0.3)
    began = time.monotonic()
    with black_hole() as url:
        delivery = send(owe(service(url, "?rto=30")))

    assert time.monotonic() - began < 20
    assert (delivery.state, delivery.error.splitlines()[0]) == ("unknown", apprise.TOO_LATE)


def test_nothing_leaves_for_our_own_network(hook: HookServer, settings: Settings) -> None:
    settings.DESK_WEBHOOK_NETWORKS = [ipaddress.ip_network("10.1.0.0/16")]

    delivery = send(owe(service(hook.url)))

    assert (delivery.state, delivery.error, hook.received) == ("failed", addresses.INSIDE, [])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nothing://at.all", apprise.NOT_KNOWN),
        ("https://just.a.page/", apprise.NOT_KNOWN),
        ("jsons://8.8.8.8/\r\nX: 1", apprise.NOT_KNOWN),
        ("", apprise.NOT_KNOWN),
        ("syslog://", apprise.ON_THIS_MACHINE),
        ("jsons://10.0.0.1/", addresses.INSIDE),
        ("jsons://localhost/", addresses.INSIDE),
        ("jsons://2130706433/", addresses.NOT_AN_ADDRESS),
        ("json://8.8.8.8/", apprise.UNENCRYPTED),
        ("mailtos://user:pass@example.org/?smtp=10.0.0.1", addresses.INSIDE),
    ],
)
def test_an_address_that_cannot_do_is_refused_when_it_is_given(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        apprise.check_url(url)

    assert str(caught.value) == reason


@pytest.mark.parametrize(
    "url",
    ["jsons://8.8.8.8/x", "ntfy://panne", "tgram://123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc/12315544"],
)
def test_an_address_of_a_service_elsewhere_is_taken(url: str) -> None:
    apprise.check_url(url)


@pytest.fixture
def without_apprise(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def find(name: str, *args: Any, **options: Any) -> Any:
        if name == "apprise":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", find)


def test_without_the_package_the_operators_are_told(hook: HookServer, without_apprise: None) -> None:
    delivery = send(owe(service(hook.url)))

    assert (delivery.state, delivery.error, hook.received) == ("failed", apprise.MISSING, [])
    with pytest.raises(ValueError, match="not installed"):
        apprise.check_url("jsons://8.8.8.8/")


def test_the_address_is_kept_sealed(hook: HookServer) -> None:
    kept = service(hook.url)

    assert "geheim" not in json.dumps([kept.settings, kept.sealed_secrets])
    assert "geheim" in credentials.unseal(kept)["url"]


def test_the_address_is_shown_nowhere(hook: HookServer, caplog: pytest.LogCaptureFixture) -> None:
    hook.status = 500
    delivery: Delivery = send(owe(service(hook.url)))

    told = [delivery.error, caplog.text, *delivery.attempts.values_list("detail", flat=True)]
    assert not any("geheim" in text for text in told)
