"""Posts of a Facebook page: requests and errors as the Graph API documents them."""

import json
from urllib.parse import parse_qs

import pytest
from django.conf import settings

from comms.channels import facebook, posting
from comms.models import Action, Channel, ChannelKind, DeliveryState
from tests.comms.channels.outgoing import TEXT, at_home, channel, owe, posted, send, test_of
from tests.comms.receivers import HookServer, Received

pytestmark = pytest.mark.django_db
POST = "1234567890_122100000000000001"


@pytest.fixture
def server(hook: HookServer, monkeypatch: pytest.MonkeyPatch) -> HookServer:
    hook.url = hook.url.removesuffix("/hook")
    at_home(monkeypatch, hook.url)
    hook.body = json.dumps({"id": POST}).encode()
    return hook


@pytest.fixture
def account(server: HookServer) -> Channel:
    return channel(ChannelKind.FACEBOOK)


def error(**fields: object) -> bytes:
    told = {
        "message": "Message for developers",
        "type": "OAuthException",
        "fbtrace_id": "EJplcsCHuLu",
        **fields,
    }
    return json.dumps({"error": told}).encode()


def form(received: Received) -> dict[str, list[str]]:
    return parse_qs(received.body.decode(), strict_parsing=True) if received.body else {}


def test_a_post_carries_the_text_and_a_card_of_the_page(server: HookServer, account: Channel) -> None:
    delivery = send(owe(account))

    [received] = server.received
    assert (received.method, received.path) == ("POST", "/v25.0/1234567890/feed")
    assert form(received) == {
        "message": [TEXT],
        "link": [f"{settings.DESK_STATUS_URL}/fr/incidents/{delivery.message.incident.public_id}/"],
    }
    assert received.headers["Authorization"] == "Bearer EAAB-page-token"
    assert (delivery.external_id, delivery.external_url) == (POST, f"https://www.facebook.com/{POST}")


def test_a_post_is_corrected_in_place(server: HookServer, account: Channel) -> None:
    server.body = b'{"success": true}'
    original = posted(account, POST)

    delivery = send(
        owe(account, update=original.message, action=Action.EDIT, original=original, text="Corrigé")
    )

    [received] = server.received
    assert (received.method, received.path) == ("POST", f"/v25.0/{POST}")
    assert form(received) == {"message": ["Corrigé"]}
    assert (delivery.state, delivery.external_id) == (DeliveryState.SENT, POST)


def test_a_post_is_removed(server: HookServer, account: Channel) -> None:
    server.body = b'{"success": true}'

    delivery = send(owe(account, action=Action.DELETE, original=posted(account, POST)))

    [received] = server.received
    assert (received.method, received.path, received.body) == ("DELETE", f"/v25.0/{POST}", b"")
    assert delivery.state == DeliveryState.SENT


def test_a_test_asks_whose_token_it_is_and_posts_nothing(server: HookServer, account: Channel) -> None:
    server.body = b'{"id": "1234567890", "name": "FarmaFlux"}'

    delivery = test_of(account)

    assert [(r.method, r.path) for r in server.received] == [("GET", "/v25.0/me?fields=id,name")]
    assert (delivery.state, delivery.attempts.get().detail) == ("sent", "FarmaFlux")


def test_the_token_of_a_person_or_another_page_is_told(server: HookServer, account: Channel) -> None:
    server.body = b'{"id": "42", "name": "Jan Peeters"}'

    delivery = test_of(account)

    assert (delivery.state, delivery.error) == ("failed", facebook.OTHER_PAGE)


@pytest.mark.parametrize("code", [10, 102, 190, 200, 368])
def test_a_token_that_no_longer_holds_leaves_it_to_a_person(
    server: HookServer, account: Channel, code: int
) -> None:
    server.status, server.body = 400, error(code=code, error_subcode=463, error_user_msg="Session expired")

    delivery = send(owe(account))

    assert (delivery.state, delivery.error) == ("by-hand", f"{posting.REFUSED}\nSession expired ({code})")


@pytest.mark.parametrize("code", [4, 17, 32, 613])
def test_too_many_calls_are_made_up_for_later(server: HookServer, account: Channel, code: int) -> None:
    server.status, server.body = 400, error(code=code)

    assert send(owe(account)).state == DeliveryState.QUEUED


@pytest.mark.parametrize("fields", [{"code": 1}, {"code": 2}, {"code": 1000, "is_transient": True}])
def test_of_a_passing_fault_of_facebook_nobody_knows(
    server: HookServer, account: Channel, fields: dict[str, object]
) -> None:
    server.status, server.body = 500, error(**fields)

    assert send(owe(account)).state == DeliveryState.UNKNOWN


def test_a_passing_fault_while_correcting_is_tried_again(server: HookServer, account: Channel) -> None:
    server.status, server.body = 500, error(code=2)

    delivery = send(owe(account, action=Action.EDIT, original=posted(account, POST)))

    assert delivery.state == DeliveryState.QUEUED


def test_a_text_that_is_there_already_is_for_a_person_to_look_at(
    server: HookServer, account: Channel
) -> None:
    server.status, server.body = 400, error(code=506, message="Duplicate status message")

    delivery = send(owe(account))

    assert (delivery.state, delivery.error) == (
        "unknown",
        f"{posting.ALREADY_THERE}\nDuplicate status message (506)",
    )


@pytest.mark.parametrize("code", [100, 1609005, "190", None, {}])
def test_any_other_error_is_for_good_with_its_reason(
    server: HookServer, account: Channel, code: object
) -> None:
    server.status, server.body = 400, error(code=code, message="Invalid parameter")

    delivery = send(owe(account))

    assert (delivery.state, delivery.error) == ("failed", f"HTTP 400\nInvalid parameter ({code})")
