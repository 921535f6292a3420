"""Posts of a LinkedIn organisation: requests and answers as its Posts API documents them."""

import json
import re

import pytest
from django.conf import settings

from comms.channels import linkedin, posting
from comms.channels.linkedin import escaped
from comms.models import Action, Channel, ChannelKind, DeliveryState
from tests.comms.channels.outgoing import at_home, channel, owe, posted, send, test_of
from tests.comms.receivers import HookServer

pytestmark = pytest.mark.django_db
POST = "urn:li:share:6844785523593134080"
ENCODED = "urn%3Ali%3Ashare%3A6844785523593134080"
OURS = "urn:li:organization:2414183"


@pytest.fixture
def server(hook: HookServer, monkeypatch: pytest.MonkeyPatch) -> HookServer:
    hook.url = hook.url.removesuffix("/hook")
    at_home(monkeypatch, hook.url)
    hook.status, hook.headers, hook.body = 201, {"x-restli-id": POST}, b""
    return hook


@pytest.fixture
def account(server: HookServer) -> Channel:
    return channel(ChannelKind.LINKEDIN)


def shown(commentary: str) -> str:
    """What LinkedIn's parser would show of `little` text: escapes without their backslash, hashtags as they are."""
    assert not re.search(r"(?<!\\)(?:\\\\)*[|{}@\[\]()<>*_~]", commentary)
    return re.sub(r"\\([\\|{}@\[\]()<>#*_~])", r"\1", commentary)


def test_a_post_is_the_organisations_and_carries_a_card_of_the_page(
    server: HookServer, account: Channel
) -> None:
    delivery = send(owe(account, text="Panne (eForms) #eForms"))

    [received] = server.received
    assert (received.method, received.path) == ("POST", "/rest/posts")
    assert {
        name: received.headers[name]
        for name in ("Authorization", "LinkedIn-Version", "X-Restli-Protocol-Version", "Content-Type")
    } == {
        "Authorization": "Bearer AQX-linkedin-token",
        "LinkedIn-Version": "202607",
        "X-Restli-Protocol-Version": "2.0.0",
        "Content-Type": "application/json",
    }
    assert json.loads(received.body) == {
        "author": OURS,
        "commentary": "Panne \\(eForms\\) #eForms",
        "visibility": "PUBLIC",
        "distribution": {
            "feedDistribution": "MAIN_FEED",
            "targetEntities": [],
            "thirdPartyDistributionChannels": [],
        },
        "content": {
            "article": {
                "source": f"{settings.DESK_STATUS_URL}/fr/incidents/{delivery.message.incident.public_id}/",
                "title": "Titre fr",
            }
        },
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    }
    assert (delivery.external_id, delivery.external_url) == (
        POST,
        f"https://www.linkedin.com/feed/update/{POST}/",
    )


@pytest.mark.parametrize(
    "text",
    [
        "Voir https://status.example/a_b~c(d)?x=[1]#top",
        "a\\b {hashtag|\\#|x} @[Acme](urn:li:organization:1) <b> *bold* | ## #",
        "e-mail: desk@example.org",
    ],
)
def test_a_text_stands_there_as_it_is(text: str) -> None:
    assert shown(escaped(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#eForms et #Été", "#eForms et #Été"),
        ("C# n#1 page#top", "C\\# n\\#1 page\\#top"),
        ("(#x)", "\\(#x\\)"),
    ],
)
def test_a_hashtag_stays_one(text: str, expected: str) -> None:
    assert escaped(text) == expected


def test_a_post_is_corrected_in_place(server: HookServer, account: Channel) -> None:
    server.status, server.headers = 204, {}

    delivery = send(owe(account, action=Action.EDIT, original=posted(account, POST), text="Corrigé *"))

    [received] = server.received
    assert (received.method, received.path) == ("POST", f"/rest/posts/{ENCODED}")
    assert received.headers["X-RestLi-Method"] == "PARTIAL_UPDATE"
    assert json.loads(received.body) == {"patch": {"$set": {"commentary": "Corrigé \\*"}}}
    assert (delivery.state, delivery.external_id) == (DeliveryState.SENT, POST)


@pytest.mark.parametrize("status", [204, 404])
def test_a_post_is_removed_or_was_gone_already(server: HookServer, account: Channel, status: int) -> None:
    server.status, server.headers = status, {}

    delivery = send(owe(account, action=Action.DELETE, original=posted(account, POST)))

    [received] = server.received
    assert (received.method, received.path, received.body) == ("DELETE", f"/rest/posts/{ENCODED}", b"")
    assert received.headers["X-RestLi-Method"] == "DELETE"
    assert delivery.state == DeliveryState.SENT


def test_what_a_person_posted_is_known_by_its_address(server: HookServer, account: Channel) -> None:
    server.status, server.headers = 204, {}
    by_hand = posted(account, "", external_url=f"https://www.linkedin.com/feed/update/{POST}/?x=1")

    send(owe(account, action=Action.DELETE, original=by_hand))

    assert server.received[0].path == f"/rest/posts/{ENCODED}"


def test_a_test_asks_for_the_role_and_posts_nothing(server: HookServer, account: Channel) -> None:
    elements = [
        {"organization": "urn:li:organization:1", "role": "ADMINISTRATOR", "state": "APPROVED"},
        {"organization": OURS, "role": "ANALYST", "state": "APPROVED"},
        {"organization": OURS, "role": "CONTENT_ADMINISTRATOR", "state": "APPROVED"},
    ]
    server.status, server.headers, server.body = 200, {}, json.dumps({"elements": elements}).encode()

    delivery = test_of(account)

    assert [(r.method, r.path.partition("?")[0]) for r in server.received] == [
        ("GET", "/rest/organizationAcls")
    ]
    assert (delivery.state, delivery.attempts.get().detail) == ("sent", "CONTENT_ADMINISTRATOR")


@pytest.mark.parametrize(
    "elements",
    [
        [],
        None,
        [None, 7],
        [{"organization": OURS, "role": "ANALYST", "state": "APPROVED"}],
        [{"organization": OURS, "role": "ADMINISTRATOR", "state": "REVOKED"}],
        [{"organization": OURS + "9", "role": "ADMINISTRATOR", "state": "APPROVED"}],
    ],
)
def test_a_token_that_may_not_post_is_told(server: HookServer, account: Channel, elements: object) -> None:
    server.status, server.headers, server.body = 200, {}, json.dumps({"elements": elements}).encode()

    delivery = test_of(account)

    assert (delivery.state, delivery.error) == ("failed", linkedin.NOT_A_POSTER)


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (401, "The token has expired", ("by-hand", linkedin.REFUSED)),
        (403, "Not enough permissions", ("by-hand", linkedin.REFUSED)),
        (426, "Requested version 20230101 is not active", ("by-hand", linkedin.OLD_VERSION)),
        (422, f"Content is a duplicate of {POST}", ("unknown", posting.ALREADY_THERE)),
        (400, "Unpermitted fields present", ("failed", "HTTP 400")),
    ],
)
def test_an_error_is_told_with_what_can_be_done(
    server: HookServer, account: Channel, status: int, message: str, expected: tuple[str, str]
) -> None:
    server.status, server.headers = status, {}
    server.body = json.dumps({"message": message, "serviceErrorCode": 65601, "status": status}).encode()

    delivery = send(owe(account))

    assert (delivery.state, delivery.error) == (expected[0], f"{expected[1]}\n{message}")


@pytest.mark.parametrize("given", ["2026", "202613", "2026-07", "two"])
def test_a_version_is_a_year_and_a_month(given: str) -> None:
    with pytest.raises(ValueError, match="six digits"):
        linkedin.check_version(given)

    linkedin.check_version("202607")
