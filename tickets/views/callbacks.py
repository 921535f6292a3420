"""Who waits for us to phone."""

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import FETCH_RAISE
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.http import Request
from accounts.languages import Language
from accounts.refusals import Refused
from tickets import operations
from tickets.callbacks import with_due
from tickets.informing import recoveries
from tickets.models import Callback, CallbackState, TryOutcome
from tickets.models.contact import CLAIMED_FOR
from tickets.permissions import can_log_contact

CLOSED = 50  # how many closed ones are worth looking back at
MOST = 200  # the soonest due: beyond them nobody reads on


@require_GET
def callbacks(request: Request) -> HttpResponse:
    """The open ones, the soonest due first; ?closed=on shows the newest of the others. ?language= is one alone."""
    return _callbacks(request)


@require_POST
def close(request: Request, pk: int) -> HttpResponse:
    """Phoned (?done) or dropped, with what came of it; ?claim (&instead_of=), ?release, or a ?try= (&number=)."""
    if not can_log_contact(request.user):
        raise PermissionDenied
    callback = get_object_or_404(Callback.objects.select_related("closed_by", "contact__pharmacy"), pk=pk)
    outcome = request.POST.get("outcome", "")
    try:
        said = _asked(request, callback, outcome)()
    except Refused as refusal:
        return _callbacks(request, refused=pk, typed=outcome, refusal=refusal, status=422)
    if said:
        messages.success(request, said % {"caller": callback.contact.caller})
    return redirect("tickets:callbacks")


def _asked(request: Request, callback: Callback, outcome: str) -> Callable[[], str]:
    """What the button does, and what to say then."""
    asked, by = request.POST, request.user

    def claim() -> str:
        operations.claim_callback(callback, by=by, instead_of=_number(asked.get("instead_of", "")))
        return ""

    def release() -> str:
        operations.release_callback(callback, by=by)
        return ""

    def tried() -> str:
        number = _number(asked.get("number", "")) or 0
        operations.note_try(callback, by=by, outcome=asked["try"], number=number)
        return _("Noted: %(caller)s")

    def close() -> str:
        operations.close_callback(callback, by=by, outcome=outcome, dropped="drop" in asked)
        return _("Closed: %(caller)s")

    return (
        claim if "claim" in asked else release if "release" in asked else tried if "try" in asked else close
    )


def _callbacks(
    request: Request, *, refused: int = 0, typed: str = "", refusal: Refused | None = None, status: int = 200
) -> HttpResponse:
    related = Callback.objects.select_related(
        "contact__pharmacy", "contact__agent", "contact__incident__exercise_clock", "closed_by", "claimed_by"
    ).prefetch_related("tries__by")
    closed, now = "closed" in request.GET, timezone.now()
    language = request.GET.get("language", "")
    if language in Language.values:
        related = related.filter(contact__language=language)
    shown = (
        related.exclude(state=CallbackState.OPEN).order_by("-closed_at")[:CLOSED]
        if closed
        else with_due(related.open())[:MOST]
    )
    rows = list(shown.fetch_mode(FETCH_RAISE))
    context = {
        "closed": closed,
        "sections": [("", rows)] if closed else _sections(rows, now),
        "open_count": Callback.objects.open().count(),
        "recoveries": [] if closed else recoveries(),
        "languages": Language.values,
        "language": language,
        "tries": list(TryOutcome),
        "now": now,
        "claimed_since": now - CLAIMED_FOR,
        "refused": refused,
        "typed": typed,
        "refusal": refusal,
        "can_log": can_log_contact(request.user),
    }
    return render(request, "tickets/callbacks.html", context, status=status)


def _sections(rows: list[Callback], now: datetime) -> list[tuple[str, list[Callback]]]:
    """By the window in which to phone; those that hold nobody are left out."""
    windows = {
        _("To phone now"): [row for row in rows if row.due and row.due <= row.contact.now(now)],
        _("Later"): [row for row in rows if row.due and row.due > row.contact.now(now)],
        _("When it works again"): [row for row in rows if row.due is None],
    }
    return [(name, found) for name, found in windows.items() if found]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
