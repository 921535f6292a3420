"""Who mentions us becomes a contact once, and is answered by the account that was mentioned."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as desk
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from comms.channels import kinds
from comms.channels.base import TransportError
from comms.channels.hearing import Heard, Mention
from comms.models import Channel, ChannelKind, Delivery, DeliveryState, Listening
from comms.operations import listening
from farmaflux_desk.demo import outbox
from farmaflux_desk.models import Demonstration
from tests import factories
from tickets import mentions, operations
from tickets.models import Contact, ContactChannel, Mail

pytestmark = pytest.mark.django_db
POST = "https://m.example/@marie/1"


@pytest.fixture
def nancy(client: Client) -> User:
    nancy = factories.user(first_name="Nancy", language="en")
    client.force_login(nancy)
    return nancy


def said(text: str = "@farmaflux Rien ne marche.", **fields: Any) -> Mention:
    name = str(fields.pop("name", "1"))
    return Mention(
        **{
            "address": f"https://m.example/users/marie/statuses/{name}",
            "name": name,
            "url": POST,
            "author": "@marie",
            "author_name": "Marie",
            "text": text,
            "language": "fr",
            "at": timezone.now(),
            **fields,
        }
    )


def thread(mail: Mail) -> str:
    return reverse("tickets:mail", args=[mail.contact_id])


def answer(text: str = "Nous le savons.") -> dict[str, str]:
    return {"send": "1", "text": text, "key": str(uuid.uuid4())}


def test_a_mention_becomes_one_contact_of_the_open_incident(account: Channel) -> None:
    incident = factories.incident()
    other = Channel.objects.create(key="other", name="@farmaflux_nl", kind=ChannelKind.MASTODON)

    kept = operations.take_mention(said("Patient 85.07.30-033.28 !"), account)
    for channel in (account, other):  # a post that mentions both accounts is one post
        assert operations.take_mention(said(), channel) == kept

    contact = Contact.objects.get()
    assert (contact.channel, contact.caller_text, contact.language) == (ContactChannel.SOCIAL, "@marie", "fr")
    assert (contact.incident, kept.url, "033.28" in kept.text + contact.note) == (incident, POST, False)


def test_what_answers_our_message_belongs_to_its_incident_and_an_odd_language_is_the_accounts(
    account: Channel,
) -> None:
    factories.incident()
    named = factories.update(factories.incident(), published_at=factories.OUTAGE)
    Delivery.objects.create(
        update=named,
        channel=account,
        external_id="77",
        state=DeliveryState.SENT,
        sent_at=factories.OUTAGE,
        environment=desk.DESK_ENVIRONMENT_ID,
        created_at=factories.OUTAGE,
        not_before=factories.OUTAGE,
    )

    kept = operations.take_mention(said(answers=("77",), language="pt"), account)

    assert kept.contact is not None
    assert (kept.contact.incident, kept.contact.language) == (named.incident, "nl")


def test_who_goes_on_stays_one_contact_and_who_joins_in_is_another(account: Channel, nancy: User) -> None:
    first = operations.take_mention(said(), account)
    reply = operations.reply(first.contact, key=uuid.uuid4(), text="Oui.", by=nancy)  # type: ignore[arg-type]
    Delivery.objects.filter(mails=reply).update(external_id="2")

    again = operations.take_mention(said(name="3", answers=("2",)), account)
    joined = operations.take_mention(said(name="4", answers=("3",), author="@piet"), account)

    assert (again.contact, joined.contact == first.contact) == (first.contact, False)


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"url": "javascript:alert(1)"}, ""),
        ({"url": f"https://m.example/{'x' * 500}"}, ""),
        ({"address": f"https://m.example/{'x' * 300}"}, POST),
        ({"text": "\x00" + "x" * 20_000, "author": "@" + "x" * 300}, POST),
        ({"at": timezone.now() - timedelta(days=900)}, POST),
        ({"text": ""}, POST),
    ],
)
def test_what_is_odd_about_a_post_loses_no_contact(account: Channel, fields: Any, url: str) -> None:
    kept = operations.take_mention(said(**fields), account)

    assert operations.take_mention(said(**fields), account) == kept
    assert (kept.url, Contact.objects.count()) == (url, 1)


def test_lists_and_pages_lead_to_the_post_and_the_reply_leaves_by_the_account_once(
    client: Client, account: Channel, nancy: User
) -> None:
    kept = operations.take_mention(said(), account)
    link = f'href="{POST}"'
    for page in (
        reverse("tickets:contacts"),
        reverse("tickets:contact", args=[kept.contact_id]),
        reverse("tickets:mails"),
        thread(kept),
    ):
        assert link in client.get(page).text
    sent = answer()

    for _ in range(2):
        assert client.post(thread(kept), sent).status_code == 302

    [delivery] = Delivery.objects.all()
    assert (delivery.channel, delivery.recipient, delivery.text) == (account, "1", "@marie Nous le savons.")
    assert not Mail.objects.unanswered().exists()


def test_a_reply_that_is_too_long_or_has_no_account_is_refused_and_keeps_its_text(
    client: Client, account: Channel, nancy: User
) -> None:
    kept = operations.take_mention(said(), account)

    refused = client.post(thread(kept), answer("x" * 495))
    assert (refused.status_code, "2 characters too many." in refused.text, "x" * 495 in refused.text) == (
        422,
        True,
        True,
    )
    Channel.objects.update(enabled=False)
    assert "is switched off" in client.post(thread(kept), answer()).text
    Channel.objects.all().delete()
    assert "is switched off" in client.post(thread(kept), answer()).text
    assert not Delivery.objects.exists()


def test_a_reply_that_did_not_leave_stands_in_the_inbox_until_another_does(
    client: Client, account: Channel, nancy: User
) -> None:
    kept = operations.take_mention(said(), account)
    client.post(thread(kept), answer())
    inbox = reverse("tickets:mails")
    assert "did not leave" not in client.get(inbox).text

    Delivery.objects.update(state=DeliveryState.FAILED, error="HTTP 403")

    page = client.get(inbox).text
    assert ("did not leave" in page, "HTTP 403" in page) == (True, True)
    client.post(thread(kept), answer("Encore."))
    assert "did not leave" not in client.get(inbox).text


def test_no_reply_leaves_an_exercise(client: Client, account: Channel, nancy: User) -> None:
    kept = operations.take_mention(said(), account)
    Contact.objects.update(incident=factories.incident(drill=True))

    page = client.post(thread(kept), answer())

    assert (page.status_code, Delivery.objects.exists()) == (422, False)


# ── Reading ─────────────────────────────────────────────────────────────────


class Network:
    """Tells *pages* one after the other."""

    pages: list[Heard | TransportError]

    def __init__(self, channel: Channel) -> None: ...

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *_: object) -> None: ...

    def hear(self, place: Any, since: Any) -> Heard:
        page = self.pages.pop(0)
        if isinstance(page, TransportError):
            raise page
        return page


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> type[Network]:
    monkeypatch.setitem(kinds.LISTENERS, ChannelKind.MASTODON, Network)
    return Network


def test_reading_goes_on_where_it_stood_and_one_bad_mention_holds_up_no_other(
    account: Channel, network: type[Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = listening.begin(account, at=timezone.now())
    take = operations.take_mention

    def breaking(mention: Mention, *args: Any, **kwargs: Any) -> Mail:
        if mention.text == "bad":
            raise ValueError
        return take(mention, *args, **kwargs)

    monkeypatch.setattr(operations, "take_mention", breaking)
    network.pages = [
        Heard([said("bad"), said(name="2")], {"after": "2"}, more=True),
        TransportError("HTTP 503", retry_after=timedelta(minutes=20)),
    ]

    assert mentions.read_mentions(str(account.pk)) == 2

    row.refresh_from_db()
    assert (row.place, row.error, row.failures) == ({"after": "2"}, "HTTP 503", 1)
    assert row.not_before > timezone.now() + timedelta(minutes=19)
    assert [mail.post for mail in Mail.objects.all()] == ["2"]


def test_one_reads_at_a_time_and_what_was_asked_anew_meanwhile_is_not_overwritten(
    account: Channel, network: type[Network]
) -> None:
    listening.begin(account, at=timezone.now())
    assert listening.claim(str(account.pk), at=timezone.now()) is not None
    assert listening.claim(str(account.pk), at=timezone.now()) is None
    old = Listening.objects.get()
    listening.begin(account, at=timezone.now() + timedelta(seconds=1))

    kept = listening.note_heard(old, Heard([], {"after": "9"}, more=False), goes_on=False, at=timezone.now())

    assert (kept, Listening.objects.get().place) == (False, {})


@pytest.mark.parametrize("changes", [{"enabled": False}, {"mentions": False}])
def test_an_account_is_read_only_where_that_is_switched_on(account: Channel, changes: Any) -> None:
    listening.begin(account, at=timezone.now())
    assert mentions.accounts() == [str(account.pk)]

    Channel.objects.update(**changes)

    assert (mentions.accounts(), mentions.read_mentions(str(account.pk))) == ([], 0)


def test_a_restored_copy_and_a_demonstration_read_nothing(account: Channel, settings: Settings) -> None:
    listening.begin(account, at=timezone.now())
    assert outbox.accounts() == [str(account.pk)]
    Demonstration.objects.create(pk=1, loaded_at=timezone.now(), live=False)

    assert outbox.accounts() == []
    settings.DESK_ENVIRONMENT_ID = "a copy"
    assert mentions.accounts() == []


def test_the_inbox_stands_in_the_rail_where_an_account_is_read(
    client: Client, account: Channel, nancy: User
) -> None:
    operations.take_mention(said(), account)

    assert "1 message to answer" in client.get(reverse("desk:keys")).text

    Channel.objects.update(mentions=False)
    assert "message to answer" not in client.get(reverse("desk:keys")).text


def test_mentions_unlike_each_other_are_two(account: Channel) -> None:
    first = operations.take_mention(said(), account)

    assert operations.take_mention(replace(said(), address="https://m.example/2", name="2"), account) != first
