"""Asking colleagues in writing to come: through the outbox, so that the board shows whether it left."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext, gettext_noop, override
from django.utils.translation import gettext as _

from accounts.languages import INTERFACE_LANGUAGES
from accounts.models import User
from accounts.refusals import Refused
from comms.models import CallInAsked, Channel, Delivery, DeliveryState, Notice
from comms.operations.reminders import by_mail, by_sms
from incidents import timeline
from incidents.calling import asks
from incidents.models import CallInWay, Colleague, EntryKind, Incident
from incidents.permissions import check_call_in

SENTENCE = gettext_noop("%(name)s asked by %(way)s to come")


def ways() -> dict[CallInWay, Channel | None]:
    """By which channel a colleague is asked in writing; None: by none, her own telephone or mail programme remains."""
    return {CallInWay.SMS: by_sms(), CallInWay.EMAIL: by_mail()}


@transaction.atomic
def ask(
    incident: Incident,
    colleague: Colleague,
    way: CallInWay,
    *,
    key: UUID,
    by: User,
    at: datetime | None = None,
) -> CallInAsked:
    """Owe *colleague* the question whether she comes; the same *key* asks once. Writes the timeline entry.

    Of an exercise it is rehearsed: written down, never sent. Raises Refused where no channel or address is there.
    """
    check_call_in(by)
    if asked := CallInAsked.objects.filter(delivery__key=key).first():
        return asked
    if colleague.removed:
        raise Refused(_("%(person)s no longer works here.") % {"person": colleague})
    channel = ways().get(way)
    address = colleague.e164 if way == CallInWay.SMS else colleague.email
    if channel is None or not address:
        raise Refused(_("There is no way to write to %(person)s like that.") % {"person": colleague})
    at = at or incident.now()
    try:
        with transaction.atomic():
            delivery = Delivery.objects.create(
                key=key,
                notice=Notice.CALL_IN,
                channel=channel,
                language=colleague.language,
                recipient=address,
                text=asks(incident, colleague),
                state=DeliveryState.REHEARSED if incident.drill else DeliveryState.QUEUED,
                environment=settings.DESK_ENVIRONMENT_ID,
                created_at=at,
                not_before=at,
            )
    except IntegrityError:  # sent twice at once
        return CallInAsked.objects.get(delivery__key=key)
    timeline.append(incident, EntryKind.PEOPLE, by=by, key=key, data={"said": _said(colleague, way)}, at=at)
    return CallInAsked.objects.create(
        incident=incident, colleague=colleague, way=way, delivery=delivery, at=at, by=by
    )


def _said(colleague: Colleague, way: CallInWay) -> dict[str, str]:
    said = {}
    for language in INTERFACE_LANGUAGES:
        with override(language):
            said[str(language)] = gettext(SENTENCE) % {"name": colleague.name, "way": way.label}
    return said
