"""Putting logged contacts in order: attach, merge, split, hand over; and who else is at the same one."""

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.http import Request
from accounts.models import User
from accounts.refusals import Refused
from incidents.models import Incident
from tickets import operations
from tickets.models import Contact, Pharmacy
from tickets.operations import one_line
from tickets.permissions import can_log_contact

PLACES = ("contact", "pharmacy")


@require_POST
def attach(request: Request) -> HttpResponse:
    """The ticked contacts belong to the incident ?to=, or to none."""
    public_id = one_line(request.POST.get("to", ""))
    incident = get_object_or_404(Incident, public_id=public_id) if public_id else None
    ticked = [int(pk) for pk in request.POST.getlist("contact") if _is_key(pk)]

    def action() -> str:
        count = operations.attach_contacts(ticked, incident=incident, by=request.user)
        return ngettext("%(n)d contact moved.", "%(n)d contacts moved.", count) % {"n": count}

    _try(request, action)
    back = request.POST.get("back", "")
    ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return redirect(back if ours else reverse("tickets:contacts"))


@require_POST
def merge(request: Request, pk: int) -> HttpResponse:
    """?duplicate= was the same call as this one."""
    kept = get_object_or_404(Contact, pk=pk)
    duplicate = request.POST.get("duplicate", "")
    other = get_object_or_404(Contact, pk=int(duplicate) if _is_key(duplicate) else 0)

    def action() -> str:
        operations.merge_contacts(kept, duplicate=other, by=request.user)
        return _("Merged. What the other one said is in the edits.")

    _try(request, action)
    return redirect("tickets:contact", pk=pk)


@require_POST
def split(request: Request, pk: int) -> HttpResponse:
    """A second contact of the same call, to be filled in."""
    contact = get_object_or_404(Contact, pk=pk)
    second = pk

    def action() -> str:
        nonlocal second
        second = operations.split_contact(contact, key=_key_of(request), by=request.user).pk
        return _("This is the second contact of the same call: fill it in.")

    _try(request, action)
    return redirect("tickets:contact", pk=second)


@require_POST
def hand_over(request: Request, pk: int) -> HttpResponse:
    contact = get_object_or_404(Contact, pk=pk)
    chosen = request.POST.get("handed_to", "")
    to = get_object_or_404(User, pk=int(chosen)) if _is_key(chosen) else None

    def action() -> str:
        operations.hand_over(contact, to=to, by=request.user)
        return _("Handed over to %(who)s.") % {"who": (to or contact.agent).display_name}

    _try(request, action)
    return redirect("tickets:contact", pk=pk)


@require_POST
def attach_number(request: Request, pk: int) -> HttpResponse:
    """The pharmacy calls from ?number= too. A script is told in one line, a form on the page it came from."""
    pharmacy = get_object_or_404(Pharmacy, pk=pk)

    def action() -> str:
        kept = operations.attach_number(pharmacy, number=request.POST.get("number", ""), by=request.user)
        said = {"number": kept.raw, "pharmacy": pharmacy.name}
        return _("%(number)s now belongs to %(pharmacy)s.") % said

    if request.htmx:
        return render(request, "tickets/number_attached.html", {"said": _said(request, action)})
    _try(request, action)
    contact = request.POST.get("contact", "")
    return (
        redirect("tickets:contact", pk=int(contact))
        if _is_key(contact)
        else redirect("tickets:pharmacy", pk=pk)
    )


@require_POST
def presence(request: Request, kind: str, pk: int) -> HttpResponse:
    """I am here; who else is? Asked again while the page is open."""
    others = operations.be_at(f"{kind}:{pk}", by=request.user) if kind in PLACES else []
    return render(request, "tickets/presence.html", {"others": others, "kind": kind, "pk": pk})


def _try(request: Request, action: Callable[[], str]) -> None:
    """Do it and say so on the next page, or say why not."""
    try:
        messages.success(request, _allowed(request, action))
    except Refused as refusal:
        messages.warning(request, refusal.message)


def _said(request: Request, action: Callable[[], str]) -> str:
    try:
        return _allowed(request, action)
    except Refused as refusal:
        return refusal.message


def _allowed(request: Request, action: Callable[[], str]) -> str:
    if not can_log_contact(request.user):
        raise PermissionDenied
    return action()


def _key_of(request: Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get("key", ""))
    except ValueError as error:
        raise Refused(_("The form is incomplete. Open the page again.")) from error


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19
