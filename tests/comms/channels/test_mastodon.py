"""Posts on a Mastodon of the tests, read back with Mastodon.py; and the answers that Mastodon documents besides."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone
from mastodon import Mastodon

from comms import relay
from comms.channels import http, mastodon, posting, servers
from comms.channels.base import Receipt
from comms.channels.mastodon import MastodonTransport
from comms.models import Action, Channel, ChannelKind, Delivery, DeliveryState, Listening, Notice
from comms.operations import listening
from tests import factories
from tests.comms.channels.outgoing import channel, owe, posted, send
from tests.comms.receivers import HookServer, free_port
from tickets import operations
from tickets.mentions import read_mentions
from tickets.models import Contact, Mail

pytestmark = [pytest.mark.journey, pytest.mark.django_db]

TEXT = "eForms : panne <totale> & « complète ».\n\nÀ faire : notez.\nSuite : https://status.example/fr/incidents/a1/"
TOKEN = "mock_token"


@dataclass(frozen=True)
class Server:
    url: str

    @property
    def client(self) -> Mastodon:
        return Mastodon(access_token=TOKEN, api_base_url=self.url, version_check_mode="none")

    def statuses(self) -> list[Any]:
        """What the desk's account posted, the newest first."""
        return list(self.client.account_statuses(self.client.me()))

    def pharmacist(self) -> Mastodon:
        """Another account."""
        said = {"username": "marie", "email": "m@p.example", "password": "long enough", "agreement": "true"}
        made = httpx.post(f"{self.url}/api/v1/accounts", data=said, trust_env=False).raise_for_status().json()
        return Mastodon(access_token=made["access_token"], api_base_url=self.url, version_check_mode="none")

    def fault(self, **effect: Any) -> None:
        """Answer so to the next post."""
        rule = {"match": {"methods": ["POST"], "path": "/api/v1/statuses"}, "effect": effect, "count": 1}
        httpx.post(f"{self.url}/api/v1/_mock/faults", json=rule, trust_env=False).raise_for_status()


@pytest.fixture(scope="module")
def process() -> Iterator[Server]:
    """In a process of its own: it brings a whole framework along."""
    port = free_port()
    command = [sys.executable, "-m", "mastodon_mock", "serve", "--in-memory", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        server = Server(f"http://127.0.0.1:{port}")
        try:
            _wait_for(server)
            yield server
        finally:
            running.terminate()


def _wait_for(server: Server) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{server.url}/api/v1/instance", trust_env=False).raise_for_status()
        except httpx.HTTPError:
            assert time.monotonic() < end, "the Mastodon of the tests did not start"
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def server(process: Server, local_hooks: None, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Empty; and on a busy machine it is given time."""
    monkeypatch.setattr(http, "TIMEOUT", 50.0)
    monkeypatch.setattr(http, "DEADLINE", 50.0)
    httpx.post(f"{process.url}/api/v1/_mock/reset", trust_env=False, timeout=60).raise_for_status()
    return process


@pytest.fixture
def way(server: Server) -> Channel:
    return made(server.url)


def made(url: str, **settings: str) -> Channel:
    return channel(ChannelKind.MASTODON, settings={"server": f"{url}/", **settings}, secrets={"token": TOKEN})


def told(delivery: Delivery) -> tuple[str, str]:
    delivery.refresh_from_db()
    return delivery.state, delivery.error


def test_a_post_carries_text_language_and_visibility(server: Server, way: Channel) -> None:
    delivery = send(owe(way, text=TEXT, language="fr"))

    [status] = server.statuses()
    assert delivery.state == DeliveryState.SENT
    assert (delivery.external_id, delivery.external_url) == (str(status.id), status.url)
    assert (status.language, status.visibility, status.in_reply_to_id) == ("fr", "public", None)
    assert server.client.status_source(status.id).text == TEXT


def test_the_visibility_is_the_channels(server: Server) -> None:
    send(owe(made(server.url, visibility="unlisted")))

    assert [status.visibility for status in server.statuses()] == ["unlisted"]


def test_what_follows_hangs_under_the_first_post_of_its_language(server: Server, way: Channel) -> None:
    incident = factories.incident()
    updates = [factories.update(incident, published_at=factories.OUTAGE) for _ in range(3)]
    first, dutch = send(owe(way, updates[0])), send(owe(way, updates[0], language="nl"))
    second, third, elsewhere = send(owe(way, updates[1])), send(owe(way, updates[2])), send(owe(way))

    above = {str(status.id): str(status.in_reply_to_id or "") for status in server.statuses()}
    root = first.external_id
    assert [above[each.external_id] for each in (first, dutch, second, third, elsewhere)] == [
        "",
        "",
        root,
        root,
        "",
    ]


def test_a_first_post_that_a_person_wrote_carries_the_thread(server: Server, way: Channel) -> None:
    by_hand = server.client.status_post("À la main.")
    first = posted(way, "", external_url=by_hand.url)
    follows = factories.update(first.message.incident, published_at=factories.OUTAGE)

    send(owe(way, follows))

    assert str(server.statuses()[0].in_reply_to_id) == str(by_hand.id)


def test_a_post_is_corrected_in_place(server: Server, way: Channel) -> None:
    original = send(owe(way))
    edit = send(owe(way, original.message, action=Action.EDIT, original=original, text="Corrigé."))

    [status] = server.statuses()
    assert (edit.state, edit.external_id) == (DeliveryState.SENT, original.external_id)
    assert server.client.status_source(status.id).text == "Corrigé."
    assert status.edited_at is not None


def test_a_post_is_removed_and_removing_it_again_is_no_error(server: Server, way: Channel) -> None:
    original = send(owe(way))
    removal = send(owe(way, original.message, action=Action.DELETE, original=original, text=""))
    Delivery.objects.filter(pk=removal.pk).update(state=DeliveryState.QUEUED, sent_at=None)

    assert server.statuses() == []
    assert told(send(removal)) == ("sent", "")


def test_correcting_a_post_that_is_gone_fails_for_good(server: Server, way: Channel) -> None:
    original = posted(way, "1")

    edit = send(owe(way, original.message, action=Action.EDIT, original=original, text="Corrigé."))

    assert told(edit) == ("failed", "HTTP 404\nRecord not found")


def test_a_repeat_is_the_same_post(server: Server, way: Channel) -> None:
    first = send(owe(way))
    Delivery.objects.update(state=DeliveryState.QUEUED, sent_at=None, external_id="", external_url="")

    again = send(first)

    [status] = server.statuses()
    assert (again.state, again.external_id) == (DeliveryState.SENT, str(status.id))


def test_what_arrived_is_found_among_the_accounts_posts(server: Server, way: Channel) -> None:
    there, not_yet = owe(way, text=TEXT), owe(way, text=TEXT.replace("panne", "reprise"))
    with MastodonTransport(way) as transport:
        receipt = transport.send(transport.prepare(there))
        for number in range(mastodon.PAGE + 1):
            server.client.status_post(f"Autre {number}")
        found = transport.find(transport.prepare(there))
        nothing = transport.find(transport.prepare(not_yet))

    assert found is not None
    assert (found.id, found.url, found.detail) == (receipt.id, receipt.url, posting.FOUND)
    assert nothing is None


def test_the_same_words_of_another_message_or_of_before_are_not_taken_for_it(
    server: Server, way: Channel
) -> None:
    other = send(owe(way))
    same, later = owe(way), owe(way, created_at=other.created_at + timedelta(hours=2))
    with MastodonTransport(way) as transport:
        assert transport.find(transport.prepare(same)) is None
        Delivery.objects.filter(pk=other.pk).update(external_id="")
        assert transport.find(transport.prepare(same)) is not None
        assert transport.find(transport.prepare(later)) is None


def test_a_test_asks_for_the_accounts_name_and_posts_nothing(server: Server, way: Channel) -> None:
    delivery = send(owe(way, notice=Notice.TEST))

    assert (delivery.state, delivery.attempts.get().detail) == ("sent", f"@{server.client.me().acct}")
    assert server.statuses() == []


def test_a_token_that_is_refused_leaves_the_text_to_be_posted_by_hand(server: Server) -> None:
    way = channel(ChannelKind.MASTODON, settings={"server": server.url}, secrets={"token": "revoked"})

    state, error = told(send(owe(way)))
    assert (state, error.splitlines()[0]) == ("by-hand", posting.REFUSED)


def test_a_text_that_is_too_long_is_refused_in_the_servers_words(server: Server, way: Channel) -> None:
    state, error = told(send(owe(way, text="é" * 501)))

    assert (state, error.splitlines()[0]) == ("failed", "HTTP 422")
    assert "500" in error


def test_a_limit_is_waited_out(server: Server, way: Channel) -> None:
    server.fault(type="ratelimit")
    delivery = send(owe(way))

    assert told(delivery) == ("queued", "HTTP 429\nToo many requests")
    assert delivery.not_before - delivery.created_at >= timedelta(minutes=5)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_in_trouble_is_asked_again(server: Server, way: Channel, status: int) -> None:
    server.fault(type="status", status=status)
    delivery = send(owe(way))

    assert told(delivery)[0] == "queued"
    assert delivery.doubtful == (status != 503)
    assert server.statuses() == []


@pytest.fixture
def between(server: Server, hook: HookServer) -> HookServer:
    """Hands everything on to the Mastodon of the tests, and its answer back."""

    def hand_on() -> None:
        received = hook.received[-1]
        kept = {"Authorization", "Content-Type", "Idempotency-Key"}
        answer = httpx.request(
            received.method,
            server.url + received.path,
            content=received.body,
            headers={name: value for name, value in received.headers.items() if name in kept},
            trust_env=False,
            timeout=60,
        )
        hook.status, hook.body = answer.status_code, answer.content

    hook.url = hook.url.removesuffix("/hook")
    hook.before_answer = hand_on
    return hook


def lose_the_answer(hook: HookServer, losing: Callable[[], None]) -> None:
    """Of the next call; later ones are answered."""
    hand_on = hook.before_answer

    def once() -> None:
        hook.before_answer = hand_on
        hand_on()
        losing()

    hook.before_answer = once


def again(delivery: Delivery) -> Delivery:
    Delivery.objects.filter(pk=delivery.pk).update(not_before=delivery.created_at)
    return send(delivery)


def test_after_a_silence_the_post_is_looked_for_and_not_posted_twice(
    server: Server, between: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_the_answer(between, lambda: time.sleep(1))
    with monkeypatch.context() as patched:
        patched.setattr(http, "TIMEOUT", 0.5)
        delivery = send(owe(made(between.url)))
    first = (told(delivery), delivery.doubtful)

    again(delivery)

    [status] = server.statuses()
    assert first == (("queued", http.NO_ANSWER), True)
    assert (delivery.state, delivery.external_id) == ("sent", str(status.id))
    assert [received.method for received in between.received] == ["POST", "GET", "GET"]


@pytest.mark.parametrize("junk", [b"", b"<html>", b"{}", b'{"id": 7}', b"[]", b"\xff"])
def test_after_a_senseless_success_the_post_is_looked_for(
    server: Server, between: HookServer, junk: bytes
) -> None:
    lose_the_answer(between, lambda: setattr(between, "body", junk))
    delivery = send(owe(made(between.url)))
    first = (told(delivery), delivery.doubtful)

    again(delivery)

    assert first == (("queued", posting.STRANGE), True)
    assert (delivery.state, len(server.statuses())) == ("sent", 1)


def test_while_nobody_can_look_it_stays_in_doubt(server: Server, between: HookServer) -> None:
    lose_the_answer(between, lambda: setattr(between, "body", b""))
    delivery = send(owe(made(between.url)))
    lose_the_answer(between, lambda: setattr(between, "status", 503))

    again(delivery)
    meanwhile = (told(delivery)[0], delivery.doubtful, len(server.statuses()))
    again(delivery)

    assert meanwhile == ("queued", True, 1)
    assert (delivery.state, len(server.statuses())) == ("sent", 1)


def test_a_post_whose_thread_is_gone_begins_a_new_one(hook: HookServer) -> None:
    """Mastodon answers 404 to a reply to what is not there (app/controllers/api/v1/statuses_controller.rb)."""

    def choose() -> None:
        gone = "in_reply_to_id" in json.loads(hook.received[-1].body)
        hook.status = 404 if gone else 200
        hook.body = json.dumps(
            {"error": "gone"} if gone else {"id": "8", "url": "https://m.example/8"}
        ).encode()

    hook.before_answer = choose
    way = made(hook.url.removesuffix("/hook"))
    first = posted(way, "7")

    delivery = send(owe(way, factories.update(first.message.incident, published_at=factories.OUTAGE)))

    assert (delivery.state, delivery.external_id) == ("sent", "8")
    assert {received.headers["Idempotency-Key"] for received in hook.received} == {str(delivery.key)}


def test_a_look_that_would_go_on_for_ever_is_left_to_a_person(hook: HookServer) -> None:
    now = datetime.now().astimezone().isoformat()
    page = [{"id": str(number), "created_at": now, "content": "<p>autre</p>"} for number in range(5)]

    def choose() -> None:
        hook.body = json.dumps({"id": "1"} if "verify" in hook.received[-1].path else page).encode()

    hook.before_answer = choose
    delivery = owe(made(hook.url.removesuffix("/hook")))
    Delivery.objects.update(doubtful=True)

    assert told(send(delivery)) == ("failed", mastodon.TOO_FAR_BACK)
    assert len(hook.received) == 1 + mastodon.PAGES


def test_mastodons_own_client_asks_in_the_same_way(hook: HookServer) -> None:
    hook.body = json.dumps({"id": "7", "url": "https://m.example/7", "acct": "f"}).encode()
    url = hook.url.removesuffix("/hook")
    way = made(url)
    first = posted(way, "5")
    ours = send(owe(way, factories.update(first.message.incident, published_at=factories.OUTAGE)))
    for action in (Action.EDIT, Action.DELETE):
        send(owe(way, ours.message, action=action, original=ours))
    send(owe(way, notice=Notice.TEST))

    theirs = Mastodon(access_token=TOKEN, api_base_url=url, version_check_mode="none")
    theirs.status_post(
        ours.text, in_reply_to_id="5", visibility="public", language="fr", idempotency_key=str(ours.key)
    )
    theirs.status_update("7", ours.text)
    theirs.status_delete("7")
    theirs.account_verify_credentials()

    asked = [
        (
            each.method,
            each.path.partition("?")[0],
            each.headers["Authorization"],
            each.headers.get("Idempotency-Key"),
        )
        for each in hook.received
    ]
    assert asked[:4] == asked[4:]
    ours_said, theirs_said = json.loads(hook.received[0].body), form(hook.received[4].body)
    assert {name: theirs_said[name] for name in ours_said} == ours_said


def form(body: bytes) -> dict[str, str]:
    return dict(httpx.QueryParams(body.decode()))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://mastodon.example/@farmaflux", servers.MORE_THAN_A_SERVER),
        ("https://mastodon.example/?a", servers.MORE_THAN_A_SERVER),
    ],
)
def test_of_a_server_only_its_address_is_taken(
    address: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("93.184.216.34", 443))])
    servers.check_server("https://mastodon.example/")

    with pytest.raises(ValueError, match=said):
        servers.check_server(address)


def test_a_visibility_that_mastodon_does_not_have_is_refused() -> None:
    mastodon.check_visibility("unlisted")

    with pytest.raises(ValueError, match=mastodon.NO_VISIBILITY):
        mastodon.check_visibility("direct")


# ── Mentions ────────────────────────────────────────────────────────────────


def listen(to: Channel) -> Listening:
    Channel.objects.filter(pk=to.pk).update(mentions=True)
    return listening.begin(to, at=timezone.now())


def read(row: Listening) -> int:
    Listening.objects.filter(pk=row.pk).update(not_before=timezone.now())
    return read_mentions(str(row.channel_id))


def test_who_mentions_the_account_becomes_a_contact_once_and_is_answered_under_her_post(
    server: Server, way: Channel
) -> None:
    marie, agent = server.pharmacist(), factories.user()
    marie.status_post("@testuser avant")
    time.sleep(0.01)
    row = listen(way)
    first = marie.status_post("@testuser Rien ne marche &\nmême ici", visibility="unlisted", language="fr")
    marie.status_post("@testuser et encore")

    assert [read(row), read(row)] == [2, 0]

    mention, _second = Mail.objects.order_by("post")
    assert (mention.text, mention.url, mention.sender) == (
        "@testuser Rien ne marche &\nmême ici",
        first.url,
        "@marie",
    )
    assert mention.contact is not None
    operations.reply(mention.contact, key=uuid.uuid4(), text="Nous le savons.", by=agent)
    relay.run_once()
    [status] = server.statuses()
    assert (str(status.in_reply_to_id), status.visibility) == (str(first.id), "unlisted")
    assert server.client.status_source(status.id).text == "@marie Nous le savons."
    marie.status_post("@testuser Merci", in_reply_to_id=status.id)
    assert (read(row), Contact.objects.count(), mention.contact.mails.count()) == (1, 2, 3)


def test_a_reply_whose_arrival_nobody_heard_of_is_found_again(server: Server, way: Channel) -> None:
    marie = server.pharmacist()
    row = listen(way)
    marie.status_post("@testuser ?")
    read(row)
    contact = Contact.objects.get()
    mail = operations.reply(
        contact, key=uuid.uuid4(), text="Oui, @marie@elsewhere.example.", by=factories.user()
    )
    message = MastodonTransport(way).prepare(mail.delivery)  # type: ignore[arg-type]
    with MastodonTransport(way) as transport:
        sent = transport.send(message)
        assert transport.find(message) == Receipt(posting.FOUND, sent.id, sent.url)


def test_a_post_that_is_gone_is_not_answered_into_the_void(server: Server, way: Channel) -> None:
    marie = server.pharmacist()
    row = listen(way)
    post = marie.status_post("@testuser ?")
    read(row)
    marie.status_delete(post)
    mail = operations.reply(Contact.objects.get(), key=uuid.uuid4(), text="Oui.", by=factories.user())

    relay.run_once()

    assert told(mail.delivery) == ("failed", posting.GONE)  # type: ignore[arg-type]
    assert server.statuses() == []


def test_a_pause_that_is_asked_for_is_kept(hook: HookServer) -> None:
    row = listen(made(hook.url))
    hook.status, hook.headers = 429, {"Retry-After": "600"}

    assert read(row) == 0

    row.refresh_from_db()
    assert (row.failures, row.error) == (1, "HTTP 429\nok")
    assert row.not_before - timezone.now() > timedelta(minutes=9)
    assert read_mentions(str(row.channel_id)) == 0
    assert len(hook.received) == 1


@pytest.mark.parametrize("said", [b"<html>", {}, [7], [{"id": "1", "created_at": "never"}]])
def test_what_is_no_list_of_mentions_is_an_error_and_no_mention(hook: HookServer, said: Any) -> None:
    row = listen(made(hook.url))
    hook.body = said if isinstance(said, bytes) else json.dumps(said).encode()

    assert read(row) == 0

    row.refresh_from_db()
    assert (bool(row.error), Mail.objects.exists()) == (True, False)
