"""Contacts and callbacks."""

import re
from copy import copy
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.composed import ComposedInsert
from accounts.models import User
from accounts.refusals import Refused
from comms.models import Update
from incidents.models import Incident, Service
from incidents.operations.sense import check_readable
from incidents.personal_data import mask_national_numbers
from tickets import edits, phone
from tickets.models import (
    Callback,
    CallbackState,
    CallbackWindow,
    Contact,
    ContactChannel,
    ContactImpact,
    ContactOutcome,
    Pharmacy,
    UrgentCase,
)
from tickets.permissions import check_answer_call, check_log_contact

NEEDED_WITHIN = timedelta(days=7)
CALLED_BACK_WITHIN = timedelta(days=30)
ENTERED_WITHIN = timedelta(days=366)
CLOCKS_DIFFER = timedelta(minutes=5)
UNDONE_WITHIN = timedelta(seconds=30)  # the page offers it for ten; what was clicked then may arrive later

# Without signals, and so without a history: that starts with the first edit.
_insert = ComposedInsert(Contact)
_SPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class CallbackRequest:
    """The caller wants to be phoned at *number*, as typed; *due_at* belongs to the window AT."""

    number: str
    window: CallbackWindow = CallbackWindow.RECOVERY
    due_at: datetime | None = None


@dataclass(frozen=True)
class ContactChanges:
    """What a contact is to say after an edit: all of it, as the form showed it."""

    channel: ContactChannel
    pharmacy: Pharmacy | None
    caller_text: str
    incident: Incident | None
    language: str
    service: Service | None
    impact: ContactImpact
    needed_by: datetime | None
    outcome: ContactOutcome
    note: str
    urgent_kind: str = ""


class Conflict(Refused):
    """Someone else changed the same fields meanwhile: *stored* is what the contact says now, *changes* those fields,
    each from what is stored to what was typed."""

    def __init__(self, stored: Contact, changes: list[edits.Change]) -> None:
        super().__init__(_("Someone else changed this contact meanwhile. Nothing has been overwritten."))
        self.stored = stored
        self.changes = changes


def log_contact(
    *,
    key: UUID,
    by: User,
    channel: ContactChannel,
    pharmacy: Pharmacy | None = None,
    caller_text: str = "",
    incident: Incident | None = None,
    language: str = "",
    service: Service | None = None,
    impact: ContactImpact = ContactImpact.INFO,
    needed_by: datetime | None = None,
    urgent_kind: str = "",
    outcome: ContactOutcome = ContactOutcome.INFORMED,
    note: str = "",
    callback: CallbackRequest | None = None,
    told_update: Update | None = None,
    occurred_at: datetime | None = None,
    at: datetime | None = None,
) -> Contact:
    """Store one contact, with its callback, in one transaction; the same *key* gives the contact made first.

    National numbers in *note* and *caller_text* are masked. *language* defaults to the pharmacy's, then to
    the agent's. *told_update* is what the agent had before her, a published update of the same incident.
    *at* is a real moment: unless *occurred_at* is given it happened then, by the clock of its exercise where that has
    one. No history is written before the first edit. Raises Refused with the field that is wrong.
    """
    check_answer_call(by)
    at = at or timezone.now()
    contact = Contact(
        key=key,
        agent=by,
        channel=channel,
        pharmacy=pharmacy,
        caller_text=caller_text,
        incident=incident,
        language=language or (pharmacy.language if pharmacy else by.language),
        service=service,
        impact=impact,
        needed_by=needed_by,
        urgent_kind=urgent_kind,
        outcome=outcome,
        note=note,
        told_update=told_update,
        occurred_at=occurred_at or (incident.now(at) if incident else at),
        recorded_at=at,
    )
    _check_readable(contact)
    return store(contact, callback=callback)


def store(contact: Contact, *, callback: CallbackRequest | None = None) -> Contact:
    """As log_contact, for a row that another operation has filled in, a machine's too."""
    _tidy(contact)
    _check(contact)
    wanted = _callback(contact, callback) if callback else None
    if wanted is None:  # known, so that showing the contact need not ask for it
        Contact._meta.get_field("callback").set_cached_value(contact, None)
    try:
        if wanted or connection.in_atomic_block:
            with transaction.atomic():
                _insert(contact)
                if wanted:
                    Callback.objects.bulk_create([wanted])
        else:  # one statement is a transaction of its own, without being told to begin and to commit
            _insert(contact)
    except IntegrityError:
        first = Contact.objects.filter(key=contact.key).first()
        if first is None:
            raise
        return first
    return contact


@transaction.atomic
def edit_contact(
    contact: Contact, *, by: User, revision: int, changes: ContactChanges, at: datetime | None = None
) -> Contact:
    """Change *contact* and keep what it said before, in its history.

    *revision* is the one the form was made from. What somebody else has changed since then stays where *changes* does
    not touch it; where both changed the same field differently, raises Conflict and writes nothing. What the caller
    was told is dropped when the contact moves to another incident.
    """
    check_log_contact(by)
    at = at or timezone.now()
    stored = Contact.objects.select_for_update().get(pk=contact.pk)
    before = copy(stored)
    base = stored if stored.revision == revision else edits.version(stored, revision)
    both = []
    for field in fields(changes):
        typed = getattr(changes, field.name)
        if base is not None and edits.says(base, field.name, typed):
            continue
        if not edits.says(stored, field.name, typed):
            if base is None or not edits.same(base, stored, field.name):
                both.append(field.name)
            setattr(stored, field.name, typed)
    if both:
        raise Conflict(before, [change for change in edits.changes(before, stored) if change.field in both])
    if stored.incident_id != before.incident_id:
        stored.told_update = None
    _check_readable(stored)
    _tidy(stored)
    _check(stored)
    if not edits.changes(before, stored):
        return stored
    keep_original(before)
    stored.revision += 1
    save_with_history(stored, by=by, at=at)
    return stored


@transaction.atomic
def undo_contact(contact: Contact, *, by: User, at: datetime | None = None) -> None:
    """Take back what *by* has just saved, with its callback, as if it had not been sent.

    Refused for anybody else's, after half a minute, and once somebody has worked on it: then it is changed, not undone.
    """
    check_answer_call(by)
    stored = Contact.objects.select_for_update().filter(pk=contact.pk, agent=by, revision=1).first()
    at = at or timezone.now()
    if stored is None or at - stored.recorded_at > UNDONE_WITHIN:
        raise Refused(_("It is too late to undo this call. Open it to change it."))
    callbacks = Callback.objects.filter(contact=stored)
    if callbacks.exclude(state=CallbackState.OPEN).exists():
        raise Refused(_("Someone has already called back. Open the call to change it."))
    if UrgentCase.objects.filter(contact=stored).exclude(claimed_by=None).exists():
        raise Refused(_("Someone is seeing to the patient. Open the call to change it."))
    callbacks.delete()
    Contact.objects.filter(pk=stored.pk).delete()


def one_line(text: str) -> str:
    """Line breaks, tabs and control characters become one space."""
    return _SPACE_OR_CONTROL.sub(" ", text).strip()


def _tidy(contact: Contact) -> None:
    contact.note, _masked = mask_national_numbers(one_line(contact.note))
    caller = one_line(contact.caller_text)
    contact.caller_e164 = phone.find_in(caller)
    if not (contact.caller_e164 and phone.looks_like_number(caller)):
        caller, _masked = mask_national_numbers(caller)
        contact.caller_e164 = phone.find_in(caller)
    contact.caller_text = caller


def _check_readable(contact: Contact) -> None:
    """Of what a person types; what a machine brings in is kept as far as it can be read."""
    check_readable(one_line(contact.caller_text), field="caller")
    check_readable(one_line(contact.note), field="note")


def _check(contact: Contact) -> None:
    if contact.pharmacy is None and not contact.caller_text:
        raise Refused(_("Who is calling? A number or a name is enough."), field="caller")
    check_length(Contact, "caller_text", contact.caller_text, field="caller")
    check_length(Contact, "note", contact.note)
    if contact.needed_by and contact.impact != ContactImpact.PATIENT_WAITING:
        raise Refused(_("A time goes with a patient who is waiting."), field="needed_by")
    if contact.urgent_kind and contact.impact != ContactImpact.PATIENT_WAITING:
        raise Refused(_("What is needed goes with a patient who is waiting."), field="urgent_kind")
    if contact.needed_by and abs(contact.needed_by - contact.occurred_at) > NEEDED_WITHIN:
        raise Refused(_("This is more than a week away from the call."), field="needed_by")
    told = contact.told_update
    if told and (told.published_at is None or told.incident_id != contact.incident_id):
        raise Refused(_("What was told is not a published message about this incident."), field="told")
    late = contact.now(contact.recorded_at) - contact.occurred_at
    if not -CLOCKS_DIFFER <= late <= ENTERED_WITHIN:
        raise Refused(_("A call is entered when it has happened, and within a year."), field="occurred_at")


def _callback(contact: Contact, wanted: CallbackRequest) -> Callback:
    number = one_line(wanted.number)
    if not number:
        raise Refused(_("Which number should we call?"), field="callback_number")
    check_text(Callback, "number", number, field="callback_number")
    try:
        e164 = phone.parse(number).e164
    except Refused as refusal:
        raise Refused(refusal.message, field="callback_number") from refusal
    if phone.is_premium(e164):
        raise Refused(_("We do not call back paying numbers (090x)."), field="callback_number")
    if (wanted.window == CallbackWindow.AT) != (wanted.due_at is not None):
        raise Refused(_("Give the time to call back, as 16:00."), field="callback_at")
    if wanted.due_at and abs(wanted.due_at - contact.occurred_at) > CALLED_BACK_WITHIN:
        raise Refused(_("This is more than a month away from the call."), field="callback_at")
    return Callback(contact=contact, number=number, e164=e164, window=wanted.window, due_at=wanted.due_at)


def check_text(model: type[models.Model], name: str, text: str, *, field: str = "") -> None:
    """As check_length; also refuses characters that nobody can read."""
    check_readable(text, field=field or name)
    check_length(model, name, text, field=field)


def check_length(model: type[models.Model], name: str, text: str, *, field: str = "") -> None:
    """Raises Refused beside *field*, or the column's own name."""
    longest = cast("models.CharField[str, str]", model._meta.get_field(name)).max_length or 0
    if len(text) > longest:
        raise Refused(_("At most %(longest)d characters.") % {"longest": longest}, field=field or name)


def keep_original(contact: Contact) -> None:
    """The first edit also writes down what was logged, as of then and by whom."""
    if not contact.history.exists():
        Contact.history.bulk_history_create(
            [contact], default_user=contact.agent, default_date=contact.recorded_at
        )


def save_with_history(contact: Contact, *, by: User, at: datetime) -> None:
    contact._history_user, contact._history_date = by, at  # type: ignore[attr-defined]
    contact.save()
