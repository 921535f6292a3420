"""Reads the helpdesk's mailbox."""

import structlog
from django.conf import settings
from imap_tools import AND, BaseMailBox, MailBox, MailBoxUnencrypted, MailMessageFlags

from tickets import operations
from tickets.letters import letter_of

log = structlog.get_logger(__name__)

AT_ONCE = 50
TIMEOUT = 20  # seconds


def read_mailbox() -> int:
    """Take what is unread, the oldest first, and mark it as read once it is stored; how many were.

    Nothing where no mailbox is set (DESK_IMAP_URL). A message whose marking fails is read again, and known then.
    """
    if settings.DESK_IMAP is None:
        return 0
    taken = 0
    with open_mailbox() as mailbox:
        for message in mailbox.fetch(AND(seen=False), limit=AT_ONCE, mark_seen=False, bulk=False):
            try:
                operations.take_mail(letter_of(message))
            except Exception:  # one that cannot be read must not hold up the others; it stays unread
                log.exception("mail not taken", uid=message.uid)
                continue
            taken += 1
            if message.uid:
                mailbox.flag(message.uid, MailMessageFlags.SEEN, value=True)
    return taken


def open_mailbox() -> BaseMailBox:
    given = settings.DESK_IMAP
    if given is None:
        raise ValueError("No mailbox is set.")
    kind = MailBox if given.encrypted else MailBoxUnencrypted
    return kind(given.host, port=given.port, timeout=TIMEOUT).login(given.user, given.password, given.folder)
