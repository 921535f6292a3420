"""A channel is tried: its test is owed like any message, and a page waits for the answer."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.http import Request
from accounts.languages import Language
from comms import permissions
from comms.channels.kinds import TRANSPORTS
from comms.forms.channels import ChannelForm, TestForm
from comms.models import UNTESTABLE, Channel, Delivery, DeliveryState, Notice
from comms.operations import trials
from comms.views.channels import key_of, show

UNDER_WAY = {DeliveryState.QUEUED, DeliveryState.SENDING}


@require_POST
def start(request: Request, channel: int) -> HttpResponse:
    """Owe a test; nothing is sent within the request."""
    permissions.check_configure_channel(request.user)
    testable = Channel.objects.filter(kind__in=TRANSPORTS).exclude(kind__in=UNTESTABLE)
    row = get_object_or_404(testable.select_related("mail_list"), pk=channel)
    form = TestForm(request.POST, channel=row, by=request.user)
    if not form.is_valid():
        return show(request, row, ChannelForm(channel=row), test=form)
    test = trials.send_test(
        row,
        key=key_of(request),
        to=form.cleaned_data.get("to", ""),
        language=Language(row.languages[0]) if row.languages else Language(request.user.language),
        by=request.user,
    )
    return redirect("comms:channel_tested", test.key)


@require_GET
def tested(request: Request, key: UUID) -> HttpResponse:
    """What became of a test; asks again by itself until that is known."""
    permissions.check_configure_channel(request.user)
    tests = Delivery.objects.filter(notice=Notice.TEST).select_related("channel").prefetch_related("attempts")
    test = get_object_or_404(tests, key=key)
    context = {"test": test, "channel": test.channel, "under_way": test.state in UNDER_WAY}
    page = "comms/channels/tested.html"
    return render(request, f"{page}#answer" if request.htmx else page, context)
