"""Who called is told of the newest message: in writing, or on a list of whom to phone."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from imap_tools import MailMessage

from accounts.models import User
from accounts.roles import Role
from comms import relay
from comms.channels.letter import message_id
from comms.models import Channel, ChannelKind, Delivery, DeliveryState, Update
from comms.operations import replies
from incidents import timeline
from incidents.models import Incident, Phase
from incidents.operations import move
from tests import factories
from tests.tickets.test_mail import written
from tests.tickets.test_mentions import said
from tickets import operations
from tickets.informing import results
from tickets.letters import letter_of
from tickets.models import (
    Callback,
    CallbackState,
    CallbackWindow,
    Contact,
    ContactChannel,
    Informed,
    InformedBy,
    MailKind,
    PharmacyPhone,
)
from tickets.operations.informing import note_bounce

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def incident() -> Incident:
    return factories.incident(began_at=timezone.now() - 60 * MINUTE)


@pytest.fixture
def update(incident: Incident) -> Update:
    """That it is over, as it is."""
    at = timezone.now() - 5 * MINUTE
    incident.phase_changes.create(
        phase=Phase.RESOLVED, occurred_at=at, recorded_at=at, by=incident.declared_by
    )
    return factories.update(incident, published_at=at, phase=Phase.RESOLVED)


@pytest.fixture
def lead(client: Client) -> User:
    lead = factories.user(Role.COMMUNICATIONS, language="en")
    client.force_login(lead)
    return lead


@pytest.fixture
def by_mail() -> Channel:
    return Channel.objects.create(key="callers", name="Callers", kind=ChannelKind.CALLER_EMAIL)


def caller(incident: Incident, *, email: str = "", number: str = "", **fields: Any) -> Contact:
    pharmacy = factories.pharmacy(email=email, language=fields.get("language", "fr"))
    if number:
        PharmacyPhone.objects.create(pharmacy=pharmacy, raw=number, e164=number)
    return factories.contact(
        incident=incident, pharmacy=pharmacy, **{"at": timezone.now() - 30 * MINUTE, **fields}
    )


def tell(client: Client, update: Update, **sent: Any) -> Any:
    ways = {f"way_{channel}": "email" for channel in ContactChannel}
    address = reverse("tickets:callers", args=[update.incident.public_id])
    return client.post(
        address, {"number": update.number, "language": ["fr", "nl", "de", "en"], **ways, **sent}
    )


def timeline_text(incident: Incident) -> str:
    with translation.override("en"):
        return " ".join(timeline.describe(entry) for entry in incident.entries.all())


def told() -> list[tuple[str, str]]:
    rows = Informed.objects.order_by("contact").values_list("contact__pharmacy__email", "way")
    return [(email, way) for email, way in rows]


def test_that_it_is_over_is_told_to_nobody_once_it_is_not(
    client: Client, lead: User, incident: Incident, update: Update, by_mail: Channel
) -> None:
    caller(incident, email="a@pharmacy.example")
    move(incident, Phase.INVESTIGATING, reason="Encore bloqué.", by=lead)

    tell(client, update)

    assert told() == []


def test_each_caller_is_written_to_once_in_her_language_and_the_others_are_to_be_phoned(
    client: Client, lead: User, incident: Incident, update: Update, by_mail: Channel
) -> None:
    first = caller(incident, email="a@pharmacy.example")
    factories.contact(incident=incident, pharmacy=first.pharmacy, at=timezone.now() - 20 * MINUTE)
    caller(incident, email="b@pharmacy.example", language="nl")
    caller(incident, number="+3225551212")
    caller(incident)  # neither address nor number
    caller(incident, email="told@pharmacy.example", told_update=update)
    caller(factories.incident(), email="elsewhere@pharmacy.example")
    Callback.objects.create(contact=first, number="8003")

    assert tell(client, update).status_code == 302
    tell(client, update)  # pressed twice

    assert sorted(told()) == [("", "phone"), ("a@pharmacy.example", "email"), ("b@pharmacy.example", "email")]
    assert sorted(Delivery.objects.values_list("recipient", "language", "state")) == [
        ("a@pharmacy.example", "fr", DeliveryState.QUEUED),
        ("b@pharmacy.example", "nl", DeliveryState.QUEUED),
    ]
    done, phoned = Callback.objects.order_by("pk")
    assert (done.state, done.closed_by) == (CallbackState.DONE, lead)
    assert (phoned.state, phoned.window, phoned.e164) == ("open", CallbackWindow.SOON, "+3225551212")
    assert incident.entries.filter(kind="calls").count() == 1


def test_what_leaves_says_that_it_comes_because_they_called(
    client: Client, lead: User, incident: Incident, update: Update, by_mail: Channel
) -> None:
    caller(incident, email="a@pharmacy.example")
    tell(client, update)

    relay.run_once()

    [letter] = mail.outbox
    assert letter.to == ["a@pharmacy.example"]
    text = letter.message().get_body(("plain",))
    assert text is not None
    assert "parce que vous nous avez contactés" in text.get_content()
    page = client.get(reverse("tickets:callers", args=[incident.public_id])).text
    assert "Everyone who called has heard this message." in page


def test_by_sms_go_those_who_gave_a_mobile_number(
    client: Client, lead: User, incident: Incident, update: Update
) -> None:
    Channel.objects.create(key="sms", name="SMS", kind=ChannelKind.CALLER_SMS)
    caller(incident, number="+32475123456")
    caller(incident, number="+3242221111")  # Liège, no mobile

    tell(client, update, way_phone="sms")

    [delivery] = Delivery.objects.all()
    assert (delivery.recipient, "FarmaFlux" in delivery.text) == ("+32475123456", True)
    assert list(Informed.objects.order_by("contact_id").values_list("way", flat=True)) == ["sms", "phone"]


def test_who_mentioned_us_is_told_under_her_post_by_the_account_that_she_mentioned(
    client: Client, lead: User, incident: Incident, update: Update, by_mail: Channel, account: Channel
) -> None:
    factories.incident()  # another one is open
    asked = operations.take_mention(said(author=f"@{'marie' * 6}@m.example"), account)
    assert asked.contact
    Contact.objects.filter(mails=asked).update(incident=incident)
    Callback.objects.create(contact=asked.contact, number="8003")
    caller(incident, email="a@pharmacy.example")
    page = client.get(reverse("tickets:callers", args=[incident.public_id])).text
    assert page.count('<option value="post" selected>') == page.count('value="post"') == 1

    for _ in range(2):
        assert tell(client, update, way_social="post").status_code == 302

    delivery = Delivery.objects.get(channel=account)
    assert (delivery.recipient, delivery.notice, delivery.language) == (asked.post, "reply", "fr")
    assert delivery.text.startswith(f"{asked.sender} ")
    assert incident.public_id in delivery.text
    assert replies.too_many(account, delivery.text) == 0
    assert set(told()) == {("a@pharmacy.example", "email"), (None, "post")}
    assert asked.contact.mails.get(kind=MailKind.REPLY).delivery == delivery
    assert Callback.objects.get().state == CallbackState.DONE
    assert "reply to the post 1" in timeline_text(incident)


def test_an_account_that_is_switched_off_answers_nobody(
    client: Client, lead: User, incident: Incident, update: Update, account: Channel
) -> None:
    operations.take_mention(said(), account)
    Channel.objects.update(enabled=False)

    assert 'value="post"' not in client.get(reverse("tickets:callers", args=[incident.public_id])).text
    tell(client, update, way_social="post")

    assert not Informed.objects.exists()


def test_of_an_exercise_no_post_is_answered(
    client: Client, lead: User, incident: Incident, update: Update, account: Channel
) -> None:
    Incident.objects.update(drill=True)
    asked = operations.take_mention(said(), account)
    Contact.objects.filter(mails=asked).update(incident=incident)

    tell(client, update, way_social="post")

    delivery = Delivery.objects.get()
    assert (delivery.state, "EXERCICE" in delivery.text) == (DeliveryState.REHEARSED, True)


def test_who_wrote_is_told_at_the_address_that_she_wrote_from(
    client: Client, lead: User, incident: Incident, by_mail: Channel, request: pytest.FixtureRequest
) -> None:
    operations.take_mail(letter_of(MailMessage.from_bytes(written(From="Marie <marie@home.example>"))))

    tell(client, request.getfixturevalue("update"))

    assert Delivery.objects.get().recipient == "marie@home.example"


def test_only_who_waits_and_only_the_languages_ticked(
    client: Client, lead: User, incident: Incident, update: Update, by_mail: Channel
) -> None:
    for language in ("fr", "nl"):
        waits = caller(incident, email=f"waits-{language}@pharmacy.example", language=language)
        Callback.objects.create(contact=waits, number="8003")
        caller(incident, email=f"not-{language}@pharmacy.example", language=language)
    page = client.get(reverse("tickets:callbacks")).text
    assert f"{reverse('tickets:callers', args=[incident.public_id])}?waiting=on" in page

    tell(client, update, waiting="on", language=["nl"])

    assert [delivery.recipient for delivery in Delivery.objects.all()] == ["waits-nl@pharmacy.example"]
    assert Callback.objects.open().count() == 1


def test_who_could_not_be_told_in_writing_is_put_on_the_phone_list(
    client: Client, lead: User, incident: Incident, update: Update, by_mail: Channel
) -> None:
    contact = caller(incident, email="gone@pharmacy.example", number="+3225551212")
    Callback.objects.create(contact=contact, number="8003", e164="+328003")
    tell(client, update)
    Delivery.objects.update(state=DeliveryState.FAILED)
    page = client.get(reverse("tickets:callers", args=[incident.public_id])).text
    assert "1 could not be told in writing." in page

    client.post(reverse("tickets:callers_phone", args=[incident.public_id]))

    assert Informed.objects.get().way == InformedBy.PHONE
    assert Callback.objects.get().state == CallbackState.OPEN


def test_a_mail_that_comes_back_did_not_reach_the_caller_who_is_put_on_the_phone_list(
    client: Client, lead: User, incident: Incident, update: Update, by_mail: Channel
) -> None:
    for email in ("full@pharmacy.example", "well@pharmacy.example"):
        caller(incident, email=email, number="+3225551212")
    tell(client, update)
    relay.run_once()
    later = factories.update(incident, published_at=timezone.now(), phase=Phase.RESOLVED)
    first = Informed.objects.get(delivery__recipient="full@pharmacy.example")
    other = Informed.objects.create(
        contact=first.contact, update=later, way="email", delivery=first.delivery, at=timezone.now(), by=lead
    )

    for _ in range(2):
        returned = message_id(update, "full@pharmacy.example")
        note_bounce("Full@Pharmacy.example", returned=returned, at=timezone.now())

    assert [row.pk for row in Informed.objects.exclude(bounced_at=None)] == [first.pk]
    other.delete()
    Update.objects.filter(pk=later.pk).update(withdrawn_at=timezone.now(), withdrawn_by=lead)
    page = client.get(reverse("tickets:callers", args=[incident.public_id])).text
    assert "full@pharmacy.example" in page
    assert "not reached: it came back" in page
    assert [(row.way, row.done, row.failed) for row in results(update)] == [("email", 1, 1)]
    client.post(reverse("tickets:callers_phone", args=[incident.public_id]))
    assert {(row.way, row.done, row.waiting, row.failed) for row in results(update)} == {
        ("email", 1, 0, 0),
        ("phone", 0, 1, 0),
    }


def test_a_way_that_is_switched_off_an_older_message_and_bad_input_are_refused_and_tell_nobody(
    client: Client, lead: User, incident: Incident, update: Update, by_mail: Channel
) -> None:
    caller(incident, email="a@pharmacy.example")
    factories.update(incident, published_at=timezone.now())

    for sent in ({"number": update.number}, {"number": "\x00"}, {"number": 2, "way_phone": "sms"}):
        assert tell(client, update, **sent).status_code == 422
    harmless: list[dict[str, Any]] = [{"way_phone": ""}, {"way_phone": "pigeon"}, {"language": ["xx"]}]
    for sent in harmless:
        assert tell(client, update, **{"number": 2, **sent}).status_code == 302
    assert not Informed.objects.exists()
    assert client.get(reverse("tickets:callers", args=["nosuch"])).status_code == 404


def test_only_who_may_publish_tells_the_callers(
    client: Client, incident: Incident, update: Update, by_mail: Channel
) -> None:
    caller(incident, email="a@pharmacy.example")
    client.force_login(factories.user())

    assert client.get(reverse("tickets:callers", args=[incident.public_id])).status_code == 200
    assert tell(client, update).status_code == 403
    assert client.post(reverse("tickets:callers_phone", args=[incident.public_id])).status_code == 403
    assert not Delivery.objects.exists()


def test_of_an_exercise_nothing_leaves(client: Client, lead: User, by_mail: Channel) -> None:
    drill = factories.incident(drill=True, began_at=timezone.now() - 60 * MINUTE)
    update = factories.update(drill, published_at=timezone.now() - MINUTE)
    caller(drill, email="a@pharmacy.example")

    tell(client, update)

    assert Delivery.objects.get().state == DeliveryState.REHEARSED


def test_publishing_owes_the_callers_nothing_by_itself(by_mail: Channel, incident: Incident) -> None:
    from comms.operations.deliveries import carrying

    assert carrying(factories.update(incident)) == []


def test_before_the_first_message_there_is_nothing_to_tell(
    client: Client, lead: User, incident: Incident
) -> None:
    caller(incident)

    page = client.get(reverse("tickets:callers", args=[incident.public_id]))

    assert "Nothing is published yet" in page.text
    assert client.post(reverse("tickets:callers", args=[incident.public_id])).status_code == 200


def test_what_was_told_goes_along_when_calls_are_merged(
    client: Client, lead: User, incident: Incident, update: Update, by_mail: Channel
) -> None:
    told_one = caller(incident, email="a@pharmacy.example")
    tell(client, update)
    kept = factories.contact(incident=incident, pharmacy=told_one.pharmacy)

    operations.merge_contacts(kept, duplicate=told_one, by=lead)

    assert Informed.objects.get().contact == kept


def test_the_page_costs_the_same_however_many_called(
    client: Client, lead: User, incident: Incident, update: Update, by_mail: Channel
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("tickets:callers", args=[incident.public_id]))
        return len(asked)

    caller(incident, email="a@pharmacy.example", number="+3225551212")
    few = queries()
    for n in range(5):
        caller(incident, email=f"b{n}@pharmacy.example", number=f"+322555121{n}")

    assert queries() == few
