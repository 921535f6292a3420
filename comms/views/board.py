"""The plan as a board: lanes by phase or by role, for the wall, for the phone, and on paper."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.http import Request
from comms.plan.board import board as board_of
from comms.plan.board import checklists


@require_GET
def board(request: Request, public_id: str) -> HttpResponse:
    """?by=role for lanes by role, else by phase; 204 for a poll that knows all of it."""
    found = board_of(get_object_or_404(checklists(), incident__public_id=public_id), timezone.now())
    by_role = request.GET.get("by") == "role"
    version = f"{found.version}-{found.at:%H%M}"
    if request.GET.get("seen") == version:
        return HttpResponse(status=204)
    context = {
        "board": found,
        "incident": found.checklist.incident,
        "by_role": by_role,
        "lanes": found.role_lanes if by_role else found.phase_lanes,
        "version": version,
    }
    page = "comms/board.html#lanes" if request.htmx else "comms/board.html"
    return render(request, page, context)


@require_GET
def paper(request: Request, public_id: str) -> HttpResponse:
    """The whole plan on paper, with room for a tick and for a word."""
    found = board_of(get_object_or_404(checklists(), incident__public_id=public_id), timezone.now())
    return render(request, "comms/board_paper.html", {"board": found, "incident": found.checklist.incident})
