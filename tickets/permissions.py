"""Who may do what with contacts, apart from whether it may be done now."""

from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import NotAllowed


def can_log_contact(user: User) -> bool:
    """Log and edit contacts, and handle callbacks. Everyone signed in may read them."""
    return user.has_perm("tickets.log_contact")


def check_log_contact(user: User) -> None:
    if not can_log_contact(user):
        raise NotAllowed(_("You may look at contacts, but not log or change them."))


def is_volunteer(user: User) -> bool:
    """A colleague from another desk who helps: she logs her own calls on a screen of their own, and sees no other."""
    return user.has_perm("tickets.answer_as_volunteer") and not can_log_contact(user)


def can_answer_call(user: User) -> bool:
    """Log a call, take back one's own, and confirm what was read."""
    return can_log_contact(user) or user.has_perm("tickets.answer_as_volunteer")


def check_answer_call(user: User) -> None:
    if not can_answer_call(user):
        check_log_contact(user)


def can_invite_volunteer(user: User) -> bool:
    return user.has_perm("tickets.invite_volunteer")


def check_invite_volunteer(user: User) -> None:
    if not can_invite_volunteer(user):
        raise NotAllowed(_("A communications lead or an incident lead lets volunteers in."))


def can_import_lists(user: User) -> bool:
    return user.has_perm("tickets.import_lists")


def check_import_lists(user: User) -> None:
    if not can_import_lists(user):
        raise NotAllowed(_("Only administrators import pharmacies and software houses."))


def can_export_contacts(user: User) -> bool:
    return user.has_perm("tickets.export_contacts")


def check_export_contacts(user: User) -> None:
    if not can_export_contacts(user):
        raise NotAllowed(_("You may look at contacts, but not take the list out as a file."))


def colleagues() -> QuerySet[User]:
    """Everyone who may work on contacts, by name."""
    may = Permission.objects.filter(content_type__app_label="tickets", codename="log_contact").values("pk")
    theirs = Q(groups__permissions__in=may) | Q(user_permissions__in=may)
    return User.objects.filter(theirs, is_active=True).distinct().order_by("first_name", "username")


def can_edit_answer(user: User) -> bool:
    """Write the answers that agents give again and again."""
    return user.has_perm("tickets.edit_answer")


def check_edit_answer(user: User) -> None:
    if not can_edit_answer(user):
        raise NotAllowed(_("You may give these answers, but not change them."))


def can_see_readers(user: User) -> bool:
    """See which agents have read the newest message. For those who write it."""
    return user.has_perm("comms.write_update")
