"""The pharmacies: a list to search, and all we know of one."""

from django.core.paginator import Paginator
from django.db.models import FETCH_RAISE
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.http import Request
from tickets import lookup
from tickets.models import Contact, Pharmacy
from tickets.permissions import can_import_lists

PAGE = 50


@require_GET
def pharmacies(request: Request) -> HttpResponse:
    """All, or those that ?q= finds as the caller's box would, the likeliest first."""
    query = request.GET.get("q", "")
    wanted = Pharmacy.objects.order_by("name", "town", "pk").values_list("pk", flat=True)
    found = [row.pk for row in lookup.matches(query)] if query.strip() else wanted
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    known = Pharmacy.objects.select_related("software_house").prefetch_related("phones")
    shown = known.fetch_mode(FETCH_RAISE).in_bulk(page.object_list)
    rows = [shown[pk] for pk in page.object_list if pk in shown]
    context = {
        "query": query,
        "page": page,
        "pharmacies": rows,
        "can_import": can_import_lists(request.user),
    }
    return render(request, "tickets/pharmacies.html", context)


@require_GET
def pharmacy(request: Request, pk: int) -> HttpResponse:
    """One pharmacy: how to reach it, its software house, and its newest contacts."""
    found = get_object_or_404(
        Pharmacy.objects.select_related("software_house").prefetch_related("phones"), pk=pk
    )
    calls = Contact.objects.filter(pharmacy=found)
    context = {
        "pharmacy": found,
        "contacts": list(
            calls.shown().select_related("incident").with_nth_call().fetch_mode(FETCH_RAISE)[:PAGE]
        ),
        "count": calls.count(),
    }
    return render(request, "tickets/pharmacy.html", context)
