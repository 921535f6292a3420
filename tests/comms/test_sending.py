"""Claiming, reaching and recording: nobody sends what another holds, and nothing is lost."""

import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any, Self, cast

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError, OperationalError
from django.utils import timezone
from pytest_django import Settings

from comms import pulse, relay
from comms.channels.base import Capabilities, Doubt, Receipt, Setting, Transport, TransportError
from comms.models import Channel, Claim, Delivery, DeliveryAttempt, DeliveryState, Notice
from comms.models.delivery import DELIVERY_TRANSITIONS
from comms.operations import deliveries, sending
from comms.operations.sending import Held
from tests import factories

pytestmark = pytest.mark.django_db

AT = factories.OUTAGE
LATER = AT + sending.LEASE + timedelta(seconds=1)
ONE = Capabilities(in_doubt=Doubt.ASK)
MANY = Capabilities(in_doubt=Doubt.REPEAT, batch=100)


def owe(*members: str) -> Channel:
    channel = factories.mail_channel(*members)
    with transaction.atomic():
        deliveries.owe(factories.update(published_at=AT), at=AT)
    return channel


def claim(channel: Channel, can: Capabilities = MANY) -> Held:
    held = sending.claim(channel, can=can, at=AT)
    assert held
    return held


def kept(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


def send(held: Held, delivery: Delivery) -> None:
    assert sending.reach(held, delivery, at=AT)
    sending.note_sent(held, delivery, Receipt("250 OK"), at=AT)


def states() -> list[tuple[str, int]]:
    return list(Delivery.objects.order_by("pk").values_list("state", "attempts_made"))


def test_the_oldest_are_claimed_first_and_no_more_than_the_channel_takes_at_once() -> None:
    channel = owe("a@apb.example", "b@apb.example", "c@apb.example")

    held = claim(channel, Capabilities(in_doubt=Doubt.REPEAT, batch=2))

    assert [d.recipient for d in held.deliveries] == ["a@apb.example", "b@apb.example"]
    assert states() == [("sending", 0), ("sending", 0), ("queued", 0)]


def test_nobody_else_works_in_a_lane_that_takes_one_sender() -> None:
    channel = owe("a@apb.example", "b@apb.example")
    claim(channel, ONE)

    assert sending.claim(channel, can=ONE, at=AT) is None


def test_as_many_work_in_a_lane_as_the_channel_takes() -> None:
    channel = owe("a@apb.example", "b@apb.example", "c@apb.example")
    two = Capabilities(in_doubt=Doubt.REPEAT, senders=2)

    first, second = claim(channel, two), claim(channel, two)

    assert [d.recipient for d in first.deliveries + second.deliveries] == ["a@apb.example", "b@apb.example"]
    assert sending.claim(channel, can=two, at=AT) is None


def test_a_channel_is_no_obstacle_to_another() -> None:
    first = owe("a@apb.example")
    claim(first)
    second = owe("b@apb.example")

    assert [d.channel for d in claim(second).deliveries] == [second]


def test_what_waits_for_its_time_is_not_claimed() -> None:
    channel = owe("a@apb.example")
    Delivery.objects.update(not_before=AT + timedelta(seconds=1))

    assert sending.claim(channel, can=MANY, at=AT) is None
    assert not Claim.objects.exists()


def test_a_channel_switched_off_keeps_what_it_was_owed() -> None:
    channel = owe("a@apb.example")
    Channel.objects.update(enabled=False)

    assert sending.claim(channel, can=MANY, at=AT) is None
    assert Delivery.objects.get().state == DeliveryState.QUEUED


def test_a_restored_copy_of_the_database_sends_nothing(settings: Settings) -> None:
    channel = owe("a@apb.example")
    settings.DESK_ENVIRONMENT_ID = "restored"

    assert sending.claim(channel, can=MANY, at=AT) is None


def test_that_a_message_is_handed_over_is_written_down_before() -> None:
    held = claim(owe("a@apb.example", "b@apb.example"))
    second = held.deliveries[1]

    assert sending.reach(held, second, at=AT + timedelta(seconds=30))

    stored = Claim.objects.get()
    assert (stored.reached, stored.reached_at) == (second.pk, AT + timedelta(seconds=30))
    assert stored.lease_until == AT + timedelta(seconds=30) + sending.LEASE


def test_what_was_sent_has_its_time_and_the_answer() -> None:
    held = claim(owe("a@apb.example"))
    [delivery] = held.deliveries
    assert sending.reach(held, delivery, at=AT)
    receipt = Receipt("HTTP 200", id="17", url="https://social.example/17")
    sending.note_sent(held, delivery, receipt, at=AT)

    assert sending.record(held, at=AT)

    done = kept(delivery)
    assert (done.state, done.sent_at, done.claim, done.error, done.attempts_made) == ("sent", AT, None, "", 1)
    assert (done.external_id, done.external_url) == ("17", "https://social.example/17")
    assert list(done.attempts.values_list("outcome", "detail", "fence")) == [
        ("sent", "HTTP 200", held.claim.pk)
    ]


def test_letting_go_records_what_was_accepted_and_queues_what_was_not_begun() -> None:
    held = claim(owe("a@apb.example", "b@apb.example"))
    send(held, held.deliveries[0])

    sending.release(held, at=AT)

    assert states() == [("sent", 1), ("queued", 0)]
    assert not Claim.objects.exists()


def test_a_sender_whose_lease_ran_out_reaches_nothing_even_if_nobody_took_over() -> None:
    held = claim(owe("a@apb.example"))

    assert not sending.reach(held, held.deliveries[0], at=LATER)
    assert Claim.objects.get().reached == 0


def test_a_sender_that_lost_its_claim_marks_nothing_but_its_own_attempt() -> None:
    channel = owe("a@apb.example")
    stale = claim(channel)
    [delivery] = stale.deliveries
    send(stale, delivery)
    sending.recover(channel, can=MANY, at=LATER)
    Delivery.objects.update(not_before=LATER)
    fresh = sending.claim(channel, can=MANY, at=LATER)
    assert fresh

    assert not sending.record(stale, at=LATER)
    refusal = TransportError("550", permanent=True)
    assert not sending.record_error(stale, delivery, refusal, can=MANY, at=LATER)
    sending.release(stale, at=LATER)

    assert (kept(delivery).state, kept(delivery).claim) == ("sending", fresh.claim)
    assert not sending.reach(stale, delivery, at=AT)
    assert sending.reach(fresh, delivery, at=LATER)


def test_a_claim_has_a_number_that_is_never_used_again() -> None:
    channel = owe("a@apb.example")
    first = claim(channel)
    number = first.claim.pk
    sending.release(first, at=AT)

    assert claim(channel).claim.pk > number


@pytest.mark.parametrize(
    ("error", "in_doubt", "state"),
    [
        (TransportError("450"), Doubt.ASK, "queued"),
        (TransportError("550", permanent=True), Doubt.ASK, "failed"),
        (TransportError("401", by_hand=True), Doubt.ASK, "failed"),
        (TransportError("gone", maybe_sent=True), Doubt.ASK, "unknown"),
        (TransportError("gone", maybe_sent=True), Doubt.LOOK, "queued"),
        (TransportError("gone", maybe_sent=True), Doubt.REPEAT, "queued"),
        (TransportError("gone", maybe_sent=True, permanent=True), Doubt.REPEAT, "failed"),
    ],
)
def test_what_becomes_of_an_error(error: TransportError, in_doubt: Doubt, state: str) -> None:
    can = Capabilities(in_doubt=in_doubt)
    held = claim(owe("a@apb.example"), can)
    [delivery] = held.deliveries
    assert sending.reach(held, delivery, at=AT)

    sending.record_error(held, delivery, error, can=can, at=AT)

    done = kept(delivery)
    assert (done.state, done.error, done.claim, done.attempts_made) == (state, str(error), None, 1)
    assert done.doubtful == (error.maybe_sent and in_doubt != Doubt.ASK)
    assert delivery.attempts.get().outcome == state


def test_what_may_have_arrived_is_looked_for_until_it_was_sent() -> None:
    can = Capabilities(in_doubt=Doubt.LOOK, reads_back=True)
    channel = owe("a@apb.example")
    errors = [
        TransportError("gone", maybe_sent=True),
        TransportError("503"),
        TransportError("422", permanent=True),
    ]
    found = []
    for error in errors:
        Delivery.objects.update(not_before=AT)
        held = claim(channel, can)
        assert sending.reach(held, held.deliveries[0], at=AT)
        sending.record_error(held, held.deliveries[0], error, can=can, at=AT)
        sending.release(held, at=AT)
        found.append(Delivery.objects.values_list("state", "doubtful").get())

    assert found == [("queued", True), ("queued", True), ("failed", True)]


def test_what_a_person_can_post_herself_is_left_to_her_when_the_token_is_refused() -> None:
    can = Capabilities(in_doubt=Doubt.ASK, by_hand=True)
    held = claim(owe("a@apb.example"), can)
    assert sending.reach(held, held.deliveries[0], at=AT)

    sending.record_error(held, held.deliveries[0], TransportError("401", by_hand=True), can=can, at=AT)

    assert states() == [("by-hand", 1)]


def test_an_error_is_recorded_together_with_what_was_accepted_before_it() -> None:
    held = claim(owe("a@apb.example", "b@apb.example"))
    first, second = held.deliveries
    send(held, first)
    assert sending.reach(held, second, at=AT)

    sending.record_error(held, second, TransportError("450"), can=MANY, at=AT)

    assert states() == [("sent", 1), ("queued", 1)]


def test_attempts_end_after_a_number() -> None:
    channel = owe("a@apb.example")
    found = []
    for _ in range(sending.MOST_ATTEMPTS):
        Delivery.objects.update(not_before=AT)
        held = claim(channel)
        assert sending.reach(held, held.deliveries[0], at=AT)
        sending.record_error(held, held.deliveries[0], TransportError("450"), can=MANY, at=AT)
        sending.release(held, at=AT)
        found.append(Delivery.objects.get().state)

    assert found == ["queued"] * (sending.MOST_ATTEMPTS - 1) + ["failed"]


def test_pauses_grow_are_bounded_and_never_march_in_step() -> None:
    longest = [max(sending.pause(n) for _ in range(50)) for n in range(1, 11)]
    assert all(earlier < later for earlier, later in pairwise(longest[:5]))
    assert max(longest) <= sending.LONGEST_PAUSE
    assert len({sending.pause(3) for _ in range(50)}) > 1
    assert sending.pause(1, timedelta(minutes=30)) == timedelta(minutes=30)
    assert sending.pause(1, timedelta(days=30)) == sending.LONGEST_REQUESTED_PAUSE


@pytest.mark.parametrize("can", [ONE, MANY])
def test_an_unreachable_server_lets_the_others_wait_and_keep_their_attempts(can: Capabilities) -> None:
    channel = owe("a@apb.example", "b@apb.example")
    held = claim(channel, can)
    assert sending.reach(held, held.deliveries[0], at=AT)

    sending.record_error(held, held.deliveries[0], TransportError("down", unreachable=True), can=can, at=AT)

    one, other = Delivery.objects.order_by("pk")
    assert one.not_before == other.not_before > AT
    assert (one.attempts_made, other.attempts_made) == (1, 0)


def test_of_what_a_vanished_sender_held_the_part_before_is_sent_and_the_part_behind_is_queued() -> None:
    channel = owe("a@apb.example", "b@apb.example", "c@apb.example")
    held = claim(channel)
    send(held, held.deliveries[0])
    assert sending.reach(held, held.deliveries[1], at=AT)

    assert sending.recover(channel, can=MANY, at=LATER) == 3

    assert states() == [("sent", 1), ("queued", 1), ("queued", 0)]
    assert list(Delivery.objects.order_by("pk").values_list("error", flat=True)) == ["", sending.VANISHED, ""]
    assert not Claim.objects.exists()


@pytest.mark.parametrize(
    ("in_doubt", "state", "doubtful"),
    [(Doubt.REPEAT, "queued", True), (Doubt.LOOK, "queued", True), (Doubt.ASK, "unknown", False)],
)
def test_what_a_vanished_sender_was_handing_over_depends_on_the_channel(
    *, in_doubt: Doubt, state: str, doubtful: bool
) -> None:
    channel = owe("a@apb.example")
    can = Capabilities(in_doubt=in_doubt)
    held = claim(channel, can)
    assert sending.reach(held, held.deliveries[0], at=AT)

    sending.recover(channel, can=can, at=LATER)

    done = Delivery.objects.get()
    assert (done.state, done.doubtful, done.error) == (state, doubtful, sending.VANISHED)
    assert done.attempts.get().outcome == state


def test_a_message_that_kills_its_sender_again_and_again_is_set_aside() -> None:
    channel = owe("a@apb.example")
    for _ in range(sending.MOST_DEATHS):
        Delivery.objects.update(not_before=AT)
        held = claim(channel)
        assert sending.reach(held, held.deliveries[0], at=AT)
        sending.recover(channel, can=MANY, at=LATER)

    assert (Delivery.objects.get().state, Delivery.objects.get().error) == ("failed", sending.POISONOUS)


def test_a_sender_at_work_is_not_taken_for_vanished() -> None:
    channel = owe("a@apb.example")
    claim(channel)

    assert sending.recover(channel, can=MANY, at=AT + timedelta(seconds=1)) == 0
    assert states() == [("sending", 0)]


@pytest.mark.parametrize("before", DeliveryState)
@pytest.mark.parametrize("after", DeliveryState)
def test_a_delivery_goes_only_where_the_table_says(before: DeliveryState, after: DeliveryState) -> None:
    channel = owe("a@apb.example")
    made = Claim.objects.create(channel=channel, made_at=AT, lease_until=AT)

    def having(state: DeliveryState) -> dict[str, object]:
        return {
            "claim": made if state == DeliveryState.SENDING else None,
            "sent_at": AT if state == DeliveryState.SENT else None,
        }

    Delivery.objects.update(state=before, **having(before))

    if after in DELIVERY_TRANSITIONS[before]:
        assert Delivery.objects.all().move(after, out_of=before, **having(after)) == 1
        assert Delivery.objects.get().state == after
    else:
        with pytest.raises(ValueError, match="does not go"):
            Delivery.objects.all().move(after, out_of=before)
        assert Delivery.objects.get().state == before


def test_the_database_knows_no_delivery_that_is_sending_in_nobodys_hands() -> None:
    owe("a@apb.example")

    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.update(state=DeliveryState.SENDING)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("senders", [1, 3])
def test_of_many_senders_at_once_each_delivery_gets_one(senders: int) -> None:
    channel = owe(*(f"reader{n}@apb.example" for n in range(40)))
    can = Capabilities(in_doubt=Doubt.REPEAT, batch=5, senders=senders)
    claimed: list[int] = []
    start = threading.Barrier(4)

    def sender() -> None:
        start.wait()
        for _ in range(10):
            if held := sending.claim(channel, can=can, at=timezone.now()):
                claimed.extend(d.pk for d in held.deliveries)
        connection.close()

    Delivery.objects.update(created_at=timezone.now())
    threads = [threading.Thread(target=sender) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(claimed) == len(set(claimed)) == 5 * senders


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one lock for all")
@pytest.mark.django_db(transaction=True)
def test_a_lane_whose_lock_is_held_for_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = owe("a@apb.example")
    monkeypatch.setattr(sending, "LANE_PATIENCE", timedelta(milliseconds=20))
    locked, looked = threading.Event(), threading.Event()

    def freeze() -> None:
        with transaction.atomic():
            Channel.objects.select_for_update(no_key=True).get()
            locked.set()
            looked.wait(20)
        connection.close()

    frozen = threading.Thread(target=freeze)
    frozen.start()
    assert locked.wait(20)
    found = sending.recover(channel, can=MANY, at=LATER), sending.claim(channel, can=MANY, at=AT)
    looked.set()
    frozen.join()

    assert found == (0, None)
    assert claim(channel).deliveries


@pytest.mark.django_db(transaction=True)
def test_hurrying_through_many_leaves_the_connection_as_careful_as_it_was() -> None:
    held = claim(owe("a@apb.example", "b@apb.example"))

    assert sending.reach(held, held.deliveries[0], at=AT)

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)
        else:
            cursor.execute("SHOW synchronous_commit")
            before = cursor.fetchone()
            cursor.execute("RESET synchronous_commit")
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == before


def owed_test(channel: Channel) -> Delivery:
    return Delivery.objects.create(
        channel=channel,
        notice=Notice.TEST,
        language="fr",
        recipient="boss@farmaflux.example",
        environment="embedded",
        created_at=AT,
        not_before=AT,
    )


def test_of_a_channel_that_is_off_a_test_leaves_and_nothing_else() -> None:
    channel = owe("a@apb.example")
    test = owed_test(channel)
    Channel.objects.update(enabled=False)

    assert relay.lanes() == [f"{channel.pk}/0"]
    assert claim(channel).deliveries == [test]


def test_a_test_that_was_not_accepted_is_answered_and_not_tried_again() -> None:
    channel = factories.mail_channel()
    test = owed_test(channel)
    held = claim(channel)
    sending.reach(held, test, at=AT)

    sending.record_error(held, test, TransportError("421 later", unreachable=True), can=MANY, at=AT)

    assert (kept(test).state, kept(test).error) == (DeliveryState.FAILED, "421 later")


class Way:
    """A transport that takes everything, or meets *error*."""

    capabilities = ONE
    settings: tuple[Setting, ...] = ()

    def __init__(self, error: Exception | None = None, unready: Exception | None = None) -> None:
        self.error, self.unready, self.sent = error, unready, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def prepare(self, delivery: Delivery) -> Delivery:
        if self.unready:
            raise self.unready
        return delivery

    def send(self, message: Delivery) -> Receipt:
        self.sent += 1
        if self.error:
            raise self.error
        return Receipt("ok")

    def find(self, message: Delivery) -> Receipt | None:
        raise NotImplementedError


def send_through(channel: Channel, way: Way) -> None:
    relay.send_through(f"{channel.pk}/0", by=lambda _channel: cast(Transport, way))


def once(function: Any) -> Callable[..., Any]:
    """*function*, but the database is away at the first call."""
    calls = iter([True])

    def call(*arguments: Any, **named: Any) -> Any:
        if next(calls, False):
            raise OperationalError("the database is away")
        return function(*arguments, **named)

    return call


def test_what_was_accepted_as_the_database_went_away_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel, way = owe("a@apb.example"), Way()
    Delivery.objects.update(confirmed_at=AT)
    attempts = DeliveryAttempt.objects
    monkeypatch.setattr(attempts, "bulk_create", once(attempts.bulk_create))

    with pytest.raises(OperationalError):
        send_through(channel, way)
    send_through(channel, way)

    assert (way.sent, states()) == (1, [("sent", 1)])


def test_what_may_have_arrived_as_the_database_went_away_is_asked_of_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel, way = owe("a@apb.example"), Way(TransportError("no answer", maybe_sent=True))
    Delivery.objects.update(confirmed_at=AT)
    monkeypatch.setattr(sending, "record_error", once(sending.record_error))

    with pytest.raises(OperationalError):
        send_through(channel, way)
    Claim.objects.update(lease_until=AT)
    send_through(channel, way)

    assert (way.sent, states()) == (1, [("unknown", 1)])


def test_a_message_that_met_no_database_goes_back_to_the_queue_and_is_not_set_aside() -> None:
    channel = owe("a@apb.example")
    Delivery.objects.update(confirmed_at=AT)

    with pytest.raises(OperationalError):
        send_through(channel, Way(unready=OperationalError("the database is away")))
    before = states()
    send_through(channel, Way())

    assert (before, states()) == ([("queued", 0)], [("sent", 1)])


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="with a handful of rows PostgreSQL reads all of them"
)
def test_what_was_sent_long_ago_is_not_looked_through() -> None:
    channel = factories.mail_channel("a@apb.example")

    claimed = channel.deliveries.due(AT).explain()
    counted = pulse._moments("embedded", AT, AT).explain()

    assert "USING INDEX delivery_by_state (state=? AND channel_id=?" in claimed
    assert "SCAN comms_delivery" not in counted
    assert counted.count("comms_delivery USING INDEX delivery_by_state (state=?") == 2
