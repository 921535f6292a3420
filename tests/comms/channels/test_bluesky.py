"""Posts on a real Bluesky server, read back with Bluesky's own client; and what it may answer besides."""

import hmac
import ipaddress
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.conf import settings as desk
from django.utils import timezone
from pytest_django import Settings

from comms import secrets
from comms.channels import bluesky, credentials, http, posting
from comms.channels.bluesky import BlueskyTransport
from comms.models import Action, Channel, ChannelKind, Delivery, DeliveryState, Listening, Notice
from comms.operations import listening
from tests import factories, pds
from tests.comms.channels.outgoing import channel, owe, posted, send
from tests.comms.receivers import HookServer, free_port, hook_server
from tests.pds import Account, Pds
from tickets import operations
from tickets.mentions import read_mentions
from tickets.models import Contact, Mail

pytestmark = [pytest.mark.journey, pytest.mark.django_db]

TEXT = "Storing bij eForms 🧑‍⚕️ (é): https://status.farmaflux.example/nl/incidents/a1/. Meer: (https://apb.example/x?a=1)"
LINKS = ["https://status.farmaflux.example/nl/incidents/a1/", "https://apb.example/x?a=1"]


@pytest.fixture(scope="module")
def app() -> Iterator[HookServer]:
    """In the place of Bluesky's own server."""
    with hook_server() as found:
        yield found


@pytest.fixture(scope="module")
def server(app: HookServer) -> Iterator[Pds]:
    """Skipped where Node.js is missing. In CI, packages that cannot be installed are a failure."""
    if reason := pds.missing():
        pytest.skip(f"no real Bluesky server: {reason}")
    try:
        packages = pds.install()
    except pds.NotInstalled as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no real Bluesky server: {error}")
    with pds.running(packages, free_port(), app.url.rpartition("/")[0]) as found:
        yield found


@pytest.fixture
def here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server names itself localhost, which may be written in both ways; and a busy machine is given time."""
    settings.DESK_WEBHOOK_NETWORKS = [ipaddress.ip_network(each) for each in ("127.0.0.0/8", "::1/128")]
    monkeypatch.setattr(http, "TIMEOUT", 50.0)
    monkeypatch.setattr(http, "DEADLINE", 50.0)


@pytest.fixture
def account(server: Pds, here: None) -> Account:
    return server.account()


@pytest.fixture
def way(server: Pds, account: Account) -> Channel:
    return made(server.url, account.handle, account.password)


def made(url: str, handle: str, password: str) -> Channel:
    return channel(
        ChannelKind.BLUESKY,
        settings={"server": url, "handle": handle},
        secrets={"password": password},
    )


def told(delivery: Delivery) -> tuple[str, str]:
    delivery.refresh_from_db()
    return delivery.state, delivery.error


def test_a_post_carries_text_links_language_and_a_card_of_the_page(
    server: Pds, account: Account, way: Channel
) -> None:
    update = factories.update(published_at=factories.OUTAGE)
    delivery = send(owe(way, update, text=TEXT, language="nl"))

    [read] = server.read(delivery.external_id)
    page = f"{desk.DESK_STATUS_URL}/nl/incidents/{update.incident.public_id}/"
    value = read["value"]
    assert (delivery.state, read["uri"], read["valid"]) == (DeliveryState.SENT, delivery.external_id, True)
    assert (value["text"], value["langs"]) == (TEXT, ["nl"])
    assert value["embed"]["external"] == {
        "uri": page,
        "title": "FarmaFlux · Storing van de eForms",
        "description": "Conséquence nl",
    }
    assert datetime.fromisoformat(value["createdAt"]) == delivery.created_at.replace(
        microsecond=delivery.created_at.microsecond // 1000 * 1000
    )
    name = delivery.external_id.rpartition("/")[2]
    assert delivery.external_url == f"https://bsky.app/profile/{account.did}/post/{name}"
    assert "reply" not in value


def test_bluesky_itself_finds_the_same_links_in_the_same_places(server: Pds, way: Channel) -> None:
    texts = [
        TEXT,
        "geen adres",
        "https://a.example",
        "voir https://a.example/fr/incidents/x/, puis https://b.example/é!",
        "🧑‍⚕️🧑‍⚕️\nhttps://a.example/(b)\n(https://c.example/d).",
        "jetzt:https://kein.example",
    ]
    names = [send(owe(way, text=text)).external_id for text in texts]

    read = server.read(*names)

    assert [post["links"] for post in read] == [post["detected"] for post in read]
    assert [link for _shown, link in read[0]["links"]] == LINKS
    assert [shown for shown, _link in read[0]["links"]] == LINKS


def test_what_follows_hangs_under_the_first_post_of_its_language(server: Pds, way: Channel) -> None:
    incident = factories.incident()
    updates = [factories.update(incident, published_at=factories.OUTAGE) for _ in range(3)]
    first, dutch = send(owe(way, updates[0])), send(owe(way, updates[0], language="nl"))
    second, third = send(owe(way, updates[1])), send(owe(way, updates[2]))
    elsewhere = send(owe(way))

    read = server.read(*(each.external_id for each in (first, dutch, second, third, elsewhere)))
    root = {"uri": read[0]["uri"], "cid": read[0]["cid"]}
    replies = [post["value"].get("reply") for post in read]
    assert replies == [None, None, {"root": root, "parent": root}, {"root": root, "parent": root}, None]


def test_a_correction_answers_what_it_corrects_in_the_same_thread(server: Pds, way: Channel) -> None:
    incident = factories.incident()
    updates = [factories.update(incident, published_at=factories.OUTAGE) for _ in range(2)]
    first, second = (send(owe(way, update)) for update in updates)
    notice = send(owe(way, updates[1], action=Action.WITHDRAWAL, original=second, text="Ne tient plus."))

    read = server.read(first.external_id, second.external_id, notice.external_id)
    ends = read[2]["value"]["reply"]
    assert (ends["root"]["uri"], ends["parent"]["uri"]) == (first.external_id, second.external_id)
    assert read[2]["value"]["embed"]["external"]["description"] == ""


def test_a_thread_whose_first_post_is_gone_begins_anew(server: Pds, account: Account, way: Channel) -> None:
    incident = factories.incident()
    first, second = (factories.update(incident, published_at=factories.OUTAGE) for _ in range(2))
    posted(way, f"at://{account.did}/app.bsky.feed.post/3jzfcijpj2z2a", update=first)

    delivery = send(owe(way, second))

    assert delivery.state == DeliveryState.SENT
    assert [post["value"].get("reply") for post in server.posts(account)] == [None]


def test_a_first_post_that_a_person_wrote_carries_the_thread(
    server: Pds, account: Account, way: Channel
) -> None:
    by_hand = send(owe(way))
    name = by_hand.external_id.rpartition("/")[2]
    address = f"https://bsky.app/profile/{account.handle}/post/{name}"
    Delivery.objects.update(external_id="", external_url=address)
    follows = factories.update(by_hand.message.incident, published_at=factories.OUTAGE)

    delivery = send(owe(way, follows))

    [read] = server.read(delivery.external_id)
    assert read["value"]["reply"]["root"]["uri"] == f"at://{account.did}/app.bsky.feed.post/{name}"


def test_a_repeat_is_the_same_post(server: Pds, account: Account, way: Channel) -> None:
    first = send(owe(way))
    [before] = server.posts(account)
    Delivery.objects.update(state=DeliveryState.QUEUED, sent_at=None, external_id="", external_url="")

    again = send(first)

    assert server.posts(account) == [before]
    assert (again.state, again.external_id) == (DeliveryState.SENT, before["uri"])


def test_one_update_in_four_languages_is_four_posts(server: Pds, account: Account, way: Channel) -> None:
    update, at = factories.update(published_at=factories.OUTAGE), datetime(2022, 7, 1, 11, 40, tzinfo=UTC)
    for language in ("fr", "nl", "de", "en"):
        owe(way, update, language=language, created_at=at)

    send(Delivery.objects.latest("pk"))

    assert sorted(post["value"]["langs"][0] for post in server.posts(account)) == ["de", "en", "fr", "nl"]


def test_a_post_is_removed_and_removing_it_again_is_no_error(
    server: Pds, account: Account, way: Channel
) -> None:
    original = send(owe(way))
    removal = send(owe(way, original.message, action=Action.DELETE, original=original, text=""))
    Delivery.objects.filter(pk=removal.pk).update(state=DeliveryState.QUEUED, sent_at=None)

    assert server.posts(account) == []
    assert told(send(removal)) == ("sent", "")


def test_a_post_of_another_account_is_left_to_a_person(server: Pds, way: Channel) -> None:
    original = posted(way, "at://did:plc:another/app.bsky.feed.post/3jzfcijpj2z2a")

    removal = send(owe(way, original.message, action=Action.DELETE, original=original, text=""))

    assert told(removal) == ("by-hand", bluesky.ANOTHER_ACCOUNT)


def test_what_arrived_is_found_and_what_did_not_is_not(server: Pds, way: Channel) -> None:
    there, not_yet = owe(way), owe(way)
    with BlueskyTransport(way) as transport:
        receipt = transport.send(transport.prepare(there))
        found = transport.find(transport.prepare(there))
        nothing = transport.find(transport.prepare(not_yet))

    assert found is not None
    assert (found.id, found.url, found.detail) == (receipt.id, receipt.url, posting.FOUND)
    assert nothing is None


def test_a_test_signs_in_and_posts_nothing(server: Pds, account: Account, way: Channel) -> None:
    delivery = send(owe(way, notice=Notice.TEST))

    assert (delivery.state, delivery.attempts.get().detail) == ("sent", f"@{account.handle}")
    assert server.posts(account) == []


def test_a_wrong_app_password_leaves_the_text_to_be_posted_by_hand(server: Pds, account: Account) -> None:
    delivery = send(owe(made(server.url, account.handle, "abcd-efgh-ijkl-mnop")))

    state, error = told(delivery)
    assert (state, error.splitlines()[0]) == ("by-hand", bluesky.WRONG_PASSWORD)
    assert "Invalid identifier or password" in error


def test_a_text_that_is_too_long_is_refused_in_the_servers_words(
    server: Pds, account: Account, way: Channel
) -> None:
    state, error = told(send(owe(way, text="é" * 301)))

    assert state == "failed"
    assert "300 graphemes" in error
    assert server.posts(account) == []


def test_the_longest_text_that_we_count_as_fitting_is_taken(server: Pds, way: Channel) -> None:
    limit = BlueskyTransport.capabilities.limit
    assert limit is not None
    text = "🧑‍⚕️é" * 106
    text += "x" * (limit.most - limit.count(text))

    delivery = send(owe(way, text=text))

    [read] = server.read(delivery.external_id)
    assert (limit.count(text), read["graphemes"] <= 300) == (limit.most, True)


def test_who_signs_in_too_often_is_asked_to_wait_and_waits(
    server: Pds, account: Account, way: Channel
) -> None:
    url, content = f"{server.url}/xrpc/com.atproto.server.createSession", {"identifier": account.handle}
    for _ in range(30):
        httpx.post(url, json={**content, "password": "x"}, trust_env=False)

    delivery = send(owe(way))

    state, error = told(delivery)
    assert (state, error.splitlines()[0]) == ("queued", "HTTP 429")
    assert delivery.not_before - delivery.created_at > timedelta(minutes=2)


def test_a_token_that_expired_on_the_way_is_replaced_once(
    server: Pds, account: Account, way: Channel
) -> None:
    delivery = owe(way)
    with BlueskyTransport(way) as transport:
        message = transport.prepare(delivery)
        session = transport._signed_in(message)
        transport._session = bluesky.Session(
            session.server, session.did, session.handle, expired(session.token)
        )
        receipt = transport.send(message)

    assert receipt.id == server.posts(account)[0]["uri"]


def expired(token: str) -> str:
    """The same token, of yesterday, signed as the server signs."""
    head, content, _signature = token.split(".")
    claims = json.loads(urlsafe_b64decode(content + "=="))
    claims |= {"iat": claims["iat"] - 86400, "exp": claims["iat"] - 80000}
    signed = f"{head}.{_encoded(json.dumps(claims).encode())}"
    return f"{signed}.{_encoded(hmac.digest(pds.JWT_SECRET, signed.encode(), 'sha256'))}"


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


SESSION = {"did": "did:plc:a", "handle": "f.test", "accessJwt": "token"}


def answers(hook: HookServer, **by_method: dict[str, Any] | bytes | int) -> None:
    """What a server that misbehaves answers, by the last part of the method's name; a number is a status."""

    def choose() -> None:
        method = hook.received[-1].path.rpartition(".")[2].partition("?")[0]
        found = by_method.get(method, {"error": "RecordNotFound"})
        hook.status = (
            found if isinstance(found, int) else 400 if found == {"error": "RecordNotFound"} else 200
        )
        hook.body = found if isinstance(found, bytes) else json.dumps(found).encode()

    hook.before_answer = choose


@pytest.fixture
def odd(hook: HookServer) -> Channel:
    return made(hook.url.removesuffix("/hook"), "@f.test ", "p")


def called(hook: HookServer) -> list[str]:
    return [received.path.rpartition(".")[2].partition("?")[0] for received in hook.received]


def test_the_handle_is_given_without_its_sign(hook: HookServer, odd: Channel) -> None:
    answers(hook, createSession=SESSION)
    send(owe(odd, notice=Notice.TEST))

    assert json.loads(hook.received[0].body) == {"identifier": "f.test", "password": "p"}


def test_one_session_serves_a_whole_lane(hook: HookServer, odd: Channel) -> None:
    answers(hook, createSession=SESSION, putRecord=503)
    owe(odd)
    send(owe(odd))

    assert called(hook) == ["createSession", "putRecord", "putRecord"]


@pytest.mark.parametrize("said", [b"<html>", {}, {"did": 1, "handle": "f", "accessJwt": "t"}, [], b"\xff"])
def test_a_sign_in_that_makes_no_sense_is_tried_again(hook: HookServer, odd: Channel, said: Any) -> None:
    answers(hook, createSession=said)

    assert told(send(owe(odd))) == ("queued", posting.STRANGE_AGAIN)
    assert called(hook) == ["createSession"]


def test_an_account_that_is_taken_down_is_left_to_a_person(hook: HookServer, odd: Channel) -> None:
    answers(hook, createSession={**SESSION, "active": False, "status": "takendown"})

    assert told(send(owe(odd))) == ("by-hand", f"{bluesky.INACTIVE}\ntakendown")


@pytest.mark.parametrize(
    "said", [b"", b"<html>", {}, {"uri": "at://did:plc:a/app.bsky.feed.post/another"}, {"uri": 7}]
)
def test_a_success_that_does_not_name_the_post_is_repeated(hook: HookServer, odd: Channel, said: Any) -> None:
    answers(hook, createSession=SESSION, putRecord=said)

    assert told(send(owe(odd))) == ("queued", posting.STRANGE)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_in_trouble_is_asked_again(hook: HookServer, odd: Channel, status: int) -> None:
    answers(hook, createSession=SESSION, putRecord=status)

    state, error = told(send(owe(odd)))
    assert (state, error.splitlines()[0]) == ("queued", f"HTTP {status}")


def test_the_post_goes_to_the_server_that_the_account_is_on(hook: HookServer, odd: Channel) -> None:
    home = f"http://127.0.0.1:{free_port()}"
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": home}
    answers(hook, createSession={**SESSION, "didDoc": {"service": [{"id": "#other"}, service]}})

    assert told(send(owe(odd))) == ("queued", http.UNREACHABLE)
    assert called(hook) == ["createSession"]


def test_a_home_inside_is_refused(hook: HookServer, odd: Channel) -> None:
    service = {"id": "did:plc:a#atproto_pds", "serviceEndpoint": "https://10.0.0.1"}
    answers(hook, createSession={**SESSION, "didDoc": {"service": [service]}})

    state, _error = told(send(owe(odd)))
    assert state == "failed"


def test_without_its_password_a_post_is_left_to_a_person(hook: HookServer, odd: Channel) -> None:
    Channel.objects.update(sealed_secrets="")

    assert told(send(owe(odd)))[0] == "by-hand"
    assert hook.received == []


def test_a_key_is_a_tid_of_the_second_in_which_it_was_owed() -> None:
    at = datetime(2022, 7, 1, 11, 40, 31, 999_999, tzinfo=UTC)
    for number in (0, 1, 10**6, 2**128 - 1):
        name = bluesky.record_key(Delivery(key=UUID(int=number), created_at=at))
        value = 0
        for character in name:
            value = value * 32 + bluesky.SORTABLE.index(character)
        assert (len(name), value >> 63) == (13, 0)
        assert datetime.fromtimestamp((value >> 10) // 10**6, UTC) == at.replace(microsecond=0)


# ── Mentions ────────────────────────────────────────────────────────────────


def listen(to: Channel, at: datetime | None = None) -> Listening:
    Channel.objects.filter(pk=to.pk).update(mentions=True)
    return listening.begin(to, at=at or timezone.now())


def read(row: Listening) -> int:
    Listening.objects.filter(pk=row.pk).update(not_before=timezone.now())
    return read_mentions(str(row.channel_id))


def noticed(
    uri: str, at: datetime, *, reason: str = "mention", text: str = "@freddy ?", **record: Any
) -> Any:
    """As app.bsky.notification.listNotifications tells of it."""
    return {
        "uri": uri,
        "cid": "c",
        "author": {"did": uri.split("/")[2], "handle": "marie.example", "displayName": "Marie"},
        "reason": reason,
        "record": {"text": text, "langs": ["nl-BE"], **record},
        "isRead": False,
        "indexedAt": at.isoformat(),
    }


def test_who_mentions_the_account_is_answered_under_her_post(
    server: Pds, app: HookServer, account: Account, way: Channel
) -> None:
    row, marie = listen(way), server.account()
    uri = server.write(marie, f"@{account.handle} niets werkt")
    app.headers = {"Content-Type": "application/json"}
    app.body = json.dumps({"notifications": [noticed(uri, timezone.now())]}).encode()
    app.received.clear()

    assert (read(row), read(row)) == (1, 1)  # what happened in the last moment is looked at twice

    asked = app.received[0]
    assert asked.path.startswith(
        "/xrpc/app.bsky.notification.listNotifications?reasons=mention&reasons=reply&"
    )
    mention = Mail.objects.get()
    assert mention.contact is not None
    assert (mention.post, mention.contact.language, mention.contact.caller_text) == (
        uri,
        "nl",
        "@marie.example",
    )
    reply = operations.reply(mention.contact, key=uuid4(), text="We weten het.", by=factories.user())
    assert reply.delivery is not None
    assert send(reply.delivery).state == DeliveryState.SENT
    [answer, post] = server.read(reply.delivery.external_id, uri)
    root = {"uri": post["uri"], "cid": post["cid"]}
    assert (answer["value"]["text"], answer["value"]["reply"]) == (
        "We weten het.",
        {"root": root, "parent": root},
    )
    assert "embed" not in answer["value"]


def test_the_session_is_kept_and_renewed_without_the_password(
    server: Pds, app: HookServer, account: Account, way: Channel
) -> None:
    row = listen(way)
    app.headers, app.body = {"Content-Type": "application/json"}, b'{"notifications": []}'
    read(row)
    Channel.objects.update(sealed_secrets=credentials.seal({"password": "wrong by now"}))

    assert read(row) == 0

    row.refresh_from_db()
    assert row.error == ""
    kept = json.loads(secrets.unseal(row.place["session"]))
    row.place["session"] = secrets.seal(json.dumps({**kept, "token": expired(kept["token"])}))
    row.save()
    read(row)
    row.refresh_from_db()
    renewed = json.loads(secrets.unseal(row.place["session"]))
    assert (row.error, renewed["refresh"] != kept["refresh"]) == ("", True)


def test_a_post_that_is_gone_is_not_answered_into_the_void(
    server: Pds, account: Account, way: Channel
) -> None:
    gone = f"at://{account.did}/app.bsky.feed.post/3aaaaaaaaaaaa"
    delivery = send(owe(way, notice=Notice.REPLY, recipient=gone))

    assert told(delivery) == ("failed", posting.GONE)
    assert server.posts(account) == []


def test_a_long_absence_is_read_back_to_where_it_began(hook: HookServer, odd: Channel) -> None:
    now = timezone.now()
    row = listen(odd, now - timedelta(minutes=55))
    reasons = ("mention", "reply", "like", "mention", "mention", "mention", "mention")
    posts = [
        noticed(f"at://did:plc:b/app.bsky.feed.post/{n}", now - timedelta(minutes=10 * n), reason=reason)
        for n, reason in enumerate(reasons)
    ]
    pages = {"": (posts[:3], "a"), "a": (posts[3:5], "b"), "b": (posts[5:], "c")}

    def page() -> None:
        path, _mark, query = hook.received[-1].path.partition("?")
        shown, follows = pages[dict(httpx.QueryParams(query)).get("cursor", "")]
        is_list = path.endswith("listNotifications")
        hook.body = json.dumps({"notifications": shown, "cursor": follows} if is_list else SESSION).encode()

    hook.before_answer = page
    assert read(row) == 5

    assert {name[-1] for name in Mail.objects.values_list("post", flat=True)} == set("01345")
    row.refresh_from_db()
    assert datetime.fromisoformat(row.place["until"]) == now
    hook.received.clear()
    assert (read(row), len(hook.received), Contact.objects.count()) == (1, 1, 5)
