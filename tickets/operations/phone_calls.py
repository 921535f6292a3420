"""What becomes of the calls that the telephone system tells of: offered to who answered, or called back."""

from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from accounts.models import Intake, User
from accounts.operations import hear
from accounts.refusals import Refused
from incidents.models import Incident
from tickets import phone
from tickets.cti import Event
from tickets.models import (
    Callback,
    CallbackWindow,
    Contact,
    ContactChannel,
    ContactOutcome,
    Pharmacy,
    PhoneCall,
)
from tickets.models.phone_call import OFFERED_FOR
from tickets.operations.contacts import CallbackRequest, store
from tickets.permissions import check_log_contact

OUT_OF_ORDER = timedelta(seconds=5)  # for so long after the end an "answer" may still be under way
NEVER_ENDED = timedelta(hours=1)  # rung for so long: the "hangup" was lost
KEPT = timedelta(days=30)
WITHHELD = "anonymous"


@transaction.atomic
def take_event(event: Event, *, by: Intake, at: datetime | None = None) -> PhoneCall:
    """Note what *event* says of its call. The same event again, or events in any order, end in the same row."""
    at = at or timezone.now()
    hear(by, at=at)
    PhoneCall.objects.bulk_create(
        [PhoneCall(intake=by, call_id=event.call_id, rang_at=at)], ignore_conflicts=True
    )
    call = PhoneCall.objects.select_for_update().get(intake=by, call_id=event.call_id)
    call.origin = call.origin or event.origin
    call.number = call.number or event.number.raw
    call.e164 = call.e164 or event.number.e164
    call.diverted |= event.diverted
    if event.kind == "hangup":
        call.ended_at = call.ended_at or at
    if event.answered:
        _answered(call, event, at)
    call.save()
    return call


def settle_offer(call: PhoneCall, *, by: User, at: datetime | None = None) -> None:
    """Who answered *call* has taken it into the row, or waved it away: it is not offered any more."""
    check_log_contact(by)
    PhoneCall.objects.filter(pk=call.pk, agent=by, settled_at=None).update(settled_at=at or timezone.now())


def settle_calls(*, at: datetime | None = None) -> None:
    """Of each call that nobody answered make a contact to call back; let go of offers that nobody took."""
    at = at or timezone.now()
    unsettled = PhoneCall.objects.filter(settled_at=None)
    unsettled.filter(answered_at__lte=at - OFFERED_FOR).update(settled_at=at)
    unsettled.filter(agent=None, answered_at__isnull=False, ended_at__isnull=False).update(settled_at=at)
    rung_out = unsettled.filter(answered_at=None).filter(ended_at__lte=at - OUT_OF_ORDER) | unsettled.filter(
        answered_at=None, rang_at__lte=at - NEVER_ENDED
    )
    for pk in list(rung_out.order_by("rang_at").values_list("pk", flat=True)):
        _settle(pk, at)


def forget_calls(*, at: datetime | None = None) -> None:
    """Of a call of KEPT ago only the contact is left, if there was one."""
    PhoneCall.objects.filter(rang_at__lt=(at or timezone.now()) - KEPT).delete()


def _answered(call: PhoneCall, event: Event, at: datetime) -> None:
    if call.answered_at is None:
        call.answered_at = at
        call.settled_at = None
    if event.kind == "answer" and call.agent is None:
        call.agent = _agent(event.names)


def _agent(names: tuple[str, ...]) -> User | None:
    """Whose extension is one of *names*, the first name counting most."""
    known = {
        _comparable(user.extension): user
        for user in User.objects.filter(is_active=True, extension__isnull=False)
        if user.extension
    }
    return next((known[name] for name in map(_comparable, names) if name in known), None)


def _comparable(name: str) -> str:
    return phone.given_by_machine(name).e164 or name.strip().casefold()


@transaction.atomic
def _settle(pk: int, at: datetime) -> None:
    call = PhoneCall.objects.select_for_update().select_related("intake__account").get(pk=pk)
    if call.answered_at or call.settled_at:
        return
    call.settled_at = at
    if not call.contact_id and _is_missed(call):
        call.contact = _missed(call, at)
    call.save()


def _is_missed(call: PhoneCall) -> bool:
    """Nobody spoke with the caller, on this leg of the call or another; of several legs the first one counts."""
    calls = PhoneCall.objects.filter(intake=call.intake)
    later = calls.filter(origin=call.call_id, answered_at__isnull=False)
    earlier = calls.filter(call_id=call.origin) if call.origin else calls.none()
    return not (call.diverted or later.exists() or earlier.exists())


def _missed(call: PhoneCall, at: datetime) -> Contact:
    """The caller waits for one call from us, however often she tried."""
    account = call.intake.account
    owners = list(Pharmacy.objects.filter(phones__e164=call.e164).distinct()[:2]) if call.e164 else []
    pharmacy = owners[0] if len(owners) == 1 else None
    incidents = list(Incident.objects.real().open()[:2])
    contact = Contact(
        key=uuid4(),
        agent=account,
        channel=ContactChannel.PHONE,
        pharmacy=pharmacy,
        caller_text=phone.spoken(call.e164) if call.e164 else call.number or WITHHELD,
        incident=incidents[0] if len(incidents) == 1 else None,
        language=pharmacy.language if pharmacy else account.language,
        outcome=ContactOutcome.MISSED,
        occurred_at=call.rang_at,
        recorded_at=max(at, call.rang_at),
    )
    waits = call.e164 and Callback.objects.open().filter(e164=call.e164).exists()
    if not call.number or waits:
        return store(contact)
    try:
        return store(contact, callback=CallbackRequest(contact.caller_text, CallbackWindow.SOON))
    except Refused:  # a paying number, or none that can be dialled
        return store(contact)
