"""What was learned: written side by side in four languages, published, corrected."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.http import Request
from accounts.languages import Language
from accounts.refusals import NotAllowed, Refused
from incidents import operations
from incidents.forms.postmortem import PostmortemForm
from incidents.models import Incident, Postmortem
from incidents.operations.postmortem import Conflict
from incidents.permissions import can_change_course
from incidents.views.answers import found


@require_http_methods(["GET", "POST"])
def postmortem(request: Request, public_id: str) -> HttpResponse:
    """Everyone may read; who may publish may write, once the incident is resolved."""
    incident = found(public_id)
    draft = incident.postmortems.drafts().select_related("saved_by").prefetch_related("texts").first()
    newest = incident.postmortems.published().prefetch_related("texts").first()
    shown = draft or newest
    form = PostmortemForm(
        request.POST or None,
        texts=shown.texts_by_language if shown else {},
        revision=draft.revision if draft else 0,
    )
    if request.method == "POST" and request.POST.get("action") == "discard":
        operations.discard_postmortem(incident, by=request.user)
        messages.success(request, _("The draft was thrown away."))
        return redirect("incidents:postmortem", incident.public_id)
    conflict = None
    if request.method == "POST" and form.is_valid():
        try:
            return _saved(request, incident, form)
        except NotAllowed:
            raise
        except Conflict as refusal:
            conflict = refusal
        except Refused as refusal:
            form.refuse(refusal)
            draft = incident.postmortems.drafts().select_related("saved_by").first()
    return _page(request, incident, form, draft=draft, conflict=conflict)


def _saved(request: Request, incident: Incident, form: PostmortemForm) -> HttpResponse:
    revision = form.cleaned_data["revision"] or 0
    draft = operations.write_postmortem(incident, form.texts, by=request.user, revision=revision)
    if request.POST.get("action") == "publish":
        operations.publish_postmortem(incident, by=request.user, revision=draft.revision)
        messages.success(request, _("Published, and visible on the status page."))
    else:
        messages.success(request, _("Draft saved."))
    return redirect("incidents:postmortem", incident.public_id)


def _page(
    request: Request,
    incident: Incident,
    form: PostmortemForm,
    *,
    draft: Postmortem | None,
    conflict: Conflict | None,
) -> HttpResponse:
    stored = conflict.stored if conflict else draft
    published = incident.postmortems.published().select_related("published_by").prefetch_related("texts")
    context = {
        "incident": incident,
        "form": form,
        "draft": draft,
        "revision": stored.revision if stored else 0,
        "conflict": conflict,
        "theirs": _by_language(conflict.stored) if conflict else [],
        "versions": [(version, _by_language(version)) for version in published],
        "can_write": can_change_course(request.user) and not incident.is_open,
    }
    return render(request, "incidents/postmortem.html", context, status=422 if form.is_bound else 200)


def _by_language(version: Postmortem) -> list[tuple[Language, str]]:
    return [(Language(language), text) for language, text in version.texts_by_language.items() if text]
