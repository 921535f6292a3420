"""The brief for the internal desks: the current answer, and each desk's word that it has read it."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.http import Request
from accounts.refusals import Refused
from comms.models import InternalDesk, Update
from comms.operations import briefs as operations
from comms.plan.briefing import briefed
from comms.script import latest_update, what_to_say
from incidents.models import Incident

LANGUAGES = ("fr", "nl")


@require_GET
def brief(request: Request, public_id: str) -> HttpResponse:
    """204 for a poll that knows the newest already."""
    incident = get_object_or_404(Incident.objects.prefetch_related("phase_changes"), public_id=public_id)
    context = _context(request, incident)
    if request.GET.get("seen") == context["version"]:
        return HttpResponse(status=204)
    page = "comms/brief.html#answer" if request.htmx else "comms/brief.html"
    return render(request, page, context)


def _context(request: Request, incident: Incident, **more: object) -> dict[str, object]:
    newest = latest_update(incident)
    desks = briefed(incident, newest)
    own = request.user.language
    languages = sorted(LANGUAGES, key=lambda language: language != own)
    read = "".join(str(int(each.receipt is not None)) for each in desks)
    return {
        "incident": incident,
        "newest": newest,
        "desks": desks,
        "scripts": [script for language in languages if (script := what_to_say(incident, language))],
        "version": f"{newest.pk if newest else 0}-{newest.revision if newest else 0}-{read}",
        **more,
    }


@require_POST
def acknowledge(request: Request, public_id: str, number: int, desk: str) -> HttpResponse:
    incident = get_object_or_404(Incident.objects.prefetch_related("phase_changes"), public_id=public_id)
    update = get_object_or_404(Update.objects.published(), incident=incident, number=number)
    if desk not in InternalDesk:
        raise Http404
    try:
        operations.acknowledge(update, InternalDesk(desk), by=request.user)
    except Refused as refusal:
        context = _context(request, incident, refusal=refusal)
        return render(request, "comms/brief.html", context, status=422)
    return redirect("comms:brief", public_id)
