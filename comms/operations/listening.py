"""Reading who mentions an account: whose turn it is, how far it came, and what went wrong."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F

from comms.channels.base import TransportError
from comms.channels.hearing import Heard
from comms.models import HEARING, Channel, Listening
from comms.operations.sending import pause

PERIOD = timedelta(seconds=30)
LEASE = timedelta(minutes=5)  # a reader that died is followed by another


def begin(channel: Channel, *, at: datetime) -> Listening:
    """What is said from *at* on is read; where reading stood before is forgotten."""
    row, _made = Listening.objects.update_or_create(
        channel=channel,
        defaults={
            "environment": settings.DESK_ENVIRONMENT_ID,
            "since": at,
            "place": {},
            "not_before": at,
            "read_at": None,
            "failures": 0,
            "error": "",
        },
    )
    return row


def due(at: datetime) -> list[str]:
    """The channels whose mentions are to be read at *at*."""
    rows = Listening.objects.filter(
        environment=settings.DESK_ENVIRONMENT_ID,
        not_before__lte=at,
        channel__enabled=True,
        channel__mentions=True,
        channel__kind__in=HEARING,
    )
    return [str(pk) for pk in rows.values_list("channel", flat=True)]


def claim(channel: str, *, at: datetime) -> Listening | None:
    """For the one who may read now, however many ask; None for the others."""
    row = Listening.objects.select_related("channel").filter(channel__pk=channel).first()
    if row is None or channel not in due(at):
        return None
    taken = Listening.objects.filter(pk=row.pk, not_before__lte=at).update(not_before=at + LEASE)
    return row if taken else None


def note_heard(row: Listening, heard: Heard, *, goes_on: bool, at: datetime) -> bool:
    """In the transaction that stores the mentions. False when reading began anew meanwhile: then store none.

    *goes_on*: the same reader asks for more at once.
    """
    row.place = heard.place
    until = at + (LEASE if goes_on else PERIOD)
    read_at = row.read_at if heard.more else at
    stands = Listening.objects.filter(pk=row.pk, since=row.since)
    return bool(stands.update(place=heard.place, read_at=read_at, failures=0, error="", not_before=until))


def note_error(row: Listening, error: TransportError, *, at: datetime) -> None:
    """Tried again after a pause that grows, or the one that was asked for."""
    wait = max(PERIOD, pause(min(row.failures + 1, 10), error.retry_after))
    Listening.objects.filter(pk=row.pk, since=row.since).update(
        failures=F("failures") + 1, error=str(error)[:500], not_before=at + wait
    )
