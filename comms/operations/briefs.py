"""Internal desks are briefed: each says that it has read the newest message."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import Refused
from comms.models import BriefReceipt, InternalDesk, Update
from incidents import timeline
from incidents.models import EntryKind, Incident

NAMES = {
    InternalDesk.RECEPTION: {"fr": "réception", "nl": "onthaal", "en": "reception"},
    InternalDesk.MEMBERS: {"fr": "service des membres", "nl": "ledendienst", "en": "member service"},
    InternalDesk.DOCUMENTATION: {
        "fr": "service documentation",
        "nl": "documentatiedienst",
        "en": "documentation service",
    },
    InternalDesk.HELPDESK: {"fr": "helpdesk", "nl": "helpdesk", "en": "helpdesk"},
}


@transaction.atomic
def acknowledge(update: Update, desk: InternalDesk, *, by: User, at: datetime | None = None) -> BriefReceipt:
    """*desk* has read *update*; whoever is signed in may say so for her desk. Saying it again changes nothing.

    Raises Refused when a newer message is out: that one is to be read.
    """
    incident = Incident.objects.select_for_update(no_key=True).get(pk=update.incident_id)
    newest = incident.updates.standing().first()
    if update != newest:
        raise Refused(_("A newer message is out: read that one."))
    at = at or incident.now()
    receipt, is_new = BriefReceipt.objects.get_or_create(
        update=update, desk=desk, defaults={"at": at, "by": by}
    )
    if is_new:
        words = {"fr": "%s : %s lu", "nl": "%s: %s gelezen", "en": "%s: %s read"}
        said = {language: words[language] % (name, update) for language, name in NAMES[desk].items()}
        timeline.append(incident, EntryKind.PLAN, by=by, data={"said": said}, occurred_at=at, at=at)
    return receipt
