"""Rises in calls: why an incident is proposed, and what was found to be none."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import FETCH_RAISE
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.http import Request
from accounts.refusals import Refused
from incidents.permissions import can_run_incident
from tickets import operations
from tickets.models import RiseDismissed
from tickets.rises import rises

LOOKED_BACK = timedelta(hours=24)
MOST = 50


@require_GET
def pressure(request: Request) -> HttpResponse:
    return _pressure(request)


@require_POST
def dismiss(request: Request) -> HttpResponse:
    """?rise= ("service-3") is no incident, because of ?reason=."""
    if not can_run_incident(request.user):
        raise PermissionDenied
    key, reason = request.POST.get("rise", ""), request.POST.get("reason", "")
    rise = next((rise for rise in rises(timezone.now()) if rise.key == key), None)
    if rise is None:
        messages.info(request, _("This is not proposed any more."))
        return redirect("tickets:pressure")
    try:
        operations.dismiss_rise(rise, reason=reason, by=request.user)
    except Refused as refusal:
        return _pressure(request, refused=key, typed=reason, refusal=refusal)
    messages.success(request, _("Not proposed for an hour, unless twice as many call."))
    return redirect("tickets:pressure")


def _pressure(
    request: Request, *, refused: str = "", typed: str = "", refusal: Refused | None = None
) -> HttpResponse:
    now = timezone.now()
    dismissed = RiseDismissed.objects.filter(at__gt=now - LOOKED_BACK)
    related = dismissed.select_related("service", "software_house", "by")
    context: dict[str, Any] = {
        "rises": rises(now),
        "dismissed": list(related.fetch_mode(FETCH_RAISE)[:MOST]),
        "now": now,
        "refused": refused,
        "typed": typed,
        "refusal": refusal,
        "can_declare": can_run_incident(request.user),
    }
    return render(request, "tickets/pressure.html", context, status=422 if refusal else 200)
