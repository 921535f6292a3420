"""Writing to the public: the messages of each incident, and the composer."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.contrib import messages as notices
from django.forms import BoundField
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import Request
from accounts.languages import Language
from accounts.refusals import NotAllowed, Refused
from comms import checks, permissions, reach, rows
from comms.forms.updates import FORM_FIELDS, UpdateForm, base_of, taking_theirs, typed_texts
from comms.models import MessageTemplate, Update
from comms.operations import drafts, publishing
from comms.preview import status_page_with
from comms.status import site
from comms.status.render import POLICY
from incidents.models import Incident, ServiceStatus

RECENT_INCIDENTS = 12


@dataclass(frozen=True)
class ServiceRow:
    """A service in the composer: what was chosen, and what it is now in this incident."""

    field: BoundField
    chosen: ServiceStatus | None
    now: ServiceStatus
    since: datetime | None


@dataclass(frozen=True)
class LanguageState:
    """One language's fields, and how far they are from fit to be published."""

    language: Language
    fields: list[BoundField]
    blocking: int
    warned: int
    empty: bool


@require_GET
def messages(request: Request) -> HttpResponse:
    """Open incidents with their draft and messages, then those that ended lately."""
    incidents = list(
        Incident.objects.with_phase()
        .order_by("-began_at")
        .prefetch_related(
            "phase_changes",
            "updates__texts",
            "updates__corrections",
            "updates__published_by",
            "updates__saved_by",
        )[:RECENT_INCIDENTS]
    )
    incidents.sort(key=lambda incident: not incident.is_open)
    context = {"incidents": incidents, "can_write": permissions.can_write_update(request.user)}
    return render(request, "comms/messages.html", context)


@require_POST
def draft(request: Request, public_id: str) -> HttpResponse:
    """Begin a message, or go on with the one that was begun."""
    incident = _incident(public_id)
    drafts.draft_for(incident, by=request.user)
    return redirect("comms:compose", public_id)


@require_http_methods(["GET", "POST"])
def compose(request: Request, public_id: str) -> HttpResponse:
    """The draft of an incident: shown, saved, published or thrown away."""
    permissions.check_write_update(request.user)
    update = rows.drafts.first(public_id=public_id)
    if update is None:
        incident = _incident(public_id)
        return without_draft(request, incident, incident.now())
    at = update.incident.now()
    if request.method == "GET":
        site.begin_publication()
        return page_of(request, update, UpdateForm(update=update, at=at))
    if request.POST.get("action") == "discard":
        drafts.discard(update, by=request.user)
        notices.success(request, _("The draft was thrown away."))
        return redirect("comms:messages")
    form = UpdateForm(taking_theirs(request.POST, update, at), update=update, at=at)
    return _save(request, update, form, publish=request.POST.get("action") == "publish")


def draft_of(incident: Incident) -> Update | None:
    return rows.drafts.first(public_id=incident.public_id)


def _incident(public_id: str) -> Incident:
    if (found := rows.incidents.first(public_id=public_id)) is None:
        raise Http404
    return found


def without_draft(request: Request, incident: Incident, at: datetime) -> HttpResponse:
    """Nothing to write on: begin one, or see that it was published meanwhile, with what was typed kept.

    Who pressed "publish" twice is told that it is published, which is what she wanted.
    """
    if sent := _published_of(incident, request.POST):
        form = UpdateForm(request.POST, update=sent, at=at)
        if form.is_valid() and not drafts.differing(sent, form.draft):
            notices.success(request, _("Published, and visible on the status page."))
            return redirect("desk:room", incident.public_id)
    context = {
        "incident": incident,
        "last": incident.updates.published().select_related("published_by").first(),
        "typed": typed_texts(request.POST),
        "can_write": permissions.can_write_update(request.user),
    }
    return render(request, "comms/no_draft.html", context, status=409 if request.method == "POST" else 200)


def _published_of(incident: Incident, posted: QueryDict) -> Update | None:
    """The message that the draft with the posted key became."""
    try:
        key = UUID(posted.get("key", ""))
    except ValueError:
        return None
    return incident.updates.published().prefetch_related("texts").filter(key=key).first()


def _save(request: Request, update: Update, form: UpdateForm, *, publish: bool) -> HttpResponse:
    if not form.is_valid():
        return page_of(request, update, form, status=422)
    saved, draft, revision = None, form.draft, form.cleaned_data["revision"]
    try:
        if publish:
            saved, refused = publishing.save_and_publish(update, draft, by=request.user, revision=revision)
            if refused:
                raise refused
        else:
            drafts.save_draft(update, draft, by=request.user, revision=revision)
    except NotAllowed:
        raise
    except drafts.Conflict as conflict:
        return page_of(request, update, form, status=422, stored=conflict.update, conflict=conflict)
    except Refused as refusal:
        field = FORM_FIELDS.get(refusal.field, refusal.field)
        form.add_error(field if field in form.fields else None, refusal.message)
        return page_of(request, saved or update, form, status=422, stored=saved)
    if publish:
        notices.success(request, _("Published, and visible on the status page."))
        return redirect("desk:room", update.incident.public_id)
    notices.success(request, _("Draft saved."))
    return redirect("comms:compose", update.incident.public_id)


@require_POST
def check(request: Request, public_id: str) -> HttpResponse:
    """The checks of what is typed so far; saves nothing."""
    permissions.check_write_update(request.user)
    update = draft_of(_incident(public_id))
    if update is None:
        return HttpResponse(status=204)
    site.begin_publication()
    form = UpdateForm(request.POST, update=update, at=update.incident.now())
    form.is_valid()
    return render(request, "comms/checked.html", _judged(update, form))


@require_POST
def preview(request: Request, public_id: str, language: str) -> HttpResponse:
    """The status page as it would be with what is typed so far, made as the real one is; saves nothing."""
    permissions.check_write_update(request.user)
    incident = _incident(public_id)
    update, at = draft_of(incident), incident.now()
    if update is None or language not in Language:
        raise Http404
    form = UpdateForm(taking_theirs(request.POST, update, at), update=update, at=at)
    if not form.is_valid():
        return page_of(request, update, form, status=422)
    page = status_page_with(form.draft, incident, Language(language), at=at)
    return HttpResponse(page, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})


def _judged(update: Update, form: UpdateForm) -> dict[str, object]:
    """What the checks say of *form*, sorted to where the page shows it."""
    message = form.message if form.is_bound else checks.of_update(update)
    message = replace(message, last=checks.last_texts(update.incident))
    findings = checks.findings(message, form.at)
    return {
        "form": form,
        "update": update,
        "incident": update.incident,
        "findings": findings,
        "blocking": sum(finding.level == "block" for finding in findings),
        "languages": [_language(findings, language, fields) for language, fields in form.languages],
        "services": _services(update, form),
        "number": publishing.next_number(update.incident),
        "cards": reach.cards(update, form, form.at),
    }


def _language(findings: list[checks.Finding], language: Language, fields: list[BoundField]) -> LanguageState:
    levels = [finding.level for finding in findings if finding.language == language]
    refused = sum(bool(field.errors) for field in fields)
    return LanguageState(
        language=language,
        fields=fields,
        blocking=max(levels.count("block"), refused),
        warned=levels.count("warn"),
        empty=not any(field.value() for field in fields),
    )


def _services(update: Update, form: UpdateForm) -> list[ServiceRow]:
    lasting = {impact.service_id: impact for impact in update.incident.impacts.open()}
    rows = []
    for service, field in zip(form.services, form.service_fields, strict=True):
        impact, chosen = lasting.get(service.pk), field.value()
        rows.append(
            ServiceRow(
                field=field,
                chosen=ServiceStatus(chosen) if chosen in ServiceStatus else None,
                now=ServiceStatus(impact.status) if impact else ServiceStatus.OPERATIONAL,
                since=impact.began_at if impact else None,
            )
        )
    return rows


def page_of(
    request: Request,
    update: Update,
    form: UpdateForm,
    *,
    status: int = 200,
    stored: Update | None = None,
    conflict: drafts.Conflict | None = None,
    shown: bool = False,
) -> HttpResponse:
    """*stored*: the draft as it came to be stored since the page was opened; what is posted next is held against it.

    *shown*: the page holds what was typed, and the browser's copy of it stays out.
    """
    context = {
        **_judged(update, form),
        "revision": stored.revision if stored else form["revision"].value(),
        "base": base_of(stored) if stored else form["base"].value(),
        "conflict": conflict,
        "differences": _differences(conflict, form) if conflict else [],
        "ways": reach.ways(update, form, form.at),
        "faults": update.incident.standings.central_faults().select_related("link", "confirmed_by"),
        "can_publish": permissions.can_publish_update(request.user),
        "prepared": MessageTemplate.objects.all(),
        "undo": form.data.get("undo", ""),
        "shown": shown,
    }
    return render(request, "comms/compose.html", context, status=status)


def _differences(conflict: drafts.Conflict, form: UpdateForm) -> list[tuple[drafts.Difference, bool]]:
    """Each difference, and whether she changed that field herself: only then hers is what is kept at first."""
    differences = conflict.differences or drafts.differing(conflict.update, form.draft)
    return [(difference, difference.field in form.changed_by_me) for difference in differences]
