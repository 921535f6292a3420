"""The text of an update in a channel: a person's own, else the channel's pattern, else the one that the desk has."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import structlog
from django.conf import settings
from django.utils import timezone

from accounts.languages import Language
from comms.channels.kinds import capabilities
from comms.models import SUBSCRIBERS, Action, Channel, ChannelKind, Correction, Update, UpdateText
from comms.posts import patterns
from comms.posts.composing import Composed, Facts, compose, marked, measured
from comms.posts.placeholders import PatternError
from comms.status.languages import WORDS
from incidents.models import Incident, Phase, Service, ServiceStatus

log = structlog.get_logger(__name__)

LETTERS = (
    ChannelKind.EMAIL,
    ChannelKind.CALLER_EMAIL,
    ChannelKind.STAFF_EMAIL,
    ChannelKind.STAFF_BROWSER,
    ChannelKind.WEBHOOK,
    *SUBSCRIBERS,
)
"""Their transports write what they send; every other channel carries a post."""


def post_text(
    update: Update,
    channel: Channel,
    language: str,
    *,
    action: Action = Action.POST,
    correction: Correction | None = None,
) -> Composed:
    """The text of *channel* in *language*, for the update as it is now; empty for a removal.

    What a person wrote for the channel is not cut: `too_long` says that the channel would refuse it. It no longer
    holds for a correction in place when it is what was posted before. Reads prefetched texts, services and posts.
    """
    if action == Action.DELETE:
        return measured("", capabilities(channel).limit)
    own = own_text(update, channel, language, action)
    facts = facts_of(update, language, correction=correction)
    return composed(facts, channel, own=own, action=action)


def answer_text(update: Update, channel: Channel, language: str, *, before: str) -> tuple[str, str]:
    """*before*, then what *update* tells in the room that leaves, as an answer to a post; and its language."""
    facts = facts_of(update, language)
    return facts.language, before + composed(facts, channel, before=before).text


def composed(
    facts: Facts, channel: Channel, *, own: str = "", action: Action = Action.POST, before: str = ""
) -> Composed:
    """As `post_text`, of *facts* that need not be stored yet. *before*: what else stands in the post."""
    limit = capabilities(channel).limit
    if limit and before:
        limit = replace(limit, most=limit.most - limit.count(before))
    if own:
        return replace(measured(marked(own, facts.language) if facts.drill else own, limit), by_hand=True)
    builtin = _builtin(facts, channel, action)
    given = _channels_pattern(channel, facts.language) if action in (Action.POST, Action.EDIT) else ""
    try:
        return compose(facts, given or builtin, limit)
    except PatternError:
        log.warning("pattern of a channel does not hold", channel=channel.key, language=facts.language)
        return compose(facts, builtin, limit)


def own_text(update: Update, channel: Channel, language: str, action: Action = Action.POST) -> str:
    """What a person wrote for *channel* in *language*, as far as that holds; "" where there is none."""
    if action not in (Action.POST, Action.EDIT):
        return ""
    own = next(
        (
            post.text
            for post in update.posts.all()
            if (post.channel_id, post.language) == (channel.pk, language)
        ),
        "",
    )
    if own and action == Action.EDIT:
        posted = update.deliveries.filter(channel=channel, language=language, action=Action.POST)
        own = "" if own in posted.values_list("text", flat=True) else own
    return own


def _channels_pattern(channel: Channel, language: str) -> str:
    return next((row.text for row in channel.templates.all() if row.language == language), "")


def _builtin(facts: Facts, channel: Channel, action: Action) -> str:
    if action == Action.CORRECTION:
        return patterns.correction(channel.kind, facts.language)
    if action == Action.WITHDRAWAL:
        return patterns.withdrawal(channel.kind, facts.language)
    return patterns.pattern(channel.kind, channel.voice, facts.language, facts.phase)


def facts_of(update: Update, language: str, *, correction: Correction | None = None) -> Facts:
    """What *update* tells in *language*, or in another where nobody wrote it."""
    text = update.text_in(language)
    told = {row.service: ServiceStatus(row.status) for row in update.services.all()}
    return facts_from(
        update.incident,
        text or UpdateText(language=language),
        told,
        asked=language,
        phase=Phase(update.phase),
        next_update_at=update.next_update_at,
        at=_told_at(update, correction),
        sent=update.published_at,
    )


def _told_at(update: Update, correction: Correction | None) -> datetime:
    moments = correction and correction.corrected_at, update.withdrawn_at, update.published_at
    return next((moment for moment in moments if moment), timezone.now())


def facts_from(
    incident: Incident,
    text: UpdateText,
    statuses: Mapping[Service, ServiceStatus],
    *,
    asked: str,
    phase: Phase,
    next_update_at: datetime | None,
    at: datetime,
    sent: datetime | None = None,
) -> Facts:
    """Made of rows that need not be stored."""
    language = text.language
    disturbed = [service for service, status in statuses.items() if status.rank]
    return Facts(
        language=language,
        url=f"{settings.DESK_STATUS_URL}/{language}/incidents/{incident.public_id}/",
        at=at,
        headline=text.headline,
        title=text.title or incident.title_in(language),
        body=text.body,
        do=tuple(text.do_lines),
        dont=tuple(text.dont_lines),
        patient=text.patient,
        services=tuple(service.name_in(language) for service in disturbed or statuses),
        phase=phase,
        phase_word=WORDS[Language(language)].phases[phase],
        next_update_at=None if phase == Phase.RESOLVED else next_update_at,
        sent=sent,
        drill=incident.drill,
        translated=text.is_spoken and text.language == asked[:2],
    )
