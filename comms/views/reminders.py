"""Reminders of the plan for an open page to show as notifications."""

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from accounts.http import Request
from comms.models import Delivery
from comms.operations import browsers


@require_POST
def browser(request: Request) -> HttpResponse:
    """What is to be shown now, each to one page alone; 204 where there is nothing."""
    reminders = [_notification(delivery) for delivery in browsers.take(by=request.user)]
    return JsonResponse({"reminders": reminders}) if reminders else HttpResponse(status=204)


def _notification(delivery: Delivery) -> dict[str, str]:
    """The first line of a reminder names the incident, the last one is where to go."""
    title, *lines, address = delivery.text.splitlines()
    return {
        "key": str(delivery.key),
        "title": title,
        "body": "\n".join(lines),
        "url": address,
        "language": delivery.language,
    }
