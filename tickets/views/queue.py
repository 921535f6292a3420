"""What the agent's browser needs to go on without the desk: the worker that opens its page, the keys of its queue."""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles import finders
from django.http import HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import keyring
from accounts.http import Request

# What the agent's page is made of, scripts that import others and those with them.
PARTS = (
    "css/bootstrap.min.css",
    "css/tokens.css",
    "css/desk.css",
    "icons/mark.svg",
    "icons/sprite.svg",
    "django_htmx/htmx-2.min.js",
    "js/answers.js",
    "js/badge.js",
    "js/calls.js",
    "js/desk.js",
    "js/drafts.js",
    "js/offer.js",
    "js/queue.js",
    "js/sending.js",
    "js/vault.js",
)
WORKER = "js/worker.js"


@require_GET
@never_cache
def keys(request: Request) -> JsonResponse:
    """Who is signed in, by which sign-in, and the keys to her queue in this browser."""
    return JsonResponse(
        {
            "user": str(request.user.pk),
            "signIn": keyring.sign_in(request),
            "keys": [key._asdict() for key in keyring.keys(request.user, at=timezone.now())],
        }
    )


@login_not_required  # a browser renews it without a sign-in too; it is the same for everybody
@require_GET
def worker(_: Request) -> HttpResponse:
    """The service worker. Its address gives it its scope: the agent's page and nothing else.

    It changes with any of its parts, so that a browser takes the new ones with it.
    """
    given = {
        "version": _version(),
        "page": reverse("tickets:calls"),
        "offline": reverse("tickets:offline"),
        "parts": [static(part) for part in PARTS],
    }
    script = (
        f"self.desk = {json.dumps(given)};\nimportScripts({json.dumps(f'{static(WORKER)}?{_version()}')});\n"
    )
    return HttpResponse(script, content_type="text/javascript", headers={"Cache-Control": "no-cache"})


@cache
def _version() -> str:
    files = [finders.find(part) for part in (*PARTS, WORKER)]
    return sha256(b"".join(Path(str(file)).read_bytes() for file in files)).hexdigest()[:16]
