"""Colleagues who can be called in, and calling them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, override
from django.utils.translation import gettext as _
from phonenumbers import PhoneNumberFormat

from accounts.languages import INTERFACE_LANGUAGES
from accounts.models import User
from accounts.refusals import Refused
from incidents import calendars, permissions, timeline
from incidents.models import Absence, CallIn, CallInAnswer, CallInWay, Colleague, EntryKind, Incident
from incidents.operations import rows, sense

LONGEST = {
    "name": 80,
    "phone": 40,
    "email": 254,
    "skills": 200,
    "remark": 120,
}  # characters, as the columns hold
SENTENCE = gettext_noop("%(name)s called in by %(way)s: %(answer)s")


@dataclass(frozen=True)
class ColleagueData:
    """What is said of a colleague; *position*: who has the smaller one is called first."""

    name: str
    phone: str
    email: str = ""
    skills: str = ""
    language: str = "fr"
    position: int = 10
    account: User | None = None
    unreachable: bool = False
    remark: str = ""


@transaction.atomic
def keep_colleague(data: ColleagueData, *, by: User, colleague: Colleague | None = None) -> Colleague:
    """Add a colleague, or change *colleague*. Fields of refusals: name, phone, email, skills, remark, language."""
    permissions.check_keep_staff(by)
    kept: dict[str, Any] = {
        name: sense.written(
            getattr(data, name),
            most=LONGEST[name],
            field=name,
            required=name in ("name", "phone"),
        )
        for name in ("name", "phone", "email", "skills", "remark")
    }
    if kept["email"]:
        try:
            validate_email(kept["email"])
        except ValidationError:
            raise Refused(_("This is not an e-mail address."), field="email") from None
    if data.language not in INTERFACE_LANGUAGES:
        raise Refused(_("Choose a language."), field="language")
    kept |= {
        "e164": _e164(kept["phone"]),
        "language": data.language,
        "position": data.position,
        "account": data.account,
        "unreachable": data.unreachable,
    }
    stored = Colleague.objects.select_for_update().get(pk=colleague.pk) if colleague else Colleague()
    for name, value in kept.items():
        setattr(stored, name, value)
    stored.save()
    return stored


@transaction.atomic
def remove_colleague(colleague: Colleague, *, by: User) -> None:
    """Not called any more; what she once answered stays. Her absences are forgotten."""
    permissions.check_keep_staff(by)
    Colleague.objects.filter(pk=colleague.pk).update(removed=True)
    colleague.absences.all().delete()


@transaction.atomic
def take_calendar(colleague: Colleague, content: bytes, *, by: User, today: date | None = None) -> int:
    """Her absences from today on are those of the calendar in *content* (ICS), beside what was entered by hand.

    Returns how many. Raises Refused beside `file`.
    """
    permissions.check_keep_staff(by)
    found = calendars.read(content, today=today or timezone.localdate())
    colleague.absences.filter(from_calendar=True).delete()
    Absence.objects.bulk_create(
        Absence(colleague=colleague, first=one.first, last=one.last, what=one.what, from_calendar=True)
        for one in found
    )
    return len(found)


@transaction.atomic
def add_absence(colleague: Colleague, first: date, last: date, *, what: str = "", by: User) -> Absence:
    """Fields of refusals: last, what."""
    permissions.check_keep_staff(by)
    if last < first:
        raise Refused(_("This is before the first day."), field="last")
    what = sense.written(what, most=calendars.LONGEST_WHAT, field="what", required=False)
    return Absence.objects.create(colleague=colleague, first=first, last=last, what=what)


def remove_absence(absence: Absence, *, by: User) -> None:
    permissions.check_keep_staff(by)
    absence.delete()


@transaction.atomic
def call_in(
    incident: Incident,
    colleague: Colleague,
    *,
    key: UUID,
    way: CallInWay,
    answer: CallInAnswer,
    note: str = "",
    by: User,
    at: datetime | None = None,
) -> CallIn:
    """Note what *colleague* answered; the same *key* again gives the row made first. Writes the timeline entry.

    The note may say why someone cannot come: it stays out of the timeline. Fields of refusals: note.
    """
    permissions.check_call_in(by)
    at = at or incident.now()
    incident = rows.locked(incident)
    if known := CallIn.objects.filter(key=key).first():
        return known
    if colleague.removed:
        raise Refused(_("%(person)s no longer works here.") % {"person": colleague})
    note = sense.written(
        note, most=CallIn._meta.get_field("note").max_length or 0, field="note", required=False
    )
    try:
        with transaction.atomic():
            made = CallIn.objects.create(
                incident=incident,
                colleague=colleague,
                key=key,
                way=way,
                answer=answer,
                note=note,
                at=at,
                by=by,
            )
    except IntegrityError:
        return CallIn.objects.get(key=key)
    timeline.append(incident, EntryKind.PEOPLE, by=by, key=key, data={"said": _said(made)}, at=at)
    return made


def _said(call: CallIn) -> dict[str, str]:
    said = {}
    for language in INTERFACE_LANGUAGES:
        with override(language):
            said[str(language)] = gettext(SENTENCE) % {
                "name": call.colleague.name,
                "way": CallInWay(call.way).label,
                "answer": CallInAnswer(call.answer).label,
            }
    return said


def _e164(typed: str) -> str:
    try:
        number = phonenumbers.parse(typed, "BE")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise Refused(
            _("This is not a telephone number. Write it like 0470 12 34 56 or +32 470 12 34 56."),
            field="phone",
        )
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
