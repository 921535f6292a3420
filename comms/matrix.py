"""Where an update went, at a glance: a row for each channel, the status page first, a column for each language."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import shorten
from zlib import crc32

from django.db.models import Count, Max, Min, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.languages import Language
from accounts.templatetags.desk import clock
from comms.models import Action, Channel, ChannelKind, Delivery, DeliveryState, Update
from comms.status import site, targets
from comms.status.targets.base import LONGEST
from incidents.models import Incident

PATIENCE = timedelta(seconds=30)  # after which a status page that is behind does not follow by itself


@dataclass(frozen=True)
class Cell:
    """mark: the name of its colours; a person has to see to it where *wanted*. Empty: no such channel.

    *post*: the address of the post, where there is one.
    """

    mark: str = ""
    icon: str = ""
    label: str = ""
    wanted: bool = False
    post: str = ""


@dataclass(frozen=True)
class Row:
    """*whole* stands for all languages at once, else there is one cell for each."""

    name: str
    count: int
    cells: tuple[Cell, ...]
    whole: Cell | None = None


@dataclass(frozen=True)
class Matrix:
    update: Update
    rows: tuple[Row, ...]
    states: Counter[str]

    languages = tuple(Language)

    @property
    def total(self) -> int:
        return self.states.total()

    @property
    def sent(self) -> int:
        return self.states[DeliveryState.SENT]

    @property
    def failed(self) -> int:
        return self.states[DeliveryState.FAILED]

    @property
    def unknown(self) -> int:
        return self.states[DeliveryState.UNKNOWN]


@dataclass(frozen=True)
class _Part:
    """The deliveries of one cell, counted; *next_try*: the first of those that were refused for now.

    *post* is empty once it was removed.
    """

    states: Counter[str]
    next_try: datetime | None
    post: str


def matrix(update: Update) -> Matrix:
    """Three queries and a look at the status site, however many deliveries there are."""
    parts = _parts(update)
    channels = Channel.objects.filter(pk__in={channel for channel, _language in parts})
    states: Counter[str] = Counter()
    for part in parts.values():
        states += part.states
    further = () if update.incident.drill else _targets()
    rows = (_status_page(update), *further, *(_row(channel, parts) for channel in channels))
    return Matrix(update, rows, states)


def _parts(update: Update) -> dict[tuple[int, str], _Part]:
    counted: defaultdict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    tries: dict[tuple[int, str], datetime] = {}
    posts: dict[tuple[int, str], str] = {}
    rows = update.deliveries.order_by().values_list("channel", "language", "state")
    asked = {
        "number": Count("pk"),
        "next_try": Min("not_before", filter=Q(state=DeliveryState.QUEUED) & ~Q(error="")),
        "post": Max("external_url", filter=Q(state=DeliveryState.SENT, action=Action.POST)),
        "removed": Count("pk", filter=Q(state=DeliveryState.SENT, action=Action.DELETE)),
    }
    for channel, language, state, number, next_try, post, removed in rows.annotate(**asked):
        counted[channel, language][state] += number
        if next_try:
            tries[channel, language] = next_try
        if post and not removed:
            posts[channel, language] = post
    return {key: _Part(states, tries.get(key), posts.get(key, "")) for key, states in counted.items()}


def _status_page(update: Update) -> Row:
    rehearsed = Cell("unknown", "d-minus", _("exercise"))
    cell = rehearsed if update.incident.drill else _site_now(since=update.published_at)
    if cell.mark == "major":
        return Row(_("Status page"), 0, (), whole=cell)
    spoken = {text.language for text in update.texts.all() if text.headline or text.body}
    cells = tuple(cell if language in spoken else Cell() for language in Language)
    return Row(_("Status page"), 0, cells)


def places() -> tuple[Row, ...]:
    """The status page and its further places, whatever the message."""
    return (Row(_("Status page"), 0, (), whole=_site_now(since=None)), *_targets())


def _site_now(*, since: datetime | None) -> Cell:
    """*since*: when what it should show was published, where that is known."""
    state = site.state()
    if state.stale:
        since = state.published_at
    elif not state.behind:
        return Cell("ok", "d-check", _("visible"))
    if state.behind and state.error:
        return Cell("major", "d-x", _("not renewed: %(reason)s") % {"reason": shorten(state.error, LONGEST)})
    if since and timezone.now() - since > PATIENCE:
        return Cell("major", "d-x", _("not renewed since %(time)s") % {"time": clock(since)})
    return Cell("degraded", "d-hour", _("being renewed"))


def _targets() -> Iterator[Row]:
    """Each as a whole: they have every language or none."""
    for each in targets.followed():
        if each.failing:
            since = clock(datetime.fromisoformat(each.state.failing_since))
            told = {"time": since, "reason": each.state.error}
            cell = Cell("major", "d-x", _("failing since %(time)s: %(reason)s") % told)
        elif each.behind:
            cell = Cell("degraded", "d-hour", _("being renewed"))
        else:
            cell = Cell("ok", "d-check", _("visible"))
        yield Row(_("Status page, %(place)s") % {"place": each.target.place}, 0, (), whole=cell)


def _row(channel: Channel, parts: dict[tuple[int, str], _Part]) -> Row:
    own = {language: part for (pk, language), part in parts.items() if pk == channel.pk}
    count = sum(part.states.total() for part in own.values())
    if channel.kind == ChannelKind.WEBHOOK:
        return Row(channel.name, 0, (), whole=_cell(channel, own[""]))
    cells = tuple(_cell(channel, own[language]) if language in own else Cell() for language in Language)
    return Row(channel.name, count, cells)


def _cell(channel: Channel, part: _Part) -> Cell:
    """What a person must see to comes first, then what does not go by itself, then how far it is."""
    states, total = part.states, part.states.total()
    if cell := _wanted(states, total) or _ended(channel, part, total):
        return cell
    if not channel.enabled:
        return Cell("unknown", "d-off", _("switched off"))
    if part.next_try:
        when = timezone.localtime(part.next_try)
        return Cell("degraded", "d-retry", _("next try %(time)s") % {"time": f"{when:%H:%M}"})
    if total > 1:
        return Cell("maint", "d-send", f"{states[DeliveryState.SENT]} / {total}")
    return Cell("maint", "d-send", _("sending") if states[DeliveryState.SENDING] else _("waiting"))


def _wanted(states: Counter[str], total: int) -> Cell | None:
    """What waits for a person."""
    if failed := states[DeliveryState.FAILED]:
        label = ngettext("%(n)d failed", "%(n)d failed", failed) % {"n": failed} if total > 1 else _("failed")
        return Cell("major", "d-x", label, wanted=True)
    if states[DeliveryState.UNKNOWN]:
        return Cell("unknown", "d-help", _("to be decided"), wanted=True)
    if states[DeliveryState.STALE]:
        return Cell("degraded", "d-clock", _("to be confirmed"), wanted=True)
    if states[DeliveryState.BY_HAND]:
        return Cell("degraded", "d-help", _("by hand"), wanted=True)
    return None


def _ended(channel: Channel, part: _Part, total: int) -> Cell | None:
    """What is over for all of them."""
    states = part.states
    if states[DeliveryState.REHEARSED] == total:
        return Cell("unknown", "d-minus", _("exercise"))
    if states[DeliveryState.DROPPED] == total:
        return Cell("unknown", "d-minus", _("not sent"))
    sent = states[DeliveryState.SENT]
    if sent + states[DeliveryState.DROPPED] < total:
        return None
    label = str(sent) if channel.kind == ChannelKind.EMAIL else _("sent")
    return Cell("ok", "d-check", label, post=part.post)


def version(incident: Incident) -> str:
    """Changes when the matrix of the newest message does. Two small queries and one look at a file."""
    newest = incident.updates.published().values_list("pk", "published_at").first() or (None, None)
    known = Delivery.objects.filter(update=newest[0]).aggregate(
        **{str(state): Count("pk", filter=Q(state=state)) for state in DeliveryState},
        attempts=Sum("attempts_made"),
        retry=Max("not_before"),
    )
    seen = (_site_now(since=newest[1]), *_targets())  # by a number: reasons hold any character
    parts = (newest[0], *known.values(), crc32(repr(seen).encode()))
    return "-".join(_plain(part) for part in parts)


def _plain(part: object) -> str:
    return f"{part.timestamp():.0f}" if isinstance(part, datetime) else str(part or 0)


def newest(incident: Incident) -> Matrix | None:
    """The matrix of the newest message, None before the first."""
    update = incident.updates.published().prefetch_related("texts").first()
    return matrix(update) if update else None
