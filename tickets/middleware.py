"""A volunteer has one screen."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import User
from tickets.permissions import is_volunteer

# The row, what to say, and the way in and out: everything else is refused, whatever its view would allow.
HERS = {
    "tickets:calls",
    "tickets:call_new",
    "tickets:log",
    "tickets:undo",
    "tickets:lookup",
    "tickets:say",
    "tickets:seen",
    "tickets:latest",
    "tickets:offline",
    "tickets:queue_keys",
    "tickets:presence",
    "accounts:signed_in",
    "accounts:resume",
    "account_logout",
}


class VolunteerMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: object, kwargs: object
    ) -> HttpResponse | None:
        if not getattr(view, "login_required", True):
            return None
        user = request.user
        if not isinstance(user, User) or not is_volunteer(user):
            return None
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in HERS:
            return None
        if name == "desk:home":
            return redirect("tickets:calls")
        raise PermissionDenied
