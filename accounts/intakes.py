"""Addresses for machines: no sign-in, no cookie, a token, little at a time and not too often."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from accounts.models import Intake, IntakeKind
from accounts.senders import sender, too_many

GUESSES = 20  # wrong tokens of one sender within WITHIN
WITHIN = timedelta(minutes=1)

type View = Callable[..., HttpResponse]


def machine(*, most_bytes: int) -> Callable[[View], View]:
    """Let a machine POST at most *most_bytes* (413 beyond), without a sign-in or Django's CSRF token.

    A machine has no browser that could be made to send what it does not mean. The view asks `intake_for` who it is.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method != "POST":
                response = plain("POST only.", status=405)
                response["Allow"] = "POST"
            elif int(request.headers.get("Content-Length") or 0) > most_bytes:
                response = plain(f"At most {most_bytes} bytes.", status=413)
            else:
                response = view(request, *args, **kwargs)
            response["Cache-Control"] = "no-store"
            return response

        return login_not_required(csrf_exempt(shown))

    return decorate


@sensitive_variables("token")
def intake_for(request: HttpRequest, kind: IntakeKind, token: str, *, most: int) -> Intake | HttpResponse:
    """The intake of *token*, or the answer for who has none: 404, and 429 beyond *most* in a minute."""
    open_now = Intake.objects.filter(kind=kind, enabled=True).select_related("account")
    known = next((intake for intake in open_now if intake.is_opened_by(token)), None)
    if known is None:
        guessing = too_many(sender(request), what="intake", most=GUESSES, within=WITHIN)
        return plain("Too many.", status=429) if guessing else plain("Not here.", status=404)
    if too_many(known.token_hash, what="intake", most=most, within=WITHIN):
        return plain("Too many.", status=429)
    return known


def bearer(request: HttpRequest) -> str:
    """The token of `Authorization: Bearer TOKEN`; empty where there is none."""
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.casefold() == "bearer" else ""


def plain(text: str, *, status: int) -> HttpResponse:
    """What a machine's log shows of a refusal: English, one line."""
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
