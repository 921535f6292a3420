"""Who comes to the phones and leaves them; colleagues from other desks, let in by a link that works once."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts.models import User, hashed
from accounts.refusals import Refused
from accounts.roles import Role
from incidents.operations.sense import check_readable
from incidents.personal_data import mask_national_numbers
from tickets.models import CameBy, HandOverNote, Shift, VolunteerInvitation
from tickets.operations.contacts import one_line
from tickets.permissions import can_answer_call, check_invite_volunteer, check_log_contact

LINK_HOLDS = timedelta(hours=24)


@transaction.atomic
def start_shift(
    person: User, *, came_by: CameBy = CameBy.REGULAR, by: User, at: datetime | None = None
) -> Shift:
    """*person* is at the phones. Who is there already stays; one that she forgot to end ends now."""
    check_log_contact(by)
    if not (person.is_active and can_answer_call(person)):
        raise Refused(_("%(who)s does not answer calls.") % {"who": person.display_name}, field="person")
    return _start(person, came_by=came_by, by=by, at=at or timezone.now())


def _start(person: User, *, came_by: CameBy, by: User, at: datetime) -> Shift:
    User.objects.select_for_update().get(pk=person.pk)
    there = Shift.objects.on(at).filter(person=person, ended_at=None).first()
    if there:
        return there
    Shift.objects.filter(person=person, ended_at=None).update(ended_at=at)
    return Shift.objects.create(person=person, came_by=came_by, began_at=at, entered_by=by)


def end_shift(shift: Shift, *, by: User, at: datetime | None = None) -> None:
    """She has left the phones, says she or somebody else who works there."""
    check_log_contact(by)
    Shift.objects.filter(pk=shift.pk, ended_at=None).update(ended_at=at or timezone.now())


def write_note(*, key: UUID, text: str, by: User, at: datetime | None = None) -> HandOverNote:
    """For whoever is at the phones next; the same *key* again is the same note. National numbers are masked."""
    check_log_contact(by)
    text, _masked = mask_national_numbers(text.replace("\x00", "").strip())
    if not text:
        raise Refused(_("Write what the next ones must know."), field="text")
    if len(text) > 1000:
        raise Refused(_("At most %(longest)d characters.") % {"longest": 1000}, field="text")
    check_readable(text, field="text")
    note = HandOverNote(key=key, text=text, at=at or timezone.now(), by=by)
    HandOverNote.objects.bulk_create([note], ignore_conflicts=True)
    return HandOverNote.objects.get(key=key)


def invite_volunteer(
    *, key: UUID, name: str, language: str, by: User, at: datetime | None = None
) -> tuple[VolunteerInvitation, str]:
    """The invitation and the token of its link, which holds for a day; the same *key* gives the same ones."""
    check_invite_volunteer(by)
    at, name = at or timezone.now(), one_line(name)
    if not name:
        raise Refused(_("Who is to help?"), field="name")
    if len(name) > 60:
        raise Refused(_("At most %(longest)d characters.") % {"longest": 60}, field="name")
    check_readable(name, field="name")
    token = salted_hmac("tickets.volunteer", str(key), algorithm="sha256").hexdigest()
    made = VolunteerInvitation(
        key=key,
        token_hash=hashed(token),
        name=name,
        language=language,
        made_at=at,
        made_by=by,
        expires_at=at + LINK_HOLDS,
    )
    VolunteerInvitation.objects.bulk_create([made], ignore_conflicts=True)
    return VolunteerInvitation.objects.get(key=key), token


@transaction.atomic
def join(
    invitation: VolunteerInvitation,
    *,
    person: User | None = None,
    username: str = "",
    password: str = "",
    at: datetime | None = None,
) -> User:
    """Let the volunteer in: *person*, who is signed in, or a new account of her own. She is at the phones from now on.

    Nobody signs in for this: the link is what lets her in, once. Raises Refused when it was used or is too old, and
    beside its field for a name that is taken or a password that is too weak.
    """
    at = at or timezone.now()
    held = VolunteerInvitation.objects.select_for_update().get(pk=invitation.pk)
    if not held.is_open(at):
        raise Refused(_("This link has been used, or is too old. Ask for a new one."))
    person = person or _account(held, one_line(username), password)
    person.groups.add(Group.objects.get(name=Role.VOLUNTEER.value))
    held.used_at, held.used_by = at, person
    held.save()
    _start(person, came_by=CameBy.VOLUNTEERED, by=person, at=at)
    return person


def _account(invitation: VolunteerInvitation, username: str, password: str) -> User:
    person = User(username=username, first_name=invitation.name, language=invitation.language)
    try:
        person.full_clean(exclude=["password"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Refused(messages[0], field=field) from error
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Refused(" ".join(error.messages), field="password") from error
    person.set_password(password)
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as error:
        raise Refused(_("Someone else has this name."), field="username") from error
    return person


@transaction.atomic
def end_invitation(invitation: VolunteerInvitation, *, by: User, at: datetime | None = None) -> None:
    """The link lets nobody in any more; a volunteer whom it let in answers no further calls.

    An account that is hers for this alone is switched off, so that its sessions end.
    """
    check_invite_volunteer(by)
    at = at or timezone.now()
    held = (
        VolunteerInvitation.objects.select_for_update(of=("self",))
        .select_related("used_by")
        .get(pk=invitation.pk)
    )
    if held.ended_at:
        return
    held.ended_at = at
    held.save()
    if (person := held.used_by) is None:
        return
    person.groups.remove(Group.objects.get(name=Role.VOLUNTEER.value))
    Shift.objects.filter(person=person, ended_at=None).update(ended_at=at)
    if person.date_joined >= held.made_at and not (person.groups.exists() or person.is_staff):
        person.is_active = False
        person.save(update_fields=["is_active"])
