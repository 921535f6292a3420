"""Somebody has looked at a rise in calls: it is no incident."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import Refused
from incidents.permissions import check_run_incident
from incidents.personal_data import mask_national_numbers
from tickets.models import RiseDismissed
from tickets.operations.contacts import check_text, one_line
from tickets.rises import Rise

SILENT_FOR = timedelta(hours=1)


def dismiss_rise(rise: Rise, *, reason: str, by: User, at: datetime | None = None) -> RiseDismissed:
    """Propose nothing because of *rise* for an hour, unless twice as many call. Raises Refused without a reason."""
    check_run_incident(by)
    reason, _masked = mask_national_numbers(one_line(reason))
    if not reason:
        raise Refused(_("Say why this is no incident."), field="reason")
    check_text(RiseDismissed, "reason", reason)
    at = at or timezone.now()
    return RiseDismissed.objects.create(
        service=None if rise.house else rise.service,
        software_house=rise.house,
        calls=rise.calls,
        reason=reason,
        at=at,
        until=at + SILENT_FOR,
        by=by,
    )
