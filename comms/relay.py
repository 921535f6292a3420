"""Empties the outbox: takes what is due in a channel and hands it to the channel's transport, message by message."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from comms.channels.base import Capabilities, Doubt, Receipt, Transport, TransportError
from comms.channels.kinds import capabilities, transport
from comms.channels.subscribers import Challenge
from comms.models import Channel, Claim, Delivery, Mailing
from comms.operations import bounces, sending, subscribers
from comms.operations.sending import Held

log = structlog.get_logger(__name__)

Stopping = Callable[[], bool]
FRESH = sending.LEASE.total_seconds() / 2  # a message that took longer to prepare is no longer handed over
KEEPERS = BoundedSemaphore(10)
"""Half of a process's connections to the database: so many senders at once may keep one while their messages leave."""
TOO_LATE = gettext_noop("The desk took too long to hand it over, so it was not sent this time.")
PLAYED = gettext_noop("An exercise: nothing of it is sent.")
BROKEN = gettext_noop("Set aside: the desk could not make this message. The operators find why in the log.")


def run_once() -> int:
    """Send what is due, one channel after the other, in this thread; returns how many messages were tried."""
    return sum(send_through(lane) for lane in lanes())


def lanes() -> list[str]:
    """Channel and sender ("7/0") for each that has something to do: due, to be spread, or left behind by a dead one."""
    at = timezone.now()
    due = Delivery.objects.due(at).values("channel")
    abandoned = Claim.objects.filter(lease_until__lt=at).values("channel")
    mailings = Mailing.objects.unfinished().filter(channel__enabled=True).values("channel")
    channels = Channel.objects.filter(Q(pk__in=due) | Q(pk__in=abandoned) | Q(pk__in=mailings))
    return [
        f"{channel.pk}/{sender}" for channel in channels for sender in range(capabilities(channel).senders)
    ]


def send_through(
    lane: str, stopping: Stopping = lambda: False, *, by: Callable[[Channel], Transport] = transport
) -> int:
    """Send what is due in one channel until nothing is left or *stopping* says so; returns how many were tried."""
    channel = Channel.objects.select_related("mail_list").get(pk=lane.partition("/")[0])
    tried = 0
    with by(channel) as way:
        sending.recover(channel, can=way.capabilities, at=timezone.now())
        while not stopping():
            with _keeping_a_connection(way.capabilities):
                held = sending.claim(channel, can=way.capabilities, at=timezone.now())
                if held is None:
                    break
                tried += _send_all(way, held, stopping)
    return tried


@contextmanager
def _keeping_a_connection(can: Capabilities) -> Iterator[None]:
    """Who sends many at a time keeps one all the while, so that only some may: the others wait without."""
    if can.batch == 1:
        yield
        return
    if not KEEPERS.acquire(blocking=False):
        _let_go_of_the_database()
        KEEPERS.acquire()
    try:
        yield
    finally:
        KEEPERS.release()


def _send_all(way: Transport, held: Held, stopping: Stopping) -> int:
    """Returns how many were tried. What was not begun goes back to the queue, whatever happens.

    Unless one may have arrived and that could not be stored: then whoever finds the claim, once its lease has run out,
    sees to it.
    """
    tried, settled = 0, True
    try:
        for delivery in held.deliveries:
            if stopping() or not sending.reach(held, delivery, at=timezone.now()):
                break
            tried += 1
            error = _send(way, held, delivery)
            if error:
                settled = not error.maybe_sent
                sending.record_error(held, delivery, error, can=way.capabilities, at=timezone.now())
                settled = True
                if error.no_such_recipient:
                    bounces.refused(delivery, str(error), at=timezone.now())
                if error.unreachable:
                    break
    finally:
        if settled:
            sending.release(held, at=timezone.now())
    return tried


def _send(way: Transport, held: Held, delivery: Delivery) -> TransportError | None:
    """The error, if there was one; a success is noted."""
    begun, handed_over = time.monotonic(), False
    try:
        if delivery.update and delivery.update.incident.drill:  # the last door; none should come so far
            return TransportError(PLAYED, permanent=True)
        message = way.prepare(delivery)
        if not held.careless:
            _let_go_of_the_database()
        looks = delivery.doubtful and way.capabilities.in_doubt == Doubt.LOOK
        receipt = way.find(message) if looks else None
        if time.monotonic() - begun > FRESH:
            return TransportError(TOO_LATE)
        handed_over = True
        receipt = receipt or way.send(message)
    except TransportError as error:
        return error
    except (
        InterfaceError,
        OperationalError,
    ):  # the database is away: nothing was handed over, nor is wrong with it
        raise
    except Exception:
        log.exception("message set aside", delivery=delivery.pk)
        return TransportError(BROKEN, permanent=True, maybe_sent=handed_over)
    _note(held, delivery, message, receipt)
    return None


def _note(held: Held, delivery: Delivery, message: object, receipt: Receipt) -> None:
    at = timezone.now()
    sending.note_sent(held, delivery, receipt, at=at)
    if held.careless:
        return
    with transaction.atomic():
        sending.record(held, at=at)
        if isinstance(message, Challenge):
            subscribers.answered(message.subscriber, at=at)


def _let_go_of_the_database() -> None:
    """An address that hangs must not keep one of the pool's few connections from everybody else."""
    if not connection.in_atomic_block:
        connection.close()
