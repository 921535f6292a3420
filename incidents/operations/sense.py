"""What makes sense to store: moments and texts. Refuses beside the field."""

import unicodedata
from datetime import UTC, datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import is_naive, localtime
from django.utils.translation import gettext as _

from accounts.refusals import Refused
from incidents.personal_data import national_numbers

# Clocks differ: so much of the future is taken for now.
SKEW = timedelta(minutes=2)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def past(moment: datetime | None, *, at: datetime, field: str, not_before: datetime = EARLIEST) -> datetime:
    """*moment*, *at* where there is none. Refuses what has not happened yet or lies before *not_before*."""
    if moment is None:
        return at
    if is_naive(moment):
        raise ValueError("A moment needs its zone.")
    if moment > at + SKEW:
        raise Refused(_("That has not happened yet: give a moment in the past."), field=field)
    _check_not_before(moment, not_before, field)
    return min(moment, at)


def future(moment: datetime, *, at: datetime, most: timedelta, field: str, not_before: datetime) -> datetime:
    """*moment*, when it lies no further than *most* ahead and not before *not_before*."""
    if moment > at + most:
        raise Refused(_("That is more than %(days)d days away.") % {"days": most.days}, field=field)
    _check_not_before(moment, not_before, field)
    return moment


def _check_not_before(moment: datetime, earliest: datetime, field: str) -> None:
    if moment < max(earliest, EARLIEST):
        when = date_format(localtime(max(earliest, EARLIEST)), "SHORT_DATETIME_FORMAT")
        raise Refused(_("Too early: not before %(when)s (Brussels time).") % {"when": when}, field=field)


def written(text: str, *, most: int, field: str, required: bool = True) -> str:
    """*text* without the spaces around it. Refuses what is empty, too long or cannot be stored."""
    text = text.strip()
    if required and not text:
        raise Refused(_("Fill this in."), field=field)
    if len(text) > most:
        raise Refused(
            _("Too long: at most %(most)d characters, not %(given)d.") % {"most": most, "given": len(text)},
            field=field,
        )
    check_readable(text, field=field)
    return text


def check_readable(text: str, *, field: str) -> None:
    """Refuses characters that nobody can read."""
    suspect = "\ufffd" in text or not text.isprintable()
    if suspect and any(cannot_be_kept(character) for character in text):
        raise Refused(_("This holds a character that cannot be kept."), field=field)


def cannot_be_kept(character: str) -> bool:
    """Control characters, half surrogates, what turns the reading of a line around (Unicode TR 36, 2.5), and the sign
    that stands where bytes were no UTF-8.
    """
    is_control = unicodedata.category(character) in {"Cc", "Cs"} and character not in "\t\r\n"
    return is_control or character == "\ufffd" or character in TURNING


def public(text: str, *, most: int, field: str, required: bool = True) -> str:
    """As `lines`, made one line."""
    return " ".join(lines(text, most=most, field=field, required=required).splitlines())


def lines(text: str, *, most: int, field: str, required: bool = True) -> str:
    """As `written`, in lines for the public: refuses a national number."""
    text = written(text, most=most, field=field, required=required)
    if national_numbers(text):
        raise Refused(_("This is public, and it holds a national number."), field=field)
    return text
