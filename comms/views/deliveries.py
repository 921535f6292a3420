"""Where a message went, each delivery of it, and a person's decision on those that got stuck."""

from django.contrib import messages as notices
from django.core.paginator import Paginator
from django.db.models import Case, Count, Q, Value, When
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.http import Request
from accounts.refusals import NotAllowed, Refused
from comms import permissions
from comms.channels.kinds import capabilities
from comms.matrix import matrix
from comms.models import Channel, Delivery, DeliveryState, Update
from comms.operations import deciding as operations

PER_PAGE = 100
# What a person has to see to stands first.
_PLACES = [
    DeliveryState.FAILED,
    DeliveryState.UNKNOWN,
    DeliveryState.BY_HAND,
    DeliveryState.STALE,
    DeliveryState.SENDING,
    DeliveryState.QUEUED,
    DeliveryState.SENT,
    DeliveryState.REHEARSED,
    DeliveryState.DROPPED,
]
PLACE = Case(*(When(state=state, then=Value(place)) for place, state in enumerate(_PLACES)))


@require_GET
def deliveries(request: Request, public_id: str, number: int) -> HttpResponse:
    """The matrix of one message and every delivery of it."""
    published = Update.objects.published().select_related("incident").prefetch_related("texts", "corrections")
    update = get_object_or_404(published, incident__public_id=public_id, number=number)
    rows = update.deliveries.select_related("channel").prefetch_related("attempts")
    page = Paginator(rows.order_by(PLACE, "channel__position", "channel", "pk"), PER_PAGE)
    context = {
        "update": update,
        "incident": update.incident,
        "matrix": matrix(update),
        "page": page.get_page(request.GET.get("page")),
        "can_retry": permissions.can_retry_delivery(request.user),
        "stale": Channel.objects.filter(deliveries__in=update.deliveries.filter(state=DeliveryState.STALE))
        .annotate(number=Count("deliveries", filter=Q(deliveries__update=update)))
        .order_by("position"),
    }
    return render(request, "comms/deliveries.html", context)


@require_GET
def delivery(request: Request, pk: int) -> HttpResponse:
    """One delivery, its attempts, and what deciding on it would do."""
    return _page(request, _found(pk))


@require_POST
def retry(request: Request, pk: int) -> HttpResponse:
    found = _found(pk)
    try:
        operations.retry(found, by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        return _page(request, _found(pk), refusal)
    notices.success(request, _("It is sent again."))
    return redirect("comms:deliveries", found.message.incident.public_id, found.message.number)


@require_POST
def settle(request: Request, pk: int) -> HttpResponse:
    """The button that was pressed says what a person found out: `sent` is yes or no."""
    found = _found(pk)
    sent = request.POST.get("sent")
    try:
        if sent not in {"yes", "no"}:
            raise Refused(_("Say whether it went out."))
        url = request.POST.get("url", "").strip() if sent == "yes" else ""
        operations.settle(found, by=request.user, sent=sent == "yes", url=url)
    except NotAllowed:
        raise
    except Refused as refusal:
        return _page(request, _found(pk), refusal)
    notices.success(request, _("Settled: it went out.") if sent == "yes" else _("It is sent again."))
    return redirect("comms:deliveries", found.message.incident.public_id, found.message.number)


@require_POST
def by_hand(request: Request, pk: int) -> HttpResponse:
    """The text was posted by hand at the address given, or is not sent any more."""
    found = _found(pk)
    try:
        if request.POST.get("action") == "let_go":
            operations.let_go(found, by=request.user)
        else:
            operations.posted_by_hand(found, url=request.POST.get("url", "").strip(), by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        return _page(request, _found(pk), refusal)
    notices.success(request, _("Noted."))
    return redirect("comms:deliveries", found.message.incident.public_id, found.message.number)


@require_POST
def stale(request: Request, public_id: str, number: int) -> HttpResponse:
    """What waited too long for a channel leaves nevertheless, or is let go."""
    update = get_object_or_404(Update.objects.published(), incident__public_id=public_id, number=number)
    channel = get_object_or_404(Channel, key=request.POST.get("channel", ""))
    try:
        operations.decide_stale(update, channel, send=request.POST.get("action") == "send", by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        notices.error(request, refusal.message)
    else:
        notices.success(request, _("Noted."))
    return redirect("comms:deliveries", public_id, number)


def _found(pk: int) -> Delivery:
    """The delivery of an update; what is written to a subscriber is nobody's to read or to send again."""
    rows = Delivery.objects.exclude(update=None).select_related(
        "channel__mail_list", "update__incident", "original"
    )
    return get_object_or_404(rows.prefetch_related("attempts"), pk=pk)


def _page(request: Request, found: Delivery, refusal: Refused | None = None) -> HttpResponse:
    context = {
        "delivery": found,
        "update": found.message,
        "incident": found.message.incident,
        "refusal": refusal,
        "can": capabilities(found.channel),
        "typed": request.POST.get("url", ""),
        "can_retry": permissions.can_retry_delivery(request.user),
    }
    return render(request, "comms/delivery.html", context, status=422 if refusal else 200)
