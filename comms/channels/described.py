"""A channel in the reader's words: what it can do, what it is limited to, and what was changed of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.languages import Language
from comms.channels.base import Capabilities
from comms.channels.kinds import TRANSPORTS
from comms.models import Audience, Channel, ChannelChange, ChannelKind, MailList, Moments, Voice
from comms.posts.counting import Limit, utf8

NOTHING = "–"
LABELS = {
    "enabled": gettext_lazy("Switched on"),
    "name": gettext_lazy("Name"),
    "audience": gettext_lazy("For whom"),
    "languages": gettext_lazy("Languages, a message in each"),
    "voice": gettext_lazy("Who speaks"),
    "severities": gettext_lazy("Only incidents of"),
    "moments": gettext_lazy("Which messages"),
    "mail_list": gettext_lazy("List of readers"),
    "reminders": gettext_lazy("Reminders of the crisis plan too, for the whole team"),
    "mentions": gettext_lazy("Read mentions"),
}
_CHOICES: dict[str, Any] = {"audience": Audience, "voice": Voice, "moments": Moments}


@dataclass(frozen=True)
class Difference:
    """One field of a change: its stored name, its label, and both values worded for the reader."""

    field: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Told:
    """One change by someone; of the first, by which the channel was added, there are no differences."""

    at: datetime
    by: str
    revision: int
    differences: list[Difference]


def abilities(kind: ChannelKind) -> list[str]:
    """What channels of *kind* can do, a few words each."""
    can: Capabilities = TRANSPORTS[kind].capabilities
    words = [_measured(can.limit)] if can.limit else []
    for able, word in (
        (can.idempotent, _("recognises a repeat")),
        (can.reads_back, _("looks whether it arrived")),
        (can.edits, _("corrects")),
        (can.deletes, _("removes")),
        (can.threads, _("one thread for each incident")),
        (can.media, _("shows a card of the page")),
        (can.by_hand, _("can be posted by hand")),
    ):
        if able:
            words.append(word)
    return words


def _measured(limit: Limit) -> str:
    """How much it takes, in what it counts."""
    if limit.is_sms:
        return _("160 characters, 70 beyond the GSM alphabet")
    most = {"n": number_format(limit.most, force_grouping=True)}
    return _("%(n)s bytes") % most if limit.measured_by is utf8 else _("%(n)s characters") % most


def limits(channel: Channel) -> list[str]:
    """Empty for one that carries every message of every incident."""
    said = [", ".join(channel.severities)] if channel.severities else []
    return said if channel.moments == Moments.ALL else [*said, str(Moments(channel.moments).label)]


def history(channel: Channel) -> list[Told]:
    """The newest first."""
    return told(list(channel.changes.select_related("by")), ChannelKind(channel.kind))


def told(changes: list[ChannelChange], kind: ChannelKind) -> list[Told]:
    lists = {str(one.key): one for one in MailList.objects.all()}
    labels = {
        f"{'secret' if setting.secret else 'setting'}_{setting.name}": str(setting.label)
        for setting in TRANSPORTS[kind].settings
    } | {name: str(label) for name, label in LABELS.items()}
    return [
        Told(
            change.at,
            change.by.display_name,
            change.revision,
            list(_differences(change.fields, labels, lists)),
        )
        for change in changes
    ]


def _differences(
    fields: dict[str, Any], labels: dict[str, str], lists: dict[str, MailList]
) -> Iterator[Difference]:
    for name, (before, after) in fields.items():
        if name.startswith("secret_"):
            words = (_("kept") if before else NOTHING, _("new") if after else _("taken away"))
        else:
            words = (_worded(name, before, lists), _worded(name, after, lists))
        yield Difference(name, _label(name, labels), *words)


def _label(name: str, labels: dict[str, str]) -> str:
    if name.startswith("text_"):
        return _("Pattern, %(language)s") % {"language": Language(name.removeprefix("text_")).label}
    return labels.get(name, name)


def _worded(name: str, value: Any, lists: dict[str, MailList]) -> str:
    if name in ("enabled", "reminders", "mentions"):
        return _("yes") if value else _("no")
    if name == "mail_list" and value:
        return str(lists.get(value, value))
    if name in _CHOICES and value:
        return str(_CHOICES[name](value).label)
    if isinstance(value, list):
        value = ", ".join(code.upper() for code in value)
    return str(value) if value else NOTHING
