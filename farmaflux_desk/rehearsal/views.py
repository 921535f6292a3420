"""Exercises: which there were, beginning one from a scenario, holding it up and going on."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import Request
from accounts.models import User
from accounts.refusals import Refused
from farmaflux_desk.models import Replay
from farmaflux_desk.rehearsal import replay as operations
from farmaflux_desk.rehearsal import sheet
from farmaflux_desk.rehearsal.forms import SpeedForm, StartForm
from farmaflux_desk.rehearsal.pdf import as_pdf
from farmaflux_desk.rehearsal.playing import Playing
from farmaflux_desk.rehearsal.score import Score, earlier_drills, scores
from incidents.models import Incident
from incidents.permissions import can_run_incident

NEWEST = 50


@require_http_methods(["GET", "POST"])
def drills(request: Request) -> HttpResponse:
    """The exercises there were, the newest first; who may declare begins one from a scenario.

    Or loads it into one that is under way, which `?into=` chooses.
    """
    may = can_run_incident(request.user)
    if request.method == "GET":
        return _drills(request, StartForm(initial={"into": request.GET.get("into", "")}) if may else None)
    if not may:
        raise PermissionDenied
    form = StartForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            incident = _played(form, by=request.user)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The exercise has begun. Nothing of it leaves the house."))
            return redirect("desk:room", incident.public_id)
    return _drills(request, form, status=422)


def _played(form: StartForm, *, by: User) -> Incident:
    key, speed = form.cleaned_data["key"], form.cleaned_data["speed"]
    if form.incident:
        return operations.load(form.scenario, form.incident, key=key, speed=speed, by=by).incident
    return operations.begin(form.scenario, key=key, speed=speed, by=by)


def _drills(request: Request, form: StartForm | None, *, status: int = 200) -> HttpResponse:
    found = (
        Incident.objects.alike(drill=True)
        .with_phase()
        .select_related("replay", "exercise_clock", "declared_by")
    )
    context = {"drills": list(found.order_by("-began_at")[:NEWEST]), "form": form}
    return render(request, "desk/drills.html", context, status=status)


@require_GET
def playing(request: Request, public_id: str) -> HttpResponse:
    """How far the scenario is; 204 while that is what `?seen=` shows."""
    shown = Playing(_found(public_id), user=request.user, at=timezone.now())
    if not request.htmx:
        return redirect("desk:room", public_id)
    if request.GET.get("seen") == shown.version:
        return HttpResponse(status=204)
    return render(request, "desk/playing.html", {"playing": shown})


@require_GET
def scenario(request: Request) -> HttpResponse:  # noqa: ARG001
    """The built-in scenario as a file."""
    response = HttpResponse(operations.BUILT_IN.read_bytes(), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{operations.BUILT_IN.name}"'
    return response


@require_POST
def hold(request: Request, public_id: str) -> HttpResponse:
    operations.hold(_found(public_id), by=request.user)
    return redirect("desk:room", public_id)


@require_POST
def go_on(request: Request, public_id: str) -> HttpResponse:
    """At the speed that is given; what is refused is said in the room."""
    replay, form = _found(public_id), SpeedForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form["speed"].errors)))
        return redirect("desk:room", public_id)
    try:
        operations.go_on(replay, speed=form.cleaned_data["speed"], by=request.user)
    except Refused as refusal:
        messages.error(request, refusal.message)
    return redirect("desk:room", public_id)


@require_GET
def score_page(request: Request, public_id: str) -> HttpResponse:
    """What was kept and what came late, beside the exercises before it."""
    score, earlier = _scored(request, public_id)
    context = {
        "incident": score.incident,
        "score": score,
        "earlier": earlier,
        "rows": sheet.rows(score, earlier),
        "when": sheet.when(score),
    }
    return render(request, "desk/score.html", context)


@require_GET
def score_pdf(request: Request, public_id: str) -> HttpResponse:
    score, earlier = _scored(request, public_id)
    response = HttpResponse(as_pdf(score, earlier), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="score-{public_id}.pdf"'
    return response


@require_GET
def score_json(request: Request, public_id: str) -> JsonResponse:
    score, earlier = _scored(request, public_id)
    sheets = {**score.as_json(), "earlier": [one.as_json() for one in earlier]}
    return JsonResponse(sheets, json_dumps_params={"ensure_ascii": False, "indent": 1})


def _scored(request: Request, public_id: str) -> tuple[Score, list[Score]]:
    incident = get_object_or_404(Incident, public_id=public_id)
    sheets = [incident, *earlier_drills(incident)]
    found = scores(sheets, at=timezone.now(), language=request.user.language)
    return found[0], found[1:]


def _found(public_id: str) -> Replay:
    return get_object_or_404(Replay.objects.shown(), incident__public_id=public_id)
