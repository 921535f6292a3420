"""E-mails and mentions to answer, and one thread with the reply."""

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import FETCH_RAISE
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.http import Request
from accounts.refusals import Refused
from comms.channels.kinds import capabilities
from comms.script import Script, what_to_say
from tickets import answers, operations
from tickets.models import Answer, Contact, Mail, MailKind
from tickets.permissions import can_log_contact

MOST = 100
LOOKED_BACK = timedelta(days=7)
NEWEST_MESSAGE = "newest"  # the template made of the newest message; the others are the answers' triggers


@require_GET
def mails(request: Request) -> HttpResponse:
    """Those to answer, the oldest first; ?all=on: the newest of all, automatic ones and bounces too."""
    everything = "all" in request.GET
    related = Mail.objects.select_related("contact__pharmacy", "by", "delivery")
    shown = related.order_by("-occurred_at", "-pk") if everything else related.unanswered()
    context = {
        "everything": everything,
        "undelivered": list(related.undelivered(timezone.now() - LOOKED_BACK).fetch_mode(FETCH_RAISE)[:MOST]),
        "mails": list(shown.fetch_mode(FETCH_RAISE)[:MOST]),
        "count": Mail.objects.unanswered().count(),
    }
    return render(request, "tickets/mails.html", context)


@require_http_methods(["GET", "POST"])
def thread(request: Request, pk: int) -> HttpResponse:
    """POST: ?send (&text=), ?settle, or ?use (&template=): the text with that template under it."""
    contact = get_object_or_404(Contact.objects.select_related("pharmacy", "incident", "agent"), pk=pk)
    if request.method == "GET":
        return _thread(request, contact)
    if not can_log_contact(request.user):
        raise PermissionDenied
    asked = request.POST
    if "use" in asked:
        return _thread(
            request, contact, text=_with_template(contact, asked.get("template", ""), asked.get("text", ""))
        )
    if "settle" in asked:
        operations.settle_mail(contact, by=request.user)
        messages.success(request, _("Needs no answer."))
        return redirect("tickets:mails")
    try:
        operations.reply(contact, key=_key(asked.get("key", "")), text=asked.get("text", ""), by=request.user)
    except Refused as refusal:
        return _thread(request, contact, text=asked.get("text", ""), refusal=refusal)
    messages.success(request, _("The reply is on its way."))
    return redirect("tickets:mail", pk=pk)


def _thread(
    request: Request, contact: Contact, *, text: str = "", refusal: Refused | None = None
) -> HttpResponse:
    related = contact.mails.select_related("by", "channel", "delivery__channel")
    found = list(related.fetch_mode(FETCH_RAISE))
    asked = next((mail for mail in reversed(found) if mail.kind == MailKind.MESSAGE), None)
    account = asked.channel if asked else None
    limit = capabilities(account).limit if account else None
    context: dict[str, Any] = {
        "contact": contact,
        "mails": found,
        "unanswered": any(mail.kind == MailKind.MESSAGE and not mail.settled_at for mail in found),
        "to_answer": asked is not None,
        "social": account,
        "longest": limit.most if limit else 0,
        "templates": [said.trigger for said in _said(contact)],
        "newest": NEWEST_MESSAGE if _script(contact) else "",
        "key": request.POST.get("key") if refusal else uuid.uuid4(),
        "text": text,
        "refusal": refusal,
        "can_log": can_log_contact(request.user),
    }
    return render(request, "tickets/mail.html", context, status=422 if refusal else 200)


def _script(contact: Contact) -> Script | None:
    return what_to_say(contact.incident, contact.language) if contact.incident else None


def _said(contact: Contact) -> list[answers.Said]:
    return answers.said(
        Answer.objects.all(), incident=contact.incident, script=_script(contact), language=contact.language
    )


def _with_template(contact: Contact, name: str, text: str) -> str:
    script = _script(contact)
    if name == NEWEST_MESSAGE and script:
        parts = [script.headline or script.title, script.body, *script.do, *script.dont]
        added = "\n\n".join(part for part in parts if part)
    else:
        added = next((said.text for said in _said(contact) if said.trigger == name), "")
    return "\n\n".join(part for part in (text.strip(), added) if part)


def _key(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Refused(_("The form is incomplete. Open the page again.")) from error
