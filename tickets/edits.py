"""What was changed on a contact: who, when, from what to what, in the reader's words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import Model
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from tickets.models import Contact

EDITABLE: dict[str, Any] = {
    "incident": _("Incident"),
    "channel": _("Channel"),
    "pharmacy": _("Pharmacy"),
    "caller_text": _("Caller"),
    "language": _("Language"),
    "service": _("Topic"),
    "impact": _("Impact"),
    "needed_by": _("Needed by"),
    "urgent_kind": _("What is needed"),
    "outcome": _("Outcome"),
    "note": _("Note"),
    "told_update": _("Was told"),
    "handed_to": _("Handed to"),
}
NOTHING = "–"


@dataclass(frozen=True)
class Change:
    """One field: its stored name, its label, and both values worded for the reader."""

    field: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Edit:
    """One saving of a contact by someone."""

    at: datetime
    by: str
    changes: list[Change]


def history(contact: Contact) -> list[Edit]:
    """The edits of *contact*, newest first; empty while it is as it was logged."""
    versions = list(
        contact.history.select_related(
            "history_user", "incident", "pharmacy", "service", "told_update", "handed_to"
        ).order_by("history_id")
    )
    edits = [
        Edit(after.history_date, _name(after.history_user), changes(before, after))
        for before, after in pairwise(versions)
    ]
    return edits[::-1]


def version(contact: Contact, revision: int) -> Any | None:
    """*contact* as it was at *revision*, a row of its history; None where nobody has kept it."""
    return contact.history.filter(revision=revision).order_by("history_id").last()


def same(before: Any, after: Any, field: str) -> bool:
    return bool(_stored(before, field) == _stored(after, field))


def says(version: Any, field: str, value: Any) -> bool:
    """Is *value* what *version* holds in *field*?"""
    return bool(_stored(version, field) == (value.pk if isinstance(value, Model) else value))


def changes(before: Any, after: Any) -> list[Change]:
    """Between two versions of a contact, each a Contact or a row of its history."""
    return [
        Change(field, str(label), _worded(before, field), _worded(after, field))
        for field, label in EDITABLE.items()
        if _stored(before, field) != _stored(after, field)
    ]


def _stored(version: Any, field: str) -> Any:
    return (
        getattr(version, f"{field}_id", None) if hasattr(version, f"{field}_id") else getattr(version, field)
    )


def _worded(version: Any, field: str) -> str:
    choice: Callable[[], str] | None = getattr(version, f"get_{field}_display", None)
    value = choice() if choice else getattr(version, field)
    if isinstance(value, datetime):
        return date_format(localtime(value), "SHORT_DATETIME_FORMAT")
    return str(value) if value else NOTHING


def _name(user: Any) -> str:
    return user.display_name if user else NOTHING
