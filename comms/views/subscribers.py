"""How many are told of what; and, for an administrator who knows the whole address, one of them."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages as notices
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.http import Request
from accounts.languages import Language
from accounts.refusals import NotAllowed, Refused
from comms import permissions
from comms.forms.subscribing import FindForm
from comms.models import Scope, Subscriber, SubscriberKind
from comms.operations import subscribers as operations


@dataclass(frozen=True)
class Row:
    """The active subscriptions of one kind and scope: a number for each language, and all of them."""

    kind: SubscriberKind
    scope: Scope
    numbers: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.numbers)


@require_GET
def subscribers(request: Request) -> HttpResponse:
    """The numbers; no address is shown."""
    permissions.check_count_subscribers(request.user)
    return _page(request, FindForm())


@require_POST
def find(request: Request) -> HttpResponse:
    """By POST, so that the address stands in no log and no history."""
    permissions.check_find_subscriber(request.user)
    form = FindForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    found = operations.find(form.kind, form.cleaned_data["address"], by=request.user)
    return _page(request, form, found=found)


@require_POST
def end(request: Request, key: UUID) -> HttpResponse:
    subscriber = _of(request, key)
    try:
        operations.end(subscriber, by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        return _page(request, FindForm(), status=422, refusal=refusal)
    notices.success(request, _("The subscription has ended. Nothing more is sent to this address."))
    return redirect("comms:subscribers")


@require_POST
def send_link(request: Request, key: UUID) -> HttpResponse:
    subscriber = _of(request, key)
    try:
        operations.send_link(subscriber, by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        return _page(request, FindForm(), status=422, refusal=refusal)
    notices.success(request, _("The link is on its way to the subscriber."))
    return redirect("comms:subscribers")


def _of(request: Request, key: UUID) -> Subscriber:
    permissions.check_find_subscriber(request.user)
    return get_object_or_404(Subscriber, key=key)


def _rows() -> list[Row]:
    counted: Counter[tuple[str, str, str]] = Counter()
    groups = Subscriber.objects.active().order_by().values_list("kind", "scope", "language")
    for kind, scope, language, number in groups.annotate(number=Count("pk")):
        counted[kind, scope, language] = number
    rows = [
        Row(kind, scope, tuple(counted[kind, scope, language] for language in Language))
        for kind in SubscriberKind
        for scope in Scope
    ]
    return [row for row in rows if row.total]


def _page(
    request: Request,
    form: FindForm,
    *,
    found: list[Subscriber] | None = None,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    rows = _rows()
    context = {
        "rows": rows,
        "languages": Language,
        "total": sum(row.total for row in rows),
        "pending": Subscriber.objects.pending().count(),
        "can_find": permissions.can_find_subscriber(request.user),
        "form": form,
        "found": found,
        "refusal": refusal,
    }
    return render(request, "comms/subscribers.html", context, status=status)
