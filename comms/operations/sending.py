"""The outbox as senders meet it: claim, reach, record; every step compares the claim it was taken under.

Any number of senders may run at once, on any number of machines. A channel is a lane of its own, so that one that
hangs holds up no other; how many senders work in it at once its transport says. docs/decisions/0009 tells why.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from comms.channels.base import Capabilities, Doubt, Receipt, TransportError
from comms.channels.reminding import STAFF_NOTICES
from comms.models import Channel, Claim, Delivery, DeliveryAttempt, DeliveryState, Notice
from comms.operations import mailing, waiting

LANE_PATIENCE = timedelta(
    seconds=2
)  # longer than claiming takes: then its lock is in the hands of one that is frozen
LEASE = timedelta(minutes=2)  # more than one message can take, every timeout of its transport included
MOST_ATTEMPTS = 10  # about three quarters of an hour
MOST_DEATHS = 3  # of senders with the same message in their hands
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=10)
LONGEST_REQUESTED_PAUSE = timedelta(hours=1)
VANISHED = gettext_noop("The sender stopped before it heard the answer.")
ACCEPTED_UNSEEN = gettext_noop("accepted; the sender stopped before it could note the answer")
POISONOUS = gettext_noop("Set aside: the sender stopped three times with this message in its hands.")


@dataclass
class Held:
    """Deliveries of a channel in one sender's hands, in the order in which they are sent."""

    claim: Claim
    deliveries: list[Delivery]
    careless: bool = False
    """More than one at a time: each step survives this process, but not a power cut (see _reached)."""
    sent: list[DeliveryAttempt] = field(default_factory=list)
    """Accepted and not yet recorded."""

    def forget(self, recorded: list[DeliveryAttempt]) -> None:
        self.sent = [attempt for attempt in self.sent if not any(attempt is one for one in recorded)]


def claim(channel: Channel, *, can: Capabilities, at: datetime) -> Held | None:
    """Take what is due, the oldest first, for two minutes; None when nothing is, or enough senders are at work.

    Also None when another keeps the lane's lock for long: it is not waited for, whoever calls comes again.
    First what is owed to subscribers is spread over them (comms.operations.mailing), and what became old or was
    overtaken meanwhile is set aside (comms.operations.waiting).
    """
    try:
        return _claim(channel, can=can, at=at)
    except OperationalError as error:
        if not _waited_in_vain(error):
            raise
        return None


@transaction.atomic
def _claim(channel: Channel, *, can: Capabilities, at: datetime) -> Held | None:
    lane = _lane(channel, patience=LANE_PATIENCE)
    if lane is None or channel.claims.count() >= can.senders:
        return None
    if lane.enabled:
        mailing.spread(channel, at=at)
        waiting.sort_out(channel, at=at)
    due = channel.deliveries.due(at).order_by("not_before", "pk")[: can.batch]
    pks = list(due.values_list("pk", flat=True))
    if not pks:
        return None
    made = Claim.objects.create(channel=channel, made_at=at, lease_until=at + LEASE)
    Delivery.objects.filter(pk__in=pks).move(DeliveryState.SENDING, out_of=DeliveryState.QUEUED, claim=made)
    # What the deliveries of a claim share is read once for all of them.
    rows = made.deliveries.select_related("subscriber").prefetch_related(
        "channel__mail_list", "update__incident", "correction", "original"
    )
    return Held(made, list(rows.order_by("pk")), careless=can.batch > 1)


def _lane(channel: Channel, *, patience: timedelta | None = None) -> Channel | None:
    """Wait for the channel's row, and read it anew; None when it is gone. Owing to it meanwhile is not held up.

    With *patience* for so long only; then OperationalError (see _waited_in_vain).
    """
    rows = Channel.objects.select_for_update(no_key=True).filter(pk=channel.pk)
    if patience is None or connection.vendor == "sqlite":
        return rows.first()
    _set_lock_timeout(patience)
    found = rows.first()
    _set_lock_timeout(timedelta())
    return found


def _set_lock_timeout(patience: timedelta) -> None:
    """Until the end of the transaction; zero is without end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true)", [str(int(patience.total_seconds() * 1000))]
        )


def _waited_in_vain(error: OperationalError) -> bool:
    """For a lock; PostgreSQL's lock_not_available."""
    return getattr(error.__cause__, "sqlstate", None) == "55P03"


def reach(held: Held, delivery: Delivery, *, at: datetime) -> bool:
    """Write down that *delivery* is handed over now, and renew the lease.

    False when the lease has run out or another sender took over: nothing may be sent any more.
    """
    moments = [connection.ops.adapt_datetimefield_value(moment) for moment in (at, at + LEASE, at)]
    values = [delivery.pk, *moments[:2], held.claim.pk, moments[2]]
    if not _reached(values, soon=held.careless and not connection.in_atomic_block):
        return False
    held.claim.reached, held.claim.reached_at = delivery.pk, at
    return True


# Written out: of all statements this one is made for each of thousands of messages.
_REACH = "UPDATE comms_claim SET reached = %s, reached_at = %s, lease_until = %s WHERE id = %s AND lease_until >= %s"
_SOON = "WITH soon AS (SELECT set_config('synchronous_commit', 'off', true)) "
_REACH_SOON = _SOON + _REACH.replace(" WHERE", " FROM soon WHERE")


def _reached(values: list[Any], *, soon: bool) -> bool:
    """*soon*: commit without waiting for the disk.

    The database server, or the kernel, has it whatever becomes of this process. After a power cut the last
    moments may be missing: then those messages are sent again, under the same Message-ID.
    """
    on_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        if soon and on_sqlite:
            cursor.execute("PRAGMA synchronous = NORMAL")
        try:
            cursor.execute(_REACH_SOON if soon and not on_sqlite else _REACH, values)
            found = cursor.rowcount
        finally:
            if soon and on_sqlite:
                cursor.execute("PRAGMA synchronous = FULL")
    return bool(found)


def note_sent(held: Held, delivery: Delivery, receipt: Receipt, *, at: datetime) -> None:
    """It was accepted. Kept in memory until record(): that a later delivery was reached tells as much."""
    delivery.external_id, delivery.external_url = receipt.id, receipt.url
    held.sent.append(_attempt(held.claim, delivery, DeliveryState.SENT, receipt.detail, at=at))


@transaction.atomic
def record(held: Held, *, at: datetime) -> bool:
    """Store what was accepted. False, and the deliveries stay as they are, when the claim was lost meanwhile.

    What came of each call stands in its own row in any case.
    """
    sent = list(held.sent)
    if not sent:
        return True
    transaction.on_commit(
        lambda: held.forget(sent)
    )  # till then it is in no other place; storing it again adds nothing
    DeliveryAttempt.objects.bulk_create(sent, ignore_conflicts=True)
    if not _still(held.claim):
        return False
    for attempt in sent:
        if attempt.delivery.external_id or attempt.delivery.external_url:
            named = {
                "external_id": attempt.delivery.external_id[:500],
                "external_url": attempt.delivery.external_url[:500],
            }
            held.claim.deliveries.filter(pk=attempt.delivery_id).update(**named)
    _conclude(held.claim, [attempt.delivery_id for attempt in sent], DeliveryState.SENT, sent_at=at, error="")
    return True


@transaction.atomic
def record_error(
    held: Held, delivery: Delivery, error: TransportError, *, can: Capabilities, at: datetime
) -> bool:
    """It was refused, or nobody knows: try later, look, ask a person, or give up. False when the claim was lost."""
    if error.unreachable:
        _lane(held.claim.channel)  # before any row of it, as who claims does: the whole lane will be held
    record(held, at=at)
    outcome = _outcome(delivery, error, can)
    attempt = _attempt(held.claim, delivery, outcome, str(error), at=at)
    DeliveryAttempt.objects.bulk_create([attempt], ignore_conflicts=True)
    if not _still(held.claim):
        return False
    # A later attempt that failed for sure tells nothing of the one before it.
    doubtful = can.in_doubt != Doubt.ASK and (delivery.doubtful or error.maybe_sent)
    changes: dict[str, object] = {"error": str(error)[:500], "doubtful": doubtful}
    until = at + pause(delivery.attempts_made + 1, error.retry_after)
    if outcome == DeliveryState.QUEUED:
        changes["not_before"] = until
    _conclude(held.claim, [delivery.pk], outcome, **changes)
    if error.unreachable and outcome == DeliveryState.QUEUED:
        _hold(held.claim, until=until, at=at)
    return True


def _outcome(delivery: Delivery, error: TransportError, can: Capabilities) -> DeliveryState:
    if delivery.notice == Notice.TEST:
        return DeliveryState.FAILED  # whoever asked for it sees the answer, and asks again
    if (
        delivery.notice in STAFF_NOTICES
        and (error.by_hand or error.maybe_sent)
        and can.in_doubt != Doubt.REPEAT
    ):
        return DeliveryState.FAILED  # one of them twice would be worse, and nobody settles it
    if delivery.notice == Notice.REPLY and error.by_hand:
        return DeliveryState.FAILED  # shown to whoever answered, who knows where to post it
    if error.by_hand and can.by_hand:
        return DeliveryState.BY_HAND
    if error.maybe_sent and can.in_doubt == Doubt.ASK:
        return DeliveryState.UNKNOWN
    if error.permanent or delivery.attempts_made + 1 >= MOST_ATTEMPTS:
        return DeliveryState.FAILED
    return DeliveryState.QUEUED


def pause(attempts_made: int, requested: timedelta | None = None) -> timedelta:
    """How long to wait after that many attempts: doubling, with chance so that senders do not march in step."""
    longest: timedelta = min(FIRST_PAUSE * 2 ** (attempts_made - 1), LONGEST_PAUSE)
    ours = longest * secrets.SystemRandom().uniform(0.5, 1)
    return max(ours, min(requested or timedelta(), LONGEST_REQUESTED_PAUSE))


def _hold(made: Claim, *, until: datetime, at: datetime) -> None:
    """The others need not find out one by one that nobody answers; they keep their attempts."""
    made.deliveries.all().move(DeliveryState.QUEUED, out_of=DeliveryState.SENDING, claim=None)
    made.channel.deliveries.due(at).update(not_before=until)


def _attempt(
    made: Claim, delivery: Delivery, outcome: DeliveryState, detail: str, *, at: datetime
) -> DeliveryAttempt:
    return DeliveryAttempt(
        delivery=delivery,
        fence=made.pk,
        started_at=made.reached_at or at,
        finished_at=at,
        outcome=outcome,
        detail=detail[:500],
    )


def _still(made: Claim) -> bool:
    """Nobody recovered it. Locks it, so that nobody does before this transaction ends."""
    return Claim.objects.select_for_update().filter(pk=made.pk).exists()


def _conclude(made: Claim, pks: Sequence[int], to: DeliveryState, **changes: object) -> None:
    made.deliveries.filter(pk__in=pks).move(
        to, out_of=DeliveryState.SENDING, claim=None, attempts_made=F("attempts_made") + 1, **changes
    )


@transaction.atomic
def release(held: Held, *, at: datetime) -> None:
    """Record what was accepted, give back what was not begun, and let go of the claim; nothing when it was lost."""
    if record(held, at=at) and _still(held.claim):
        _let_go(held.claim)


def _let_go(made: Claim) -> None:
    made.deliveries.all().move(DeliveryState.QUEUED, out_of=DeliveryState.SENDING, claim=None)
    made.delete()


def recover(channel: Channel, *, can: Capabilities, at: datetime) -> int:
    """See to what senders that vanished had in their hands; returns how many deliveries.

    Begun before the one they reached: accepted. That one: nobody knows, and the channel says what to do then.
    The others: queued. None while another keeps the lane's lock for long.
    """
    try:
        return _recover_lane(channel, can=can, at=at)
    except OperationalError as error:
        if not _waited_in_vain(error):
            raise
        return 0


@transaction.atomic
def _recover_lane(channel: Channel, *, can: Capabilities, at: datetime) -> int:
    if not _lane(channel, patience=LANE_PATIENCE):
        return 0
    found = 0
    for made in channel.claims.select_for_update().filter(lease_until__lt=at):
        deliveries = list(made.deliveries.select_related("channel").order_by("pk"))
        found += len(deliveries)
        _recover(Held(made, deliveries), can=can, at=at)
    return found


def _recover(held: Held, *, can: Capabilities, at: datetime) -> None:
    for delivery in held.deliveries:
        if delivery.pk < held.claim.reached:
            note_sent(held, delivery, Receipt(ACCEPTED_UNSEEN), at=at)
    reached = [delivery for delivery in held.deliveries if delivery.pk == held.claim.reached]
    for delivery in reached:
        deaths = delivery.attempts.filter(detail=VANISHED).count() + 1
        error = TransportError(VANISHED, maybe_sent=True)
        if deaths >= MOST_DEATHS and can.in_doubt != Doubt.ASK:
            error = TransportError(POISONOUS, permanent=True, maybe_sent=True)
        record_error(held, delivery, error, can=can, at=at)
    record(held, at=at)
    _let_go(held.claim)
