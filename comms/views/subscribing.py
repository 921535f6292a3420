"""Anyone's: "Tell me". Ask for messages by e-mail or webhook, confirm, change, stop; without an account.

Public because who subscribes has none: after the sign-up a signed link stands for her (comms.links). A known and an
unknown address get the same page after the same work.
"""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.public import language_of, public, public_by_link
from accounts.refusals import Refused
from accounts.senders import sender, too_many
from comms import links, secrets
from comms.channels import mailbox
from comms.forms.subscribing import FORMS, SubscribeForm, WishForm, asked_for, chosen
from comms.links import Purpose
from comms.models import Subscriber, SubscriberKind
from comms.operations import lists
from comms.operations import subscribers as operations

# A software house may subscribe some of its people one after the other, from one address.
MOST, WITHIN = 20, timedelta(hours=1)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest) -> HttpResponse:
    """The form; ?service=, ?incident= and ?kind= choose. 422 with what was typed, 429 over the limit."""
    kind = _kind(request)
    if request.method != "POST":
        initial = asked_for(
            language_of(request),
            service=request.GET.get("service", ""),
            incident=request.GET.get("incident", ""),
        )
        return _form(request, FORMS[kind](initial=initial))
    form = FORMS[kind](request.POST)
    if not form.is_valid():
        return _form(request, form, status=422)
    if too_many(sender(request), what="subscribe", most=MOST, within=WITHIN):
        response = _form(request, form, status=429)
        response["Retry-After"] = str(int(WITHIN.total_seconds()))
        return response
    asked = operations.request_subscription(kind=kind, address=form.cleaned_data["address"], wish=form.wish)
    context = {
        "kind": kind,
        "address": _shown(kind, form.cleaned_data["address"]),
        "secret": asked.secret,
        "manage": links.url(asked.subscriber, Purpose.MANAGE),
    }
    return render(request, "public/subscribe/asked.html", context)


def _kind(request: HttpRequest) -> SubscriberKind:
    given = request.GET.get("kind", "")
    return SubscriberKind(given) if given in SubscriberKind else SubscriberKind.EMAIL


def _form(request: HttpRequest, form: SubscribeForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "kind": form.kind, "status": status}
    return render(request, "public/subscribe/form.html", context, status=status)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Mail scanners follow links: GET shows a button, and only that POST begins the subscription.

    Where there is nothing to begin, the answer to both is what became of it, and nothing is written.
    """
    subscriber = _found(token, Purpose.CONFIRM)
    if subscriber is None:
        return _no_such_link(request)
    if request.method != "POST" and subscriber.confirmable(timezone.now()):
        return render(request, "public/subscribe/confirm.html", {"subscriber": subscriber})
    try:
        active = operations.confirm(subscriber)
    except Refused as refusal:
        return _no_such_link(request, refusal)
    context = {
        "subscriber": subscriber,
        "active": active,
        "manage": links.path(active, Purpose.MANAGE),
    }
    return render(request, "public/subscribe/confirmed.html", context)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def manage(request: HttpRequest, token: str) -> HttpResponse:
    """What she is told of, to change or to stop."""
    subscriber = _found(token, Purpose.MANAGE)
    if subscriber is None:
        return _no_such_link(request)
    if request.method != "POST":
        return _manage(request, subscriber, _wish(subscriber))
    form = WishForm(request.POST, besides=subscriber.incident)
    if not form.is_valid():
        return _manage(request, subscriber, form, status=422)
    try:
        changed = operations.change(subscriber, wish=form.wish)
    except Refused as refusal:
        return _manage(request, subscriber, form, status=422, refusal=refusal)
    return _manage(request, changed, _wish(changed), saved=True)


def _wish(subscriber: Subscriber) -> WishForm:
    return WishForm(initial=chosen(subscriber), besides=subscriber.incident)


def _manage(
    request: HttpRequest,
    subscriber: Subscriber,
    form: WishForm,
    *,
    status: int = 200,
    saved: bool = False,
    refusal: Refused | None = None,
) -> HttpResponse:
    address = secrets.unseal(subscriber.sealed_address)
    context = {
        "subscriber": subscriber,
        "address": _shown(SubscriberKind(subscriber.kind), address),
        "form": form,
        "saved": saved,
        "refusal": refusal,
        "unsubscribe": links.path(subscriber, Purpose.UNSUBSCRIBE),
    }
    return render(request, "public/subscribe/manage.html", context, status=status)


@public_by_link
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button; any POST ends it, that of a mail program too (RFC 8058: no cookie, question or detour)."""
    subscriber = _found(token, Purpose.UNSUBSCRIBE)
    if subscriber is None:
        return _no_such_link(request)
    if request.method == "POST":
        operations.unsubscribe(subscriber)
    if request.method == "POST" or subscriber.ended_at:
        return render(request, "public/subscribe/unsubscribed.html")
    return render(request, "public/subscribe/unsubscribe.html", {"subscriber": subscriber})


@public_by_link
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """As unsubscribe, of a member of one of our lists."""
    member = links.member_of(token)
    if member is None:
        return _no_such_link(request)
    if request.method == "POST":
        lists.leave(member)
    context = {"list": member.mail_list.name_in(language_of(request)), "left": request.method == "POST"}
    return render(request, "public/subscribe/leave.html", context)


def _found(token: str, purpose: Purpose) -> Subscriber | None:
    key = links.key_in(token, purpose)
    return Subscriber.objects.select_related("incident").filter(key=key).first() if key else None


def _no_such_link(request: HttpRequest, refusal: Refused | None = None) -> HttpResponse:
    """Forged, too old, or of a subscription that is forgotten: the way on is the same."""
    return render(request, "public/subscribe/gone.html", {"refusal": refusal}, status=410 if refusal else 404)


def _shown(kind: SubscriberKind, address: str) -> str:
    return mailbox.shown(address) if kind == SubscriberKind.EMAIL else address
