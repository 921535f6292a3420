"""The queue of patients who wait, by when they need it."""

import zlib
from collections.abc import Callable
from typing import Any

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
from tickets.models import Contact, UrgentAnswer
from tickets.permissions import can_log_contact
from tickets.urgent import closed, queue

CLOSED = 50  # how many closed ones are worth looking back at
MOST = 200  # beyond them nobody reads on


@require_GET
def urgent(request: Request) -> HttpResponse:
    """Who waits, the soonest needed first; ?closed=on shows the newest of those who were helped."""
    return render(request, "tickets/urgent.html", _shown(request))


@require_GET
def live(request: Request) -> HttpResponse:
    """The queue anew; 204 while it is what ?seen= says. Who has a form open (?form=1) is told, and looks herself."""
    shown = _shown(request)
    if request.GET.get("seen") == shown["version"]:
        return HttpResponse(status=204)
    if "form" in request.GET:
        response = render(request, "tickets/urgent.html#changed", shown)
        response["HX-Retarget"] = "#urgent-changed"
        return response
    return render(request, "tickets/urgent.html#queue", shown)


@require_POST
def act(request: Request, pk: int) -> HttpResponse:
    """?do=claim (&instead_of=), release, close (&answer= &note=) or reopen."""
    contact = get_object_or_404(Contact.objects.urgent(), pk=pk)
    asked = request.POST
    actions: dict[str, Callable[[], Any]] = {
        "claim": lambda: operations.claim_urgent(
            contact, by=request.user, instead_of=_key(asked.get("instead_of", ""))
        ),
        "release": lambda: operations.release_urgent(contact, by=request.user),
        "close": lambda: operations.close_urgent(
            contact, by=request.user, answer=asked.get("answer", ""), note=asked.get("note", "")
        ),
        "reopen": lambda: operations.reopen_urgent(contact, by=request.user),
    }
    action = actions.get(asked.get("do", ""))
    if not can_log_contact(request.user):
        raise PermissionDenied
    if action is None:
        return redirect("tickets:urgent")
    try:
        action()
    except Refused as refusal:
        shown = {**_shown(request), "refused": pk, "refusal": refusal, "typed": asked}
        return render(request, "tickets/urgent.html", shown, status=422)
    if asked["do"] == "close":
        messages.success(request, _("Closed: %(caller)s") % {"caller": contact.caller})
    return redirect("tickets:urgent")


def _shown(request: Request) -> dict[str, Any]:
    now, is_closed = timezone.now(), "closed" in request.GET
    rows = closed()[:CLOSED] if is_closed else queue(now)[:MOST]
    contacts = list(rows.fetch_mode(FETCH_RAISE))
    mine = any(_holder(contact) == request.user.pk for contact in contacts)
    return {
        "closed": is_closed,
        "contacts": contacts,
        "now": now,
        "answers": list(UrgentAnswer),
        "can_log": can_log_contact(request.user),
        "mine": mine,
        "version": _version(contacts, "" if mine else f"{now:%H%M}"),
    }


def _holder(contact: Contact) -> int | None:
    case = getattr(contact, "urgent_case", None)
    return case.claimed_by_id if case else None


def _version(contacts: list[Contact], minute: str) -> str:
    state = [(contact.pk, contact.revision, _holder(contact)) for contact in contacts]
    return f"{zlib.crc32(repr((state, minute)).encode()):08x}"


def _key(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
