"""Who may do what with incidents, apart from whether it may be done now. Everyone signed in may read them."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import NotAllowed


def can_run_incident(user: User) -> bool:
    """Declare incidents and change their titles, severity, relapse, milestones and roles."""
    return user.has_perm("incidents.run_incident")


def check_run_incident(user: User) -> None:
    if not can_run_incident(user):
        raise NotAllowed(
            _("You may look at incidents, but only an incident lead may declare or change them.")
        )


def can_change_course(user: User) -> bool:
    """Change the services and the phase of an incident; whoever may publish may, for an update says both."""
    return user.has_perm("incidents.change_course")


def check_change_course(user: User) -> None:
    if not can_change_course(user):
        raise NotAllowed(_("You may look at incidents, but not change their services or phase."))


def can_note_fact(user: User) -> bool:
    """Add entries to a timeline."""
    return user.has_perm("incidents.note_fact")


def check_note_fact(user: User) -> None:
    if not can_note_fact(user):
        raise NotAllowed(_("You may read the timeline, but not write in it."))


def can_plan_work(user: User) -> bool:
    """Plan maintenance, announce it and say how it goes."""
    return user.has_perm("incidents.plan_work")


def check_plan_work(user: User) -> None:
    if not can_plan_work(user):
        raise NotAllowed(_("You may look at maintenance, but not plan or change it."))


def can_call_in(user: User) -> bool:
    """See colleagues' numbers, call them in and note what they answer: whoever works at an incident."""
    return can_note_fact(user)


def check_call_in(user: User) -> None:
    if not can_call_in(user):
        raise NotAllowed(_("Colleagues’ numbers are for those who work at an incident."))


def can_keep_staff(user: User) -> bool:
    """Say who can be called in, in which order, and when they are away."""
    return can_run_incident(user)


def check_keep_staff(user: User) -> None:
    if not can_keep_staff(user):
        raise NotAllowed(_("Only an incident lead may change the list of colleagues."))
