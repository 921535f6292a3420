"""Who waits for us to phone."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import FETCH_RAISE
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.http import Request
from accounts.refusals import Refused
from tickets import operations
from tickets.models import Callback, CallbackState
from tickets.permissions import can_log_contact

CLOSED = 50  # how many closed ones are worth looking back at


@require_GET
def callbacks(request: Request) -> HttpResponse:
    """The open ones, the soonest due first; ?closed=on shows the newest of the others."""
    return _callbacks(request)


@require_POST
def close(request: Request, pk: int) -> HttpResponse:
    """Phoned (?done) or dropped, with what came of it."""
    if not can_log_contact(request.user):
        raise PermissionDenied
    callback = get_object_or_404(Callback.objects.select_related("closed_by"), pk=pk)
    outcome = request.POST.get("outcome", "")
    try:
        operations.close_callback(callback, by=request.user, outcome=outcome, dropped="drop" in request.POST)
    except Refused as refusal:
        return _callbacks(request, refused=pk, typed=outcome, refusal=refusal, status=422)
    messages.success(request, _("Closed: %(caller)s") % {"caller": callback.contact.caller})
    return redirect("tickets:callbacks")


def _callbacks(
    request: Request, *, refused: int = 0, typed: str = "", refusal: Refused | None = None, status: int = 200
) -> HttpResponse:
    related = Callback.objects.select_related(
        "contact__pharmacy", "contact__agent", "contact__incident", "closed_by"
    )
    closed = "closed" in request.GET
    shown = (
        related.exclude(state=CallbackState.OPEN).order_by("-closed_at")[:CLOSED]
        if closed
        else related.open().by_due()
    )
    context = {
        "closed": closed,
        "callbacks": list(shown.fetch_mode(FETCH_RAISE)),
        "open_count": Callback.objects.open().count(),
        "now": timezone.now(),
        "refused": refused,
        "typed": typed,
        "refusal": refusal,
        "can_log": can_log_contact(request.user),
    }
    return render(request, "tickets/callbacks.html", context, status=status)
