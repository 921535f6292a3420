"""Everyone who called about an incident is told of its newest message, in one go."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import FETCH_RAISE
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import Request
from accounts.languages import Language
from accounts.refusals import Refused
from comms.models import Update
from comms.permissions import can_configure_channel, can_publish_update
from incidents.models import Incident
from tickets import operations
from tickets.informing import KINDS, channels, counted, newest, results, to_tell, undelivered
from tickets.models import ContactChannel, InformedBy


@require_http_methods(["GET", "POST"])
def callers(request: Request, public_id: str) -> HttpResponse:
    """Who is to be told, by how they came in and language; POST tells them. ?waiting=on: who waits until it works."""
    incident = get_object_or_404(Incident, public_id=public_id)
    update = newest(incident)
    if request.method == "GET" or update is None:
        return _callers(request, incident, update)
    if not can_publish_update(request.user):
        raise PermissionDenied
    if request.POST.get("number") != str(update.number):
        refusal = Refused(
            _("A newer message was published meanwhile. Read it, then tell the callers of that one.")
        )
        return _callers(request, incident, update, refusal=refusal)
    try:
        counts = operations.inform_callers(
            update,
            ways=_ways(request),
            languages=request.POST.getlist("language"),
            waiting_only="waiting" in request.POST,
            by=request.user,
        )
    except Refused as refusal:
        return _callers(request, incident, update, refusal=refusal)
    told = ", ".join(f"{way.label} {count}" for way, count in counts.items())
    if told:
        messages.success(request, _("Told: %(numbers)s") % {"numbers": told})
    else:
        messages.info(request, _("Nobody was left to be told like that."))
    return redirect("tickets:callers", public_id=public_id)


@require_POST
def phone_instead(request: Request, public_id: str) -> HttpResponse:
    """Who could not be told in writing is put on the phone list."""
    update = newest(get_object_or_404(Incident, public_id=public_id))
    if update is None:
        raise Http404
    if not can_publish_update(request.user):
        raise PermissionDenied
    moved = operations.phone_instead(update, by=request.user)
    said = ngettext("%(n)d is to be phoned.", "%(n)d are to be phoned.", moved) % {"n": moved}
    messages.success(request, said)
    return redirect("tickets:callers", public_id=public_id)


def _ways(request: Request) -> dict[ContactChannel, InformedBy]:
    chosen = {channel: request.POST.get(f"way_{channel}", "") for channel in ContactChannel}
    return {channel: InformedBy(way) for channel, way in chosen.items() if way in InformedBy.values}


def _callers(
    request: Request, incident: Incident, update: Update | None, *, refusal: Refused | None = None
) -> HttpResponse:
    asked = request.POST if request.method == "POST" else request.GET
    waiting = "waiting" in asked
    context: dict[str, Any] = {"incident": incident, "update": update, "refusal": refusal, "waiting": waiting}
    if update is not None:
        found, ways = to_tell(update, waiting_only=waiting), channels(update)
        usable = [*ways, InformedBy.PHONE]
        posts = [InformedBy.POST] if any(caller.mention for caller in found) else []
        context |= {
            "text": update.text_in(request.user.language),
            "count": len(found),
            "rows": [
                (came, [languages[code] for code in Language], total, offered, _default(came, offered, asked))
                for came, languages, total in counted(found)
                if (offered := [*posts, *usable] if came == ContactChannel.SOCIAL else usable)
            ],
            "missing": [way for way in KINDS if way not in ways],
            "languages": [(code, code in asked.getlist("language") or not refusal) for code in Language],
            "results": results(update),
            "undelivered": list(
                undelivered(update).select_related("contact__pharmacy", "delivery").fetch_mode(FETCH_RAISE)
            ),
            "can_tell": can_publish_update(request.user),
            "can_configure": can_configure_channel(request.user),
        }
    return render(request, "tickets/callers.html", context, status=422 if refusal else 200)


def _default(came: ContactChannel, offered: list[InformedBy], asked: Any) -> str:
    """As chosen, else in writing where that can be done: under her post who came by one."""
    if f"way_{came}" in asked:
        return str(asked[f"way_{came}"])
    return str(offered[0])
