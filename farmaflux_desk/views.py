"""The screens that join all apps."""

import sys
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import defaults
from django.views.decorators.http import require_GET, require_safe

from accounts.http import Request
from accounts.intakes import bearer, intake_for
from accounts.models import Intake, IntakeKind
from accounts.roles import Role
from farmaflux_desk import outage
from farmaflux_desk.header import of_request
from farmaflux_desk.metrics import CONTENT_TYPE, exposed
from farmaflux_desk.room import Room
from farmaflux_desk.wall import Wall
from incidents.models import Incident

MOST_SCRAPES = 600  # in a minute


@require_GET
def home(request: Request) -> HttpResponse:
    """Everyone lands where she works: agents at the phones, others in the room of the gravest incident."""
    if request.user.groups.filter(name=Role.AGENT.value).exists():
        return redirect("tickets:calls")
    gravest = Incident.objects.real().open().first()
    return redirect("desk:room", gravest.public_id) if gravest else redirect("incidents:list")


@require_GET
def header(request: Request) -> HttpResponse:
    """The head of the page and the counts of the rail anew; 204 while they say what is already shown."""
    current = of_request(request)
    if request.GET.get("seen") == current.version:
        return HttpResponse(status=204)
    return render(request, "desk/header_live.html", {"header": current})


@require_GET
def keys(request: Request) -> HttpResponse:
    return render(request, "desk/keys_page.html")


@require_GET
def wall(request: Request) -> HttpResponse:
    """For a big screen: the gravest open incident, or the one of ?incident=."""
    return render(request, "desk/wall.html", _wall(request))


@require_GET
def wall_live(request: Request) -> HttpResponse:
    """The wallboard anew; 204 while it is what ?seen= says."""
    shown = _wall(request)
    if request.GET.get("seen") == shown["wall"].version:
        return HttpResponse(status=204)
    return render(request, "desk/wall.html#wall", shown)


def _wall(request: Request) -> dict[str, Any]:
    asked = request.GET.get("incident", "")
    board = Wall(user=request.user, at=timezone.now(), public_id=asked)
    known = bool(board.incident and board.incident.public_id == asked)
    return {"wall": board, "asked": asked if known else ""}


@login_not_required
@require_safe
def livez(_: Request) -> HttpResponse:
    """The process answers; asks nothing of anyone."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(_: Request) -> HttpResponse:
    """The database answers too."""
    if not outage.database_answers():
        return HttpResponse("no database\n", content_type="text/plain", status=503)
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus, which shows the token of a system of the kind Monitoring (/docs/monitoring.md)."""
    intake = intake_for(request, IntakeKind.MONITORING, bearer(request), most=MOST_SCRAPES)
    if not isinstance(intake, Intake):
        return intake
    return HttpResponse(
        exposed(timezone.now()), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"}
    )


@require_GET
def room(request: Request, public_id: str) -> HttpResponse:
    """One incident, whole; `?all=1` with every entry of its timeline."""
    current = _room(request, public_id)
    return render(request, "desk/room.html", {"room": current, "header": current.header})


@require_GET
def room_live(request: Request, public_id: str) -> HttpResponse:
    """The panels that changed since `?seen=`, each to be put in its place; 204 when none did."""
    current = _room(request, public_id)
    changed = current.changed_since(request.GET.get("seen", ""))
    if not changed:
        return HttpResponse(status=204)
    return render(
        request, "desk/room_live.html", {"room": current, "header": current.header, "changed": changed}
    )


def _room(request: Request, public_id: str) -> Room:
    incident = get_object_or_404(Incident.objects.prefetch_related("phase_changes"), public_id=public_id)
    return Room(incident, user=request.user, at=timezone.now(), whole="all" in request.GET)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 -- Django passes it
    """Django's own shows the page without its request, so in no one's language and with a form that cannot be sent."""
    return render(request, "400.html", status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Called while the error is handled: without the database it is a 503, told from a fault of ours."""
    error = sys.exc_info()[1]
    if not isinstance(error, outage.OF_THE_DATABASE):
        return defaults.server_error(request)
    outage.OUTAGE.note(error)
    return outage.unavailable(request)
