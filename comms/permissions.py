"""Who may do what with messages and plans, apart from whether it may be done now. Everyone signed in may read them."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import NotAllowed
from incidents.models import Incident, ResponseRole


def can_write_update(user: User) -> bool:
    """Write, save and discard drafts."""
    return user.has_perm("comms.write_update")


def check_write_update(user: User) -> None:
    if not can_write_update(user):
        raise NotAllowed(_("You may read messages, but not write them."))


def can_publish_update(user: User) -> bool:
    return user.has_perm("comms.publish_update")


def check_publish_update(user: User) -> None:
    if not can_publish_update(user):
        raise NotAllowed(_("You may not publish messages."))


def can_start_plan(user: User) -> bool:
    return user.has_perm("comms.start_plan")


def check_start_plan(user: User) -> None:
    if not can_start_plan(user):
        raise NotAllowed(_("You may not start the crisis plan."))


def can_tick_step(user: User) -> bool:
    """Mark a step done or not applicable, and withdraw such a mark."""
    return user.has_perm("comms.tick_step")


def check_tick_step(user: User) -> None:
    if not can_tick_step(user):
        raise NotAllowed(_("You may read the plan, but not mark its steps."))


def can_edit_plan(user: User) -> bool:
    """Edit the templates that plans are started from."""
    return user.has_perm("comms.edit_plan")


def check_edit_plan(user: User) -> None:
    if not can_edit_plan(user):
        raise NotAllowed(_("You may not edit the plan's template."))


def can_edit_wording(user: User) -> bool:
    """Edit prepared messages, and the patterns that channels' texts are made from."""
    return user.has_perm("comms.edit_wording")


def check_edit_wording(user: User) -> None:
    if not can_edit_wording(user):
        raise NotAllowed(_("You may use prepared messages, but not edit them."))


def can_retry_delivery(user: User) -> bool:
    """Ask for another attempt, or settle a delivery nobody knows the fate of."""
    return user.has_perm("comms.retry_delivery")


def check_retry_delivery(user: User) -> None:
    if not can_retry_delivery(user):
        raise NotAllowed(_("You may see what was sent, but not send it again."))


def can_configure_channel(user: User) -> bool:
    """Change the channels and the lists they write to."""
    return user.has_perm("comms.configure_channel")


def check_configure_channel(user: User) -> None:
    if not can_configure_channel(user):
        raise NotAllowed(_("Only an administrator may change channels and lists."))


def can_count_subscribers(user: User) -> bool:
    """See how many subscribers there are; not who."""
    return user.has_perm("comms.count_subscribers")


def check_count_subscribers(user: User) -> None:
    if not can_count_subscribers(user):
        raise NotAllowed(_("Only a communications lead may see how many subscribers there are."))


def can_find_subscriber(user: User) -> bool:
    """Look a subscriber up by the whole address, to help or to end the subscription."""
    return user.has_perm("comms.find_subscriber")


def check_find_subscriber(user: User) -> None:
    if not can_find_subscriber(user):
        raise NotAllowed(_("Only an administrator may look up a subscriber."))


def can_switch_regime(user: User) -> bool:
    """Switch the legal clocks on or off for the organisation."""
    return user.has_perm("comms.switch_regime")


def check_switch_regime(user: User) -> None:
    if not can_switch_regime(user):
        raise NotAllowed(_("Only an administrator may switch the legal clocks on or off."))


def can_decide_regime(user: User, incident: Incident) -> bool:
    """Decide on duties to notify: an incident lead, and whoever is data protection officer of this incident."""
    return (
        user.has_perm("comms.decide_regime")
        or incident.role_assignments.filter(
            role=ResponseRole.DATA_PROTECTION_OFFICER, person=user, released_at=None
        ).exists()
    )


def check_decide_regime(user: User, incident: Incident) -> None:
    if not can_decide_regime(user, incident):
        raise NotAllowed(_("Only an incident lead or the data protection officer may decide this."))
