"""Publishing owes deliveries: to whom a message goes, in which words, decided with the decision to say it."""

from collections.abc import Collection, Iterator
from datetime import datetime
from functools import cache, partial

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.composed import ComposedInsert, prefetch
from accounts.languages import Language
from accounts.refusals import Refused
from comms import rows
from comms.models import (
    SUBSCRIBERS,
    Channel,
    ChannelKind,
    Delivery,
    DeliveryState,
    Mailing,
    Update,
)
from comms.posting import LETTERS, composed, facts_of, own_text, post_text


def owe(update: Update, *, at: datetime) -> QuerySet[Delivery]:
    """Owe *update*, just published, to every channel that carries it, in the caller's transaction; once and no more.

    E-mail and SMS: one delivery for each member of the list, in her language where the update has it. Someone on
    several lists is written to once, by the first of them. Webhook: one delivery with all languages. Other channels:
    one in each of their languages that the update speaks. The text of what is not a letter is frozen here.
    Subscribers: one Mailing, spread by their lane. Of an exercise everything is rehearsed: written down, never sent.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("What is owed is part of the decision to say it.")
    channels = carrying(update)
    prefetch([update], *rows.WRITTEN)
    prefetch([channel.mail_list for channel in channels if channel.mail_list], rows.MEMBERS)
    _INSERT(*_owed(update, channels, at))
    if not update.incident.drill:
        Mailing.objects.bulk_create(
            Mailing(update=update, channel=channel, environment=settings.DESK_ENVIRONMENT_ID, created_at=at)
            for channel in channels
            if channel.kind in SUBSCRIBERS
        )
    return update.deliveries.select_related("channel")


_INSERT = ComposedInsert(Delivery)


def check_own_texts(update: Update) -> None:
    """Raises Refused when a channel would not take what a person wrote for it: nothing of hers is cut."""
    prefetch([update], *rows.WRITTEN)
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
    first = update.number == 1 if update.number else not incident.updates.published().exists()
    if held_back is None:
        prefetch([update], rows.HELD_BACK_FROM)
        held_back = {channel.pk for channel in update.held_back_from.all()}
    found = [
        channel
        for channel in rows.channels()
        if channel.pk not in held_back
        and channel.carries(severity=incident.severity, first=first, phase=update.phase)
    ]
    prefetch(found, rows.TEMPLATES)
    return found


def _owed(update: Update, channels: list[Channel], at: datetime) -> Iterator[Delivery]:
    spoken = {text.language: text for text in update.texts.all() if text.is_spoken}
    state = DeliveryState.REHEARSED if update.incident.drill else DeliveryState.QUEUED
    owed: set[tuple[str, str]] = set()
    posts: dict[tuple[int, str], str] = {}
    facts = cache(partial(facts_of, update))
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
                own = own_text(update, channel, said)
                posts[channel.pk, said] = composed(facts(said), channel, own=own).text
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
