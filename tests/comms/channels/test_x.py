"""Posts on X: the signature against a second one, the answers as X documents them."""

import base64
import hashlib
import hmac
import json
import re
from datetime import timedelta
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from django.utils import timezone
from oauthlib.oauth1 import Client

from comms.channels import posting, x
from comms.models import Action, Channel, ChannelKind, DeliveryState
from tests import factories
from tests.comms.channels.outgoing import TEXT, X_KEYS, at_home, channel, owe, posted, send, test_of
from tests.comms.receivers import HookServer, Received

pytestmark = pytest.mark.django_db
CREATED = b'{"data": {"id": "1445880548472328192", "text": "Hello world!"}}'


@pytest.fixture
def server(hook: HookServer, monkeypatch: pytest.MonkeyPatch) -> HookServer:
    hook.url = hook.url.removesuffix("/hook")
    at_home(monkeypatch, hook.url)
    hook.status, hook.body = 201, CREATED
    return hook


@pytest.fixture
def account(server: HookServer) -> Channel:
    return channel(ChannelKind.X)


def signature(method: str, url: str, parameters: dict[str, str]) -> str:
    """HMAC-SHA1 as X describes it step by step, under "Creating a signature"."""

    def encoded(text: str) -> str:
        return quote(text, safe="-._~")

    pairs = sorted((encoded(name), encoded(value)) for name, value in parameters.items())
    string = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method.upper(), encoded(url), encoded(string)))
    key = f"{encoded(X_KEYS['api_secret'])}&{encoded(X_KEYS['access_secret'])}"
    digest = hmac.new(key.encode(), base.encode(), hashlib.sha1)
    return base64.b64encode(digest.digest()).decode()


def authorization(received: Received) -> dict[str, str]:
    scheme, _space, rest = received.headers["Authorization"].partition(" ")
    assert scheme == "OAuth"
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', rest)}


def check_signed(received: Received, base: str) -> None:
    given = authorization(received)
    claimed = given.pop("oauth_signature")
    assert (given["oauth_consumer_key"], given["oauth_token"]) == (X_KEYS["api_key"], X_KEYS["access_token"])
    assert (given["oauth_signature_method"], given["oauth_version"]) == ("HMAC-SHA1", "1.0")
    assert abs(int(given["oauth_timestamp"]) - timezone.now().timestamp()) < 60
    path = urlsplit(received.path)
    assert claimed == signature(received.method, base + path.path, given | dict(parse_qsl(path.query)))


def test_the_second_signature_is_the_one_that_x_publishes() -> None:
    published = {
        "status": "Hello Ladies + Gentlemen, a signed OAuth request!",
        "include_entities": "true",
        "oauth_consumer_key": X_KEYS["api_key"],
        "oauth_nonce": "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "1318622958",
        "oauth_token": X_KEYS["access_token"],
        "oauth_version": "1.0",
    }
    url = "https://api.x.com/1.1/statuses/update.json"

    ours = Client(
        X_KEYS["api_key"],
        X_KEYS["api_secret"],
        X_KEYS["access_token"],
        X_KEYS["access_secret"],
        nonce=published["oauth_nonce"],
        timestamp=published["oauth_timestamp"],
    ).sign(
        f"{url}?include_entities=true",
        "POST",
        body={"status": published["status"]},
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )[1]["Authorization"]

    assert signature("POST", url, published) == "Ls93hJiZbQ3akF3HF3x1Bz8/zU4="
    assert quote("Ls93hJiZbQ3akF3HF3x1Bz8/zU4=", safe="") in ours


def test_a_post_is_signed_and_named(server: HookServer, account: Channel) -> None:
    delivery = send(owe(account))

    [received] = server.received
    assert (received.method, received.path, json.loads(received.body)) == (
        "POST",
        "/2/tweets",
        {"text": TEXT},
    )
    assert received.headers["Content-Type"] == "application/json"
    check_signed(received, server.url)
    assert (delivery.external_id, delivery.external_url) == (
        "1445880548472328192",
        "https://x.com/i/web/status/1445880548472328192",
    )


def test_what_follows_hangs_under_the_first_post_of_the_incident_that_still_stands(
    server: HookServer, account: Channel
) -> None:
    first = factories.update(published_at=factories.OUTAGE)
    removed = posted(account, "1", update=first, sent_at=factories.OUTAGE - timedelta(hours=1))
    posted(account, "2", update=first, language="nl")
    posted(account, "3", update=factories.update(first.incident, published_at=factories.OUTAGE))
    posted(account, "4", update=factories.update(published_at=factories.OUTAGE))
    gone = owe(account, update=first, action=Action.DELETE, original=removed, text="")
    gone.state, gone.sent_at = DeliveryState.SENT, factories.OUTAGE
    gone.save()

    send(owe(account, update=factories.update(first.incident, published_at=factories.OUTAGE)))

    assert json.loads(server.received[0].body)["reply"] == {"in_reply_to_tweet_id": "3"}


@pytest.mark.parametrize("host", ["x.com/FarmaFlux", "twitter.com/i/web"])
def test_what_a_person_posted_is_known_by_its_address(
    server: HookServer, account: Channel, host: str
) -> None:
    first = posted(account, "", external_url=f"https://{host}/status/88?s=20")

    send(owe(account, update=factories.update(first.message.incident, published_at=factories.OUTAGE)))
    send(owe(account, update=first.message, action=Action.DELETE, original=first))

    followed, removed = server.received
    assert json.loads(followed.body)["reply"] == {"in_reply_to_tweet_id": "88"}
    assert removed.path == "/2/tweets/88"


def test_a_withdrawal_notice_answers_the_post_that_it_is_about(server: HookServer, account: Channel) -> None:
    original = posted(account, "77")

    send(owe(account, update=original.message, action=Action.WITHDRAWAL, original=original))

    assert json.loads(server.received[0].body)["reply"] == {"in_reply_to_tweet_id": "77"}


def test_a_post_is_removed(server: HookServer, account: Channel) -> None:
    server.status, server.body = 200, b'{"data": {"deleted": true}}'

    delivery = send(owe(account, action=Action.DELETE, original=posted(account, "77")))

    [received] = server.received
    assert (received.method, received.path, received.body) == ("DELETE", "/2/tweets/77", b"")
    check_signed(received, server.url)
    assert delivery.state == DeliveryState.SENT


def test_a_post_that_is_gone_already_is_removed(server: HookServer, account: Channel) -> None:
    server.status = 404

    delivery = send(owe(account, action=Action.DELETE, original=posted(account, "77")))

    assert delivery.state == DeliveryState.SENT


def test_a_test_asks_for_the_name_of_the_account_and_posts_nothing(
    server: HookServer, account: Channel
) -> None:
    server.status, server.body = (
        200,
        b'{"data": {"id": "2244994945", "name": "Desk", "username": "FarmaFlux"}}',
    )

    delivery = test_of(account)

    [received] = server.received
    assert (received.method, received.path) == ("GET", "/2/users/me")
    check_signed(received, server.url)
    assert (delivery.state, delivery.attempts.get().detail) == ("sent", "@FarmaFlux")


def test_a_text_that_is_there_already_is_for_a_person_to_look_at(
    server: HookServer, account: Channel
) -> None:
    detail = "You are not allowed to create a Tweet with duplicate content."
    server.status = 403
    server.body = json.dumps({"detail": detail, "type": "about:blank", "title": "Forbidden"}).encode()

    delivery = send(owe(account))

    assert (delivery.state, delivery.error) == ("unknown", f"{posting.ALREADY_THERE}\n{detail}")


def test_the_reason_of_a_refusal_is_told(server: HookServer, account: Channel) -> None:
    server.status = 400
    server.body = b'{"errors": [{"message": "text is too long"}], "title": "Invalid Request"}'

    delivery = send(owe(account))

    assert (delivery.state, delivery.error) == ("failed", "HTTP 400\ntext is too long")


def test_a_used_up_window_is_waited_for(server: HookServer, account: Channel) -> None:
    at = timezone.now() + timedelta(minutes=14)
    server.status = 429
    server.headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": f"{at.timestamp():.0f}"}

    delivery = send(owe(account))

    assert delivery.state == DeliveryState.QUEUED
    assert delivery.not_before >= at - timedelta(seconds=2)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-user-limit-24hour-remaining": "0", "x-user-limit-24hour-reset": "in 20 hours"}, b""),
        ({"Retry-After": "72000"}, b""),
        ({}, b'{"type": "https://api.x.com/2/problems/usage-capped", "detail": "Usage cap exceeded"}'),
    ],
)
def test_an_allowance_that_begins_anew_tomorrow_is_not_waited_for(
    server: HookServer, account: Channel, headers: dict[str, str], body: bytes
) -> None:
    tomorrow = f"{(timezone.now() + timedelta(hours=20)).timestamp():.0f}"
    server.status, server.body = 429, body
    server.headers = {name: value.replace("in 20 hours", tomorrow) for name, value in headers.items()}

    delivery = send(owe(account))

    assert (delivery.state, delivery.error.splitlines()[0]) == ("by-hand", x.FULL)
