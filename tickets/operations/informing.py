"""Telling those who called: in writing through the outbox, or on a list of whom to phone."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.languages import INTERFACE_LANGUAGES
from accounts.models import User
from accounts.refusals import Refused
from comms.channels.letter import message_id
from comms.models import Delivery, DeliveryState, Update
from comms.operations.callers import owe_callers
from comms.operations.replies import owe_answer, reply_id
from comms.permissions import check_publish_update
from incidents import timeline
from incidents.models import EntryKind, Incident
from tickets import phone
from tickets.informing import KINDS, Caller, channels, to_tell, undelivered
from tickets.models import (
    Callback,
    CallbackState,
    CallbackTry,
    CallbackWindow,
    Contact,
    ContactChannel,
    Informed,
    InformedBy,
    Mail,
    MailKind,
)

BOUNCES_WITHIN = timedelta(days=7)  # mail servers try for five
IN_WRITING = gettext_lazy("told of v%(number)d by %(way)s")


@transaction.atomic
def inform_callers(
    update: Update,
    *,
    ways: Mapping[ContactChannel, InformedBy],
    languages: Collection[str],
    waiting_only: bool = False,
    by: User,
    at: datetime | None = None,
) -> dict[InformedBy, int]:
    """Tell the callers of *update*'s incident who speak one of *languages*, each by the way for how she came in.

    Who cannot be reached that way is put on the phone list, as far as there is a number. In writing her callbacks
    are closed, on the phone list one is open. Nobody is told the same message twice. How many, by way.
    """
    check_publish_update(by)
    at = at or update.incident.now()
    # Of two who press the button the second finds nobody left.
    Incident.objects.select_for_update().get(pk=update.incident_id)
    open_ways = channels(update)
    reached: dict[InformedBy, list[Caller]] = {}
    for caller in to_tell(update, waiting_only=waiting_only):
        wanted = ways.get(caller.came_by)
        if wanted is None or caller.contact.language not in languages:
            continue
        if wanted in KINDS and wanted not in open_ways:
            raise Refused(_("No channel to callers is switched on for: %(way)s") % {"way": wanted.label})
        if way := caller.reached_by(wanted):
            reached.setdefault(way, []).append(caller)
    for way, callers in reached.items():
        if way == InformedBy.PHONE:
            _put_on_the_list(update, [caller.contact for caller in callers], callers, by=by, at=at)
        elif way == InformedBy.POST:
            _answer(update, callers, by=by, at=at)
        else:
            _write(update, way, callers, by=by, at=at)
    counts = {way: len(callers) for way, callers in reached.items()}
    if counts:
        _tell(update, counts, by=by, at=at)
    return counts


@transaction.atomic
def phone_instead(update: Update, *, by: User, at: datetime | None = None) -> int:
    """Who was told of *update* in writing in vain is to be phoned. How many; who left no number stays as she is."""
    check_publish_update(by)
    at = at or update.incident.now()
    rows = list(undelivered(update).select_for_update(of=("self",)).select_related("contact__pharmacy"))
    moved = 0
    for row in rows:
        number = _number(row.contact)
        if number:
            _open_callback(row.contact, number)
            row.way = InformedBy.PHONE
            row.save(update_fields=["way"])
            moved += 1
    return moved


def note_bounce(address: str, *, returned: str, at: datetime) -> None:
    """The mail by which the caller at *address* was told came back, in the transaction that keeps the report.

    *returned* is its Message-ID; where the report does not say, it is the last that she was sent.
    """
    rows = (
        Informed.objects.filter(
            way=InformedBy.EMAIL,
            delivery__recipient__iexact=address,
            delivery__state=DeliveryState.SENT,
            at__gt=at - BOUNCES_WITHIN,
        )
        .select_related("update__incident", "delivery")
        .order_by("-at", "-pk")
    )
    for row in rows:
        recipient = row.delivery.recipient if row.delivery else ""
        if not returned or message_id(row.update, recipient) == returned:
            Informed.objects.filter(update=row.update, delivery=row.delivery, bounced_at=None).update(
                bounced_at=at
            )
            return


def _write(update: Update, way: InformedBy, callers: list[Caller], *, by: User, at: datetime) -> None:
    def address(caller: Caller) -> str:
        return caller.email if way == InformedBy.EMAIL else caller.mobile

    to = [(caller.contact.language, address(caller)) for caller in callers]
    owed: Mapping[str, Delivery] = owe_callers(update, channels(update)[way], to, at=at)
    Informed.objects.bulk_create(
        Informed(contact=caller.contact, update=update, way=way, delivery=owed[address(caller)], at=at, by=by)
        for caller in callers
    )
    _close_callbacks(update, way, callers, by=by, at=at)


def _answer(update: Update, callers: list[Caller], *, by: User, at: datetime) -> None:
    """Each under her post, by the account that she mentioned; it stands in her thread like any reply."""
    for caller in callers:
        asked = caller.mention
        if asked is None or asked.channel is None:
            continue
        key, contact = uuid4(), caller.contact
        delivery = owe_answer(
            update,
            asked.channel,
            key=key,
            to=asked.post,
            author=asked.sender,
            language=contact.language,
            at=at,
        )
        Mail.objects.create(
            message_id=reply_id(key),
            kind=MailKind.REPLY,
            contact=asked.contact,
            name=by.display_name[:120],
            text=delivery.text,
            occurred_at=at,
            delivery=delivery,
            by=by,
        )
        Informed.objects.create(
            contact=contact, update=update, way=InformedBy.POST, delivery=delivery, at=at, by=by
        )
    _close_callbacks(update, InformedBy.POST, callers, by=by, at=at)


def _close_callbacks(
    update: Update, way: InformedBy, callers: list[Caller], *, by: User, at: datetime
) -> None:
    waited = [contact.pk for caller in callers for contact in caller.contacts]
    Callback.objects.open().filter(contact__in=waited).update(
        state=CallbackState.DONE,
        outcome=str(IN_WRITING % {"number": update.number, "way": way.label})[:300],
        closed_at=at,
        closed_by=by,
        claimed_by=None,
        claimed_at=None,
    )


def _put_on_the_list(
    update: Update, contacts: list[Contact], callers: list[Caller], *, by: User, at: datetime
) -> None:
    Informed.objects.bulk_create(
        Informed(contact=contact, update=update, way=InformedBy.PHONE, at=at, by=by) for contact in contacts
    )
    for caller in callers:
        _open_callback(caller.contact, caller.number)


def _open_callback(contact: Contact, number: str) -> None:
    """One that is to be phoned now: hers if she waits, the one that was closed opened again, or a new one."""
    callback = Callback.objects.filter(contact=contact).first() or Callback(
        contact=contact, number=phone.spoken(number), e164=number
    )
    if callback.state != CallbackState.OPEN:
        callback.state, callback.closed_at, callback.closed_by = CallbackState.OPEN, None, None
        callback.next_at = None
        CallbackTry.objects.filter(callback=callback).delete()
    callback.window, callback.due_at = CallbackWindow.SOON, None
    callback.save()


def _number(contact: Contact) -> str:
    callback = Callback.objects.filter(contact=contact).first()
    kept = contact.pharmacy.phones.first() if contact.pharmacy else None
    return (callback.e164 if callback else "") or contact.caller_e164 or (kept.e164 if kept else "")


def _tell(update: Update, counts: Mapping[InformedBy, int], *, by: User, at: datetime) -> None:
    """That callers were told stands in the timeline; who they were does not."""
    said = {}
    for language in INTERFACE_LANGUAGES:
        with translation.override(language):
            numbers = ", ".join(f"{way.label} {count}" for way, count in counts.items())
            said[str(language)] = _("Callers told of v%(number)d: %(numbers)s") % {
                "number": update.number,
                "numbers": numbers,
            }
    timeline.append(update.incident, EntryKind.CALLS, by=by, data={"said": said}, at=at)
