"""The ways out, for an administrator: what there is and how it fares, and each of them to be changed."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from django.contrib import messages as notices
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import Request
from accounts.refusals import NotAllowed, Refused
from comms import permissions
from comms.channels.described import abilities, history, limits, told
from comms.channels.kinds import TRANSPORTS
from comms.forms.channels import ChannelForm, TestForm, merged, offered
from comms.lanes import Lane, lanes
from comms.matrix import places
from comms.models import UNTESTABLE, Channel, ChannelKind, Listening, Notice
from comms.operations import channels as operations

TESTS_SHOWN = 5


@dataclass(frozen=True)
class Row:
    """A channel in the list; *known*: this installation can carry its kind."""

    lane: Lane
    known: bool
    abilities: list[str]
    limits: list[str]


@require_GET
def channels(request: Request) -> HttpResponse:
    """All of them in their order, after the places of the status page."""
    permissions.check_configure_channel(request.user)
    context = {"places": places(), "rows": [_row(lane) for lane in lanes()]}
    return render(request, "comms/channels/list.html", context)


def _row(lane: Lane) -> Row:
    known = lane.channel.kind in TRANSPORTS
    return Row(lane, known, abilities(ChannelKind(lane.channel.kind)) if known else [], limits(lane.channel))


@require_POST
def move(request: Request) -> HttpResponse:
    """The button that was pressed names the channel: `up` or `down`."""
    up = "up" in request.POST
    channel = _posted(request.POST.get("up" if up else "down", ""))
    operations.move(channel, up=up, by=request.user)
    return redirect("comms:channels")


def _posted(pk: str) -> Channel:
    if not pk.isascii() or not pk.isdecimal() or len(pk) > 18:
        raise Http404
    return get_object_or_404(Channel, pk=int(pk))


@require_POST
def switch(request: Request, channel: int) -> HttpResponse:
    row = get_object_or_404(Channel, pk=channel)
    operations.switch(row, on=request.POST.get("on") == "yes", by=request.user)
    if request.POST.get("back") == "channel":
        return redirect("comms:channel", row.pk)
    return redirect("comms:channels")


@require_GET
def kinds(request: Request) -> HttpResponse:
    """What a new channel can be."""
    permissions.check_configure_channel(request.user)
    found = [(kind, abilities(kind)) for kind in offered()]
    return render(request, "comms/channels/kinds.html", {"kinds": found})


@require_http_methods(["GET", "POST"])
def add(request: Request, kind: str) -> HttpResponse:
    permissions.check_configure_channel(request.user)
    if kind not in offered():
        raise Http404
    channel = Channel(kind=kind)
    if request.method == "GET":
        return show(request, channel, ChannelForm(channel=channel))
    form = ChannelForm(request.POST, channel=channel)
    if not form.is_valid():
        return show(request, channel, form.again())
    try:
        added = operations.add(ChannelKind(kind), form.given, key=key_of(request), by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        return show(request, channel, _refused(form, refusal))
    notices.success(request, _("Added, and switched off still: send a test, then switch it on."))
    return redirect("comms:channel", added.pk)


@require_http_methods(["GET", "POST"])
def channel(request: Request, channel: int) -> HttpResponse:
    """One channel: its form, its tests, what was changed of it."""
    permissions.check_configure_channel(request.user)
    row = get_object_or_404(Channel.objects.select_related("mail_list"), pk=channel, kind__in=TRANSPORTS)
    if request.method == "GET":
        return show(request, row, ChannelForm(channel=row))
    form = ChannelForm(request.POST, channel=row)
    if not form.is_valid():
        return show(request, row, form.again())
    try:
        operations.configure(row, form.given, revision=revision_of(request), by=request.user)
    except NotAllowed:
        raise
    except operations.Conflict as conflict:
        return show(request, conflict.channel, merged(form, conflict), conflict=conflict)
    except Refused as refusal:
        return show(request, row, _refused(form, refusal))
    notices.success(request, _("Saved."))
    return redirect("comms:channel", row.pk)


def _refused(form: ChannelForm, refusal: Refused) -> ChannelForm:
    again = form.again()
    again.add_error(refusal.field if refusal.field in again.fields else None, refusal.message)
    return again


def key_of(request: Request) -> UUID:
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return uuid4()


def revision_of(request: Request) -> int:
    """0 for nonsense: then whatever was changed since the channel was made is shown."""
    posted = request.POST.get("revision", "")
    return int(posted) if posted.isascii() and posted.isdecimal() and len(posted) < 10 else 0


def show(
    request: Request,
    row: Channel,
    form: ChannelForm,
    *,
    conflict: operations.Conflict | None = None,
    test: TestForm | None = None,
) -> HttpResponse:
    kind = ChannelKind(row.kind)
    context = {
        "channel": row,
        "form": form,
        "abilities": abilities(kind),
        "revision": row.revision if conflict or not form.is_bound else revision_of(request),
        "conflict": conflict,
        "changes": told(list(conflict.changes), kind) if conflict else [],
        "key": request.POST.get("key"),
    }
    if row.pk:
        context |= {
            "test": test or TestForm(channel=row, by=request.user),
            "testable": kind not in UNTESTABLE,
            "tests": row.deliveries.filter(notice=Notice.TEST).order_by("-pk")[:TESTS_SHOWN],
            "history": history(row),
            "why_kept": operations.why_kept(row),
            "listening": Listening.objects.filter(channel=row).first() if row.mentions else None,
        }
    refused = bool(form.is_bound or (test and test.errors))
    return render(request, "comms/channels/channel.html", context, status=422 if refused else 200)


@require_POST
def remove(request: Request, channel: int) -> HttpResponse:
    row = get_object_or_404(Channel.objects.select_related("mail_list"), pk=channel, kind__in=TRANSPORTS)
    try:
        operations.remove(row, by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        notices.error(request, refusal.message)
        return redirect("comms:channel", row.pk)
    notices.success(request, _("Removed: %(channel)s") % {"channel": row})
    return redirect("comms:channels")
