from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import translation

from accounts import typed
from accounts.models import User


class UserLanguageMiddleware:
    """The interface speaks the signed-in user's language, whatever the browser asks for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not isinstance(request.user, User):
            return self.get_response(request)
        with translation.override(request.user.language):
            return self.get_response(request)


class SignInFirstMiddleware(LoginRequiredMiddleware):
    """Every page wants a sign-in, and a session that ended while someone was typing costs no text.

    A script's request gets 401, and its page keeps the text; a form's is put aside until the same person is back.
    """

    def handle_no_permission(  # type: ignore[override]  # the stubs know only of a redirect
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:
        if request.headers.get("HX-Request"):
            return HttpResponse(status=401)
        if request.method == "POST":
            # Never back to the POST's own address: after the sign-in it would be asked for with GET.
            kept = typed.keep(request)
            return redirect_to_login(reverse("accounts:resume") if kept else settings.LOGIN_REDIRECT_URL)
        return super().handle_no_permission(request, view_func)


class AcceptedMiddleware:
    """Tells the page's script that a form was accepted, so that it lets go of the text it kept (drafts.js);
    so does the session of what waited since it last ended.

    A form sent without htmx is accepted when its answer leads elsewhere; a refusal shows the form again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "POST" and 300 <= response.status_code < 400 and request.user.is_authenticated:
            typed.let_go(request, path=request.get_full_path())
            key = request.POST.get("key", "")
            if _is_key(key):
                response.set_cookie("accepted", key, max_age=600, samesite="Lax", secure=settings.HTTPS)
        return response


def _is_key(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
