"""What was put on the status site by hand, told in the timelines once there is a database again."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from comms.status import notice
from incidents import timeline
from incidents.models import Entry, EntryKind, Incident

REMEMBERED = timedelta(hours=24)  # an incident may be declared only after the desk is back


def tell_notices(at: datetime | None = None) -> int:
    """Write each notice of the last day into the timeline of every real open incident, once; returns how many entries.

    No query where no notice was put up or taken down in that time.
    """
    at = at or timezone.now()
    changes = [
        change
        for change in notice.changes(settings.DESK_STATUS_ROOT)
        if at - datetime.fromisoformat(change.at) < REMEMBERED
    ]
    if not changes:
        return 0
    owed = {
        uuid.uuid5(uuid.UUID(change.key), incident.public_id): (change, incident)
        for incident in Incident.objects.real().open()
        for change in changes
    }
    told = set(Entry.objects.filter(key__in=list(owed)).values_list("key", flat=True))
    for key, (change, incident) in owed.items():
        if key not in told:
            _tell(change, incident, key=key, at=at)
    return len(owed.keys() - told)


@transaction.atomic
def _tell(change: notice.Change, incident: Incident, *, key: uuid.UUID, at: datetime) -> None:
    texts = [f"{language.upper()} « {text} »" for language, text in change.texts.items()]
    said = " · ".join(texts) if texts else "FR avis retiré · NL bericht weggehaald"
    timeline.append(
        incident,
        EntryKind.NOTE,
        by=None,
        key=key,
        text=f"Break-glass: {said}"[:1000],
        occurred_at=datetime.fromisoformat(change.at),
        at=at,
    )
