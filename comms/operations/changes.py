"""A published message was wrong: it is put right, or taken back. Whoever was told is told so."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Prefetch, QuerySet
from django.utils.translation import gettext as _

from accounts.languages import INTERFACE_LANGUAGES, Language
from accounts.models import User
from accounts.refusals import Refused
from comms import checks, permissions
from comms.channels.kinds import capabilities
from comms.models import (
    PARTS,
    Action,
    Channel,
    Correction,
    Delivery,
    DeliveryState,
    Mailing,
    Update,
    UpdateService,
    UpdateText,
)
from comms.models.delivery import DeliveryQuerySet
from comms.posting import post_text
from incidents import timeline
from incidents.models import EntryKind, Incident, PublicRevision
from incidents.operations.sense import check_readable

LONGEST_REASON: int = Correction._meta.get_field("reason").max_length or 0
# What has not left yet.
_WAITING = (DeliveryState.QUEUED, DeliveryState.STALE, DeliveryState.BY_HAND, DeliveryState.FAILED)


@dataclass(frozen=True)
class CorrectedText:
    """What a message says from now on: by language the parts of PARTS, and its two times."""

    texts: Mapping[str, Mapping[str, str]]
    next_update_at: datetime | None
    valid_until: datetime | None


@transaction.atomic
def correct(
    update: Update,
    corrected: CorrectedText,
    *,
    key: UUID,
    reason: str,
    by: User,
    revision: int,
    at: datetime | None = None,
) -> Correction:
    """Let a published message say something else; what it said before stays in the Correction and the timeline.

    Phase and services stay as they were: what has changed since is a message of its own. Channels that can edit are
    owed an edit, the others a notice to whom the message was sent; what had not left leaves with the new text. The
    same *key* again gives the correction made first. Raises Refused: field `reason`, or those of the composer.
    """
    permissions.check_publish_update(by)
    stored = _locked(update)
    at = at or stored.incident.now()
    if known := Correction.objects.filter(key=key).first():
        return known
    _check_reason(reason)
    if stored.revision != revision:
        raise Refused(_("Somebody changed this message after you had opened it. Look at it again."))
    before = _as_json(stored)
    _rewrite(stored, corrected)
    stored = _locked(update)
    after = _as_json(stored)
    if after == before:
        raise Refused(_("Nothing was changed."))
    for finding in checks.blocking(checks.of_update(stored), at):
        # A promise that has passed meanwhile was good when it was given.
        if finding.field not in before or before[finding.field] != after[finding.field]:
            raise Refused(finding.message, field=finding.field)
    correction = Correction.objects.create(
        update=stored, key=key, before=before, reason=reason.strip(), corrected_at=at, corrected_by=by
    )
    _owe_correction(correction, at=at)
    said = _said(stored, reason, fr="v%d corrigé", nl="v%d verbeterd", en="v%d corrected")
    _tell(stored, {"said": said, "before": before, "after": after}, by=by, at=at)
    return correction


@transaction.atomic
def withdraw(update: Update, *, reason: str, by: User, at: datetime | None = None) -> Update:
    """Take a published message back: it counts no longer, and the page says that it was withdrawn.

    What we say is then the newest message that stands. Phase and services stay as they are. Posts are removed where
    the channel can, elsewhere a notice goes to whom the message was sent; what had not left is dropped. Withdrawing
    again changes nothing. Raises Refused: field `reason`.
    """
    permissions.check_publish_update(by)
    stored = _locked(update)
    at = at or stored.incident.now()
    if stored.withdrawn_at:
        return stored
    _check_reason(reason)
    stored.withdrawn_at, stored.withdrawn_by = at, by
    stored.save(update_fields=["withdrawn_at", "withdrawn_by"])
    _owe_withdrawal(stored, at=at)
    said = _said(stored, reason, fr="v%d retiré", nl="v%d ingetrokken", en="v%d withdrawn")
    _tell(stored, {"said": said}, by=by, at=at)
    return stored


def _locked(update: Update) -> Update:
    """Raises Refused unless it is published and stands."""
    services = Prefetch("services", UpdateService.objects.select_related("service"))
    stored = (
        Update.objects.select_for_update(of=("self",))
        .select_related("incident")
        .prefetch_related("texts", "posts", services)
        .get(pk=update.pk)
    )
    if stored.published_at is None:
        raise Refused(_("This message is not published yet: change the draft."))
    return stored


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused(_("Say why: it stands in the timeline."), field="reason")
    if len(reason.strip()) > LONGEST_REASON:
        raise Refused(_("At most %(n)d characters.") % {"n": LONGEST_REASON}, field="reason")
    check_readable(reason, field="reason")


def _rewrite(update: Update, corrected: CorrectedText) -> None:
    if update.withdrawn_at:
        raise Refused(_("This message was withdrawn: there is nothing to correct."))
    written = {language: parts for language, parts in corrected.texts.items() if any(parts.values())}
    update.texts.exclude(language__in=written).delete()
    UpdateText.objects.bulk_create(
        (UpdateText(update=update, language=language, **parts) for language, parts in written.items()),
        update_conflicts=True,
        unique_fields=["update", "language"],
        update_fields=PARTS,
    )
    update.next_update_at, update.valid_until = corrected.next_update_at, corrected.valid_until
    update.revision += 1
    update.save(update_fields=["next_update_at", "valid_until", "revision"])


def _as_json(update: Update) -> dict[str, Any]:
    return {
        "texts": {
            text.language: {part: getattr(text, part) for part in PARTS} for text in update.texts.all()
        },
        "next_update_at": update.next_update_at and update.next_update_at.isoformat(),
        "valid_until": update.valid_until and update.valid_until.isoformat(),
    }


def _owe_correction(correction: Correction, *, at: datetime) -> None:
    update = correction.update
    waiting = _posts(update).filter(state__in=_WAITING).exclude(text="")
    # What may have arrived is looked for as it was.
    for delivery in waiting.exclude(state=DeliveryState.QUEUED, doubtful=True):
        delivery.text = post_text(update, delivery.channel, delivery.language).text
        delivery.save(update_fields=["text"])
    _drop(Delivery.objects.filter(update=update, action__in=[Action.EDIT, Action.CORRECTION]))
    Delivery.objects.bulk_create(
        _follow_up(
            delivery,
            Action.EDIT if _in_place(delivery, edits=True) else Action.CORRECTION,
            at=at,
            correction=correction,
        )
        for delivery in _told(update)
    )
    _owe_subscribers(update, Action.CORRECTION, at=at, correction=correction)


def _owe_withdrawal(update: Update, *, at: datetime) -> None:
    _drop(Delivery.objects.filter(update=update))
    update.mailings.unfinished().update(finished=True, overtaken=True)
    Delivery.objects.bulk_create(
        _follow_up(delivery, Action.DELETE if _in_place(delivery, edits=False) else Action.WITHDRAWAL, at=at)
        for delivery in _told(update)
    )
    _owe_subscribers(update, Action.WITHDRAWAL, at=at)


def _posts(update: Update) -> DeliveryQuerySet:
    return Delivery.objects.filter(update=update, action=Action.POST).select_related(
        "channel", "update__incident"
    )


def _told(update: Update) -> QuerySet[Delivery]:
    """What arrived, or may have, by a channel that is on; subscribers are told by their lane."""
    return _posts(update).perhaps_arrived().filter(subscriber=None, channel__enabled=True)


def _in_place(delivery: Delivery, *, edits: bool) -> bool:
    can = capabilities(delivery.channel)
    return can.edits if edits else can.deletes


def _drop(deliveries: DeliveryQuerySet) -> None:
    """What has not left of an earlier word on it leaves no more."""
    for state in _WAITING:
        deliveries.filter(environment=settings.DESK_ENVIRONMENT_ID).move(DeliveryState.DROPPED, out_of=state)


def _follow_up(
    delivery: Delivery, action: Action, *, at: datetime, correction: Correction | None = None
) -> Delivery:
    text = (
        post_text(
            delivery.message, delivery.channel, delivery.language, action=action, correction=correction
        ).text
        if delivery.text
        else ""
    )
    return Delivery(
        update=delivery.message,
        action=action,
        correction=correction,
        original=delivery,
        channel=delivery.channel,
        language=delivery.language,
        recipient=delivery.recipient,
        text=text,
        environment=settings.DESK_ENVIRONMENT_ID,
        created_at=at,
        not_before=at,
    )


def _owe_subscribers(
    update: Update, action: Action, *, at: datetime, correction: Correction | None = None
) -> None:
    Mailing.objects.bulk_create(
        Mailing(
            update=update,
            action=action,
            correction=correction,
            channel=mailing.channel,
            environment=settings.DESK_ENVIRONMENT_ID,
            created_at=at,
        )
        for mailing in update.mailings.filter(action=Action.POST, channel__enabled=True).select_related(
            "channel"
        )
    )


@dataclass(frozen=True)
class Reached:
    """A channel that a message went to, and how it can be put right there."""

    channel: Channel
    count: int
    edits: bool
    deletes: bool


def reached(update: Update) -> list[Reached]:
    """Where *update* arrived, or may have, subscribers included; two queries."""
    rows = _posts(update).perhaps_arrived().order_by()
    counted = dict(rows.values_list("channel").annotate(number=Count("pk")))
    channels = Channel.objects.filter(pk__in=counted)
    return [
        Reached(channel, counted[channel.pk], capabilities(channel).edits, capabilities(channel).deletes)
        for channel in channels
    ]


def _said(update: Update, reason: str, **words: str) -> dict[str, str]:
    """The entry's sentence in each language of the interface."""
    colon = {Language.FR: " : ", Language.NL: ": ", Language.EN: ": "}
    return {
        str(language): words[language] % update.number + colon[language] + reason.strip()
        for language in INTERFACE_LANGUAGES
    }


def _tell(update: Update, data: dict[str, Any], *, by: User, at: datetime) -> None:
    incident = Incident.objects.select_for_update().get(pk=update.incident_id)
    timeline.append(incident, EntryKind.UPDATE, by=by, data={"number": update.number, **data}, at=at)
    PublicRevision.objects.bump(incident)
