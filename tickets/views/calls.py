"""The agent's page: the log row, what to say, and the calls that came in."""

import json
import math
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import FETCH_RAISE, Count, Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import keyring
from accounts.http import Request
from accounts.models import User
from accounts.refusals import Refused
from comms.models import Update
from incidents.models import Incident, Service
from tickets import lookup, operations, phone
from tickets.forms.calls import LogForm
from tickets.models import (
    CallbackState,
    CallbackWindow,
    Contact,
    ContactChannel,
    ContactImpact,
    Pharmacy,
    UrgentKind,
)
from tickets.models.mail import with_post
from tickets.permissions import can_answer_call, is_volunteer
from tickets.views.phone_calls import asked_by_softphone
from tickets.views.saying import incident_of, language_of, panel

LATEST = 20
STILL_ASKED_ABOUT = timedelta(hours=24)
UNDO_OFFERED = timedelta(seconds=10)
CHIPS = 8  # as many as there are digits for


@require_GET
def calls(request: Request) -> HttpResponse:
    """The page, ready for the next call; ?incident= and ?language= choose what it is about."""
    return _page(request, LogForm(at=timezone.now()), asked=request.GET)


@require_GET
def new(request: Request) -> HttpResponse:
    """The page with the row begun for the caller of ?tel=; stores nothing. For any softphone that opens addresses."""
    asked = asked_by_softphone(request.GET)
    form = LogForm(at=timezone.now(), initial={"caller": asked.get("caller", "")})
    return _page(request, form, asked=asked, tel=asked.get("caller", ""))


@require_GET
def offline(request: Request) -> HttpResponse:
    """The page as a browser keeps it for when the desk is gone (worker.js): nothing on it is about a caller, and
    nothing may be used twice."""
    return _page(request, LogForm(at=timezone.now()), asked=QueryDict(), kept=True)


@require_POST
def log(request: Request) -> HttpResponse:
    """Log the call; or, without JavaScript, look the caller up and show the row with the choices.

    409: the page was opened under another sign-in (queue.js finds out whose).
    """
    if not can_answer_call(request.user):
        raise PermissionDenied
    if request.headers.get(keyring.HEADER, keyring.sign_in(request)) != keyring.sign_in(request):
        return HttpResponse(status=409)
    at = timezone.now()
    if "search" in request.POST:
        return _page(request, LogForm(at=at, initial=request.POST.dict()), asked=request.POST)
    form = LogForm(request.POST, at=at)
    if form.is_valid():
        try:
            contact = operations.log_contact(by=request.user, at=at, **form.contact)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            return _logged(request, form, contact)
    if request.htmx:
        return render(request, "tickets/calls.html#refusal", {"form": form}, status=422)
    return _page(request, form, asked=request.POST, status=422)


@require_POST
def undo(request: Request, pk: int) -> HttpResponse:
    """Take back the call that was just saved; what it held comes back into the row."""
    contact = get_object_or_404(Contact.objects.shown(), pk=pk)
    typed = LogForm.fields_of(contact)
    try:
        operations.undo_contact(contact, by=request.user)
    except Refused as refusal:
        if request.htmx:
            return render(request, "tickets/calls.html#too_late", {"refusal": refusal})
        messages.warning(request, refusal.message)
        return redirect("tickets:contact", pk=pk)
    if not request.htmx:
        asked = QueryDict(mutable=True)
        asked.update(typed)
        return _page(request, LogForm(at=timezone.now(), initial=typed), asked=asked)
    response = HttpResponse()
    response["HX-Trigger"] = json.dumps({"call-undone": typed})
    return response


@require_GET
def lookup_caller(request: Request) -> HttpResponse:
    """The suggestions for ?caller=, or the one pharmacy of ?pharmacy= as already chosen."""
    incident = incident_of(request.GET)
    context = _caller(request.GET, incident)
    return render(request, "tickets/calls.html#suggestions", {**context, "as_listbox": True})


@require_GET
def latest(request: Request) -> HttpResponse:
    """The newest contacts of ?incident=; 204 while they are those of ?seen=."""
    context = _latest(incident_of(request.GET), request.user, seen=request.GET.get("seen", ""))
    if context is None:
        return HttpResponse(status=204)
    return render(request, "tickets/calls.html#latest", context)


def _logged(request: Request, form: LogForm, contact: Contact) -> HttpResponse:
    masked = form.holds_national_number
    if not request.htmx:
        if masked:
            messages.warning(request, _("A national number was masked. Write no patient data in a note."))
        messages.success(request, _("Saved: %(caller)s") % {"caller": contact.caller})
        return redirect(f"{reverse('tickets:calls')}?incident={form.data.get('incident', '')}")
    pharmacy = form.cleaned_data["pharmacy"]
    contact.nth_call = pharmacy.calls + 1 if pharmacy else 1
    told = form.cleaned_data["told_update"]
    contact.undo_for = undo_for(contact, request.user)
    context = {"contact": contact, "masked": masked, "newest": told.number if told else None}
    context["volunteer"] = is_volunteer(request.user)
    response = render(request, "tickets/calls.html#saved", context)
    response["HX-Trigger-After-Swap"] = "call-saved"
    return response


def _page(
    request: Request, form: LogForm, *, asked: QueryDict, tel: str = "", kept: bool = False, status: int = 200
) -> HttpResponse:
    incidents = _incidents(form.at)
    incident = incident_of(asked) if "incident" in asked else _preselected(incidents)
    if incident and incident not in incidents:
        incidents.append(incident)
    language = language_of(asked, request.user)
    latest = None if kept else _latest(incident, request.user)
    if kept:
        latest = {"shell": "tickets/offline.html", "kept": True, "volunteer": is_volunteer(request.user)}
    context = {
        "form": form,
        "tel": tel,
        "incidents": incidents,
        "incident": incident,
        "services": Service.objects.order_by("group__position", "position", "key")[:CHIPS],
        "channels": [(channel, _ICONS[channel]) for channel in ContactChannel],
        "impacts": list(ContactImpact),
        "urgent_kinds": list(UrgentKind),
        "windows": list(CallbackWindow),
        "can_log": can_answer_call(request.user),
        **_caller(asked, incident),
        **panel(incident, language, request.user),
        **(latest or {}),
    }
    return render(request, "tickets/calls.html", context, status=status)


_ICONS = {
    ContactChannel.PHONE: "d-phone",
    ContactChannel.EMAIL: "d-mail",
    ContactChannel.SOCIAL: "d-social",
    ContactChannel.VISIT: "d-home",
    ContactChannel.INTERNAL: "d-desk",
}


def undo_for(contact: Contact, user: User) -> int:
    """For how many seconds yet *user* is offered to take *contact* back."""
    left = UNDO_OFFERED - (timezone.now() - contact.recorded_at)
    mine = contact.agent_id == user.pk and contact.revision == 1
    return max(math.ceil(left.total_seconds()), 0) if mine else 0


def _incidents(at: datetime) -> list[Incident]:
    """Those a caller may mean: the open ones, the gravest first, then those resolved within a day; exercises last."""
    resolved = Incident.objects.resolved().filter(phase_changes__occurred_at__gte=at - STILL_ASKED_ABOUT)
    found = [*Incident.objects.open(), *resolved.distinct()]
    return sorted(found, key=lambda incident: incident.drill)


def _preselected(incidents: Iterable[Incident]) -> Incident | None:
    """A real caller's call must not land in an exercise: that is chosen by hand."""
    return next((incident for incident in incidents if not incident.drill), None)


def _caller(asked: QueryDict, incident: Incident | None) -> dict[str, Any]:
    """What the slot under the caller's box shows: the chosen pharmacy, or suggestions for what was typed."""
    typed, pk = asked.get("caller", ""), asked.get("pharmacy", "")
    if pk.isascii() and pk.isdecimal() and len(pk) < 19 and "search" not in asked:
        known = Pharmacy.objects.filter(pk=pk).select_related("software_house").prefetch_related("phones")
        if pharmacy := known.first():
            return {"typed": typed, "chosen": lookup.suggestion(pharmacy, incident=incident)}
    found = lookup.find(typed, incident=incident) if typed.strip() else []
    return {
        "typed": typed.strip(),
        "suggestions": found,
        "one_number": sum(suggestion.has_that_number for suggestion in found) > 1,
        "is_number": len(typed.strip()) > 6 and phone.looks_like_number(typed),
        "alike": bool(found) and found[0].is_alike,
    }


def _latest(incident: Incident | None, user: User, *, seen: str = "") -> dict[str, Any] | None:
    """The newest contacts and their counts, or None while they are those *seen*."""
    about = Contact.objects.filter(incident=incident)
    if volunteer := is_volunteer(user):
        about = about.filter(agent=user)
    contacts = list(with_post(about.shown().with_nth_call()).fetch_mode(FETCH_RAISE)[:LATEST])
    newest = Update.objects.published().filter(incident=incident).values_list("number", flat=True).first()
    for contact in contacts:
        contact.undo_for = undo_for(contact, user)
    state = [(contact.pk, contact.revision, contact.callback_state) for contact in contacts]
    version = f"{zlib.crc32(repr((state, newest)).encode()):08x}"
    if version == seen:
        return None
    # An incident's calls are some thousands. Those on none come in for years: counted are the last day's.
    counted = about if incident else about.filter(occurred_at__gt=timezone.now() - STILL_ASKED_ABOUT)
    counts = counted.order_by().aggregate(
        contacts=Count("pk"),
        pharmacies=Count("pharmacy", distinct=True),
        mine=Count("pk", filter=Q(agent=user)),
        urgent=Count("pk", filter=Q(impact=ContactImpact.PATIENT_WAITING)),
        callbacks=Count("pk", filter=Q(callback__state=CallbackState.OPEN)),
        unattached=Count("pk", filter=Q(pharmacy=None)),
    )
    return {
        "incident": incident,
        "contacts": contacts,
        "counts": counts,
        "newest": newest,
        "latest_version": version,
        "volunteer": volunteer,
    }
