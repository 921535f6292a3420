"""Messages to the public: published by one person, in one transaction, and never changed afterwards."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.composed import prefetch
from accounts.languages import INTERFACE_LANGUAGES, Language
from accounts.models import User
from accounts.refusals import Refused
from comms import checks, permissions, rows
from comms.models import Update
from comms.operations import drafts
from comms.operations.deliveries import check_own_texts, owe
from comms.operations.drafts import Conflict, DraftData
from comms.operations.plan import done_by_message
from incidents import timeline
from incidents.models import PHASE_CHANGES, EntryKind, Incident, Phase, PublicRevision, ServiceStatus
from incidents.operations import put_phase, put_statuses


@transaction.atomic
def publish(update: Update, *, by: User, revision: int, at: datetime | None = None) -> Update:
    """Make *update* public and owe it to every enabled channel.

    In one transaction: the number, the services' statuses and the incident's phase, one Delivery per channel and
    recipient, the timeline entry, the public revision that the status site follows, and the mark of the plan's step
    that it does. Publishing what is published already gives it back. Raises Refused with what the checks forbid,
    Conflict when somebody saved it since.
    """
    permissions.check_publish_update(by)
    stored = drafts.locked(update)
    if stored.published_at:
        return stored
    if stored.revision != revision:
        raise Conflict(stored)
    _publish(stored, by=by, at=at)
    return stored


def save_and_publish(
    update: Update, draft: DraftData, *, by: User, revision: int, at: datetime | None = None
) -> tuple[Update, Refused | None]:
    """save_draft, then publish, with one wait for the disk. What may not be published is saved all the same, and what
    forbids it comes back with it. Raises what save_draft raises, and then nothing is written.
    """
    permissions.check_write_update(by)
    with transaction.atomic():
        stored = drafts.locked(update)
        drafts.put(stored, draft, by=by, revision=revision, at=at)
        try:
            permissions.check_publish_update(by)
            _publish(stored, by=by, at=at)
            return stored, None
        except Refused as forbidden:
            refusal = forbidden
            transaction.set_rollback(True)
    return drafts.save_draft(update, draft, by=by, revision=revision, at=at), refusal


def _publish(stored: Update, *, by: User, at: datetime | None) -> None:
    """As publish, of the *stored* draft that is locked with its incident, its texts and services at hand."""
    at = at or stored.incident.now()
    if forbidden := checks.blocking(checks.of_update(stored), at):
        raise Refused(forbidden[0].message, field=forbidden[0].field)
    check_own_texts(stored)
    incident = stored.incident
    prefetch([incident], PHASE_CHANGES)
    if stored.occurred_at and stored.occurred_at > at:
        raise Refused(_("What is told has not happened yet."), field="occurred_at")
    if not incident.is_open:
        raise Refused(_("This incident is resolved: reopen it first."), field="phase")
    stored.number = next_number(incident)
    stored.published_at, stored.published_by = at, by
    drafts.store(stored)
    statuses = {row.service: ServiceStatus(row.status) for row in stored.services.all()}
    put_statuses(incident, statuses, by=by, occurred_at=stored.occurred_at, at=at)
    put_phase(incident, Phase(stored.phase), by=by, occurred_at=stored.occurred_at, at=at)
    owe(stored, at=at)
    timeline.append(
        incident,
        EntryKind.UPDATE,
        by=by,
        data={"number": stored.number, "said": _said(stored)},
        occurred_at=at,
        at=at,
        held=True,
    )
    PublicRevision.objects.bump(incident)
    if stored.plan_item:
        done_by_message(stored.plan_item, stored, by=by, at=at)


def next_number(incident: Incident) -> int:
    """What the next message about *incident* is counted as, from 1."""
    return (rows.last_number.first(incident=incident.pk) or 0) + 1


def _said(update: Update) -> dict[str, str]:
    """The entry's sentence in each language of the interface."""
    words = {
        Language.FR: "v%d publié : %s",
        Language.NL: "v%d gepubliceerd: %s",
        Language.EN: "v%d published: %s",
    }
    said = {}
    for language in INTERFACE_LANGUAGES:
        text = update.text_in(language)
        said[str(language)] = words[language] % (update.number, text.title if text else "")
    return said
