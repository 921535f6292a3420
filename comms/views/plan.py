"""The crisis plan on the screen: every incident's checklist, and the template they are started from."""

from uuid import UUID, uuid4

from django.contrib import messages as notices
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.http import Request
from accounts.refusals import NotAllowed, Refused
from comms import permissions
from comms.models import Checklist, ChecklistItem, PlanTemplate, Tick
from comms.operations import drafts
from comms.operations import plan as operations
from comms.plan.board import board, checklists
from comms.plan.briefing import briefed
from comms.plan.duties import duties
from comms.plan.proposing import default_template, proposals
from comms.script import latest_update
from incidents.models import Incident

RECENT = 12


@require_GET
def plans(request: Request) -> HttpResponse:
    """Open incidents with their plan, or the button to start it; then those whose plan ran lately."""
    at = timezone.now()
    open_ = list(Incident.objects.open().prefetch_related("phase_changes"))
    running = {
        checklist.incident_id: board(checklist, at)
        for checklist in checklists().filter(incident__in=[incident.pk for incident in open_])
    }
    past = checklists().exclude(incident__in=running).order_by("-started_at")[:RECENT]
    context = {
        "open": [(incident, running.get(incident.pk)) for incident in open_],
        "past": [(checklist.incident, board(checklist, at)) for checklist in past],
        "templates": PlanTemplate.objects.order_by("name_fr"),
        "default": default_template(),
        "can_start": permissions.can_start_plan(request.user),
        "can_edit": permissions.can_edit_plan(request.user),
        "can_switch": permissions.can_switch_regime(request.user),
    }
    return render(request, "comms/plans.html", context)


@require_GET
def plan(request: Request, public_id: str) -> HttpResponse:
    """The checklist of one incident, or the offer to start it."""
    incident = get_object_or_404(
        Incident.objects.prefetch_related("phase_changes", "impacts"), public_id=public_id
    )
    return render(request, "comms/plan.html", _context(request, incident))


def _context(request: Request, incident: Incident, **more: object) -> dict[str, object]:
    checklist = checklists().filter(incident=incident).first()
    at = timezone.now()
    without = [incident] if incident.is_open and not checklist else []
    return {
        "incident": incident,
        "board": board(checklist, at) if checklist else None,
        "proposal": next(iter(proposals(without, at)), None),
        "default": default_template(),
        "templates": PlanTemplate.objects.order_by("name_fr"),
        "can_start": permissions.can_start_plan(request.user),
        "can_tick": permissions.can_tick_step(request.user),
        "can_write": permissions.can_write_update(request.user),
        "briefed": briefed(incident, latest_update(incident)) if _briefs(checklist) else [],
        "duties": [(duty, duty.late(incident.now(at))) for duty in duties(incident)],
        "refused_item": None,
        "typed": {},
        "errors": {},
        **more,
    }


def _briefs(checklist: Checklist | None) -> bool:
    return checklist is not None and any(item.briefs for item in checklist.items.all())


@require_POST
def start(request: Request, public_id: str) -> HttpResponse:
    incident = get_object_or_404(Incident, public_id=public_id)
    chosen = PlanTemplate.objects.in_bulk(field_name="key").get(request.POST.get("template", ""))
    if chosen is None:
        raise Http404
    try:
        operations.start_plan(incident, chosen, by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        return render(request, "comms/plan.html", _context(request, incident, refusal=refusal), status=422)
    return redirect("comms:plan", public_id)


@require_POST
def decline(request: Request, public_id: str) -> HttpResponse:
    """Not now, and why."""
    incident = get_object_or_404(Incident, public_id=public_id)
    reason = request.POST.get("reason", "")
    try:
        operations.decline_plan(incident, reason=reason, by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        errors = {"reason": refusal.message} if refusal.field else {}
        context = _context(
            request, incident, refusal=None if errors else refusal, errors=errors, typed=request.POST
        )
        return render(request, "comms/plan.html", context, status=422)
    return redirect("comms:plan", public_id)


@require_POST
def tick(request: Request, pk: int) -> HttpResponse:
    """Mark a step done or not applicable; a refusal shows the step again with all that was typed."""
    item = get_object_or_404(ChecklistItem.objects.select_related("checklist__incident"), pk=pk)
    try:
        operations.tick(
            item,
            key=_key(request),
            outcome=_outcome(request),
            note=request.POST.get("note", ""),
            proof=_proof(request, item),
            by=request.user,
        )
    except NotAllowed:
        raise
    except Refused as refusal:
        errors = dict(getattr(refusal, "errors", {refusal.field or "note": refusal.message}))
        context = _context(
            request,
            item.checklist.incident,
            refusal=refusal,
            refused_item=item.pk,
            typed=request.POST,
            errors=errors,
        )
        return render(request, "comms/plan.html", context, status=422)
    return redirect(f"{_address(item)}#step-{item.number}")


def _proof(request: Request, item: ChecklistItem) -> operations.Proof:
    told = {name: request.POST.get(name, "") for name in operations.LONGEST_PROOF}
    number = request.POST.get("update", "")
    messages = item.checklist.incident.updates.published()
    found = messages.filter(number=int(number)).first() if number.isdecimal() and len(number) < 6 else None
    return operations.Proof(**told, update=found)


@require_POST
def compose(request: Request, pk: int) -> HttpResponse:
    """Open the composer with the step's prepared message, audience and channels."""
    item = get_object_or_404(ChecklistItem.objects.select_related("checklist__incident"), pk=pk)
    if not item.publishes:
        raise Http404
    _draft, new = drafts.draft_for_step(item, by=request.user)
    if not new:
        notices.info(request, _("A message was begun already: its words and channels are kept."))
    return redirect("comms:compose", item.checklist.incident.public_id)


def _key(request: Request) -> UUID:
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return uuid4()


def _outcome(request: Request) -> Tick.Outcome:
    try:
        return Tick.Outcome(request.POST.get("outcome", ""))
    except ValueError:
        raise Refused(_("Say whether the step is done or does not apply.")) from None


def _address(item: ChecklistItem) -> str:
    return reverse("comms:plan", args=[item.checklist.incident.public_id])


@require_POST
def withdraw(request: Request, pk: int) -> HttpResponse:
    """Take back a mark made by mistake."""
    made = get_object_or_404(Tick.objects.select_related("item__checklist__incident"), pk=pk)
    operations.withdraw(made, by=request.user)
    return redirect(f"{_address(made.item)}#step-{made.item.number}")
