"""Planned work: the list, planning, moving, and how it goes."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import FETCH_RAISE
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.http import Request
from accounts.refusals import Refused
from incidents import operations
from incidents.forms.maintenance import (
    AmendWorkForm,
    PlanWorkForm,
    StepForm,
    WindowForm,
    WorkForm,
    in_languages,
    steps,
    with_taken,
)
from incidents.models import Incident, Maintenance, MaintenanceQuerySet, MaintenanceStatus
from incidents.permissions import can_plan_work, check_plan_work

A_PAGE = 20


@require_GET
def maintenances(request: Request) -> HttpResponse:
    """What is announced and under way, the first first; below it what is over, paged."""
    over = Paginator(_with_all(Maintenance.objects.over()), A_PAGE).get_page(request.GET.get("page"))
    now = timezone.now()
    context = {
        "lasting": [(work, work.late_by(now)) for work in _with_all(Maintenance.objects.lasting())],
        "page": over,
        "over": [(work, None) for work in over],
        "can_plan": can_plan_work(request.user),
    }
    return render(request, "incidents/maintenances.html", context)


def _with_all(maintenances: MaintenanceQuerySet) -> MaintenanceQuerySet:
    """With all that a row shows, and nothing fetched behind its back."""
    return (
        maintenances.select_related("follows").prefetch_related("services", "changes").fetch_mode(FETCH_RAISE)
    )


@require_http_methods(["GET", "POST"])
def plan_maintenance(request: Request) -> HttpResponse:
    """?follows=k7m2q9x4tb1d proposes the work that finishes that incident."""
    check_plan_work(request.user)
    if request.method == "GET":
        follows = Incident.objects.real().filter(public_id=request.GET.get("follows", "")).first()
        return _form_page(request, PlanWorkForm(follows=follows))
    if "take" in request.POST:
        return _taken_page(request, PlanWorkForm(with_taken(request.POST)))
    form = PlanWorkForm(request.POST)
    maintenance = _planned(form, request) if form.is_valid() else None
    if maintenance is None:
        return _form_page(request, form, refused=True)
    messages.success(request, _("Planned. The status page announces it."))
    return redirect("maintenance:one", maintenance.public_id)


def _planned(form: PlanWorkForm, request: Request) -> Maintenance | None:
    said = form.cleaned_data
    try:
        return operations.plan_maintenance(
            key=said["key"],
            titles=in_languages("title", said),
            bodies=in_languages("body", said),
            services=said["services"],
            window=form.window,
            follows=said["follows"],
            by=request.user,
        )
    except Refused as refusal:
        form.refuse(refusal)
        return None


@require_http_methods(["GET", "POST"])
def amend_maintenance(request: Request, public_id: str) -> HttpResponse:
    check_plan_work(request.user)
    maintenance = _found(public_id)
    if "take" in request.POST:
        form = AmendWorkForm(with_taken(request.POST), maintenance=maintenance)
        return _taken_page(request, form, maintenance)
    form = AmendWorkForm(request.POST or None, maintenance=maintenance)
    if request.method == "POST" and form.is_valid() and _amended(form, maintenance, request):
        messages.success(request, _("Saved. The status page shows it."))
        return redirect("maintenance:one", public_id)
    return _form_page(request, form, maintenance, refused=form.is_bound)


def _amended(form: AmendWorkForm, maintenance: Maintenance, request: Request) -> bool:
    try:
        operations.amend_maintenance(
            maintenance,
            titles=form.changed_texts("title"),
            bodies=form.changed_texts("body"),
            services=form.cleaned_data["services"] if "services" in form.changed_data else None,
            window=form.window if form.is_moved else None,
            by=request.user,
        )
    except Refused as refusal:
        form.refuse(refusal)
        return False
    return True


def _form_page(
    request: Request, form: WorkForm, maintenance: Maintenance | None = None, *, refused: bool = False
) -> HttpResponse:
    context = {"form": form, "maintenance": maintenance, "hours": form.hours}
    return render(request, "incidents/plan_maintenance.html", context, status=422 if refused else 200)


def _taken_page(request: Request, form: WorkForm, maintenance: Maintenance | None = None) -> HttpResponse:
    """The form with another window; what is still to be filled in is no mistake yet."""
    form.full_clean()
    form.errors.clear()
    return _form_page(request, form, maintenance)


@require_GET
def hours(request: Request) -> HttpResponse:
    """The form's part about its window: anew for what is chosen so far, or with the window taken."""
    check_plan_work(request.user)
    form = WindowForm(with_taken(request.GET))
    form.full_clean()
    shown = WindowForm(initial={name: form[name].value() for name in ("starts_at", "ends_at")})
    return render(request, "incidents/plan_maintenance.html#window", {"form": shown, "hours": form.hours})


@require_http_methods(["GET", "POST"])
def maintenance(request: Request, public_id: str) -> HttpResponse:
    """One, with what can be said of it now."""
    found = _found(public_id)
    form = StepForm(request.POST or None)
    if request.method == "POST":
        check_plan_work(request.user)
        if form.is_valid() and _stepped(form, found, request):
            messages.success(request, _("Saved. The status page shows it."))
            return redirect("maintenance:one", public_id)
    context = {
        "maintenance": found,
        "changes": list(found.changes.all())[::-1],
        "late_by": found.late_by(timezone.now()),
        "steps": steps(found),
        "form": form,
        "can_plan": can_plan_work(request.user),
    }
    return render(request, "incidents/maintenance.html", context, status=422 if form.is_bound else 200)


def _stepped(form: StepForm, maintenance: Maintenance, request: Request) -> bool:
    said = form.cleaned_data
    note = in_languages("note", said)
    try:
        if said["status"]:
            operations.move_maintenance(
                maintenance,
                MaintenanceStatus(said["status"]),
                key=said["key"],
                note=note,
                occurred_at=said["occurred_at"],
                by=request.user,
            )
        else:
            operations.note_maintenance(maintenance, key=said["key"], note=note, by=request.user)
    except Refused as refusal:
        form.refuse(refusal)
        return False
    return True


def _found(public_id: str) -> Maintenance:
    return get_object_or_404(
        Maintenance.objects.select_related("follows", "created_by").prefetch_related(
            "services", "changes__by"
        ),
        public_id=public_id,
    )
