"""What subscribers get beside the updates, over a real mail server and to a real web server."""

import json
from datetime import datetime, timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.languages import Language
from accounts.roles import Role
from comms import links, relay, secrets
from comms.channels import notices, subscribers
from comms.channels.webhook import signature
from comms.links import Purpose
from comms.models import (
    ChannelKind,
    Claim,
    Delivery,
    DeliveryState,
    Notice,
    Scope,
    Subscriber,
    SubscriberKind,
)
from comms.operations import deliveries, mailing, sending
from comms.operations import subscribers as operations
from comms.operations.subscribers import Asked, Wish
from incidents.models import Service, ServiceStatus
from tests import factories
from tests.comms.receivers import HookServer, MailServer, black_hole

pytestmark = pytest.mark.django_db

EVERYTHING = Wish(Language.FR, Scope.EVERYTHING)


def ask(address: str = "reader@pharmacy.example", wish: Wish = EVERYTHING, **fields: datetime) -> Asked:
    return operations.request_subscription(kind=SubscriberKind.EMAIL, address=address, wish=wish, **fields)


def ask_for_hook(address: str) -> Asked:
    return operations.request_subscription(kind=SubscriberKind.WEBHOOK, address=address, wish=EVERYTHING)


def state(subscriber: Subscriber) -> str:
    return Subscriber.objects.get(pk=subscriber.pk).state


def link(subscriber: Subscriber, purpose: Purpose) -> str:
    return links.url(subscriber, purpose)


def test_an_unknown_address_gets_a_link_to_confirm_with_in_her_language(mail: MailServer) -> None:
    service = factories.service("dpp", name_de="Geteilte Akte")
    row = ask(wish=Wish(Language.DE, Scope.SERVICES, [service])).subscriber

    relay.run_once()

    [(recipient, message)] = mail.accepted
    assert recipient == "reader@pharmacy.example"
    assert message["Subject"] == "FarmaFlux · Bestätigen Sie Ihr Abonnement"
    assert message["Content-Language"] == "de"
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body is not None
        text = body.get_content()
        assert f"{django_settings.DESK_BASE_URL}/public/subscribe/confirm/" in text
        assert link(row, Purpose.UNSUBSCRIBE) in text
        assert "/public/subscribe/manage/" not in text
        assert "Geteilte Akte" in text
    assert state(row) == "pending"


@pytest.mark.parametrize("language", list(Language))
def test_the_letter_speaks_one_language_from_subject_to_end(mail: MailServer, language: Language) -> None:
    ask(wish=Wish(language, Scope.EVERYTHING))

    relay.run_once()

    [(_, message)] = mail.accepted
    body = message.get_body(("plain",))
    assert body is not None
    unsubscribe = {"fr": "Se désabonner", "nl": "Uitschrijven", "de": "Abmelden", "en": "Unsubscribe"}
    spoken = [code for code, word in unsubscribe.items() if word in body.get_content()]
    assert spoken == [language]


def test_one_click_stands_in_the_head_of_the_letter(mail: MailServer) -> None:
    row = ask().subscriber

    relay.run_once()

    [(_, message)] = mail.accepted
    assert message["List-Unsubscribe"] == f"<{link(row, Purpose.UNSUBSCRIBE)}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"


def test_the_link_of_one_click_leaves_on_one_line_as_it_is(mail: MailServer) -> None:
    """Folded by Python it became an encoded word (RFC 2047), which in this header nobody reads as a link."""
    row = ask().subscriber
    delivery = Delivery.objects.get()
    letter = subscribers.notice_letter(delivery, notices.written(delivery))
    line = f"\r\nList-Unsubscribe: <{link(row, Purpose.UNSUBSCRIBE)}>\r\n".encode()

    assert line in letter.content
    assert line.replace(b"\r", b"") in letter.message().as_bytes()


def test_a_repeat_of_the_letter_is_the_same_letter_and_is_sent_by_itself(mail: MailServer) -> None:
    ask()
    mail.drop.add("reader@pharmacy.example")
    relay.run_once()
    mail.drop.clear()
    Delivery.objects.update(not_before=timezone.now())
    relay.run_once()

    first, second = (message for _, message in mail.accepted)
    assert first["Message-ID"] == second["Message-ID"]
    assert str(first.get_body(("plain",))) == str(second.get_body(("plain",)))
    assert Delivery.objects.get().state == "sent"


def test_an_active_address_is_told_so_with_the_link_of_what_it_has(mail: MailServer) -> None:
    active = factories.subscriber()
    again = ask().subscriber

    relay.run_once()

    [(_, message)] = mail.accepted
    body = message.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert message["Subject"] == "FarmaFlux · Vous êtes déjà abonné"
    assert link(active, Purpose.MANAGE) in text
    assert link(again, Purpose.MANAGE) not in text
    assert "/public/subscribe/confirm/" not in text
    assert state(again) == "pending"


def test_an_address_is_written_to_once_in_ten_minutes(mail: MailServer) -> None:
    with time_machine.travel(factories.OUTAGE, tick=False) as clock:
        ask()
        relay.run_once()
        clock.shift(timedelta(minutes=9))
        ask()
        ask("other@pharmacy.example")
        relay.run_once()
        assert mail.recipients == ["reader@pharmacy.example", "other@pharmacy.example"]
        assert [d.error for d in Delivery.objects.filter(state="failed")] == [notices.TOO_SOON]

        clock.shift(timedelta(minutes=2))
        ask()
        relay.run_once()

    assert mail.recipients.count("reader@pharmacy.example") == 2


def test_messages_about_incidents_hold_back_no_sign_up(mail: MailServer) -> None:
    reader, channel = factories.subscriber(), factories.subscriber_channel()
    now = timezone.now()
    for _ in range(notices.MOST_A_DAY):
        sent = Delivery.objects.create(
            update=factories.update(published_at=now),
            channel=channel,
            subscriber=reader,
            language="fr",
            state=DeliveryState.SENT,
            sent_at=now,
            environment="embedded",
            created_at=now,
            not_before=now,
        )
        sent.attempts.create(fence=1, started_at=now, finished_at=now, outcome=DeliveryState.SENT)
    operations.unsubscribe(reader)
    ask()

    relay.run_once()

    assert mail.recipients == ["reader@pharmacy.example"]


def test_an_address_is_written_to_five_times_a_day(mail: MailServer) -> None:
    with time_machine.travel(factories.OUTAGE, tick=False) as clock:
        for _ in range(8):
            ask()
            relay.run_once()
            clock.shift(timedelta(minutes=11))
        assert len(mail.accepted) == notices.MOST_A_DAY

        clock.shift(timedelta(days=1))
        ask()
        relay.run_once()

    assert len(mail.accepted) == notices.MOST_A_DAY + 1


def test_what_the_desk_sends_is_not_held_back(mail: MailServer) -> None:
    administrator = factories.user(Role.ADMINISTRATOR)
    active = factories.subscriber()
    ask()
    relay.run_once()

    operations.send_link(active, by=administrator)
    relay.run_once()

    assert len(mail.accepted) == 2


def test_who_stopped_before_the_letter_left_gets_none(mail: MailServer) -> None:
    row = ask().subscriber
    operations.unsubscribe(row)

    relay.run_once()

    assert mail.accepted == []
    assert Delivery.objects.get().error == notices.ENDED


def test_what_a_mail_server_answers_is_kept_without_the_address(mail: MailServer) -> None:
    mail.answers["reader@pharmacy.example"] = "550 no <reader@pharmacy.example> here"
    ask()

    relay.run_once()

    delivery = Delivery.objects.get()
    assert delivery.state == "failed"
    assert "no <…> here" in delivery.error
    assert "reader" not in delivery.error + delivery.attempts.get().detail


def test_a_title_with_line_breaks_adds_no_header(mail: MailServer) -> None:
    incident = factories.incident(title_fr="Panne\r\nBcc: all@pharmacy.example")
    ask(wish=Wish(Language.FR, Scope.INCIDENT, (), incident))

    relay.run_once()

    [(recipient, message)] = mail.accepted
    assert (recipient, message["Bcc"]) == ("reader@pharmacy.example", None)


def test_titles_are_text_in_the_letter(mail: MailServer) -> None:
    incident = factories.incident(title_fr="<script>alert(1)</script> & co")
    ask(wish=Wish(Language.FR, Scope.INCIDENT, (), incident))

    relay.run_once()

    [(_, message)] = mail.accepted
    html, plain = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None
    assert plain is not None
    assert "<script>" not in html.get_content()
    assert "<script>alert(1)</script> & co" in plain.get_content()


def test_an_address_sealed_with_a_forgotten_key_ends_its_delivery(settings: Settings) -> None:
    ask()
    settings.SECRET_KEY = "another-secret-key-of-a-good-length-0123"

    relay.run_once()

    assert (Delivery.objects.get().state, Delivery.objects.get().error) == ("failed", notices.WRONG_KEY)


def answer(hook: HookServer, *, plain: bool = True) -> None:
    """From now on it answers the challenge it is asked."""

    def read() -> None:
        challenge = json.loads(hook.received[-1].body)["challenge"]
        hook.body = challenge.encode() if plain else json.dumps({"challenge": challenge}).encode()

    hook.before_answer = read


@pytest.mark.parametrize("plain", [True, False])
def test_a_webhook_that_answers_its_challenge_is_active(hook: HookServer, *, plain: bool) -> None:
    asked = ask_for_hook(hook.url)
    answer(hook, plain=plain)

    relay.run_once()

    [received] = hook.received
    said = json.loads(received.body)
    assert (said["type"], said["unsubscribe_url"]) == (
        "challenge",
        link(asked.subscriber, Purpose.UNSUBSCRIBE),
    )
    stamp, _, given = received.headers["FarmaFlux-Signature"].partition(",v1=")
    assert given == signature(asked.secret, int(stamp.removeprefix("t=")), received.body)
    assert state(asked.subscriber) == "active"
    assert Delivery.objects.get().state == "sent"


@pytest.mark.parametrize(
    "body", [b"ok", b"", b"{}", b"[1]", b'{"challenge": 1}', b"\xff", b'{"challenge": "x"}']
)
def test_a_webhook_that_answers_something_else_is_asked_again(hook: HookServer, body: bytes) -> None:
    row = ask_for_hook(hook.url).subscriber
    hook.body = body

    relay.run_once()

    delivery = Delivery.objects.get()
    assert (state(row), delivery.state, delivery.error) == ("pending", "queued", subscribers.NOT_ANSWERED)


def test_the_challenge_of_one_sign_up_is_no_answer_to_another(hook: HookServer) -> None:
    first, second = ask_for_hook(f"{hook.url}/1").subscriber, ask_for_hook(f"{hook.url}/2").subscriber
    hook.body = links.challenge(first).encode()

    relay.run_once()

    assert (state(first), state(second)) == ("active", "pending")


def test_a_known_webhook_is_posted_its_link_signed_with_its_own_secret_and_the_new_one_stays_pending(
    hook: HookServer,
) -> None:
    active = factories.subscriber(hook.url, kind=SubscriberKind.WEBHOOK)
    again = ask_for_hook(hook.url).subscriber
    hook.body = links.challenge(again).encode()

    relay.run_once()

    [received] = hook.received
    assert json.loads(received.body) == {
        "type": "already_subscribed",
        "manage_url": link(active, Purpose.MANAGE),
        "unsubscribe_url": link(active, Purpose.UNSUBSCRIBE),
    }
    stamp, _, given = received.headers["FarmaFlux-Signature"].partition(",v1=")
    assert given == signature("s3cret", int(stamp.removeprefix("t=")), received.body)
    assert state(again) == "pending"


def test_no_challenge_leaves_for_our_own_network(hook: HookServer, settings: Settings) -> None:
    settings.DESK_WEBHOOK_NETWORKS = []
    row = ask_for_hook(hook.url.replace("http://", "https://")).subscriber

    relay.run_once()

    assert (hook.received, state(row), Delivery.objects.get().state) == ([], "pending", "failed")


def test_a_webhook_that_hangs_lets_the_others_be_asked(
    hook: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comms.channels.http.TIMEOUT", 0.2)
    with black_hole() as silent:
        ask_for_hook(silent)
        other = ask_for_hook(hook.url).subscriber
        answer(hook)
        relay.run_once()

    assert state(other) == "active"


@pytest.mark.django_db(transaction=True)
def test_a_challenge_answered_after_the_end_begins_nothing(hook: HookServer) -> None:
    row = ask_for_hook(hook.url).subscriber
    hook.body = links.challenge(row).encode()

    def stop() -> None:
        operations.unsubscribe(row)
        connection.close()

    hook.before_answer = stop

    relay.run_once()

    assert (state(row), Delivery.objects.get().state) == ("ended", "sent")


def test_a_sender_that_vanished_leaves_a_notice_to_be_sent_again(mail: MailServer) -> None:
    ask()
    channel = Delivery.objects.get().channel
    held = sending.claim(channel, can=subscribers.SubscriberMail.capabilities, at=timezone.now())
    assert held
    assert sending.reach(held, held.deliveries[0], at=timezone.now())
    Claim.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    relay.run_once()
    Delivery.objects.update(not_before=timezone.now())
    relay.run_once()

    assert mail.recipients == ["reader@pharmacy.example"]


def test_secrets_stay_out_of_what_is_printed() -> None:
    asked = ask_for_hook("https://hooks.example.org/x")
    delivery = Delivery.objects.get(notice=Notice.SIGN_UP)

    post = subscribers.SubscriberWebhook(delivery.channel).prepare(delivery)

    assert asked.secret == secrets.unseal(asked.subscriber.sealed_secret) == post.secret
    assert asked.secret not in repr(post)
    assert links.challenge(asked.subscriber) not in repr(post).replace(repr(post.content), "")


def tell_hooks(*services: Service, **statuses: ServiceStatus) -> Delivery:
    """A message that gives *services* their statuses, owed to the one webhook that subscribed."""
    channel = factories.subscriber_channel(ChannelKind.SUBSCRIBER_WEBHOOK)
    at = timezone.now()
    update = factories.update(published_at=at, statuses={s: statuses[s.key] for s in services})
    with transaction.atomic():
        deliveries.owe(update, at=at)
    mailing.spread(channel, at=at)
    return channel.deliveries.get()


def components(hook: HookServer) -> list[tuple[str, str, str]]:
    said = [json.loads(received.body) for received in hook.received]
    return [
        (one["component"]["id"], one["component_update"]["old_status"], one["component_update"]["new_status"])
        for one in said
        if "component_update" in one
    ]


def test_a_webhook_is_told_of_the_incident_and_then_of_each_component_that_changed(hook: HookServer) -> None:
    worse, same = factories.service("worse"), factories.service("same")
    row = factories.subscriber(hook.url, kind=SubscriberKind.WEBHOOK)

    delivery = tell_hooks(worse, same, worse=ServiceStatus.MAJOR, same=ServiceStatus.OPERATIONAL)
    relay.run_once()

    first, second = (json.loads(received.body) for received in hook.received)
    assert set(first) == {"meta", "page", "incident"}
    assert set(second) == {"meta", "page", "component_update", "component"}
    assert set(second["component_update"]) == {
        *("id", "old_status", "new_status", "created_at", "component_type", "component_id")
    }
    assert components(hook) == [(worse.public_id, "operational", "major_outage")]
    assert second["meta"]["unsubscribe"] == link(row, Purpose.UNSUBSCRIBE)
    stamp, _, given = hook.received[1].headers["FarmaFlux-Signature"].partition(",v1=")
    assert given == signature("s3cret", int(stamp.removeprefix("t=")), hook.received[1].body)
    delivery.refresh_from_db()
    assert delivery.state == "sent"


def test_a_webhook_that_asked_for_services_is_told_of_those_components_alone(hook: HookServer) -> None:
    mine, other = factories.service("mine"), factories.service("other")
    factories.subscriber(hook.url, kind=SubscriberKind.WEBHOOK, services=(mine,))

    tell_hooks(mine, other, mine=ServiceStatus.PARTIAL, other=ServiceStatus.MAJOR)
    relay.run_once()

    assert components(hook) == [(mine.public_id, "operational", "partial_outage")]


def test_a_component_that_is_not_taken_has_all_repeated_under_the_same_keys(hook: HookServer) -> None:
    service = factories.service("dpp")
    factories.subscriber(hook.url, kind=SubscriberKind.WEBHOOK)

    def refuse_components() -> None:
        hook.status = 503 if b"component_update" in hook.received[-1].body else 200

    hook.before_answer = refuse_components
    delivery = tell_hooks(service, dpp=ServiceStatus.MAJOR)
    relay.run_once()
    delivery.refresh_from_db()
    assert delivery.state == "queued"

    hook.before_answer = lambda: None
    hook.status = 200
    Delivery.objects.update(not_before=timezone.now())
    relay.run_once()

    keys = [received.headers["Idempotency-Key"] for received in hook.received]
    assert keys[:2] == keys[2:]
    assert len(set(keys)) == 2
    delivery.refresh_from_db()
    assert delivery.state == "sent"


def test_an_address_that_answers_each_component_slowly_does_not_outlast_its_lease(
    hook: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribers, "LONGEST", -1.0)
    factories.subscriber(hook.url, kind=SubscriberKind.WEBHOOK)
    delivery = tell_hooks(factories.service("dpp"), dpp=ServiceStatus.MAJOR)

    relay.run_once()

    delivery.refresh_from_db()
    assert (len(hook.received), delivery.state, delivery.error) == (1, "queued", subscribers.TOO_SLOW)
