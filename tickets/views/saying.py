"""What to say: the panel beside the row, and the agent's word that she has read it."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.http import Request
from accounts.languages import Language
from accounts.models import User
from comms.models import Update
from comms.script import what_to_say
from incidents.models import Incident, PublicRevision
from tickets import answers, operations, spoken
from tickets.models import Answer
from tickets.permissions import can_answer_call, can_see_readers, is_volunteer
from tickets.readers import newest_seen


@require_GET
def say(request: Request) -> HttpResponse:
    """What to say about ?incident= in ?language=; 204 while ?seen= is still the newest."""
    public_id = request.GET.get("incident", "")
    language = language_of(request.GET, request.user)
    if request.GET.get("seen") == say_version(public_id, language):
        return HttpResponse(status=204)
    incident = incident_of(request.GET)
    return render(
        request,
        "tickets/calls.html#say",
        panel(incident, language, request.user, heard=request.GET.get("told", "")),
    )


@require_POST
def seen(request: Request) -> HttpResponse:
    """The agent has read message ?number= of ?incident=: the panel again, no longer amber."""
    incident = incident_of(request.POST)
    number = request.POST.get("number", "")
    known = number.isascii() and number.isdecimal() and len(number) < 6
    update = Update.objects.published().filter(incident=incident, number=number).first() if known else None
    if update is None:
        raise Http404
    if not can_answer_call(request.user):
        raise PermissionDenied
    operations.confirm_seen(update, by=request.user)
    if not request.htmx:
        return redirect(f"{reverse('tickets:calls')}?incident={request.POST.get('incident', '')}")
    said = panel(incident, language_of(request.POST, request.user), request.user)
    return render(request, "tickets/calls.html#say", said)


def panel(incident: Incident | None, language: str, user: User, *, heard: str = "") -> dict[str, Any]:
    """*told*: the number of the message she tells callers, the newest one she has confirmed; who has confirmed none
    goes on with the one that she has *heard*, that is had before her first."""
    script = what_to_say(incident, language) if incident else None
    confirmed = newest_seen(user, incident) if incident and script else None
    before = int(heard) if heard.isascii() and heard.isdecimal() and len(heard) < 6 else 0
    told = confirmed or (min(before or script.number, script.number) if script else None)
    said = answers.said(Answer.objects.all(), incident=incident, script=script, language=language)
    return {
        "incident": incident,
        "language": language,
        "languages": Language.values,
        "script": script,
        "spoken": spoken.lines(language),
        "say_version": say_version(incident.public_id if incident else "", language),
        "told": told,
        "unread": script is not None and confirmed != script.number and can_answer_call(user),
        "answers": said,
        "can_see_readers": can_see_readers(user),
        "volunteer": is_volunteer(user),
    }


def say_version(public_id: str, language: str) -> str:
    """Changes with every message, every status the panel names, and when what to do holds no longer. Two queries."""
    newest = Update.objects.published().filter(incident__public_id=public_id).first()
    told = f"{newest.pk}{'-past' if newest.is_outdated else ''}" if newest else "0"
    return f"{PublicRevision.objects.current()}-{told}-{language}"


def incident_of(asked: QueryDict) -> Incident | None:
    public_id = asked.get("incident", "")
    if not public_id.isalnum():  # PostgreSQL takes no NUL, not even to look for
        return None
    return Incident.objects.with_phase().filter(public_id=public_id).first()


def language_of(asked: QueryDict, user: User) -> str:
    language = asked.get("language", "")
    return language if language in Language.values else user.language
