"""Colleagues who can be called in: the list of them, and the board of an incident."""

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import Request
from accounts.refusals import Refused
from incidents import operations
from incidents.forms.staff import AbsenceForm, CalendarForm, ColleagueForm
from incidents.models import Absence, Colleague
from incidents.permissions import can_keep_staff, check_call_in, check_keep_staff


@require_GET
def staff(request: Request) -> HttpResponse:
    """Everybody who can be called in, in the order of calling."""
    check_call_in(request.user)
    today = timezone.localdate()
    context = {
        "colleagues": list(Colleague.objects.listed().with_absences_on(today)),
        "can_keep": can_keep_staff(request.user),
    }
    return render(request, "incidents/staff.html", context)


@require_http_methods(["GET", "POST"])
def colleague(request: Request, pk: int | None = None) -> HttpResponse:
    """One of them, or a new one."""
    check_keep_staff(request.user)
    known = _found(pk) if pk else None
    form = ColleagueForm(request.POST or None, colleague=known)
    if request.method == "POST" and form.is_valid():
        try:
            kept = operations.keep_colleague(form.said, colleague=known, by=request.user)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("staff:one", kept.pk)
    return _colleague_page(request, known, form, refused=form.is_bound)


def _colleague_page(
    request: Request,
    known: Colleague | None,
    form: ColleagueForm | None = None,
    *,
    calendar: CalendarForm | None = None,
    absence: AbsenceForm | None = None,
    refused: bool = False,
) -> HttpResponse:
    context = {
        "colleague": known,
        "form": form or ColleagueForm(colleague=known),
        "calendar": calendar or CalendarForm(),
        "absence": absence or AbsenceForm(),
        "absences": list(known.absences.all()) if known else [],
    }
    return render(request, "incidents/colleague.html", context, status=422 if refused else 200)


@require_POST
def calendar(request: Request, pk: int) -> HttpResponse:
    """Take the absences from a calendar file."""
    check_keep_staff(request.user)
    known, form = _found(pk), CalendarForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            count = operations.take_calendar(known, form.content, by=request.user)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            taken = ngettext(
                "%(n)d absence taken from the calendar.", "%(n)d absences taken from the calendar.", count
            )
            messages.success(request, taken % {"n": count})
            return redirect("staff:one", pk)
    return _colleague_page(request, known, calendar=form, refused=True)


@require_POST
def absence(request: Request, pk: int) -> HttpResponse:
    """One absence, by hand."""
    check_keep_staff(request.user)
    known, form = _found(pk), AbsenceForm(request.POST)
    if form.is_valid():
        try:
            operations.add_absence(known, **form.cleaned_data, by=request.user)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            return redirect("staff:one", pk)
    return _colleague_page(request, known, absence=form, refused=True)


@require_POST
def absence_remove(request: Request, pk: int) -> HttpResponse:
    check_keep_staff(request.user)
    gone = get_object_or_404(Absence, pk=pk)
    operations.remove_absence(gone, by=request.user)
    return redirect("staff:one", gone.colleague_id)


@require_POST
def colleague_remove(request: Request, pk: int) -> HttpResponse:
    check_keep_staff(request.user)
    operations.remove_colleague(_found(pk), by=request.user)
    messages.success(request, _("Not called any more."))
    return redirect("staff:list")


def _found(pk: int) -> Colleague:
    listed = Colleague.objects.listed().select_related("account")
    return get_object_or_404(listed.prefetch_related(Prefetch("absences")), pk=pk)
