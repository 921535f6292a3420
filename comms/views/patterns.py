"""The patterns of a channel's texts: its own in each language, and what would come of them."""

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.http import Request
from accounts.refusals import NotAllowed, Refused
from comms import permissions
from comms.channels.described import told
from comms.channels.kinds import TRANSPORTS
from comms.forms.patterns import PLACES, PatternsForm, merged
from comms.models import Channel, ChannelKind
from comms.operations import channels as operations
from comms.posting import LETTERS
from comms.views.channels import revision_of


@require_http_methods(["GET", "POST"])
def patterns(request: Request, channel: int) -> HttpResponse:
    """Shown, tried on the newest message, or stored."""
    permissions.check_configure_channel(request.user)
    posting = Channel.objects.filter(kind__in=TRANSPORTS).exclude(kind__in=LETTERS)
    row = get_object_or_404(posting.prefetch_related("templates"), pk=channel)
    form = PatternsForm(request.POST if request.method == "POST" else None, channel=row)
    if request.method == "GET":
        return _page(request, form)
    valid = form.is_valid()
    if request.POST.get("action") != "save":
        return _page(request, form)
    if not valid:
        return _page(request, form, status=422)
    try:
        operations.set_patterns(row, form.patterns, revision=revision_of(request), by=request.user)
    except NotAllowed:
        raise
    except operations.Conflict as conflict:
        return _page(request, merged(form, conflict), status=422, conflict=conflict)
    except Refused as refusal:
        form.add_error(refusal.field, refusal.message)
        return _page(request, form, status=422)
    notices.success(request, _("Saved."))
    return redirect("comms:channel", row.pk)


def _page(
    request: Request,
    form: PatternsForm,
    *,
    status: int = 200,
    conflict: operations.Conflict | None = None,
) -> HttpResponse:
    row = form.channel
    fresh = conflict or not form.is_bound
    context = {
        "channel": row,
        "form": form,
        "shown": form.shown,
        "places": PLACES,
        "revision": row.revision if fresh else revision_of(request),
        "conflict": conflict,
        "changes": told(list(conflict.changes), ChannelKind(row.kind)) if conflict else [],
    }
    page = "comms/channels/texts.html"
    return render(request, f"{page}#previews" if request.htmx else page, context, status=status)
