"""Phoning back: who does it just now, what each try came to, and how it ended."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import Refused
from incidents.personal_data import mask_national_numbers
from tickets.models import Callback, CallbackState, CallbackTry, TryOutcome
from tickets.operations.contacts import check_text, one_line
from tickets.permissions import check_log_contact

MOST_TRIES = 3
PAUSES = (timedelta(minutes=15), timedelta(minutes=45))  # after the first try, after the second


@transaction.atomic
def claim_callback(
    callback: Callback, *, by: User, instead_of: int | None = None, at: datetime | None = None
) -> Callback:
    """*by* is phoning: for ten minutes the others see it. Hers meanwhile by naming who had it (*instead_of*, a pk)."""
    check_log_contact(by)
    at = at or timezone.now()
    stored = _open(callback)
    if stored.held_at(at) and stored.claimed_by_id not in (by.pk, instead_of):
        who = stored.claimed_by.display_name if stored.claimed_by else ""
        raise Refused(_("%(who)s is phoning them.") % {"who": who})
    stored.claimed_by, stored.claimed_at = by, at
    stored.save()
    return stored


@transaction.atomic
def release_callback(callback: Callback, *, by: User) -> None:
    """She is not phoning after all. Somebody else's stays hers."""
    check_log_contact(by)
    held = Callback.objects.open().filter(pk=callback.pk, claimed_by=by)
    held.update(claimed_by=None, claimed_at=None)


@transaction.atomic
def note_try(
    callback: Callback, *, by: User, outcome: str, number: int, at: datetime | None = None
) -> Callback:
    """Nobody was reached: try *number* (1, 2, 3), noted once. After the third the callback is closed as not reached.

    Until then it is due again after a quarter of an hour, then after three quarters.
    """
    check_log_contact(by)
    if outcome not in TryOutcome.values:
        raise Refused(_("Say what the try came to."), field="try")
    stored = _open(callback)
    at = at or stored.contact.now()
    if number != stored.tries.count() + 1:  # sent twice, or somebody else has tried meanwhile
        return stored
    CallbackTry.objects.create(callback=stored, number=number, outcome=outcome, at=at, by=by)
    stored.claimed_by = stored.claimed_at = None
    if number >= MOST_TRIES:
        stored.state, stored.closed_at, stored.closed_by = CallbackState.UNREACHED, at, by
    else:
        stored.next_at = at + PAUSES[number - 1]
    stored.save()
    return stored


@transaction.atomic
def close_callback(
    callback: Callback, *, by: User, outcome: str = "", dropped: bool = False, at: datetime | None = None
) -> Callback:
    """The caller was phoned, or (*dropped*, with the reason as *outcome*) will not be.

    Closing it again the same way changes nothing; otherwise Refused names who closed it.
    """
    check_log_contact(by)
    state = CallbackState.DROPPED if dropped else CallbackState.DONE
    outcome, _masked = mask_national_numbers(one_line(outcome))
    if dropped and not outcome:
        raise Refused(_("Say why nobody will call back."), field="outcome")
    check_text(Callback, "outcome", outcome)
    closed = Callback.objects.open().filter(pk=callback.pk)
    changed = closed.update(
        state=state, outcome=outcome, closed_at=at or callback.contact.now(), closed_by=by
    )
    callback.refresh_from_db()
    if not changed and callback.state != state:
        who = callback.closed_by.display_name if callback.closed_by else ""
        raise Refused(_("%(who)s has already closed this callback.") % {"who": who})
    return callback


def _open(callback: Callback) -> Callback:
    """Its row, locked. Raises Refused when it is closed."""
    related = Callback.objects.select_related(
        "claimed_by", "closed_by", "contact__incident__exercise_clock"
    ).select_for_update(of=("self",))
    stored = related.get(pk=callback.pk)
    if stored.state != CallbackState.OPEN:
        who = stored.closed_by.display_name if stored.closed_by else ""
        raise Refused(_("%(who)s has already closed this callback.") % {"who": who})
    return stored
