"""What the timeline of an incident is told of the work that finishes it."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop, override

from accounts.languages import INTERFACE_LANGUAGES
from accounts.models import User
from incidents import timeline
from incidents.models import EntryKind, Maintenance

PLANNED = gettext_noop("maintenance “%(title)s” planned, %(begins)s – %(ends)s")
MOVED = gettext_noop("maintenance “%(title)s” moved, %(begins)s – %(ends)s")
CAME_INTO = gettext_noop("maintenance “%(title)s”: %(status)s")


def tell(maintenance: Maintenance, sentence: str, *, by: User, occurred_at: datetime, at: datetime) -> None:
    """Write *sentence*, one of those above, into the timeline of the incident it follows, if it follows one."""
    if maintenance.follows is None:
        return
    said = {}
    for language in INTERFACE_LANGUAGES:
        with override(language):
            said[str(language)] = gettext(sentence) % _words(maintenance, language)
    timeline.append(
        maintenance.follows, EntryKind.ACTION, by=by, data={"said": said}, occurred_at=occurred_at, at=at
    )


def _words(maintenance: Maintenance, language: str) -> dict[str, object]:
    return {
        "title": maintenance.title_in(language),
        "begins": _clock(maintenance.starts_at),
        "ends": _clock(maintenance.ends_at),
        "status": maintenance.status.label,
    }


def _clock(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")
