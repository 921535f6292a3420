"""A time as it is said on the phone, "18:10", made a moment."""

import re
from datetime import datetime, timedelta

from django.utils.timezone import get_current_timezone, localtime
from django.utils.translation import gettext as _

from accounts.refusals import Refused

_CLOCK = re.compile(r"(\d{1,2})\s*(?:[:h.u]\s*(\d{2})?)?|(\d{2})(\d{2})", re.IGNORECASE | re.ASCII)
JUST_NOW = timedelta(minutes=30)  # "before 15:20" said at 15:25 is today's


def next_clock_time(typed: str, *, after: datetime) -> datetime:
    """The next time the clock in Brussels shows *typed*: 18:10, 18h10, 18u10, 1810 or 18.

    Half an hour ago still is today's. Raises Refused for what is no time of day.
    """
    match = _CLOCK.fullmatch(typed.strip())
    hour, minute = (int(match[1] or match[3]), int(match[2] or match[4] or 0)) if match else (24, 0)
    if hour > 23 or minute > 59:
        raise Refused(_("Give a time of day, as 18:10."))
    today = localtime(after).date()
    moment = datetime(today.year, today.month, today.day, hour, minute, tzinfo=get_current_timezone())
    return moment if moment >= after - JUST_NOW else moment + timedelta(days=1)
