from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from comms.status import site

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


def changes_nothing_public[View: Callable[..., Any]](view: View) -> View:
    """Marks a view after which the public cannot see anything new, so that nobody looks whether it could.

    For those that are asked many times a minute. A view that may bump PublicRevision must not have it.
    """
    view.changes_nothing_public = True  # type: ignore[attr-defined]
    return view


class StatusSiteMiddleware:
    """Published means visible: what a request made public is on the status site before its answer leaves.

    Costs one query after an unsafe request of staff that succeeded, none otherwise: what a stranger sends changes
    nothing that is public, nor does a view marked changes_nothing_public. Where the site cannot be renewed the
    answer leaves all the same; the relay tries again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method not in SAFE and response.status_code < 400 and not _changes_nothing(request):
            site.try_to_renew()
        return response


def _changes_nothing(request: HttpRequest) -> bool:
    view = request.resolver_match.func if request.resolver_match else None
    return not request.user.is_authenticated or hasattr(view, "changes_nothing_public")
