"""What changes while an incident lasts: each decision a small page of its own, or a part of the room."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import Request
from accounts.refusals import NotAllowed, Refused
from incidents import operations
from incidents.forms import MoveForm, NoteForm, RolesForm, StatusesForm
from incidents.forms.fields import DeskForm
from incidents.forms.running import StageRow, stage_rows
from incidents.models import EntryKind, Incident, MilestoneKind, Phase, ResponseRole
from incidents.models.states import by_badness
from incidents.operations.team import DEPUTY
from incidents.permissions import check_change_course, check_note_fact, check_run_incident
from incidents.personal_data import national_numbers
from incidents.views.answers import done, found, shown


@require_http_methods(["GET", "POST"])
def statuses(request: Request, public_id: str) -> HttpResponse:
    check_change_course(request.user)
    incident = found(public_id)
    form = StatusesForm(request.POST or None, incident=incident)
    if request.method == "POST" and form.is_valid():
        try:
            operations.set_statuses(
                incident,
                form.cleaned_data["services"],
                occurred_at=form.cleaned_data["occurred_at"],
                by=request.user,
            )
            return done(request, incident)
        except Refused as refusal:
            form.refuse(refusal)
    context = {"form": form, "incident": incident, "statuses": by_badness()}
    return shown(request, "statuses.html", context, refused=form.is_bound)


@require_http_methods(["GET", "POST"])
def move(request: Request, public_id: str) -> HttpResponse:
    """Into another phase. Reopened, it goes on to the services: nothing is down again by itself."""
    check_change_course(request.user)
    incident = found(public_id)
    was_open = incident.is_open
    form = MoveForm(request.POST or None, phase=incident.phase)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            operations.move(
                incident,
                Phase(said["phase"]),
                reason=said["reason"],
                occurred_at=said["occurred_at"],
                by=request.user,
            )
            return done(request, incident, then="desk:room" if was_open else "incidents:statuses")
        except Refused as refusal:
            form.refuse(refusal)
    return shown(request, "move.html", {"form": form, "incident": incident}, refused=form.is_bound)


@require_http_methods(["GET", "POST"])
def milestones(request: Request, public_id: str) -> HttpResponse:
    """The stages of recovery, each with what is left to say of it: planned, reached, confirmed."""
    check_run_incident(request.user)
    incident = found(public_id)
    rows = stage_rows(incident, request.POST if request.method == "POST" else None)
    row = next((row for row in rows if row.posted), None)
    if row and row.posted and row.posted.is_valid() and _said(row, row.posted, incident, request):
        return done(request, incident, then="desk:room" if request.htmx else "incidents:milestones")
    context = {"rows": rows, "incident": incident}
    return shown(request, "milestones.html", context, refused=request.method == "POST")


def _said(row: StageRow, form: DeskForm, incident: Incident, request: Request) -> bool:
    """Do what was said of a stage; False when it is refused, with the reason in its form."""
    kind = MilestoneKind(row.kind)
    try:
        if form is row.plan:
            operations.plan_milestone(
                incident, kind, planned_for=form.cleaned_data["planned_for"], by=request.user
            )
        else:
            operations.reach_milestone(
                incident,
                kind,
                occurred_at=form.cleaned_data.get("occurred_at"),
                confirmed_by=form.cleaned_data["confirmed_by"],
                by=request.user,
            )
    except Refused as refusal:
        form.refuse(refusal)
        return False
    return True


@require_http_methods(["GET", "POST"])
def roles(request: Request, public_id: str) -> HttpResponse:
    check_run_incident(request.user)
    incident = found(public_id)
    form = RolesForm(request.POST or None, incident=incident)
    if request.method == "POST" and form.is_valid() and _assigned(form, incident, request):
        return done(request, incident)
    return shown(request, "roles.html", {"form": form, "incident": incident}, refused=form.is_bound)


@transaction.atomic
def _assigned(form: RolesForm, incident: Incident, request: Request) -> bool:
    try:
        for name in form.changed_data:
            operations.assign_role(
                incident,
                ResponseRole(name.removesuffix(DEPUTY)),
                form.cleaned_data[name],
                deputy=name.endswith(DEPUTY),
                by=request.user,
            )
    except Refused as refusal:
        transaction.set_rollback(True)
        form.refuse(refusal)
        return False
    return True


@require_POST
def hand_over(request: Request, public_id: str, role: str) -> HttpResponse:
    """Her role to her deputy, with one click and perhaps a word."""
    incident = found(public_id)
    if role not in ResponseRole:
        raise Http404
    try:
        person = operations.hand_over(
            incident, ResponseRole(role), word=request.POST.get("word", ""), by=request.user
        )
    except NotAllowed:
        raise
    except Refused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Handed over to %(person)s.") % {"person": person.display_name})
    return redirect("desk:room", incident.public_id)


@require_http_methods(["GET", "POST"])
def note(request: Request, public_id: str) -> HttpResponse:
    """A fact for the timeline; ?corrects=7 puts entry 7 right."""
    check_note_fact(request.user)
    incident = found(public_id)
    form = NoteForm(
        request.POST or None, incident=incident, initial={"corrects": request.GET.get("corrects")}
    )
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            operations.note_fact(incident, **{**said, "kind": EntryKind(said["kind"])}, by=request.user)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            if national_numbers(said["text"]):
                messages.warning(request, _("It held a national number: that was masked."))
            return done(request, incident)
    context = {"form": form, "incident": incident, "corrected": form.corrected()}
    return shown(request, "note.html", context, refused=form.is_bound)
