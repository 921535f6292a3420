"""The list of contacts, and one contact with its edits."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import FETCH_RAISE, Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.http import Request
from accounts.models import User
from accounts.refusals import Refused
from incidents.forms.fields import YEARS
from incidents.models import Incident
from incidents.personal_data import national_numbers
from tickets import edits, lookup, operations
from tickets.forms.contacts import SEARCHED, ContactForm, FilterForm
from tickets.models import Contact, ContactImpact, Pharmacy, PharmacyPhone
from tickets.models.contact import ContactQuerySet
from tickets.models.mail import with_post
from tickets.permissions import can_export_contacts, can_log_contact, colleagues

PAGE = 50
ALIKE = 5
RECENT = 20  # incidents that contacts are attached to in bulk
SAME_CALL = timedelta(hours=1)
COUNTED_UP_TO = 1_000  # beyond it the list says "more than": nobody reads on, and counting takes its time


@require_GET
def contacts(request: Request) -> HttpResponse:
    """Newest first. A page ends where the next begins (?before=), so the last costs what the first does."""
    form = FilterForm(request.GET)
    matching = form.contacts(request.user)
    page = list(
        _before(with_post(matching.shown().with_nth_call()), request.GET.get("before", ""))[
            : PAGE + 1
        ].fetch_mode(FETCH_RAISE)
    )
    context = {
        "form": form,
        "filtered": any(form.cleaned_data.values()),
        "counts": _counts(matching),
        "counted_up_to": COUNTED_UP_TO,
        "searched": SEARCHED if form.is_bounded else 0,
        "contacts": page[:PAGE],
        "older": _query(request, before=_mark(page[PAGE - 1])) if len(page) > PAGE else "",
        "newest_page": _query(request) if "before" in request.GET else "",
        "can_log": can_log_contact(request.user),
        "export": _query(request) if can_export_contacts(request.user) else "",
        "incidents": Incident.objects.all()[:RECENT],
    }
    return render(request, "tickets/contacts.html", context)


@require_http_methods(["GET", "POST"])
def contact(request: Request, pk: int) -> HttpResponse:
    """One contact: what was logged, its callback, who changed what; and the form to change it."""
    shown = get_object_or_404(
        with_post(Contact.objects.shown()).select_related(
            "incident", "pharmacy__software_house", "urgent_case__claimed_by", "urgent_case__closed_by"
        ),
        pk=pk,
    )
    if request.method == "GET":
        return _contact(request, shown, ContactForm.of(shown))
    if not can_log_contact(request.user):
        raise PermissionDenied
    form = ContactForm(request.POST, contact=shown)
    if "search" in request.POST:
        return _contact(
            request,
            shown,
            ContactForm(contact=shown, initial=request.POST.dict()),
            find=request.POST.get("find", ""),
        )
    if form.is_valid():
        changes = form.changes_but(request.POST.getlist("theirs"), shown)
        try:
            operations.edit_contact(
                shown, by=request.user, revision=form.cleaned_data["revision"], changes=changes
            )
        except operations.Conflict as conflict:
            return _contact(request, conflict.stored, form, conflict=conflict, status=409)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            if any(national_numbers(form.cleaned_data[name]) for name in ("caller", "note")):
                messages.warning(request, _("A national number was masked. Write no patient data in a note."))
            messages.success(request, _("Saved."))
            return redirect("tickets:contact", pk=pk)
    return _contact(request, shown, form, status=422)


def _contact(
    request: Request,
    contact: Contact,
    form: ContactForm,
    *,
    find: str = "",
    conflict: operations.Conflict | None = None,
    status: int = 200,
) -> HttpResponse:
    """*find*: what was typed to look another pharmacy up."""
    if conflict:  # saving again is then done knowing what the other one wrote
        form.data = form.merged(conflict, contact)
    chosen = str(form["pharmacy"].value() or "")
    pharmacy = Pharmacy.objects.filter(pk=chosen).first() if chosen.isdecimal() and len(chosen) < 19 else None
    context = {
        "contact": contact,
        "form": form,
        "conflict": conflict,
        "find": find,
        "pharmacy": pharmacy,
        "found": lookup.find(find, incident=contact.incident) if find.strip() else [],
        "edits": edits.history(contact),
        "callback": getattr(contact, "callback", None),
        "urgent_case": getattr(contact, "urgent_case", None),
        **_sorting(contact, request.user),
        "can_log": can_log_contact(request.user),
    }
    return render(request, "tickets/contact.html", context, status=status)


def _sorting(contact: Contact, user: User) -> dict[str, Any]:
    """What it may be merged with, whom it may be handed to, whether its number is the pharmacy's. Five queries."""
    if not can_log_contact(user):
        return {}
    near = Q(occurred_at__range=(contact.occurred_at - SAME_CALL, contact.occurred_at + SAME_CALL))
    alike = Q(pharmacy=contact.pharmacy) if contact.pharmacy else Q(caller_text=contact.caller_text)
    if contact.caller_e164:
        alike |= Q(caller_e164=contact.caller_e164)
    known = PharmacyPhone.objects.filter(pharmacy=contact.pharmacy, e164=contact.caller_e164).exists()
    return {
        "perhaps_same": list(Contact.objects.shown().filter(near, alike).exclude(pk=contact.pk)[:ALIKE]),
        "colleagues": colleagues(),
        "number_to_attach": contact.caller_e164 if contact.pharmacy and not known else "",
    }


def _before(contacts: ContactQuerySet, mark: str) -> ContactQuerySet:
    """Those that come after *mark* in the list; a mark that makes no sense is the list's beginning."""
    moment, _separator, pk = mark.partition(",")
    try:
        occurred_at = parse_datetime(moment)
    except ValueError:
        occurred_at = None
    if (
        occurred_at is None
        or occurred_at.tzinfo is None
        or occurred_at.year not in YEARS
        or not (pk.isascii() and pk.isdecimal() and len(pk) < 19)
    ):
        return contacts
    return contacts.filter(Q(occurred_at__lt=occurred_at) | Q(occurred_at=occurred_at, pk__lt=pk))


def _mark(contact: Contact) -> str:
    return f"{contact.occurred_at.isoformat()},{contact.pk}"


def _query(request: Request, **more: str) -> str:
    """The address of this list with the same filters and *more*."""
    asked = request.GET.copy()
    asked.pop("before", None)
    for name, value in more.items():
        asked[name] = value
    return f"?{asked.urlencode()}"


def _counts(contacts: ContactQuerySet) -> dict[str, Any]:
    counted = contacts.order_by()[: COUNTED_UP_TO + 1]
    return counted.aggregate(
        contacts=Count("pk"),
        pharmacies=Count("pharmacy", distinct=True),
        urgent=Count("pk", filter=Q(impact=ContactImpact.PATIENT_WAITING)),
    )
