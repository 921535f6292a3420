"""Reads who mentions our accounts on the social networks."""

from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from comms.channels.base import TransportError
from comms.channels.hearing import Heard
from comms.channels.kinds import listener
from comms.models import Listening
from comms.operations import listening
from tickets import operations

log = structlog.get_logger(__name__)

PAGES = 10  # in one run: with the period of half a minute a third of what Mastodon allows


def accounts() -> list[str]:
    """Those whose mentions are to be read now."""
    return listening.due(timezone.now())


def read_mentions(account: str, stopping: Callable[[], bool] = lambda: False) -> int:
    """Take what was said since the last time; how many mentions that were. What fails is tried again later."""
    row = listening.claim(account, at=timezone.now())
    if row is None:
        return 0
    taken = 0
    try:
        with listener(row.channel) as network:
            for page in range(1, PAGES + 1):
                heard = network.hear(row.place, row.since)
                goes_on = heard.more and page < PAGES and not stopping()
                if not _keep(row, heard, goes_on=goes_on):
                    break
                taken += len(heard.mentions)
                if not goes_on:
                    break
    except TransportError as error:
        listening.note_error(row, error, at=timezone.now())
    return taken


@transaction.atomic
def _keep(row: Listening, heard: Heard, *, goes_on: bool) -> bool:
    """The mentions and how far they were read, or neither."""
    at = timezone.now()
    if not listening.note_heard(row, heard, goes_on=goes_on, at=at):
        return False
    for mention in heard.mentions:
        try:
            with transaction.atomic():
                operations.take_mention(mention, row.channel, at=at)
        except (InterfaceError, OperationalError):
            raise
        except Exception:  # one that cannot be stored must not hold up the others for ever
            log.exception("mention not taken", address=mention.address)
    return True
