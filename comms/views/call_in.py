"""The call-in board of an incident: whom to call next, asking in writing, who answered what."""

from uuid import UUID, uuid4

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import Request
from accounts.refusals import NotAllowed, Refused
from comms.models import CallInAsked
from comms.operations import calling_in
from incidents import operations
from incidents.calling import CallInBoard
from incidents.forms.staff import AnswerForm
from incidents.models import CallInAnswer, CallInWay, Colleague, Incident
from incidents.permissions import can_keep_staff, check_call_in


@require_http_methods(["GET", "POST"])
def board(request: Request, public_id: str) -> HttpResponse:
    """Whom to call next and who answered what; a post says what one of them answered. `?skill=` chooses among them."""
    check_call_in(request.user)
    incident = get_object_or_404(Incident.objects.prefetch_related("phase_changes"), public_id=public_id)
    if request.method == "GET":
        return _board(request, incident)
    form = AnswerForm(request.POST)
    if form.is_valid() and _answered(form, incident, request):
        return redirect(_row(incident, form.cleaned_data["colleague"]))
    return _board(request, incident, form)


def _row(incident: Incident, colleague: Colleague) -> str:
    return f"{reverse('comms:call_in', args=[incident.public_id])}#colleague-{colleague.pk}"


def _answered(form: AnswerForm, incident: Incident, request: Request) -> bool:
    said = form.cleaned_data
    try:
        operations.call_in(
            incident,
            said["colleague"],
            key=said["key"],
            way=CallInWay(said["way"]),
            answer=CallInAnswer(said["answer"]),
            note=said["note"],
            by=request.user,
        )
    except Refused as refusal:
        form.refuse(refusal)
        return False
    return True


def _board(
    request: Request, incident: Incident, refused: AnswerForm | None = None, **more: object
) -> HttpResponse:
    context = {
        "incident": incident,
        **_asked(incident),
        "channels": {way.value: channel for way, channel in calling_in.ways().items()},
        "board": CallInBoard(incident, at=timezone.now(), skill=request.GET.get("skill", "")),
        "ways": list(CallInWay),
        "answers": list(CallInAnswer),
        "can_keep": can_keep_staff(request.user),
        "refused": refused,
        "refused_for": refused.data.get("colleague", "") if refused else "",
        **more,
    }
    return render(request, "comms/call_in.html", context, status=422 if refused or more else 200)


@require_POST
def ask(request: Request, public_id: str, pk: int, way: str) -> HttpResponse:
    """Ask a colleague by SMS or e-mail; it leaves through the outbox."""
    incident = get_object_or_404(Incident.objects.prefetch_related("phase_changes"), public_id=public_id)
    colleague = get_object_or_404(Colleague, pk=pk)
    try:
        calling_in.ask(incident, colleague, CallInWay(way), key=_key(request), by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        return _board(request, incident, refusal=refusal)
    return redirect(_row(incident, colleague))


def _key(request: Request) -> UUID:
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return uuid4()


@require_GET
def asked(request: Request, public_id: str) -> HttpResponse:
    """What became of what was sent; 204 while that is what `?seen=` shows."""
    check_call_in(request.user)
    incident = get_object_or_404(Incident, public_id=public_id)
    context = {"incident": incident, "swap": True, **_asked(incident)}
    if request.GET.get("seen") == context["version"]:
        return HttpResponse(status=204)
    return render(request, "comms/call_in.html#asked", context)


def _asked(incident: Incident) -> dict[str, object]:
    """By colleague, the newest first."""
    found: dict[int, list[CallInAsked]] = {}
    state = []
    for each in incident.call_ins_asked.select_related("delivery", "by").order_by("-at", "-pk"):
        found.setdefault(each.colleague_id, []).append(each)
        state.append(f"{each.pk}.{each.delivery.state}")
    return {"asked": found, "version": "-".join(state)}
