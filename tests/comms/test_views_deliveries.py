"""The pages of deliveries."""

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from accounts.models import User
from accounts.roles import Role
from comms.channels.posting import REFUSED
from comms.models import (
    Action,
    Channel,
    ChannelKind,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    SignOfLife,
    Update,
)
from comms.operations import deliveries
from tests import factories

pytestmark = pytest.mark.django_db


def signed_in(role: Role) -> Client:
    client = Client()
    user: User = factories.user(role, language="en")
    client.force_login(user)
    return client


def owe(*members: str) -> list[Delivery]:
    factories.mail_channel(*members, key="committee")
    with transaction.atomic():
        return list(deliveries.owe(factories.update(published_at=factories.OUTAGE), at=timezone.now()))


def stuck(state: DeliveryState) -> Delivery:
    [delivery] = owe("a@apb.example")
    Delivery.objects.update(state=state, error="550 no such box", attempts_made=1)
    DeliveryAttempt.objects.create(
        delivery=delivery,
        fence=1,
        started_at=timezone.now(),
        finished_at=timezone.now(),
        outcome=state,
        detail="550 no such box",
    )
    return delivery


def page_of(update: Update) -> str:
    return reverse("comms:deliveries", args=[update.incident.public_id, update.number])


def test_everyone_signed_in_sees_where_a_message_went() -> None:
    delivery = stuck(DeliveryState.FAILED)

    response = signed_in(Role.OBSERVER).get(page_of(delivery.message))

    assert response.status_code == 200
    assert "a@apb.example" in response.text
    assert "550 no such box" in response.text


@pytest.mark.parametrize("number", [0, 7, 10**30])
def test_a_message_that_does_not_exist_is_not_found(number: int) -> None:
    incident = factories.incident()
    factories.update(incident)

    response = signed_in(Role.AGENT).get(f"/desk/messages/{incident.public_id}/{number}/")

    assert response.status_code == 404


def test_the_list_costs_the_same_for_one_delivery_and_for_three() -> None:
    [first, *others] = owe(*(f"reader{n}@apb.example" for n in range(3)))
    client = signed_in(Role.COMMUNICATIONS)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(page_of(first.message))
        return len(queries)

    asked()
    for_three = asked()
    Delivery.objects.filter(pk__in=[other.pk for other in others]).delete()

    assert asked() == for_three


def test_since_when_nothing_is_sent_is_asked_once_for_the_head_and_the_matrix() -> None:
    [delivery] = owe("a@apb.example")
    SignOfLife.objects.create(runner="relay", seen_at=factories.OUTAGE)

    with CaptureQueriesContext(connection) as queries:
        text = signed_in(Role.COMMUNICATIONS).get(page_of(delivery.message)).text

    assert sum("comms_signoflife" in query["sql"] for query in queries) == 1
    assert (text.count("sending stopped since"), text.count("Nothing has been sent since")) == (1, 1)


def test_what_needs_a_person_stands_first() -> None:
    a, _b, c = owe("a@apb.example", "b@apb.example", "c@apb.example")
    Delivery.objects.filter(pk=a.pk).update(state=DeliveryState.SENT, sent_at=timezone.now())
    Delivery.objects.filter(pk=c.pk).update(state=DeliveryState.FAILED)

    text = signed_in(Role.COMMUNICATIONS).get(page_of(a.message)).text
    places = [text.index(f">{name}@apb.example<") for name in "cba"]

    assert places == sorted(places)


def test_a_retry_first_says_what_it_does() -> None:
    delivery = stuck(DeliveryState.FAILED)

    response = signed_in(Role.COMMUNICATIONS).get(reverse("comms:delivery", args=[delivery.pk]))

    assert "it arrives twice" in response.text
    assert Delivery.objects.get().state == DeliveryState.FAILED


def test_a_retry_queues_the_delivery_and_goes_back_to_the_list() -> None:
    delivery = stuck(DeliveryState.FAILED)

    response = signed_in(Role.COMMUNICATIONS).post(reverse("comms:delivery_retry", args=[delivery.pk]))

    assert (response.status_code, response["Location"]) == (302, page_of(delivery.message))
    assert Delivery.objects.get().state == DeliveryState.QUEUED


@pytest.mark.parametrize(("answer", "state"), [("yes", "sent"), ("no", "queued")])
def test_an_unknown_delivery_is_settled_by_one_of_two_buttons(answer: str, state: str) -> None:
    delivery = stuck(DeliveryState.UNKNOWN)

    response = signed_in(Role.COMMUNICATIONS).post(
        reverse("comms:delivery_settle", args=[delivery.pk]), {"sent": answer}
    )

    assert response.status_code == 302
    assert Delivery.objects.get().state == state


@pytest.mark.parametrize("answer", ["", "maybe", "\x00", "yes" * 1000])
def test_an_answer_that_is_none_changes_nothing(answer: str) -> None:
    delivery = stuck(DeliveryState.UNKNOWN)

    response = signed_in(Role.COMMUNICATIONS).post(
        reverse("comms:delivery_settle", args=[delivery.pk]), {"sent": answer}
    )

    assert response.status_code == 422
    assert Delivery.objects.get().state == DeliveryState.UNKNOWN


def test_a_second_press_of_the_button_is_told_that_it_is_settled() -> None:
    delivery = stuck(DeliveryState.UNKNOWN)
    client = signed_in(Role.COMMUNICATIONS)
    address = reverse("comms:delivery_settle", args=[delivery.pk])
    client.post(address, {"sent": "yes"})

    response = client.post(address, {"sent": "no"})

    assert response.status_code == 422
    assert "Somebody has settled this delivery already." in response.text
    assert Delivery.objects.get().state == DeliveryState.SENT


@pytest.mark.parametrize("action", ["delivery_retry", "delivery_settle"])
@pytest.mark.parametrize("role", [Role.AGENT, Role.OBSERVER])
def test_who_may_not_decide_is_offered_nothing_and_refused(role: Role, action: str) -> None:
    state = DeliveryState.FAILED if action == "delivery_retry" else DeliveryState.UNKNOWN
    delivery = stuck(state)
    client = signed_in(role)

    shown = client.get(reverse("comms:delivery", args=[delivery.pk]))
    response = client.post(reverse(f"comms:{action}", args=[delivery.pk]), {"sent": "yes"})

    assert reverse(f"comms:{action}", args=[delivery.pk]) not in shown.text
    assert response.status_code == 403
    assert Delivery.objects.get().state == state


def test_what_the_other_side_said_is_shown_and_not_run() -> None:
    delivery = stuck(DeliveryState.FAILED)
    delivery.attempts.update(detail="550 <script>alert(1)</script>")

    response = signed_in(Role.AGENT).get(reverse("comms:delivery", args=[delivery.pk]))

    assert "&lt;script&gt;alert(1)" in response.text
    assert "<script>alert(1)" not in response.text


def test_our_reason_is_translated_and_the_other_sides_words_are_not() -> None:
    delivery = stuck(DeliveryState.FAILED)
    delivery.attempts.update(detail=f"{REFUSED}\nSession expired")
    client = Client()
    client.force_login(factories.user(Role.AGENT, language="nl"))

    for address in (page_of(delivery.message), reverse("comms:delivery", args=[delivery.pk])):
        assert "een beheerder voert een nieuw in.<br>Session expired" in client.get(address).text


def test_a_message_in_a_file_is_not_called_accepted() -> None:
    delivery = stuck(DeliveryState.FAILED)
    Delivery.objects.update(state=DeliveryState.SENT, sent_at=timezone.now(), error="")
    delivery.attempts.update(outcome=DeliveryState.SENT, detail="written to a file: no mail server is set")
    client = Client()
    client.force_login(factories.user(Role.AGENT, language="nl"))

    response = client.get(page_of(delivery.message))

    assert "in een bestand geschreven: er is geen mailserver ingesteld" in response.text


def test_the_text_to_post_by_hand_is_there_to_be_copied_and_the_address_is_kept() -> None:
    delivery = stuck(DeliveryState.BY_HAND)
    Delivery.objects.update(text="Nous y travaillons. https://status.example/")
    client = signed_in(Role.COMMUNICATIONS)

    page = client.get(reverse("comms:delivery", args=[delivery.pk])).text
    address = reverse("comms:delivery_by_hand", args=[delivery.pk])
    refused = client.post(address, {"url": "nowhere"})
    done = client.post(address, {"url": "https://social.example/7"})

    assert "Nous y travaillons. https://status.example/" in page
    assert (refused.status_code, 'value="nowhere"' in refused.text) == (422, True)
    assert done.status_code == 302
    delivery.refresh_from_db()
    assert (delivery.state, delivery.external_url) == ("sent", "https://social.example/7")


def test_what_waited_too_long_is_decided_on_where_it_went() -> None:
    delivery = stuck(DeliveryState.STALE)
    client = signed_in(Role.COMMUNICATIONS)
    update = delivery.message

    page = client.get(page_of(update)).text
    address = reverse("comms:stale", args=[update.incident.public_id, update.number])
    client.post(address, {"channel": delivery.channel.key, "action": "let_go"})

    assert address in page
    assert Delivery.objects.get().state == DeliveryState.DROPPED
    assert address not in client.get(page_of(update)).text


def posted(state: DeliveryState, *, kind: ChannelKind = ChannelKind.X, **fields: object) -> Delivery:
    """A post in French on a network."""
    Channel.objects.create(key="network", name="Network", kind=kind, languages=["fr"])
    with transaction.atomic():
        [delivery] = deliveries.owe(factories.update(published_at=factories.OUTAGE), at=timezone.now())
    sent_at = timezone.now() if state == DeliveryState.SENT else None
    Delivery.objects.filter(pk=delivery.pk).update(state=state, sent_at=sent_at, **fields)
    delivery.refresh_from_db()
    return delivery


def followed(post: Delivery, action: Action, state: DeliveryState, **fields: object) -> Delivery:
    now = timezone.now()
    return Delivery.objects.create(
        update=post.message,
        channel=post.channel,
        language=post.language,
        action=action,
        original=post,
        state=state,
        environment=post.environment,
        created_at=now,
        not_before=now,
        sent_at=now if state == DeliveryState.SENT else None,
        **fields,
    )


LINK = 'href="https://x.com/i/web/status/7"'


def test_where_a_post_can_be_read_stands_in_the_matrix_and_in_the_list() -> None:
    post = posted(DeliveryState.SENT, external_url="https://x.com/i/web/status/7")

    page = signed_in(Role.AGENT).get(page_of(post.message)).text

    matrix, _list, rows = page.partition('id="deliveries"')
    assert (matrix.count(LINK), rows.count(LINK)) == (1, 1)


def test_a_post_that_was_removed_is_no_link_any_more() -> None:
    post = posted(DeliveryState.SENT, external_url="https://x.com/i/web/status/7")
    removal = followed(post, Action.DELETE, DeliveryState.SENT, external_url="https://x.com/i/web/status/7")
    client = signed_in(Role.AGENT)

    matrix = client.get(page_of(post.message)).text.partition('id="deliveries"')[0]

    assert LINK not in matrix
    assert LINK not in client.get(reverse("comms:delivery", args=[removal.pk])).text


def test_who_finds_a_post_that_nobody_knew_of_gives_its_address() -> None:
    post = posted(DeliveryState.UNKNOWN)
    client = signed_in(Role.COMMUNICATIONS)
    address = reverse("comms:delivery_settle", args=[post.pk])

    page = client.get(reverse("comms:delivery", args=[post.pk])).text
    refused = client.post(address, {"sent": "yes", "url": "nowhere"})
    found = client.post(address, {"sent": "yes", "url": "https://x.com/i/web/status/7"})

    assert ("Look at Network whether it stands there." in page, escape(post.text) in page) == (True, True)
    assert (refused.status_code, 'value="nowhere"' in refused.text) == (422, True)
    post.refresh_from_db()
    assert (found.status_code, post.state, post.post) == (302, "sent", "https://x.com/i/web/status/7")


def test_a_failed_post_can_be_posted_by_hand_too() -> None:
    post = posted(DeliveryState.FAILED)
    client = signed_in(Role.COMMUNICATIONS)
    address = reverse("comms:delivery_by_hand", args=[post.pk])

    page = client.get(reverse("comms:delivery", args=[post.pk])).text
    client.post(address, {"url": "https://x.com/i/web/status/7"})

    assert (f'action="{address}"' in page, escape(post.text) in page) == (True, True)
    post.refresh_from_db()
    assert (post.state, post.post) == ("sent", "https://x.com/i/web/status/7")


def test_a_failed_mail_can_be_let_go() -> None:
    delivery = stuck(DeliveryState.FAILED)
    client = signed_in(Role.COMMUNICATIONS)
    address = reverse("comms:delivery_by_hand", args=[delivery.pk])

    page = client.get(reverse("comms:delivery", args=[delivery.pk])).text
    client.post(address, {"action": "let_go"})

    assert f'formaction="{address}"' in page
    assert Delivery.objects.get().state == DeliveryState.DROPPED


@pytest.mark.parametrize(
    ("kind", "recognises"),
    [(ChannelKind.X, False), (ChannelKind.APPRISE, False), (ChannelKind.BLUESKY, True)],
)
def test_a_retry_says_whether_a_repeat_is_recognised(kind: ChannelKind, *, recognises: bool) -> None:
    post = posted(DeliveryState.FAILED, kind=kind)

    page = signed_in(Role.COMMUNICATIONS).get(reverse("comms:delivery", args=[post.pk])).text

    said = ("recognises the repeat by its key" in page, "It recognises no repeat" in page)
    assert said == (recognises, not recognises)


@pytest.mark.parametrize(
    ("action", "what"), [(Action.DELETE, "Remove the post yourself"), (Action.WITHDRAWAL, "Copy the text")]
)
def test_what_is_to_be_done_by_hand_is_what_the_delivery_does(action: Action, what: str) -> None:
    post = posted(DeliveryState.SENT, external_url="https://x.com/i/web/status/7")
    text = "" if action == Action.DELETE else "Retiré."
    by_hand = followed(post, action, DeliveryState.BY_HAND, text=text)

    page = signed_in(Role.COMMUNICATIONS).get(reverse("comms:delivery", args=[by_hand.pk])).text

    assert (what in page, LINK in page, 'name="url"' in page) == (True, True, action != Action.DELETE)


def test_what_failed_of_a_withdrawn_message_is_only_let_go() -> None:
    post = posted(DeliveryState.BY_HAND)
    by = factories.user(Role.COMMUNICATIONS)
    Update.objects.update(withdrawn_at=timezone.now(), withdrawn_by=by)

    page = signed_in(Role.COMMUNICATIONS).get(reverse("comms:delivery", args=[post.pk])).text

    assert ("This message was withdrawn" in page, 'value="let_go"' in page) == (True, True)
    assert (escape(post.text) in page, reverse("comms:delivery_retry", args=[post.pk]) in page) == (
        False,
        False,
    )
