"""The ways out, as an administrator sets them: added, changed, put in order, switched, tried, removed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.languages import Language
from accounts.models import User
from accounts.refusals import Refused
from comms import secrets
from comms.channels import credentials
from comms.models import (
    SUBSCRIBERS,
    Audience,
    Channel,
    ChannelChange,
    ChannelKind,
    ChannelTemplate,
    MailList,
    Moments,
    Notice,
    Voice,
)
from comms.operations import listening
from comms.operations.names import free_key
from comms.permissions import check_configure_channel
from comms.posts.composing import check_pattern
from comms.posts.placeholders import PatternError
from incidents.models import Severity

WHOSE = (
    "mentions",
    "setting_server",
    "setting_handle",
)  # other mentions than before, when one of them changes
PATTERN = "text_"  # what the name of a pattern begins with, in changes and forms: text_fr


@dataclass(frozen=True)
class Given:
    """A channel as its form holds it.

    *secrets*: those that were typed, the others stay; *taken_away*: the names of those that go.
    """

    name: str
    audience: Audience
    languages: Sequence[Language] = ()
    voice: Voice = Voice.PLAIN
    severities: Sequence[Severity] = ()
    moments: Moments = Moments.ALL
    reminders: bool = False
    mentions: bool = False
    mail_list: MailList | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    taken_away: Collection[str] = ()


class Conflict(Refused):
    """Somebody changed the channel after this person had opened it. Nothing was written.

    `channel` is what is stored; `changes` are those since, the oldest first.
    """

    def __init__(self, channel: Channel, changes: Sequence[ChannelChange]) -> None:
        last = changes[-1]
        super().__init__(
            _("%(who)s changed this channel at %(when)s, after you had opened it. Nothing was overwritten.")
            % {"who": last.by.display_name, "when": f"{timezone.localtime(last.at):%H:%M}"}
        )
        self.channel = channel
        self.changes = changes

    @property
    def opened(self) -> dict[str, Any]:
        """What the changed fields said when this person opened the channel."""
        before: dict[str, Any] = {}
        for change in self.changes:
            before = {name: was for name, (was, _is) in change.fields.items()} | before
        return before


def said(channel: Channel) -> dict[str, Any]:
    """What the channel says, flat and without secrets, as its changes store it and its form names it."""
    return {
        "enabled": channel.enabled,
        "name": channel.name,
        "audience": channel.audience,
        "languages": list(channel.languages),
        "voice": channel.voice,
        "severities": list(channel.severities),
        "moments": channel.moments,
        "reminders": channel.reminders,
        "mentions": channel.mentions,
        "mail_list": channel.mail_list.key if channel.mail_list else "",
        **{f"setting_{name}": value for name, value in channel.settings.items()},
    }


@transaction.atomic
def add(kind: ChannelKind, given: Given, *, key: UUID, by: User, at: datetime | None = None) -> Channel:
    """A new channel, the last in order, switched off until somebody switches it on.

    The same *key* gives the channel that it made. Raises Refused for a name that another channel has.
    """
    check_configure_channel(by)
    if made := Channel.objects.filter(form_key=key).first():
        return made
    channel = Channel(
        kind=kind,
        key=free_key(slugify(given.name) or kind, Channel),
        form_key=key,
        enabled=False,
        position=(Channel.objects.aggregate(last=Max("position"))["last"] or 0) + 1,
    )
    _put(channel, given)
    channel.save()
    at = at or timezone.now()
    ChannelChange.objects.create(channel=channel, revision=1, at=at, by=by, fields={})
    if channel.mentions:
        listening.begin(channel, at=at)
    return channel


@transaction.atomic
def configure(
    channel: Channel, given: Given, *, revision: int, by: User, at: datetime | None = None
) -> Channel:
    """Store what was given. Raises Conflict when others changed what the form shows since *revision*."""
    check_configure_channel(by)
    channel = _locked(channel)
    _check_unchanged(channel, revision, lambda name: name != "enabled" and not name.startswith(PATTERN))
    before, had = said(channel), _secrets(channel).keys()
    _put(channel, given)
    touched = {
        f"secret_{name}": [name in had, name in given.secrets]
        for name in (*given.secrets, *(name for name in given.taken_away if name in had))
    }
    _record(channel, before, touched, by=by, at=at)
    now = said(channel)
    if channel.mentions and any(before.get(name) != now.get(name) for name in WHOSE):
        listening.begin(channel, at=at or timezone.now())
    return channel


def _check_unchanged(channel: Channel, revision: int, shown: Callable[[str], bool]) -> None:
    """Raises Conflict when somebody changed a field that the form *shows* since *revision*."""
    since = channel.changes.filter(revision__gt=revision).select_related("by").order_by("revision")
    if changes := [change for change in since if any(map(shown, change.fields))]:
        raise Conflict(channel, changes)


@transaction.atomic
def set_patterns(
    channel: Channel,
    patterns: Mapping[Language, str],
    *,
    revision: int,
    by: User,
    at: datetime | None = None,
) -> Channel:
    """The channel's own pattern in each language of *patterns*; an empty one gives way to that of the desk.

    Raises Conflict, or Refused for a pattern that could not be filled in.
    """
    check_configure_channel(by)
    channel = _locked(channel)
    _check_unchanged(channel, revision, lambda name: name.startswith(PATTERN))
    stored = {row.language: row.text for row in channel.templates.all()}
    changed = {code: text for code, text in patterns.items() if text != stored.get(code, "")}
    for code, text in changed.items():
        _put_pattern(channel, code, text)
    touched = {f"{PATTERN}{code}": [stored.get(code, ""), text] for code, text in changed.items()}
    _record(channel, said(channel), touched, by=by, at=at)
    return channel


def _put_pattern(channel: Channel, language: Language, text: str) -> None:
    try:
        check_pattern(text)
    except PatternError as error:
        raise Refused(error, field=f"{PATTERN}{language}") from error
    if text:
        ChannelTemplate.objects.update_or_create(channel=channel, language=language, defaults={"text": text})
    else:
        channel.templates.filter(language=language).delete()


def _put(channel: Channel, given: Given) -> None:
    others = Channel.objects.exclude(pk=channel.pk).filter(name__iexact=given.name)
    if others.exists():
        raise Refused(_("There is a channel of this name already."), field="name")
    for name in ("name", "audience", "voice", "moments", "reminders", "mentions", "mail_list"):
        setattr(channel, name, getattr(given, name))
    channel.languages, channel.severities = list(given.languages), list(given.severities)
    channel.settings = {name: value for name, value in given.settings.items() if value}
    if given.secrets or given.taken_away:
        kept = {name: value for name, value in _secrets(channel).items() if name not in given.taken_away}
        channel.sealed_secrets = credentials.seal({**kept, **given.secrets})


def _secrets(channel: Channel) -> dict[str, str]:
    """None where they were sealed with another SECRET_KEY: then they have to be entered again."""
    try:
        return credentials.unseal(channel)
    except secrets.Unreadable:
        return {}


def _record(
    channel: Channel,
    before: Mapping[str, Any],
    touched: Mapping[str, Any] | None = None,
    *,
    by: User,
    at: datetime | None,
) -> None:
    """Save the channel and note who changed what of it; a saving that changes nothing leaves no trace."""
    after = said(channel)
    fields = {
        name: [before.get(name), after.get(name)]
        for name in (*before, *(name for name in after if name not in before))
        if before.get(name) != after.get(name)
    } | dict(touched or {})
    if not fields:
        return
    channel.revision += 1
    channel.save()
    ChannelChange.objects.create(
        channel=channel, revision=channel.revision, at=at or timezone.now(), by=by, fields=fields
    )


def _locked(channel: Channel) -> Channel:
    return Channel.objects.select_for_update(of=("self",)).select_related("mail_list").get(pk=channel.pk)


@transaction.atomic
def switch(channel: Channel, *, on: bool, by: User, at: datetime | None = None) -> Channel:
    """Switched off, a channel is owed nothing more, and what waits in it waits until it is switched on."""
    check_configure_channel(by)
    channel = _locked(channel)
    before = said(channel)
    channel.enabled = on
    _record(channel, before, by=by, at=at)
    return channel


@transaction.atomic
def move(channel: Channel, *, up: bool, by: User) -> None:
    """One place up or down in the order of all lists; at the end it stays where it is."""
    check_configure_channel(by)
    channels = list(Channel.objects.select_for_update())
    place = channels.index(channel)
    other = place + (-1 if up else 1)
    if 0 <= other < len(channels):
        channels[place], channels[other] = channels[other], channels[place]
    for position, each in enumerate(channels, start=1):
        each.position = position
    Channel.objects.bulk_update(channels, ["position"])


@transaction.atomic
def remove(channel: Channel, *, by: User) -> None:
    """Delete a channel that never carried anything, its tests with it. Raises Refused for any other."""
    check_configure_channel(by)
    channel = _locked(channel)
    if reason := why_kept(channel):
        raise Refused(reason)
    channel.deliveries.all().delete()
    channel.delete()


def why_kept(channel: Channel) -> str:
    """Why the channel cannot be removed, fit for a person; empty when it can."""
    if channel.kind in (ChannelKind.STAFF_EMAIL, ChannelKind.STAFF_BROWSER):
        return _("The plan's reminders go this way: it can only be switched off.")
    if channel.kind in SUBSCRIBERS:
        return _("This channel belongs to the subscribers: it can only be switched off.")
    carried = channel.deliveries.exclude(notice=Notice.TEST)
    if carried.exists() or channel.mailings.exists() or channel.claims.exists():
        return _("Messages went this way, and what became of them is kept: it can only be switched off.")
    return ""
