"""What people write into the timeline by hand."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import Refused
from incidents import permissions, timeline
from incidents.models import Entry, EntryKind, Incident, Partner
from incidents.models.timeline import NOTABLE_KINDS
from incidents.operations import rows, sense

# What led to an incident may be noted too; further back a date is a slip.
BEFORE_THE_INCIDENT = timedelta(days=7)


@transaction.atomic
def note_fact(
    incident: Incident,
    *,
    key: UUID,
    kind: EntryKind,
    text: str,
    by: User,
    source: Partner | None = None,
    corrects: Entry | None = None,
    occurred_at: datetime | None = None,
    at: datetime | None = None,
) -> Entry:
    """Write a fact into the timeline; the same *key* again returns the entry made first.

    National numbers in *text* are masked. *source* is the partner it comes from, *corrects* the entry of the
    same incident that it puts right. Resolved incidents take facts too. The public does not see it.
    """
    permissions.check_note_fact(by)
    at = at or incident.now()
    incident = rows.locked(incident)
    if kind not in NOTABLE_KINDS:
        raise Refused(_("Entries of this kind are written by the desk itself."), field="kind")
    if corrects and corrects.incident_id != incident.pk:
        raise Refused(_("That entry belongs to another incident."), field="corrects")
    if Entry.objects.filter(key=key).exclude(incident=incident).exists():
        raise Refused(_("This form was sent for another incident already: open it anew."))
    return timeline.append(
        incident,
        kind,
        by=by,
        key=key,
        text=sense.written(text, most=timeline.LONGEST_TEXT, field="text"),
        source=source,
        corrects=corrects,
        occurred_at=sense.past(
            occurred_at, at=at, field="occurred_at", not_before=incident.began_at - BEFORE_THE_INCIDENT
        ),
        at=at,
    )
