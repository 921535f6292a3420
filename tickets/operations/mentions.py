"""Who mentions us on a social network becomes a contact."""

from datetime import datetime
from hashlib import sha256
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.languages import Language
from accounts.models import User
from comms.channels.hearing import Mention
from comms.models import Channel, Delivery
from incidents.models import Incident
from incidents.personal_data import mask_national_numbers
from tickets.models import Contact, ContactChannel, Mail, MailKind
from tickets.models.mail import LONGEST_MAIL
from tickets.operations.contacts import CLOCKS_DIFFER, ENTERED_WITHIN, one_line, store
from tickets.operations.mail import only_open_incident

READER = "intake-social"
LONGEST_URL = 500


def take_mention(mention: Mention, channel: Channel, *, at: datetime | None = None) -> Mail:
    """Keep *mention*; the same post again, of another account too, gives what was kept first.

    It becomes a contact, or goes on with that of the same author whose post, or the answer to it, it answers.
    """
    at = at or timezone.now()
    address = _address(mention)
    if known := Mail.objects.filter(message_id=address).first():
        return known
    try:
        with transaction.atomic():
            return _take(mention, channel, address, at)
    except IntegrityError:
        if first := Mail.objects.filter(message_id=address).first():
            return first
        raise


def _address(mention: Mention) -> str:
    """What it is known by; one that is too long to be kept by its hash."""
    given = mention.address.replace("\x00", "")
    return given if len(given) <= 255 else f"post:{sha256(given.encode()).hexdigest()}"


def _take(mention: Mention, channel: Channel, address: str, at: datetime) -> Mail:
    moment = mention.at if -CLOCKS_DIFFER <= at - mention.at <= ENTERED_WITHIN else at
    author = one_line(mention.author)[:254]
    answered = list(
        Delivery.objects.filter(channel=channel, external_id__in=mention.answers).select_related(
            "update__incident"
        )
    )
    contact = _thread(mention, channel, author, answered) or _contact(mention, channel, answered, moment, at)
    url = mention.url if mention.url.startswith(("https://", "http://")) else ""
    return Mail.objects.create(
        message_id=address,
        kind=MailKind.MESSAGE,
        contact=contact,
        sender=author,
        name=one_line(mention.author_name)[:120],
        text=mask_national_numbers(mention.text.replace("\x00", ""))[0][:LONGEST_MAIL],
        channel=channel,
        post=mention.name,
        url=url if len(url) <= LONGEST_URL and url.isprintable() else "",
        occurred_at=moment,
    )


def _thread(mention: Mention, channel: Channel, author: str, answered: list[Delivery]) -> Contact | None:
    """Hers alone: somebody else who joins in is somebody else."""
    above = Mail.objects.filter(channel=channel, post__in=mention.answers).exclude(post="")
    ours = Mail.objects.filter(delivery__in=[delivery.pk for delivery in answered])
    for mails in (above, ours):
        contacts = mails.exclude(contact=None).values("contact")
        found = Mail.objects.filter(contact__in=contacts, sender=author, channel=channel).first()
        if found:
            return found.contact
    return None


def _contact(
    mention: Mention, channel: Channel, answered: list[Delivery], moment: datetime, at: datetime
) -> Contact:
    reader, _made = User.objects.get_or_create(
        username=READER, defaults={"first_name": "Social", "is_active": False, "password": "!"}
    )
    return store(
        Contact(
            key=uuid4(),
            agent=reader,
            channel=ContactChannel.SOCIAL,
            caller_text=one_line(mention.author)[:120],
            incident=_incident(answered),
            language=_language(mention, channel, reader),
            note=one_line(mention.text)[:480],
            occurred_at=moment,
            recorded_at=at,
        )
    )


def _language(mention: Mention, channel: Channel, reader: User) -> str:
    """The author's own where we speak it, else the account's first."""
    spoken = (mention.language[:2].casefold(), *map(str, channel.languages))
    return next((code for code in spoken if code in Language.values), reader.language)


def _incident(answered: list[Delivery]) -> Incident | None:
    """The one whose message it answers, else the open one where there is no other."""
    told = [delivery.update.incident for delivery in answered if delivery.update]
    return told[0] if told else only_open_incident()
