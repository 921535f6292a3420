"""A published message was wrong: the pages that put it right or take it back."""

from django.contrib import messages as notices
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.http import Request
from accounts.refusals import NotAllowed, Refused
from comms import permissions
from comms.forms.changes import CorrectionForm, ReasonForm
from comms.models import Update
from comms.operations import changes as operations


@require_http_methods(["GET", "POST"])
def correct(request: Request, public_id: str, number: int) -> HttpResponse:
    """What the message says, to be changed; its phase and services are a matter for the next message."""
    permissions.check_publish_update(request.user)
    update = _found(public_id, number)
    form = CorrectionForm(request.POST if request.method == "POST" else None, update=update)
    if request.method == "POST" and form.is_valid() and _corrected(request, update, form):
        notices.success(request, _("Corrected on the status page; the channels follow."))
        return redirect("comms:deliveries", public_id, number)
    return _page(request, "comms/correct.html", update, form)


def _corrected(request: Request, update: Update, form: CorrectionForm) -> bool:
    said = form.cleaned_data
    try:
        operations.correct(
            update,
            form.corrected,
            key=said["key"],
            reason=said["reason"],
            revision=said["revision"],
            by=request.user,
        )
    except NotAllowed:
        raise
    except Refused as refusal:
        form.refuse(refusal)
        return False
    return True


@require_http_methods(["GET", "POST"])
def withdraw(request: Request, public_id: str, number: int) -> HttpResponse:
    """Asks once more, with the reason; says what will happen where."""
    permissions.check_publish_update(request.user)
    update = _found(public_id, number)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        operations.withdraw(update, reason=form.cleaned_data["reason"], by=request.user)
        notices.success(request, _("Withdrawn on the status page; the channels follow."))
        return redirect("comms:deliveries", public_id, number)
    return _page(request, "comms/withdraw.html", update, form)


def _found(public_id: str, number: int) -> Update:
    standing = Update.objects.standing().select_related("incident", "published_by").prefetch_related("texts")
    return get_object_or_404(standing, incident__public_id=public_id, number=number)


def _page(request: Request, template: str, update: Update, form: Form) -> HttpResponse:
    context = {
        "update": update,
        "incident": update.incident,
        "form": form,
        "findings": [],
        "reached": operations.reached(update),
        "newest_stands": update.incident.updates.standing().exclude(pk=update.pk).first(),
    }
    return render(request, template, context, status=422 if form.is_bound else 200)
