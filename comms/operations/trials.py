"""Trying a channel: a test is owed and leaves like any message."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.languages import Language
from accounts.models import User
from comms.models import Channel, Delivery, Notice
from comms.permissions import check_configure_channel


@transaction.atomic
def send_test(
    channel: Channel,
    *,
    key: UUID,
    to: str = "",
    language: Language,
    by: User,
    at: datetime | None = None,
) -> Delivery:
    """Owe the channel a test, also while it is switched off; the same *key* gives the same test.

    *to*: an address or number as it is stored, for a channel that writes to many; empty where the channel is one.
    """
    check_configure_channel(by)
    if asked := Delivery.objects.filter(key=key, notice=Notice.TEST).first():
        return asked
    at = at or timezone.now()
    return Delivery.objects.create(
        key=key,
        channel=channel,
        notice=Notice.TEST,
        language=language,
        recipient=to,
        environment=settings.DESK_ENVIRONMENT_ID,
        created_at=at,
        not_before=at,
    )
