"""Who is at the phones, what they leave to each other, and the volunteers' door."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db.models import FETCH_RAISE
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import Request
from accounts.models import User, hashed
from accounts.refusals import Refused
from tickets import operations
from tickets.crew import at_the_phones
from tickets.forms.crew import InvitationForm, JoinForm, NoteForm, ShiftForm
from tickets.models import CameBy, HandOverNote, Shift, VolunteerInvitation
from tickets.permissions import can_invite_volunteer, can_log_contact

NOTES = 20
INVITATIONS = 20


@require_GET
def crew(request: Request) -> HttpResponse:
    return _crew(request)


@require_POST
def start(request: Request) -> HttpResponse:
    """?person= is at the phones, having come ?came_by=."""
    _check(can_log_contact, request.user)
    form = ShiftForm(request.POST)
    if form.is_valid():
        try:
            operations.start_shift(
                form.cleaned_data["person"], came_by=CameBy(form.cleaned_data["came_by"]), by=request.user
            )
        except Refused as refusal:
            form.refuse(refusal)
        else:
            return redirect("tickets:crew")
    return _crew(request, shift_form=form)


@require_POST
def stop(request: Request, pk: int) -> HttpResponse:
    _check(can_log_contact, request.user)
    operations.end_shift(get_object_or_404(Shift, pk=pk), by=request.user)
    return redirect("tickets:crew")


@require_POST
def note(request: Request) -> HttpResponse:
    _check(can_log_contact, request.user)
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            operations.write_note(by=request.user, **form.cleaned_data)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            return redirect("tickets:crew")
    return _crew(request, note_form=form)


@require_POST
@never_cache
def invite(request: Request) -> HttpResponse:
    """The link is shown on the page that answers, and never again."""
    _check(can_invite_volunteer, request.user)
    form = InvitationForm(request.POST)
    if form.is_valid():
        try:
            made, token = operations.invite_volunteer(by=request.user, **form.cleaned_data)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            link = request.build_absolute_uri(reverse("volunteer:join", args=[token]))
            return _crew(request, link=link, invited=made)
    return _crew(request, invitation_form=form)


@require_POST
def end(request: Request, pk: int) -> HttpResponse:
    """The link, and whom it let in, are not needed any more."""
    _check(can_invite_volunteer, request.user)
    invitation = get_object_or_404(VolunteerInvitation, pk=pk)
    operations.end_invitation(invitation, by=request.user)
    messages.success(request, _("%(name)s does not answer calls any more.") % {"name": invitation.name})
    return redirect("tickets:crew")


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """For a stranger whom somebody gave the link: an account of her own, or hers that is signed in."""
    invitation = VolunteerInvitation.objects.filter(token_hash=hashed(token)).first()
    if invitation is None or not invitation.is_open(timezone.now()):
        return render(request, "tickets/join.html", {"invitation": None}, status=404)
    person = request.user if isinstance(request.user, User) else None
    form = JoinForm(request.POST or None)
    with translation.override(invitation.language if person is None else person.language):
        if request.method == "POST" and (person is not None or form.is_valid()):
            try:
                joined = operations.join(
                    invitation,
                    person=person,
                    username=form.cleaned_data["username"] if person is None else "",
                    password=form.cleaned_data["password"] if person is None else "",
                )
            except Refused as refusal:
                form.refuse(refusal)
            else:
                if person is None:
                    login(request, joined, backend="accounts.backend.DeskBackend")
                return redirect("tickets:calls")
        refused = request.method == "POST"
        context = {"invitation": invitation, "form": form, "person": person}
        return render(request, "tickets/join.html", context, status=422 if refused else 200)


def _check(may: Callable[[User], bool], user: User) -> None:
    if not may(user):
        raise PermissionDenied


def _crew(
    request: Request,
    *,
    shift_form: ShiftForm | None = None,
    note_form: NoteForm | None = None,
    invitation_form: InvitationForm | None = None,
    link: str = "",
    invited: VolunteerInvitation | None = None,
) -> HttpResponse:
    now = timezone.now()
    found = at_the_phones(now)
    context: dict[str, Any] = {
        "crew": found,
        "now": now,
        "mine": next((each.shift for each in found if each.person == request.user and each.shift), None),
        "notes": list(HandOverNote.objects.select_related("by").fetch_mode(FETCH_RAISE)[:NOTES]),
        "shift_form": shift_form or ShiftForm(initial={"person": request.user.pk}),
        "note_form": note_form or NoteForm(initial={"key": uuid.uuid4()}),
        "link": link,
        "invited": invited,
        "can_log": can_log_contact(request.user),
        "can_invite": can_invite_volunteer(request.user),
    }
    if context["can_invite"]:
        related = VolunteerInvitation.objects.filter(ended_at=None).select_related("used_by", "made_by")
        context["invitations"] = [
            row for row in related.fetch_mode(FETCH_RAISE)[:INVITATIONS] if row.used_at or row.is_open(now)
        ]
        context["invitation_form"] = invitation_form or InvitationForm(initial={"key": uuid.uuid4()})
    refused = any(form and form.errors for form in (shift_form, note_form, invitation_form))
    return render(request, "tickets/crew.html", context, status=422 if refused else 200)
