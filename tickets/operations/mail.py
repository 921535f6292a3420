"""E-mails become contacts."""

import re
from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from comms.models import ListMember
from incidents.models import Incident
from incidents.personal_data import mask_national_numbers
from tickets.letters import Letter
from tickets.models import Contact, ContactChannel, Mail, MailKind, Pharmacy
from tickets.models.mail import LONGEST_MAIL
from tickets.operations.contacts import CLOCKS_DIFFER, ENTERED_WITHIN, one_line, store
from tickets.operations.informing import note_bounce

READER = "intake-mailbox"
_INCIDENT = re.compile(r"<incident-([a-z0-9]{1,12})@")  # comms.channels.letter names a message's incident so


def take_mail(letter: Letter, *, at: datetime | None = None) -> Mail:
    """Keep *letter*; the same one again gives the one that was kept first.

    What a person wrote becomes a contact, or goes on with that of the thread it belongs to. Of an automatic reply
    and of a bounce only the mail is kept; a member of our lists who is gone for good is written to no more, and
    a caller who was told of a message by the mail that came back was not told.
    """
    at = at or timezone.now()
    if known := Mail.objects.filter(message_id=letter.message_id).first():
        return known
    try:
        with transaction.atomic():
            return _take(letter, at)
    except IntegrityError:
        if first := Mail.objects.filter(message_id=letter.message_id).first():
            return first
        raise


def _take(letter: Letter, at: datetime) -> Mail:
    kind = MailKind.AUTOMATIC if _is_ours(letter.sender) else letter.kind
    thread = Mail.objects.filter(message_id__in=letter.answers).exclude(contact=None).first()
    contact = thread.contact if thread else None
    if kind == MailKind.MESSAGE and contact is None:
        contact = _contact(letter, at)
    if kind == MailKind.BOUNCE and letter.gone:
        members = ListMember.objects.filter(email__iexact=letter.refused, refused_at=None)
        members.update(refused_at=at, refusal=(letter.subject or "5.1")[:500])
    if kind == MailKind.BOUNCE and letter.refused:
        note_bounce(letter.refused, returned=letter.returned, at=at)
    return Mail.objects.create(
        message_id=letter.message_id,
        kind=kind,
        contact=contact,
        sender=letter.sender,
        name=letter.name,
        subject=mask_national_numbers(letter.subject)[0][:200],
        text=mask_national_numbers(letter.text)[0][:LONGEST_MAIL],
        attachments=letter.attachments,
        refused=letter.refused,
        occurred_at=_moment(letter, at),
    )


def _is_ours(sender: str) -> bool:
    return (
        bool(sender) and sender in f"{settings.DEFAULT_FROM_EMAIL} {settings.DESK_MAIL_REPLY_TO}".casefold()
    )


def _moment(letter: Letter, at: datetime) -> datetime:
    """When it was sent, where that makes sense."""
    sent = letter.sent_at
    return sent if sent and -CLOCKS_DIFFER <= at - sent <= ENTERED_WITHIN else at


def _contact(letter: Letter, at: datetime) -> Contact:
    owners = list(Pharmacy.objects.filter(email__iexact=letter.sender)[:2]) if letter.sender else []
    pharmacy = owners[0] if len(owners) == 1 else None
    reader, _made = User.objects.get_or_create(
        username=READER, defaults={"first_name": "E-mail", "is_active": False, "password": "!"}
    )
    contact = Contact(
        key=uuid4(),
        agent=reader,
        channel=ContactChannel.EMAIL,
        pharmacy=pharmacy,
        caller_text=one_line(letter.sender or letter.name or _("no sender"))[:120],
        incident=_incident(letter),
        language=pharmacy.language if pharmacy else reader.language,
        note=one_line(f"{letter.subject}: {letter.text}" if letter.subject else letter.text)[:480],
        occurred_at=_moment(letter, at),
        recorded_at=at,
    )
    return store(contact)


def _incident(letter: Letter) -> Incident | None:
    """The one whose message it answers, else the open one where there is no other."""
    if named := _INCIDENT.search(" ".join(letter.answers)):
        return Incident.objects.filter(public_id=named[1]).first()
    return only_open_incident()


def only_open_incident() -> Incident | None:
    """None where there are two: a person says which one it is."""
    open_ = list(Incident.objects.real().open()[:2])
    return open_[0] if len(open_) == 1 else None
