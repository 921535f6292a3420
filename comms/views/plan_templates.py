"""Plan templates on the screen: edited step by step, copied, written to a file and taken in from one."""

from uuid import UUID, uuid4

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import Request
from accounts.refusals import NotAllowed, Refused
from comms import permissions
from comms.forms.plan import FileForm, NewTemplateForm, StepForm, TemplateForm
from comms.models import CrisisKind, PlanStep, PlanTemplate, PlanVersion
from comms.operations import plan_templates as operations
from comms.plan.document import Unreadable, names

SHOWN_VERSIONS = 20


@require_http_methods(["GET", "POST"])
def template(request: Request, key: str) -> HttpResponse:
    """The steps of a template, its name, and its earlier revisions."""
    permissions.check_edit_plan(request.user)
    found = get_object_or_404(PlanTemplate.objects.prefetch_related("steps"), key=key)
    form = TemplateForm(request.POST or None, initial={**names(found), "kind": found.kind})
    if request.method == "POST" and form.is_valid():
        try:
            kind = CrisisKind(form.cleaned_data["kind"])
            operations.rename(found, names=form.names, kind=kind, by=request.user)
        except NotAllowed:
            raise
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.message)
        else:
            notices.success(request, _("Saved. Plans that run already are unchanged."))
            return redirect("comms:template", key)
    versions = found.versions.select_related("saved_by").defer("text")[:SHOWN_VERSIONS]
    context = {"template": found, "form": form, "versions": versions}
    return render(request, "comms/template.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def new(request: Request) -> HttpResponse:
    """A template of its own for another kind of crisis, empty or with the steps of one there is."""
    permissions.check_edit_plan(request.user)
    form = NewTemplateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = operations.create(
                key=_key(request),
                names=form.names,
                kind=CrisisKind(given["kind"]),
                like=given["like"],
                by=request.user,
            )
        except NotAllowed:
            raise
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.message)
        else:
            return redirect("comms:template", made.key)
    return render(request, "comms/template_new.html", {"form": form}, status=422 if form.errors else 200)


def _key(request: Request) -> UUID:
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return uuid4()


@require_http_methods(["GET", "POST"])
def take_in(request: Request) -> HttpResponse:
    """A YAML file becomes a template, or every line that is wrong is named."""
    permissions.check_edit_plan(request.user)
    form = FileForm(request.POST or None, request.FILES or None)
    problems = []
    if request.method == "POST" and form.is_valid():
        try:
            made = operations.take_in(form.cleaned_data["text"], by=request.user)
        except Unreadable as unreadable:
            problems = unreadable.problems
            form = FileForm(initial={"text": form.cleaned_data["text"]})
        else:
            notices.success(request, _("Taken in. Plans that run already are unchanged."))
            return redirect("comms:template", made.key)
    status = 422 if problems or form.errors else 200
    return render(request, "comms/template_file.html", {"form": form, "problems": problems}, status=status)


@require_GET
def export(request: Request, key: str, revision: int | None = None) -> HttpResponse:
    """The template as a YAML file; with *revision* as it was then."""
    permissions.check_edit_plan(request.user)
    found = get_object_or_404(PlanTemplate.objects.prefetch_related("steps"), key=key)
    if revision is None:
        text = operations.export(found)
    else:
        text = get_object_or_404(PlanVersion, template=found, revision=revision).text
    name = f"{found.key}-{revision or found.revision}.yaml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)


@require_POST
def bring_back(request: Request, key: str, revision: int) -> HttpResponse:
    version = get_object_or_404(PlanVersion, template__key=key, revision=revision)
    operations.bring_back(version, by=request.user)
    notices.success(
        request, _("Revision %(n)d is back. Plans that run already are unchanged.") % {"n": revision}
    )
    return redirect("comms:template", key)


@require_POST
def remove_template(request: Request, key: str) -> HttpResponse:
    found = get_object_or_404(PlanTemplate, key=key)
    try:
        operations.remove(found, by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        notices.error(request, refusal.message)
        return redirect("comms:template", key)
    notices.success(request, _("Removed. Plans that run already are unchanged."))
    return redirect("comms:plans")


@require_http_methods(["GET", "POST"])
def step(request: Request, key: str, number: int | None = None) -> HttpResponse:
    """One step of a template: a new one without *number*. Running checklists keep what they froze."""
    permissions.check_edit_plan(request.user)
    found = get_object_or_404(PlanTemplate, key=key)
    if number is None:
        row, initial = PlanStep(template=found), {"number": _next(found)}
    else:
        row, initial = get_object_or_404(PlanStep, template=found, number=number), {}
    form = StepForm(request.POST or None, instance=row, initial=initial)
    if request.method == "POST" and form.is_valid():
        operations.save_step(found, form.save(commit=False), by=request.user)
        notices.success(request, _("Saved. Plans that run already are unchanged."))
        return redirect("comms:template", key)
    context = {"template": found, "form": form, "number": number}
    return render(request, "comms/step.html", context, status=422 if form.errors else 200)


def _next(template: PlanTemplate) -> int:
    last = template.steps.order_by("-number").first()
    return last.number + 1 if last else 1


@require_POST
def remove(request: Request, key: str, number: int) -> HttpResponse:
    row = get_object_or_404(PlanStep, template__key=key, number=number)
    operations.remove_step(row, by=request.user)
    notices.success(request, _("Step removed. Plans that run already are unchanged."))
    return redirect("comms:template", key)
