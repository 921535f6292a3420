"""Where monitoring reports, and what it reported."""

from typing import Any

from django.contrib import messages
from django.db.models import FETCH_RAISE
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.http import Request
from accounts.intakes import bearer, intake_for, machine, plain
from accounts.models import Intake, IntakeKind
from accounts.refusals import NotAllowed, Refused
from incidents import alertmanager, operations
from incidents.models import Alert
from incidents.models.alert import SILENT_AFTER
from incidents.permissions import can_run_incident

MOST_BYTES = 1024 * 1024
MOST_NOTIFICATIONS = 600  # in a minute: one that is refused is lost, so this only stops what runs wild
MOST = 100


@machine(most_bytes=MOST_BYTES)
def notification(request: HttpRequest) -> HttpResponse:
    """A notification of Alertmanager (/docs/monitoring.md). 204 when it is kept, a repeat too."""
    intake = intake_for(request, IntakeKind.MONITORING, bearer(request), most=MOST_NOTIFICATIONS)
    if not isinstance(intake, Intake):
        return intake
    try:
        told = alertmanager.read(request.body)
    except alertmanager.Unreadable as why:
        return plain(str(why), status=400)
    operations.take_alerts(told, by=intake)
    return HttpResponse(status=204)


@require_GET
def alerts(request: Request) -> HttpResponse:
    return _alerts(request)


@require_POST
def close(request: Request, pk: int) -> HttpResponse:
    """?reason=: it is no incident, or long over."""
    alert = get_object_or_404(Alert, pk=pk)
    reason = request.POST.get("reason", "")
    try:
        operations.close_alert(alert, reason=reason, by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        return _alerts(request, refused=pk, typed=reason, refusal=refusal)
    messages.success(request, _("Closed."))
    return redirect("incidents:alerts")


def _alerts(
    request: Request, *, refused: int = 0, typed: str = "", refusal: Refused | None = None
) -> HttpResponse:
    now = timezone.now()
    related = Alert.objects.select_related("intake", "service", "incident", "closed_by")
    over = related.filter(is_heartbeat=False).exclude(pk__in=Alert.objects.open()).order_by("-heard_at")
    context: dict[str, Any] = {
        "open": list(related.open().fetch_mode(FETCH_RAISE)[:MOST]),
        "proposing": set(Alert.objects.proposing().values_list("pk", flat=True)),
        "over": list(over.fetch_mode(FETCH_RAISE)[:MOST]),
        "silent": list(related.silent(now - SILENT_AFTER).fetch_mode(FETCH_RAISE)),
        "refused": refused,
        "typed": typed,
        "refusal": refusal,
        "can_declare": can_run_incident(request.user),
    }
    return render(request, "incidents/alerts.html", context, status=422 if refusal else 200)
