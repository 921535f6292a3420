"""Declaring an incident, and saying it better afterwards."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.http import Request
from accounts.refusals import Refused
from incidents import operations
from incidents.forms import DeclareForm, EditForm
from incidents.forms.declaring import LINKABLE, Proposal, proposed
from incidents.models import Incident, ServiceStatus, Severity
from incidents.models.states import by_badness
from incidents.permissions import check_run_incident
from incidents.views.answers import done, found, shown


@require_http_methods(["GET", "POST"])
def declare(request: Request) -> HttpResponse:
    """To begin with: `?service=`, `?relapse_of=`, public ids; `?began_at=` (ISO 8601); `?partner=`, for the titles."""
    check_run_incident(request.user)
    if request.method == "GET":
        return _declare_page(request, _begun(request.GET))
    form = DeclareForm(request.POST)
    if "propose" in request.POST:
        return _declare_page(request, proposed(form))
    incident = _declared(form, request) if form.is_valid() else None
    if incident is None:
        return _declare_page(request, form, refused=True)
    messages.success(
        request,
        _("The exercise has begun. Nothing of it leaves the house.")
        if incident.drill
        else _("Declared. Now tell the pharmacies."),
    )
    return redirect("desk:room", incident.public_id)


def _begun(asked: QueryDict) -> DeclareForm:
    """What makes no sense is left out."""
    service = asked.get("service", "")
    initial: dict[str, Any] = {"services": {service: ServiceStatus.PARTIAL.value}}
    if partner := " ".join(asked.get("partner", "").replace("\x00", "").split())[:80]:
        initial |= {"title_fr": f"Problème chez {partner}", "title_nl": f"Probleem bij {partner}"}
    try:
        began_at = parse_datetime(asked.get("began_at", ""))
    except ValueError:
        began_at = None
    if began_at and began_at.tzinfo and abs(began_at - timezone.now()) < LINKABLE:
        initial["began_at"] = timezone.localtime(began_at).replace(second=0, microsecond=0)
    form = DeclareForm(initial=initial)
    if asked.get("relapse_of") in form.earlier:
        form.initial["relapse_of"] = asked["relapse_of"]
        services = [row.service for row in form.service_rows() if row.service.public_id == service]
        form.proposal = Proposal.of(services, form.initial["began_at"], drill=False)
    return form


def _declared(form: DeclareForm, request: Request) -> Incident | None:
    said = form.cleaned_data
    try:
        return operations.declare(
            key=said["key"],
            titles={name.removeprefix("title_"): said[name] for name in said if name.startswith("title_")},
            severity=Severity(said["severity"]),
            statuses=said["services"],
            began_at=said["began_at"],
            relapse_of=form.earlier_incident,
            drill=form.is_drill,
            assessment=form.assessment,
            by=request.user,
        )
    except Refused as refusal:
        form.refuse(refusal)
        return None


def _declare_page(request: Request, form: DeclareForm, *, refused: bool = False) -> HttpResponse:
    context = {
        "form": form,
        "statuses": by_badness(),
        "proposal": getattr(form, "proposal", Proposal([], [])),
    }
    return render(request, "incidents/declare.html", context, status=422 if refused else 200)


@require_GET
def relapse(request: Request) -> HttpResponse:
    """The form's part about relapses, anew for the services and the beginning chosen so far."""
    check_run_incident(request.user)
    form = DeclareForm(request.GET)
    form.full_clean()
    proposal = form.proposal
    chosen = request.GET.get("relapse_of", "")
    if proposal.relapse_of and chosen not in form.earlier:
        chosen = proposal.relapse_of[0].public_id
    fresh = DeclareForm(initial={"relapse_of": chosen})
    return render(request, "incidents/declare.html#relapse", {"form": fresh, "proposal": proposal})


@require_GET
def severity(request: Request) -> HttpResponse:
    """The form's part about the severity, anew for the replies given so far."""
    check_run_incident(request.user)
    return render(request, "incidents/declare.html#severity", {"form": proposed(DeclareForm(request.GET))})


@require_http_methods(["GET", "POST"])
def edit(request: Request, public_id: str) -> HttpResponse:
    """Titles, severity, and what it is a relapse of."""
    check_run_incident(request.user)
    incident = found(public_id)
    form = EditForm(request.POST or None, incident=incident)
    if request.method == "POST" and form.is_valid() and _edited(form, incident, request):
        return done(request, incident)
    return shown(request, "edit.html", {"form": form, "incident": incident}, refused=form.is_bound)


@transaction.atomic
def _edited(form: EditForm, incident: Incident, request: Request) -> bool:
    said, changed = form.cleaned_data, form.changed_data
    try:
        operations.amend(
            incident,
            titles=form.changed_titles(),
            severity=Severity(said["severity"]) if "severity" in changed else None,
            by=request.user,
        )
        if "relapse_of" in changed and said["relapse_of"]:
            operations.link_relapse(incident, said["relapse_of"], by=request.user)
    except Refused as refusal:
        transaction.set_rollback(True)
        form.refuse(refusal)
        return False
    return True
