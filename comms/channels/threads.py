"""Under which post a message is hung, where a network keeps posts together."""

from comms.models import Action, Delivery, DeliveryState


def above(delivery: Delivery) -> Delivery | None:
    """The post that *delivery* answers: the one it corrects, else the incident's first in that language still there."""
    if delivery.original is not None and _named(delivery.original):
        return delivery.original
    posts = Delivery.objects.filter(
        channel=delivery.channel_id,
        language=delivery.language,
        update__incident=delivery.message.incident_id,
        action=Action.POST,
        state=DeliveryState.SENT,
    ).exclude(pk=delivery.pk)
    standing = posts.exclude(followed_by__action=Action.DELETE, followed_by__state=DeliveryState.SENT)
    return next(filter(_named, standing.order_by("sent_at", "pk")), None)


def _named(delivery: Delivery) -> bool:
    return bool(delivery.external_id or delivery.external_url)
