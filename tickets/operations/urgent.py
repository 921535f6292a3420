"""Patients who wait: taken on by somebody, and closed with how they were helped."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import Refused
from incidents.personal_data import mask_national_numbers
from tickets.models import Contact, ContactImpact, UrgentAnswer, UrgentCase
from tickets.operations.contacts import check_text, one_line
from tickets.permissions import check_log_contact


@transaction.atomic
def claim_urgent(
    contact: Contact, *, by: User, instead_of: int | None = None, at: datetime | None = None
) -> UrgentCase:
    """*by* sees to the patient from now on. Somebody else's is taken over only by naming her (*instead_of*, a pk)."""
    check_log_contact(by)
    case = _case(contact)
    if case.closed_at:
        raise Refused(_already_closed(case))
    if case.claimed_by_id not in (None, by.pk, instead_of):
        raise Refused(_("%(who)s is seeing to it.") % {"who": _name(case.claimed_by)})
    if case.claimed_by_id != by.pk:
        case.claimed_by, case.claimed_at = by, at or contact.now()
        case.save()
    return case


@transaction.atomic
def release_urgent(contact: Contact, *, by: User) -> UrgentCase:
    """Nobody sees to it any more. Somebody else's stays hers."""
    check_log_contact(by)
    case = _case(contact)
    if case.claimed_by_id == by.pk and not case.closed_at:
        case.claimed_by = case.claimed_at = None
        case.save()
    return case


@transaction.atomic
def close_urgent(
    contact: Contact, *, by: User, answer: str, note: str = "", at: datetime | None = None
) -> UrgentCase:
    """The patient has been helped, or cannot be; *answer* says how. What nobody had taken on was *by*'s.

    The same answer again changes nothing; another one, or a patient of somebody else, is Refused.
    """
    check_log_contact(by)
    note, _masked = mask_national_numbers(one_line(note))
    if answer not in UrgentAnswer.values:
        raise Refused(_("Say how the patient was helped."), field="answer")
    check_text(UrgentCase, "note", note)
    case = _case(contact)
    if case.closed_at:
        if (case.closed_by_id, case.answer) == (by.pk, answer):
            return case
        raise Refused(_already_closed(case))
    if case.claimed_by_id not in (None, by.pk):
        raise Refused(_("%(who)s is seeing to it.") % {"who": _name(case.claimed_by)})
    at = at or contact.now()
    case.claimed_by, case.claimed_at = by, case.claimed_at or at
    case.answer, case.note, case.closed_by, case.closed_at = answer, note, by, at
    case.save()
    return case


@transaction.atomic
def reopen_urgent(contact: Contact, *, by: User, at: datetime | None = None) -> UrgentCase:
    """It was closed by mistake: *by* sees to it again. What is open stays as it is."""
    check_log_contact(by)
    case = _case(contact)
    if case.closed_at:
        case.closed_at, case.closed_by, case.answer = None, None, ""
        case.claimed_by, case.claimed_at = by, at or contact.now()
        case.save()
    return case


def _case(contact: Contact) -> UrgentCase:
    """Its row, locked; made where it is the first to ask for it."""
    if contact.impact != ContactImpact.PATIENT_WAITING:
        raise Refused(_("No patient is waiting any more, says the contact."))
    UrgentCase.objects.bulk_create([UrgentCase(contact=contact)], ignore_conflicts=True)
    related = UrgentCase.objects.select_related("claimed_by", "closed_by").select_for_update(of=("self",))
    return related.get(contact=contact)


def _already_closed(case: UrgentCase) -> str:
    return _("%(who)s has already closed it.") % {"who": _name(case.closed_by)}


def _name(user: User | None) -> str:
    return user.display_name if user else ""
