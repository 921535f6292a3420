"""The request as our views receive it."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class Request(HttpRequest):
    """A signed-in request: LoginRequiredMiddleware has seen to the user, HtmxMiddleware to htmx."""

    user: User
    htmx: HtmxDetails
