"""Where a draft would go, and in which words, as the composer shows it before anything is published."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.forms import BoundField

from comms.forms.updates import UpdateForm
from comms.models import LISTS, SUBSCRIBERS, Action, Channel, Mailing, Update
from comms.operations.deliveries import recipients
from comms.operations.drafts import DraftData, stored_draft
from comms.operations.mailing import readers
from comms.posts.composing import Composed
from comms.preview import posts_with


@dataclass(frozen=True)
class Way:
    """A channel that is on. *count*: people, numbers or subscribers it reaches; None for one account or address.

    Someone on several lists is written to once, and counted, by the first of them. *limited*: the channel's own
    limits (severities, first and last message) keep this message out.
    """

    channel: Channel
    count: int | None
    chosen: bool
    limited: bool


@dataclass(frozen=True)
class Card:
    """A channel's text as it will stand, and the field where a person may write another."""

    channel: Channel
    language: str
    composed: Composed
    field: BoundField | None

    @property
    def key(self) -> str:
        return f"{self.channel.pk}-{self.language}"

    @property
    def share(self) -> int:
        """How much of the room is taken, in hundredths."""
        most = self.composed.most
        return min(100, round(100 * self.composed.used / most)) if most else 0


def ways(update: Update, form: UpdateForm, at: datetime) -> list[Way]:
    draft = _draft(update, form)
    first = not update.incident.updates.published().exists()
    written_to: set[str] = set()
    found = []
    for channel in _with_members(form.channel_rows):
        limited = not channel.carries(severity=update.incident.severity, first=first, phase=draft.phase)
        chosen = channel.pk not in draft.held_back
        found.append(Way(channel, _count(update, channel, written_to, at), chosen, limited))
    return found


def _with_members(channels: list[Channel]) -> Iterable[Channel]:
    rows = Channel.objects.filter(pk__in=[channel.pk for channel in channels])
    return rows.select_related("mail_list").prefetch_related("mail_list__members")


def _count(update: Update, channel: Channel, written_to: set[str], at: datetime) -> int | None:
    if channel.kind in SUBSCRIBERS:
        return readers(Mailing(update=update, action=Action.POST, channel=channel, created_at=at)).count()
    if channel.kind not in LISTS:
        return None
    new = {recipient.casefold() for _language, recipient in recipients(channel)} - written_to
    written_to |= new
    return len(new)


def cards(update: Update, form: UpdateForm, at: datetime) -> list[Card]:
    """Each post in each language it is spoken in."""
    draft = _draft(update, form)
    return [
        Card(
            post.channel,
            post.language,
            post.composed,
            form[name] if (name := f"post_{post.channel.pk}_{post.language}") in form.fields else None,
        )
        for post in posts_with(draft, update, at=at, own=draft.posts)
    ]


def _draft(update: Update, form: UpdateForm) -> DraftData:
    return form.draft if form.is_bound else stored_draft(update)
