"""Where the telephone system tells of calls, and where the call that an agent answered is offered to her."""

from urllib.parse import urlencode
from xml.sax.saxutils import quoteattr

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from accounts.http import Request
from accounts.intakes import intake_for, machine, plain
from accounts.models import Intake, IntakeKind
from tickets import cti, operations, phone
from tickets.models import Pharmacy, PhoneCall
from tickets.permissions import can_log_contact, check_log_contact

MOST_BYTES = 8 * 1024
MOST_EVENTS = 1200  # in a minute: 50 agents never hear so many telephones


@machine(most_bytes=MOST_BYTES)
@sensitive_variables("token")
def event(request: HttpRequest, token: str) -> HttpResponse:
    """An event of the telephone system; the token in the address is its only credential. 204 when it is noted."""
    intake = intake_for(request, IntakeKind.TELEPHONE, token, most=MOST_EVENTS)
    if not isinstance(intake, Intake):
        return intake
    try:
        told = cti.read(request.content_type or "", request.body)
    except cti.Unreadable as why:
        return plain(str(why), status=400)
    if told:
        operations.take_event(told, by=intake)
    if told and told.wants_answer:
        return _tell_us_more(request)
    return HttpResponse(status=204)


@require_GET
def offer(request: Request) -> HttpResponse:
    """The call that she has answered last, while it waits to be taken; 204 while that is still the one of ?seen=."""
    call = PhoneCall.objects.offered_to(request.user, at=timezone.now()).first()
    if str(call.pk if call else "") == request.GET.get("seen", ""):
        return HttpResponse(status=204)
    if call and not can_log_contact(request.user):
        return HttpResponse(status=204)
    return render(request, "tickets/offer.html", {"call": call, **_caller(call)})


@require_POST
def settle(request: Request, pk: int) -> HttpResponse:
    """Take the call into the row of the agent's page, or wave it away (?dismiss)."""
    check_log_contact(request.user)
    call = get_object_or_404(PhoneCall, pk=pk, agent=request.user)
    operations.settle_offer(call, by=request.user)
    if request.htmx:
        return render(request, "tickets/offer.html")
    if "dismiss" in request.POST:
        return redirect("tickets:calls")
    return redirect(f"{reverse('tickets:call_new')}?{urlencode({'tel': call.e164 or call.number})}")


def asked_by_softphone(asked: QueryDict) -> QueryDict:
    """?tel= as what the row is to begin with: the caller, and the pharmacy where the number is only hers."""
    number = phone.given_by_machine(asked.get("tel", ""))
    row = asked.copy()
    row["caller"] = phone.spoken(number.e164) if number.e164 else number.raw
    owners = _owners(number.e164)
    if len(owners) == 1:
        row["pharmacy"] = str(owners[0].pk)
    return row


def _caller(call: PhoneCall | None) -> dict[str, object]:
    if call is None:
        return {}
    owners = _owners(call.e164)
    return {
        "tel": phone.spoken(call.e164) if call.e164 else call.number,
        "known": owners[0] if len(owners) == 1 else None,
        "several": len(owners) > 1,
    }


def _owners(e164: str) -> list[Pharmacy]:
    """The pharmacies that call from this number; of many, two."""
    if not e164:
        return []
    return list(Pharmacy.objects.filter(phones__e164=e164).distinct()[:2])


def _tell_us_more(request: HttpRequest) -> HttpResponse:
    """sipgate tells of answer and end only where its newCall is answered with the address for them."""
    here = quoteattr(f"{settings.DESK_BASE_URL}{request.path}")
    xml = f'<?xml version="1.0" encoding="UTF-8"?><Response onAnswer={here} onHangup={here}/>'
    return HttpResponse(xml, content_type="application/xml; charset=utf-8")
