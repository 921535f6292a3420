"""Prepared messages: the list, the page that edits one, and choosing one in the composer."""

from datetime import datetime
from uuid import UUID, uuid4

from django.contrib import messages as notices
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import Request
from accounts.languages import Language
from accounts.refusals import NotAllowed, Refused
from comms import permissions
from comms.forms.prepared import PreparedForm, put_back, with_template
from comms.forms.updates import UpdateForm, taking_theirs
from comms.models import MessageTemplate, Update
from comms.operations import prepared as operations
from comms.views.updates import draft_of, page_of, without_draft
from incidents.models import Incident

UNDO = "undo"


@require_GET
def templates(request: Request) -> HttpResponse:
    """All prepared messages, each with the languages it is in."""
    permissions.check_edit_wording(request.user)
    prepared = [
        (
            found,
            [language for language in Language if language in {text.language for text in found.texts.all()}],
        )
        for found in MessageTemplate.objects.prefetch_related("texts")
    ]
    return render(request, "comms/prepared_list.html", {"prepared": prepared})


@require_http_methods(["GET", "POST"])
def template(request: Request, key: str | None = None) -> HttpResponse:
    """One prepared message; a new one without *key*."""
    permissions.check_edit_wording(request.user)
    found = get_object_or_404(MessageTemplate.objects.prefetch_related("texts"), key=key) if key else None
    form = PreparedForm(request.POST or None, template=found, at=timezone.now())
    if request.method == "GET":
        return _page(request, form, found)
    if not form.is_valid():
        return _page(request, form, found, status=422)
    try:
        _store(request, form, found)
    except NotAllowed:
        raise
    except operations.Overtaken as overtaken:
        return _page(request, form, overtaken.template, overtaken=overtaken, status=422)
    except Refused as refusal:
        form.add_error(refusal.field or None, refusal.message)
        return _page(request, form, found, status=422)
    notices.success(request, _("Saved. Messages that were begun from it are unchanged."))
    return redirect("comms:prepared_list")


def _store(request: Request, form: PreparedForm, found: MessageTemplate | None) -> MessageTemplate:
    if found is None:
        return operations.create(form.content, key=_key(request), by=request.user)
    revision = form.cleaned_data["revision"] or 0
    return operations.save(found, form.content, revision=revision, by=request.user)


def _key(request: Request) -> UUID:
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return uuid4()


def _page(
    request: Request,
    form: PreparedForm,
    found: MessageTemplate | None,
    *,
    overtaken: operations.Overtaken | None = None,
    status: int = 200,
) -> HttpResponse:
    """What was typed; after a conflict what is stored beside it, and what is sent next is held against that."""
    stored = PreparedForm(template=overtaken.template, at=form.at) if overtaken else None
    context = {
        "form": form,
        "found": found,
        "key": request.POST.get("key"),
        "revision": overtaken.template.revision if overtaken else form["revision"].value(),
        "overtaken": overtaken,
        "differing": form.differing(stored) if stored else [],
        "findings": form.warnings,
    }
    return render(request, "comms/prepared.html", context, status=status)


@require_POST
def remove(request: Request, key: str) -> HttpResponse:
    found = get_object_or_404(MessageTemplate, key=key)
    operations.remove(found, by=request.user)
    notices.success(request, _("Removed. Messages that were begun from it are unchanged."))
    return redirect("comms:prepared_list")


@require_POST
def use(request: Request, public_id: str) -> HttpResponse:
    """The message with its texts replaced by a prepared one, or put back as they were before; saves nothing."""
    permissions.check_write_update(request.user)
    incident = get_object_or_404(Incident.objects.prefetch_related("phase_changes"), public_id=public_id)
    update, at = draft_of(incident), incident.now()
    if update is None:
        return without_draft(request, incident, at)
    data = taking_theirs(request.POST, update, at)
    taken = put_back(data) if request.POST.get("template") == UNDO else _replaced(data, update, at)
    form = UpdateForm(taken, update=update, at=at)
    form.is_valid()
    return page_of(request, update, form, shown=True)


def _replaced(data: QueryDict, update: Update, at: datetime) -> QueryDict:
    prepared = MessageTemplate.objects.prefetch_related("texts")
    form = UpdateForm(data, update=update, at=at)
    form.is_valid()
    return with_template(data, form, get_object_or_404(prepared, key=data.get("template", "")))
