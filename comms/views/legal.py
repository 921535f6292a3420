"""The legal clocks: of one incident, and which ones the organisation watches."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages as notices
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import Request
from accounts.languages import INTERFACE_LANGUAGES
from accounts.refusals import NotAllowed, Refused
from comms import permissions
from comms.forms.legal import DecisionForm, FilingForm
from comms.models import FilingStage, Regime, RegimeSwitch
from comms.operations import legal as operations
from comms.plan.drafts import draft as draft_of
from comms.plan.duties import Duty, duties
from incidents.models import Incident


@require_http_methods(["GET", "POST"])
def switches(request: Request) -> HttpResponse:
    """Each regime, off until it is switched on."""
    permissions.check_switch_regime(request.user)
    if request.method == "POST":
        regime = _known(Regime, request.POST.get("regime", ""))
        operations.switch(regime, on=request.POST.get("on") == "1", by=request.user)
        notices.success(request, _("Saved."))
        return redirect("comms:legal_switches")
    stored = {row.regime: row for row in RegimeSwitch.objects.select_related("changed_by")}
    rows = [(regime, stored.get(regime)) for regime in Regime]
    return render(request, "comms/legal_switches.html", {"rows": rows})


def _known(kinds: type[Any], value: str) -> Any:
    if value not in kinds:
        raise Http404
    return kinds(value)


@require_GET
def legal(request: Request, public_id: str) -> HttpResponse:
    incident = get_object_or_404(Incident.objects.prefetch_related("phase_changes"), public_id=public_id)
    return _page(request, incident)


def _page(
    request: Request,
    incident: Incident,
    *,
    refused: DecisionForm | FilingForm | None = None,
    place: str = "",
) -> HttpResponse:
    """*refused*: the form that was sent, shown again at *place*."""
    may = permissions.can_decide_regime(request.user, incident)
    rows = [(duty, *_forms(duty, incident, refused, place)) for duty in duties(incident)]
    context = {
        "incident": incident,
        "rows": rows,
        "may": may,
        "at": incident.now(),
        "languages": INTERFACE_LANGUAGES,
        "can_switch": permissions.can_switch_regime(request.user),
    }
    return render(request, "comms/legal.html", context, status=422 if refused else 200)


def _forms(
    duty: Duty, incident: Incident, refused: DecisionForm | FilingForm | None, place: str
) -> tuple[DecisionForm, list[tuple[Any, FilingForm]]]:
    fresh = DecisionForm(initial={"aware_at": incident.began_at}, prefix=f"{duty.regime}")
    decision = refused if isinstance(refused, DecisionForm) and place == duty.regime else fresh
    filings = []
    for deadline in duty.deadlines:
        name = f"{duty.regime}-{deadline.stage}"
        sent = isinstance(refused, FilingForm) and place == name
        filings.append(
            (deadline, refused if sent and isinstance(refused, FilingForm) else FilingForm(prefix=name))
        )
    return decision, filings


@require_POST
def decide(request: Request, public_id: str, regime: str) -> HttpResponse:
    incident = get_object_or_404(Incident.objects.prefetch_related("phase_changes"), public_id=public_id)
    kind = _known(Regime, regime)
    permissions.check_decide_regime(request.user, incident)
    form = DecisionForm(request.POST, prefix=regime)
    if form.is_valid():
        try:
            operations.decide(
                incident,
                kind,
                key=_key(request),
                applies=form.cleaned_data["applies"] == "yes",
                aware_at=form.cleaned_data["aware_at"],
                reason=form.cleaned_data["reason"],
                by=request.user,
            )
        except NotAllowed:
            raise
        except Refused as refusal:
            form.refuse(refusal)
        else:
            notices.success(request, _("Decided, and noted with your name and the reason."))
            return redirect("comms:legal", public_id)
    return _page(request, incident, refused=form, place=regime)


def _key(request: Request) -> UUID:
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return uuid4()


@require_POST
def file(request: Request, public_id: str, regime: str, stage: str) -> HttpResponse:
    incident = get_object_or_404(Incident.objects.prefetch_related("phase_changes"), public_id=public_id)
    kind, which = _known(Regime, regime), _known(FilingStage, stage)
    permissions.check_decide_regime(request.user, incident)
    name = f"{regime}-{stage}"
    form = FilingForm(request.POST, prefix=name)
    if form.is_valid():
        try:
            operations.file(
                incident,
                kind,
                which,
                filed_at=form.cleaned_data["filed_at"],
                reference=form.cleaned_data["reference"],
                by=request.user,
            )
        except NotAllowed:
            raise
        except Refused as refusal:
            form.refuse(refusal)
        else:
            notices.success(request, _("Noted."))
            return redirect("comms:legal", public_id)
    return _page(request, incident, refused=form, place=name)


@require_GET
def draft(request: Request, public_id: str, regime: str, stage: str, language: str) -> HttpResponse:
    """The draft of a notification as a file."""
    incident = get_object_or_404(Incident.objects.prefetch_related("phase_changes"), public_id=public_id)
    kind = _known(Regime, regime)
    permissions.check_decide_regime(request.user, incident)
    if language not in INTERFACE_LANGUAGES:
        raise Http404
    duty = next((each for each in duties(incident) if each.regime == kind), None)
    deadline = next((each for each in duty.deadlines if each.stage == stage), None) if duty else None
    if duty is None or deadline is None or duty.decision is None:
        raise Http404
    text = draft_of(deadline, duty.decision, incident, language, incident.now())
    name = f"{regime}-{stage}-{incident.public_id}-{language}.md"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers=headers)
