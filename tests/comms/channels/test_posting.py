"""What holds for every way where a repeat would be a second message, over a real web server."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from comms.channels import credentials, http, posting
from comms.channels.base import Doubt
from comms.channels.kinds import capabilities
from comms.models import Action, Channel, ChannelKind, DeliveryState
from tests.comms.channels import outgoing
from tests.comms.channels.outgoing import at_home, channel, owe, posted, send
from tests.comms.receivers import HookServer, black_hole, free_port

pytestmark = pytest.mark.django_db

KINDS = [
    ChannelKind.X,
    ChannelKind.FACEBOOK,
    ChannelKind.LINKEDIN,
    ChannelKind.SMS,
    ChannelKind.SLACK,
    ChannelKind.TEAMS,
]
SECRETS = ["slack-secret", "teams-secret", "gateway-secret", "EAAB-page-token", "AQX-linkedin-token"]


@pytest.fixture
def server(hook: HookServer, monkeypatch: pytest.MonkeyPatch) -> HookServer:
    hook.url = hook.url.removesuffix("/hook")
    at_home(monkeypatch, hook.url)
    return hook


@pytest.fixture(params=KINDS)
def way(request: pytest.FixtureRequest, server: HookServer) -> Channel:
    return channel(request.param, server.url)


def given_up(way: Channel) -> str:
    """An SMS cannot be posted by hand: it has no address to show."""
    return "failed" if way.kind == ChannelKind.SMS else "by-hand"


def accept(server: HookServer, kind: str) -> None:
    """Answer as that kind's other side does when it takes a message."""
    server.status, server.headers, server.body = {
        "x": (201, {}, b'{"data": {"id": "1346889436626259968", "text": "x"}}'),
        "facebook": (200, {}, b'{"id": "1234567890_55"}'),
        "linkedin": (201, {"x-restli-id": "urn:li:share:6844785523593134080"}, b""),
        "sms": (200, {}, b"OK"),
        "slack": (200, {}, b"ok"),
        "teams": (202, {}, b""),
    }[kind]


def test_a_message_is_taken_once(server: HookServer, way: Channel) -> None:
    accept(server, way.kind)

    delivery = send(owe(way))
    send(delivery)

    assert (delivery.state, delivery.error, len(server.received)) == (DeliveryState.SENT, "", 1)
    assert server.received[0].headers["Host"] == server.url.removeprefix("http://")


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_for_a_person(server: HookServer, way: Channel, status: int) -> None:
    server.status, server.body = status, b"token expired"

    delivery = send(owe(way))

    assert (delivery.state, len(server.received)) == (given_up(way), 1)
    assert "administrator" in delivery.error


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_message_that_was_refused_is_not_sent_again(server: HookServer, way: Channel, status: int) -> None:
    server.status, server.body = status, b""

    delivery = send(owe(way))

    assert (delivery.state, delivery.error, len(server.received)) == ("failed", f"HTTP {status}", 1)


def test_a_requested_pause_is_kept(server: HookServer, way: Channel) -> None:
    server.status, server.headers = 429, {"Retry-After": "1200"}
    asked_at = timezone.now()

    delivery = send(owe(way))

    assert delivery.state == DeliveryState.QUEUED
    assert delivery.not_before >= asked_at + timedelta(minutes=20)


def test_an_overloaded_server_took_nothing(server: HookServer, way: Channel) -> None:
    server.status = 503

    assert send(owe(way)).state == DeliveryState.QUEUED


@pytest.mark.parametrize("status", [500, 502, 504])
def test_of_a_fault_of_theirs_nobody_knows(server: HookServer, way: Channel, status: int) -> None:
    server.status = status

    delivery = send(owe(way))
    send(delivery)

    assert (delivery.state, len(server.received)) == (DeliveryState.UNKNOWN, 1)


def test_an_answer_that_never_came_is_not_followed_by_a_second_message(
    server: HookServer, way: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 0.2)
    server.before_answer = lambda: time.sleep(0.6)

    delivery = send(owe(way))
    send(delivery)

    assert (delivery.state, delivery.error, len(server.received)) == ("unknown", http.NO_ANSWER, 1)


def test_where_nobody_listens_nothing_was_sent(
    way: Channel, monkeypatch: pytest.MonkeyPatch, local_hooks: None
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    at_home(monkeypatch, nowhere)
    deaf = channel(ChannelKind(way.kind), nowhere)

    assert send(owe(deaf)).state == DeliveryState.QUEUED


def test_a_black_hole_is_given_up(way: Channel, monkeypatch: pytest.MonkeyPatch, local_hooks: None) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 0.2)
    with black_hole() as url:
        at_home(monkeypatch, url)
        silent = channel(ChannelKind(way.kind), url)

        assert send(owe(silent)).state == DeliveryState.UNKNOWN


def test_a_redirect_is_not_followed(server: HookServer, way: Channel) -> None:
    server.status, server.headers = 307, {"Location": f"{server.url}/elsewhere"}

    delivery = send(owe(way))

    assert (delivery.state, delivery.error, len(server.received)) == ("failed", http.REDIRECTED, 1)


@pytest.mark.parametrize(
    "junk", [b"<html>Welcome to the hotel</html>", b"[]", b"\xff\xfe", b'{"data": 7}', b""]
)
@pytest.mark.parametrize("kind", ["x", "facebook", "linkedin", "slack"])
def test_of_a_success_that_names_nothing_nobody_knows(server: HookServer, kind: str, junk: bytes) -> None:
    server.body = junk

    delivery = send(owe(channel(ChannelKind(kind), server.url)))

    assert (delivery.state, delivery.error) == ("unknown", posting.STRANGE)


def test_an_answer_without_end_is_cut_off(server: HookServer, way: Channel) -> None:
    server.body = b"x" * (http.LARGEST_ANSWER + 1)

    delivery = send(owe(way))

    assert (delivery.state, delivery.error) == ("unknown", http.TOO_LARGE)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_leaves_for_our_own_network(hook: HookServer, settings: Settings, kind: ChannelKind) -> None:
    settings.DESK_WEBHOOK_NETWORKS = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", 443))])

        delivery = send(owe(channel(kind, "https://vendor.example")))

    assert (delivery.state, hook.received) == (DeliveryState.FAILED, [])


@pytest.mark.parametrize("kind", KINDS)
def test_without_its_secret_nothing_leaves(server: HookServer, kind: ChannelKind) -> None:
    way = channel(kind, server.url, secrets={})

    delivery = send(owe(way))

    assert (delivery.state, delivery.error, server.received) == (given_up(way), credentials.MISSING, [])


@pytest.mark.parametrize("kind", [ChannelKind.FACEBOOK, ChannelKind.LINKEDIN, ChannelKind.SMS])
def test_without_its_settings_nothing_leaves(server: HookServer, kind: ChannelKind) -> None:
    way = channel(kind, server.url, settings={})

    delivery = send(owe(way))

    assert (delivery.state, delivery.error, server.received) == (given_up(way), posting.UNSET, [])


@pytest.mark.parametrize("kind", [ChannelKind.X, ChannelKind.FACEBOOK, ChannelKind.LINKEDIN])
@pytest.mark.parametrize("given", ["two\r\nX-Injected: 1", "with space", "é"])
def test_a_token_cannot_smuggle_in_a_header(server: HookServer, kind: ChannelKind, given: str) -> None:
    names = list(outgoing.X_KEYS) if kind == ChannelKind.X else ["token"]

    delivery = send(owe(channel(kind, server.url, secrets=dict.fromkeys(names, given))))

    assert (delivery.state, delivery.error, server.received) == ("by-hand", posting.NOT_A_TOKEN, [])


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_no_secret_is_told_with_what_became_of_it(
    server: HookServer, way: Channel, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.status = status

    delivery = send(owe(way))

    told = " ".join([delivery.error, caplog.text, *delivery.attempts.values_list("detail", flat=True)])
    assert [secret for secret in (*SECRETS, *outgoing.X_KEYS.values()) if secret in told] == []


CHANGES = [
    (ChannelKind.X, Action.DELETE),
    (ChannelKind.FACEBOOK, Action.EDIT),
    (ChannelKind.FACEBOOK, Action.DELETE),
    (ChannelKind.LINKEDIN, Action.EDIT),
    (ChannelKind.LINKEDIN, Action.DELETE),
]


@pytest.fixture(params=CHANGES)
def change(request: pytest.FixtureRequest, server: HookServer) -> tuple[Channel, Action]:
    kind, action = request.param
    return channel(kind, server.url), action


@pytest.mark.parametrize("status", [500, 503])
def test_what_may_be_done_twice_is_done_again(
    server: HookServer, change: tuple[Channel, Action], status: int
) -> None:
    server.status = status

    delivery = send(owe(change[0], action=change[1], original=posted(change[0])))

    assert delivery.state == DeliveryState.QUEUED


def test_a_change_that_was_answered_strangely_is_made_again(server: HookServer) -> None:
    server.body = b"<html>"
    page = channel(ChannelKind.FACEBOOK)

    delivery = send(owe(page, action=Action.EDIT, original=posted(page)))

    assert (delivery.state, delivery.error) == ("queued", posting.STRANGE_AGAIN)


def test_a_post_without_a_name_is_changed_by_hand(server: HookServer, change: tuple[Channel, Action]) -> None:
    delivery = send(owe(change[0], action=change[1], original=posted(change[0], name="")))

    assert (delivery.state, delivery.error, server.received) == ("by-hand", posting.NAMELESS, [])


def test_what_a_kind_says_it_can_is_what_is_tested_here() -> None:
    can = {kind: capabilities(Channel(kind=kind)) for kind in KINDS}

    assert {(kind, Action.EDIT) for kind in KINDS if can[kind].edits} | {
        (kind, Action.DELETE) for kind in KINDS if can[kind].deletes
    } == set(CHANGES)
    assert {able.in_doubt for able in can.values()} == {Doubt.ASK}
    assert not any(able.idempotent or able.reads_back for able in can.values())
    assert all(able.limit for able in can.values())


@pytest.fixture(autouse=True)
def nothing_else_waits() -> Iterator[None]:
    yield
    assert not Channel.objects.filter(claims__isnull=False).exists()
