"""What pharmacists wrote is answered the way it came, through the outbox."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.refusals import Refused
from comms.models import Channel, ChannelKind, Delivery
from comms.operations.replies import addressed, owe_post, owe_reply, reply_id, too_many
from incidents.personal_data import mask_national_numbers
from tickets.models import Contact, Mail, MailKind
from tickets.models.mail import LONGEST_MAIL
from tickets.permissions import check_log_contact


@transaction.atomic
def reply(contact: Contact, *, key: UUID, text: str, by: User, at: datetime | None = None) -> Mail:
    """Answer the newest message of *contact*, through the outbox: hers need no answer any more.

    An e-mail is answered by e-mail, a mention by the account that was mentioned, under the post. The same *key* gives
    the reply made first. National numbers are masked. Raises Refused where nobody wrote, without a text, for one that
    is too long, in an exercise, and while the way back is switched off.
    """
    check_log_contact(by)
    at = at or timezone.now()
    if made := Mail.objects.filter(message_id=reply_id(key)).first():
        return made
    if contact.incident and contact.incident.drill:
        raise Refused(_("An exercise: nothing of it is sent."), field="text")
    text, _masked = mask_national_numbers(text.replace("\x00", "").replace("\r\n", "\n").strip())
    if not text:
        raise Refused(_("Write what to answer."), field="text")
    asked = contact.mails.filter(kind=MailKind.MESSAGE).order_by("-occurred_at", "-pk").first()
    if asked is None or not asked.sender:
        raise Refused(_("There is nothing to answer."), field="text")
    answer = _post if asked.is_mention else _letter
    subject, delivery = answer(contact, asked, key=key, text=text, at=at)
    contact.mails.unanswered().update(settled_at=at)
    return Mail.objects.create(
        message_id=reply_id(key),
        kind=MailKind.REPLY,
        contact=contact,
        sender="",
        name=by.display_name[:120],
        subject=subject[:200],
        text=text,
        occurred_at=at,
        delivery=delivery,
        by=by,
    )


def _letter(contact: Contact, asked: Mail, *, key: UUID, text: str, at: datetime) -> tuple[str, Delivery]:
    """Its subject, and what is owed."""
    if len(text) > LONGEST_MAIL:
        raise Refused(_("At most %(longest)d characters.") % {"longest": LONGEST_MAIL}, field="text")
    channel = Channel.objects.filter(kind=ChannelKind.CALLER_EMAIL, enabled=True).first()
    if channel is None:
        raise Refused(
            _("No channel of e-mail to callers is switched on: an administrator adds one."), field="text"
        )
    subject = asked.subject if asked.subject.casefold().startswith("re:") else f"Re: {asked.subject}".strip()
    delivery = owe_reply(
        channel,
        key=key,
        to=asked.sender,
        language=contact.language,
        subject=subject[:200],
        text=text,
        answers=[mail.message_id for mail in contact.mails.all()][-10:],
        at=at,
    )
    return subject, delivery


def _post(contact: Contact, asked: Mail, *, key: UUID, text: str, at: datetime) -> tuple[str, Delivery]:
    """No subject, and what is owed."""
    channel = asked.channel
    if channel is None or not channel.enabled:
        raise Refused(
            _("The account that was mentioned is switched off: an administrator switches it on."),
            field="text",
        )
    text = addressed(channel, asked.sender, text)
    if over := too_many(channel, text):
        message = ngettext("%(n)d character too many.", "%(n)d characters too many.", over)
        raise Refused(message % {"n": over}, field="text")
    return "", owe_post(channel, key=key, to=asked.post, language=contact.language, text=text, at=at)


def settle_mail(contact: Contact, *, by: User, at: datetime | None = None) -> None:
    """What she wrote needs no answer."""
    check_log_contact(by)
    Mail.objects.unanswered().filter(contact=contact).update(settled_at=at or timezone.now())
