"""A person decides on deliveries that got stuck: again, settled, posted by hand, let go."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.languages import INTERFACE_LANGUAGES
from accounts.models import User
from accounts.refusals import Refused
from comms.channels.kinds import capabilities
from comms.models import Channel, Delivery, DeliveryState, Update
from comms.permissions import check_retry_delivery
from incidents import timeline
from incidents.models import EntryKind

LONGEST_ADDRESS: int = Delivery._meta.get_field("external_url").max_length or 0


@transaction.atomic
def retry(delivery: Delivery, *, by: User, at: datetime | None = None) -> Delivery:
    """Send a delivery once more, now, that failed or was left to be posted by hand.

    Raises Refused unless it did, and could leave.
    """
    check_retry_delivery(by)
    at = at or timezone.now()
    delivery = _locked(delivery)
    if delivery.state not in (DeliveryState.FAILED, DeliveryState.BY_HAND):
        raise Refused(_("This delivery did not fail, so there is nothing to try again."))
    if delivery.withdrawn:
        raise Refused(_("This message was withdrawn: it is not sent any more."))
    _queue_again(delivery, at=at)
    _tell(delivery, gettext_lazy("%(message)s by %(channel)s: another attempt"), by=by, at=at)
    return delivery


@transaction.atomic
def settle(
    delivery: Delivery, *, by: User, sent: bool, url: str = "", at: datetime | None = None
) -> Delivery:
    """A person says what became of an unknown delivery: it went out, or it did not and is sent again.

    *url* is where she found it, empty where it has no address; by it the post is removed or answered later. Raises
    Refused when it is not (or no longer) unknown; field `url`.
    """
    check_retry_delivery(by)
    at = at or timezone.now()
    _check_url(url)
    delivery = _locked(delivery)
    if delivery.state != DeliveryState.UNKNOWN:
        raise Refused(_("Somebody has settled this delivery already."))
    if sent:
        delivery.state, delivery.sent_at, delivery.external_url = DeliveryState.SENT, at, url
        delivery.save(update_fields=["state", "sent_at", "external_url"])
        _tell(
            delivery, gettext_lazy("%(message)s by %(channel)s: checked by hand, it went out"), by=by, at=at
        )
    else:
        _queue_again(delivery, at=at)
        sentence = gettext_lazy("%(message)s by %(channel)s: checked by hand, it did not go out; sent again")
        _tell(delivery, sentence, by=by, at=at)
    return delivery


@transaction.atomic
def posted_by_hand(delivery: Delivery, *, url: str, by: User, at: datetime | None = None) -> Delivery:
    """A person posted the text herself; *url* is where it can be read, empty where the post has no address.

    Raises Refused unless the delivery was left to be posted by hand, or failed where that is possible; field `url`.
    """
    check_retry_delivery(by)
    at = at or timezone.now()
    _check_url(url)
    delivery = _locked(delivery)
    failed = delivery.state == DeliveryState.FAILED and capabilities(delivery.channel).by_hand
    if delivery.state != DeliveryState.BY_HAND and not failed:
        raise Refused(_("Somebody has settled this delivery already."))
    delivery.state, delivery.sent_at, delivery.external_url = DeliveryState.SENT, at, url
    delivery.save(update_fields=["state", "sent_at", "external_url"])
    _tell(delivery, gettext_lazy("%(message)s by %(channel)s: posted by hand"), by=by, at=at)
    return delivery


@transaction.atomic
def let_go(delivery: Delivery, *, by: User, at: datetime | None = None) -> Delivery:
    """Send it no more: it failed, or was left to be posted by hand. Raises Refused otherwise."""
    check_retry_delivery(by)
    delivery = _locked(delivery)
    if delivery.state not in (DeliveryState.FAILED, DeliveryState.BY_HAND):
        raise Refused(_("Somebody has settled this delivery already."))
    delivery.state = DeliveryState.DROPPED
    delivery.save(update_fields=["state"])
    _tell(
        delivery,
        gettext_lazy("%(message)s by %(channel)s: not sent any more"),
        by=by,
        at=at or timezone.now(),
    )
    return delivery


@transaction.atomic
def decide_stale(
    update: Update, channel: Channel, *, send: bool, by: User, at: datetime | None = None
) -> int:
    """Send what of *update* waited too long for *channel*, or let it go; returns how many deliveries it was.

    Raises Refused when nothing waits for that any more.
    """
    check_retry_delivery(by)
    at = at or timezone.now()
    rows = Delivery.objects.ours().filter(update=update, channel=channel)
    if send:
        changes = {"not_before": at, "confirmed_at": at}
        found = rows.move(DeliveryState.QUEUED, out_of=DeliveryState.STALE, **changes)
        sentence = gettext_lazy("%(message)s by %(channel)s: sent although it had waited for long")
    else:
        found = rows.move(DeliveryState.DROPPED, out_of=DeliveryState.STALE)
        sentence = gettext_lazy("%(message)s by %(channel)s: not sent any more")
    if not found:
        raise Refused(_("Somebody has decided on this already."))
    _tell(Delivery(update=update, channel=channel), sentence, by=by, at=at)
    return found


def _check_url(url: str) -> None:
    if url and not url.startswith(("https://", "http://")):
        raise Refused(_("Give the whole address of the post, beginning with https://."), field="url")
    if len(url) > LONGEST_ADDRESS:
        raise Refused(_("At most %(n)d characters.") % {"n": LONGEST_ADDRESS}, field="url")


def _locked(delivery: Delivery) -> Delivery:
    return (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("channel", "update__incident")
        .get(pk=delivery.pk)
    )


def _queue_again(delivery: Delivery, *, at: datetime) -> None:
    """Raises Refused when it would only wait: a channel that is off, or the row of another installation."""
    if not delivery.channel.enabled:
        raise Refused(_("%(channel)s is switched off: nothing leaves by it.") % {"channel": delivery.channel})
    if delivery.environment != settings.DESK_ENVIRONMENT_ID:
        raise Refused(_("This delivery belongs to another installation and is never sent from here."))
    delivery.state, delivery.not_before, delivery.confirmed_at = DeliveryState.QUEUED, at, at
    delivery.save(update_fields=["state", "not_before", "confirmed_at"])


def _tell(delivery: Delivery, sentence: Promise, *, by: User, at: datetime) -> None:
    """Who decided on a delivery stands in the timeline; to whom it was addressed does not."""
    said = {}
    for language in INTERFACE_LANGUAGES:
        with translation.override(language):
            said[str(language)] = sentence % {"message": delivery.message, "channel": delivery.channel}
    timeline.append(delivery.message.incident, EntryKind.DELIVERY, by=by, data={"said": said}, at=at)
