"""How the pages that change an incident answer."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts.http import Request
from incidents.models import Incident

# What the room listens to: its panels ask anew, and the dialog with the form closes.
CHANGED = "incident-changed"


def found(public_id: str) -> Incident:
    """The incident with all that its forms read."""
    return get_object_or_404(
        Incident.objects.select_related("relapse_of", "declared_by").prefetch_related(
            "phase_changes", "impacts__service", "milestones__confirmed_by", "role_assignments__person"
        ),
        public_id=public_id,
    )


def shown(request: Request, template: str, context: dict[str, Any], *, refused: bool = False) -> HttpResponse:
    """The page, or for htmx its form alone; 422 when something was refused."""
    part = "#form" if request.htmx else ""
    return render(request, f"incidents/{template}{part}", context, status=422 if refused else 200)


def done(request: Request, incident: Incident, *, then: str = "desk:room") -> HttpResponse:
    """Back to the room, or another page of the incident; htmx stays where it is and hears of the change."""
    if request.htmx and then == "desk:room":
        return HttpResponse(status=204, headers={"HX-Trigger": CHANGED})
    if request.htmx:
        response: HttpResponseRedirect = redirect(then, incident.public_id)
        return HttpResponse(status=204, headers={"HX-Redirect": response.url})
    messages.success(request, _("Saved."))
    return redirect(then, incident.public_id)
