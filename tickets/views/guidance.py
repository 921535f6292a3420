"""Who has read the newest message, and the answers that agents give again and again."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import FETCH_RAISE
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import Request
from accounts.refusals import Refused
from comms.script import latest_update
from incidents.models import Incident
from tickets import operations
from tickets.answers import VARIABLES
from tickets.forms.answers import AnswerForm
from tickets.models import Answer
from tickets.permissions import can_edit_answer, can_see_readers
from tickets.readers import readers


@require_GET
def seen_by(request: Request, public_id: str) -> HttpResponse:
    """Which agents still tell an older version, and how often they did."""
    if not can_see_readers(request.user):
        raise PermissionDenied
    incident = get_object_or_404(Incident, public_id=public_id)
    newest, now = latest_update(incident), incident.now()
    found = readers(incident, newest, now) if newest else []
    context = {
        "incident": incident,
        "newest": newest,
        "readers": found,
        "behind": sum(not reader.is_up_to_date for reader in found),
    }
    return render(request, "tickets/readers.html", context)


@require_GET
def answers(request: Request) -> HttpResponse:
    context = {
        "answers": list(Answer.objects.select_related("saved_by").fetch_mode(FETCH_RAISE)),
        "can_edit": can_edit_answer(request.user),
    }
    return render(request, "tickets/answers.html", context)


@require_http_methods(["GET", "POST"])
def answer(request: Request, pk: int | None = None) -> HttpResponse:
    """One answer to change, or a new one."""
    if not can_edit_answer(request.user):
        raise PermissionDenied
    shown = get_object_or_404(Answer, pk=pk) if pk else None
    form = AnswerForm(request.POST) if request.method == "POST" else AnswerForm.of(shown)
    if form.is_bound and form.is_valid():
        revision = form.cleaned_data["revision"]
        try:
            operations.save_answer(shown, by=request.user, data=form.answer, revision=revision)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("tickets:answers")
    context = {"form": form, "answer": shown, "variables": VARIABLES}
    return render(request, "tickets/answer.html", context, status=422 if form.errors else 200)


@require_POST
def remove(request: Request, pk: int) -> HttpResponse:
    if not can_edit_answer(request.user):
        raise PermissionDenied
    operations.remove_answer(get_object_or_404(Answer, pk=pk), by=request.user)
    messages.success(request, _("Removed."))
    return redirect("tickets:answers")
