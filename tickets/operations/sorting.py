"""Putting logged contacts in order: attached, merged, split, handed over, their numbers kept."""

from collections.abc import Sequence
from copy import copy
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import Refused
from incidents.models import Incident
from tickets import phone
from tickets.models import Callback, Contact, Informed, Pharmacy, PharmacyPhone, UrgentCase
from tickets.operations.contacts import keep_original, one_line, save_with_history
from tickets.permissions import can_log_contact, check_log_contact

MOST_AT_ONCE = 200
_FILLED_IN = ("incident", "pharmacy", "service", "needed_by", "told_update", "handed_to")
_JOINED = " / "


@transaction.atomic
def attach_contacts(
    contacts: Sequence[int], *, incident: Incident | None, by: User, at: datetime | None = None
) -> int:
    """Move *contacts* (primary keys) to *incident*, each with its history; how many were elsewhere before.

    What they were told of another incident is dropped, as in any edit.
    """
    check_log_contact(by)
    if len(contacts) > MOST_AT_ONCE:
        raise Refused(_("At most %(most)d at once.") % {"most": MOST_AT_ONCE})
    at = at or timezone.now()
    moved = Contact.objects.select_for_update().filter(pk__in=contacts)
    moved = moved.exclude(incident=incident) if incident else moved.exclude(incident=None)
    for contact in (rows := list(moved)):
        keep_original(contact)
        contact.incident, contact.told_update = incident, None
        contact.revision += 1
        save_with_history(contact, by=by, at=at)
    return len(rows)


@transaction.atomic
def merge_contacts(kept: Contact, *, duplicate: Contact, by: User, at: datetime | None = None) -> Contact:
    """*duplicate* was the same call: what *kept* does not say it takes over, the callback too, and the row goes.

    What the duplicate said stays in the history. Refused when both wait for a callback, and for a row and itself.
    """
    check_log_contact(by)
    at = at or timezone.now()
    rows = {row.pk: row for row in Contact.objects.select_for_update().filter(pk__in=[kept.pk, duplicate.pk])}
    if len(rows) != 2:
        raise Refused(_("One of both is not there any more."))
    kept, duplicate = rows[kept.pk], rows[duplicate.pk]
    _take_callback(kept, duplicate)
    if not UrgentCase.objects.filter(contact=kept).exists():
        UrgentCase.objects.filter(contact=duplicate).update(contact=kept)
    known = Informed.objects.filter(contact=kept).values_list("update", flat=True)
    Informed.objects.filter(contact=duplicate).exclude(update__in=list(known)).update(contact=kept)
    keep_original(kept)
    keep_original(duplicate)
    for name in _FILLED_IN:
        if getattr(kept, f"{name}_id", getattr(kept, name, None)) is None:
            setattr(kept, name, getattr(duplicate, name))
    if kept.incident_id != duplicate.incident_id and kept.told_update_id == duplicate.told_update_id:
        kept.told_update = None
    kept.impact = max(kept.impact, duplicate.impact, key=_GRAVITY.index)
    kept.urgent_kind = kept.urgent_kind or duplicate.urgent_kind
    kept.occurred_at = min(kept.occurred_at, duplicate.occurred_at)
    notes = dict.fromkeys(note for note in (kept.note, duplicate.note) if note)
    kept.note = _JOINED.join(notes)[: Contact._meta.get_field("note").max_length]
    kept.revision += 1
    save_with_history(kept, by=by, at=at)
    duplicate._history_user, duplicate._history_date = by, at  # type: ignore[attr-defined]
    duplicate.delete()
    return kept


@transaction.atomic
def split_contact(contact: Contact, *, key: UUID, by: User, at: datetime | None = None) -> Contact:
    """The call was about two matters: a second row like it, without note, topic and callback, to be filled in.

    The same *key* gives the row made first. Both count as calls.
    """
    check_log_contact(by)
    second = copy(Contact.objects.get(pk=contact.pk))
    second.pk, second.key, second.agent, second.revision = None, key, by, 1
    second.note, second.service, second.recorded_at = "", None, at or timezone.now()
    second._state.adding = True
    Contact.objects.bulk_create([second], ignore_conflicts=True)
    return Contact.objects.get(key=key)


@transaction.atomic
def hand_over(contact: Contact, *, to: User | None, by: User, at: datetime | None = None) -> Contact:
    """*to* goes on with *contact*, or (None) whoever logged it. Refused for somebody who does not log contacts."""
    check_log_contact(by)
    if to is not None and not (to.is_active and can_log_contact(to)):
        raise Refused(_("%(who)s does not work on contacts.") % {"who": to.display_name}, field="handed_to")
    stored = Contact.objects.select_for_update().get(pk=contact.pk)
    if stored.handed_to_id == (to.pk if to else None):
        return stored
    keep_original(stored)
    stored.handed_to = to
    stored.revision += 1
    save_with_history(stored, by=by, at=at or timezone.now())
    return stored


def attach_number(pharmacy: Pharmacy, *, number: str, by: User) -> PharmacyPhone:
    """*pharmacy* calls from *number* too, from now on it is found by it. A number it has already stays as it is.

    Others may have the same one: a switchboard is asked about. Raises Refused for what is no number.
    """
    check_log_contact(by)
    found = phone.parse(one_line(number)[:40])
    if not found.e164:
        raise Refused(_("This is not a telephone number that can be looked up."), field="number")
    kept, _made = PharmacyPhone.objects.get_or_create(
        pharmacy=pharmacy, e164=found.e164, defaults={"raw": found.raw}
    )
    return kept


_GRAVITY = ["info", "blocked", "patient_waiting"]


def _take_callback(kept: Contact, duplicate: Contact) -> None:
    theirs = Callback.objects.filter(contact=duplicate)
    if not theirs.exists():
        return
    if Callback.objects.filter(contact=kept).exists():
        raise Refused(_("Both have a callback. Close one of them first."))
    theirs.update(contact=kept)
