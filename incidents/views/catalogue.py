"""All incidents."""

from django.core.paginator import Paginator
from django.db.models import FETCH_RAISE
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.http import Request
from incidents.forms.filters import FilterForm
from incidents.models import Incident, IncidentQuerySet
from incidents.permissions import can_run_incident

A_PAGE = 20


@require_GET
def incidents(request: Request) -> HttpResponse:
    """The open ones, the gravest first; below them the resolved, filtered (?text, severity, service) and paged."""
    form = FilterForm(request.GET)
    resolved = form.filtered(_with_all(Incident.objects.resolved()).order_by("-began_at", "-pk"))
    page = Paginator(resolved, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "open_incidents": list(_with_all(Incident.objects.open())),
        "page": page,
        "form": form,
        "now": timezone.now(),
        "can_declare": can_run_incident(request.user),
    }
    return render(request, "incidents/list.html", context)


def _with_all(incidents: IncidentQuerySet) -> IncidentQuerySet:
    """With all that a row shows, and nothing fetched behind its back."""
    return (
        incidents.select_related("relapse_of", "exercise_clock")
        .prefetch_related("phase_changes", "impacts__service")
        .fetch_mode(FETCH_RAISE)
    )
