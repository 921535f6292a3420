"""Pages for anyone, without an account: in four languages, without cookies, open to no other site's forms."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.csp import CSP
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.csp import csp_override
from django.views.decorators.csrf import csrf_exempt

from accounts.languages import Language

POLICY: dict[str, list[str]] = {
    "default-src": [CSP.NONE],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
OPEN_FOR = timedelta(hours=12)
SAFE = ("GET", "HEAD", "OPTIONS")

type View = Callable[..., HttpResponse]


def public(view: View) -> View:
    """Let anyone in: no sign-in, no cookie, the reader's language, kept by no cache and found by no search engine.

    Django's CSRF token lives in a cookie, which these pages do without; nor is there a sign-in to ride on. That
    another site makes its visitors send our forms is refused by what the browser says of where a form stands
    (Origin, Sec-Fetch-Site). The language is ?lang=, else the one the browser asks for.
    """
    return _open(view, is_ours)


def public_by_link(view: View) -> View:
    """As public, where the address itself is the right to act: a mail program may send its form (RFC 8058)."""
    return _open(view, lambda _request: True)


def _open(view: View, may_send: Callable[[HttpRequest], bool]) -> View:
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        language = language_of(request)
        with translation.override(language):
            if request.method not in SAFE and not may_send(request):
                response = render(request, "public/elsewhere.html", status=403)
            else:
                response = view(request, *args, **kwargs)
        response["Content-Language"] = language.value
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex"
        return response

    return login_not_required(csrf_exempt(csp_override(POLICY)(shown)))


def language_of(request: HttpRequest) -> Language:
    """?lang=, else what the browser wants most of ours, else French.

    German is a language of these pages though not of the desk, so Django's own choice (LANGUAGES) is not asked.
    """
    wanted = [request.GET.get("lang", "")]
    wanted += [
        tag[:2] for tag, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    ]
    return next((Language(tag) for tag in wanted if tag in Language), Language.FR)


def is_ours(request: HttpRequest) -> bool:
    """The form stood on one of our own pages, or the browser does not say where (old ones, and programs)."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    return origin in (f"{request.scheme}://{request.get_host()}", _origin(settings.DESK_BASE_URL))


def form_key() -> str:
    """The key of a form that acts once however often it is sent: a UUID and when the page was made, signed.

    So nobody sends what we have not shown, or what was shown long ago.
    """
    return _signer().sign(str(uuid4()))


def key_in(text: str) -> UUID | None:
    """The UUID of a form_key made at most OPEN_FOR ago, None of anything else."""
    try:
        return UUID(_signer().unsign(text, max_age=OPEN_FOR))
    except (BadSignature, ValueError):
        return None


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="public form")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
