"""The outbox as people meet it: publishing owes deliveries, and a person decides on those that got stuck."""

from collections.abc import Collection, Iterator
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.languages import INTERFACE_LANGUAGES, Language
from accounts.models import User
from accounts.refusals import Refused
from comms.models import (
    CALLERS,
    STAFF,
    SUBSCRIBERS,
    Channel,
    ChannelKind,
    Delivery,
    DeliveryState,
    Mailing,
    Update,
)
from comms.permissions import check_retry_delivery
from comms.posting import LETTERS, post_text
from incidents import timeline
from incidents.models import EntryKind

LONGEST_ADDRESS: int = Delivery._meta.get_field("external_url").max_length or 0


def owe(update: Update, *, at: datetime) -> list[Delivery]:
    """Owe *update* to every channel that carries it, in the caller's transaction; owing it again adds nothing.

    E-mail and SMS: one delivery for each member of the list, in her language where the update has it. Someone on
    several lists is written to once, by the first of them. Webhook: one delivery with all languages. Other channels:
    one in each of their languages that the update speaks. The text of what is not a letter is frozen here.
    Subscribers: one Mailing, spread by their lane. Of an exercise everything is rehearsed: written down, never sent.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("What is owed is part of the decision to say it.")
    channels = carrying(update)
    prefetch_related_objects([update], "texts", "services__service", "posts")
    Delivery.objects.bulk_create(_owed(update, channels, at))
    if not update.incident.drill:
        Mailing.objects.bulk_create(
            (
                Mailing(
                    update=update, channel=channel, environment=settings.DESK_ENVIRONMENT_ID, created_at=at
                )
                for channel in channels
                if channel.kind in SUBSCRIBERS
            ),
            ignore_conflicts=True,
        )
    return list(update.deliveries.select_related("channel"))


def check_own_texts(update: Update) -> None:
    """Raises Refused when a channel would not take what a person wrote for it: nothing of hers is cut."""
    prefetch_related_objects([update], "texts", "services__service", "posts")
    written = {(post.channel_id, post.language) for post in update.posts.all()}
    for channel in carrying(update) if written else ():
        for pk, language in sorted(written):
            if pk == channel.pk and (post := post_text(update, channel, language)).too_long:
                raise Refused(
                    _("The text for %(channel)s in %(language)s is too long: %(used)d of %(most)d.")
                    % {
                        "channel": channel,
                        "language": Language(language).label,
                        "used": post.used,
                        "most": post.most,
                    },
                    field="posts",
                )


def carrying(update: Update, *, held_back: Collection[int] | None = None) -> list[Channel]:
    """The enabled channels that *update* goes to: not held back, and within the channel's own limits.

    *held_back*: the pks that a draft holds back, where that is not stored yet.
    """
    incident = update.incident
    first = not incident.updates.published().exclude(pk=update.pk).exists()
    if held_back is None:
        held_back = {channel.pk for channel in update.held_back_from.all()}
    channels = (
        Channel.objects.filter(enabled=True).exclude(pk__in=held_back).exclude(kind__in=[*CALLERS, *STAFF])
    )
    return [
        channel
        for channel in channels.select_related("mail_list").prefetch_related(
            "mail_list__members", "templates"
        )
        if channel.carries(severity=incident.severity, first=first, phase=update.phase)
    ]


def _owed(update: Update, channels: list[Channel], at: datetime) -> Iterator[Delivery]:
    spoken = {text.language: text for text in update.texts.all() if text.is_spoken}
    state = DeliveryState.REHEARSED if update.incident.drill else DeliveryState.QUEUED
    owed = {
        _mark(row.channel, row.language, row.recipient) for row in update.deliveries.select_related("channel")
    }
    posts: dict[tuple[int, str], str] = {}
    for channel in channels:
        for language, recipient in recipients(channel):
            if (mark := _mark(channel, language, recipient)) in owed:
                continue
            owed.add(mark)
            if language not in spoken and not recipient and language:
                continue  # an account of that language keeps silent rather than speak another
            text = spoken.get(language) or update.text_in(language)
            said = text.language if language and text else ""
            if channel.kind not in LETTERS and (channel.pk, said) not in posts:
                posts[channel.pk, said] = post_text(update, channel, said).text
            yield Delivery(
                update=update,
                channel=channel,
                language=said,
                recipient=recipient,
                text=posts.get((channel.pk, said), ""),
                state=state,
                environment=settings.DESK_ENVIRONMENT_ID,
                created_at=at,
                not_before=at,
            )


def _mark(channel: Channel, language: str, recipient: str) -> tuple[str, str]:
    """Equal for what must leave only once: a person on two lists, an account in one language."""
    return ("", recipient.casefold()) if recipient else (channel.key, language)


def recipients(channel: Channel) -> list[tuple[str, str]]:
    """Language and address of each message: of a list each member, of an account each language, of a webhook one."""
    if channel.kind in SUBSCRIBERS:
        return []
    if channel.kind == ChannelKind.WEBHOOK:
        return [("", "")]
    if channel.mail_list is None:
        return [(language, "") for language in channel.languages]
    members = channel.mail_list.members.all()
    if channel.kind == ChannelKind.SMS:
        return [(member.language, member.phone) for member in members if member.phone]
    return [(member.language, member.email) for member in members if member.email and not member.refused_at]


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
    _queue_again(delivery, at=at)
    _tell(delivery, gettext_lazy("%(message)s by %(channel)s: another attempt"), by=by, at=at)
    return delivery


@transaction.atomic
def settle(delivery: Delivery, *, by: User, sent: bool, at: datetime | None = None) -> Delivery:
    """A person says what became of an unknown delivery: it went out, or it did not and is sent again.

    Raises Refused when it is not (or no longer) unknown.
    """
    check_retry_delivery(by)
    at = at or timezone.now()
    delivery = _locked(delivery)
    if delivery.state != DeliveryState.UNKNOWN:
        raise Refused(_("Somebody has settled this delivery already."))
    if sent:
        delivery.state, delivery.sent_at = DeliveryState.SENT, at
        delivery.save(update_fields=["state", "sent_at"])
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

    Raises Refused unless the delivery was left to be posted by hand (or nobody knew of it); field `url`.
    """
    check_retry_delivery(by)
    at = at or timezone.now()
    if url and not url.startswith(("https://", "http://")):
        raise Refused(_("Give the whole address of the post, beginning with https://."), field="url")
    if len(url) > LONGEST_ADDRESS:
        raise Refused(_("At most %(n)d characters.") % {"n": LONGEST_ADDRESS}, field="url")
    delivery = _locked(delivery)
    if delivery.state != DeliveryState.BY_HAND:
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
