"""Nobody is there, says the other side for good: that recipient is written to no more."""

from datetime import datetime

import structlog
from django.db import transaction

from comms.models import Delivery, DeliveryAttempt, DeliveryState, ListMember, Subscriber

log = structlog.get_logger(__name__)

MOST_IN_A_ROW = 5  # who refuses more of us than that, one after the other, does not speak of the recipients


@transaction.atomic
def refused(delivery: Delivery, reason: str, *, at: datetime) -> None:
    """End the subscription that *delivery* was for, or mark the members of lists that have its address.

    To be called when the attempt is recorded. A marked member is owed nothing until an administrator corrects or
    clears it. Nobody is ended or marked when a mail server refuses one recipient after the other: a relay that
    knows us no longer would end every subscription within seconds.
    """
    if _refuses_all(delivery):
        log.warning("mail_server_refuses_everybody", channel=delivery.channel_id, reason=reason)
    elif delivery.subscriber_id:
        Subscriber.objects.filter(pk=delivery.subscriber_id, ended_at=None).update(ended_at=at)
    elif delivery.recipient:
        members = ListMember.objects.filter(email__iexact=delivery.recipient, refused_at=None)
        members.update(refused_at=at, refusal=reason[:500])


def _refuses_all(delivery: Delivery) -> bool:
    """Of the channel's last attempts, this one included, more than MOST_IN_A_ROW failed and no other came between."""
    attempts = DeliveryAttempt.objects.filter(delivery__channel=delivery.channel_id).order_by("-pk")
    last = attempts.values_list("outcome", flat=True)[: MOST_IN_A_ROW + 1]
    return len(last) > MOST_IN_A_ROW and set(last) == {DeliveryState.FAILED}
