from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from comms.status import site
from incidents.models.revision import bumps


class StatusSiteMiddleware:
    """Published means visible: what a request made public is on the status site before its answer leaves.

    Costs nothing where the request bumped no PublicRevision. Where the site cannot be renewed the answer leaves all
    the same, and who asked is told; the relay tries again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with bumps() as bumped:
            response = self.get_response(request)
        if bumped and not site.try_to_renew():
            failed = _("The status page could not be renewed and does not show it yet: tell the operators.")
            messages.error(request, failed, fail_silently=True)
        return response
