"""Anyone's: "I have this too". A call less, and the desk knows where it fails.

Public because who reports has no account. It keeps nothing of her (accounts.senders) and needs neither cookie nor
script; the answer is a page of its own, so that loading it again sends nothing again.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.public import language_of, public
from accounts.senders import sender, too_many
from incidents.models import Service
from tickets import operations
from tickets.forms.reports import ReportForm
from tickets.known import known_about, work_on

# A whole hospital, or a network operator's customers, may share one address. What was refused counts apart: a typing
# error costs nobody her turn, and as it writes nothing more of it is borne.
MOST, MOST_REFUSED, WITHIN = 20, 100, timedelta(minutes=10)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """The form; `?service=` chooses one. 422 with what was typed when something is wrong, 429 over the limit."""
    if request.method != "POST":
        return _form(request, ReportForm(initial={"service": request.GET.get("service", "")}))
    form = ReportForm(request.POST)
    valid = form.is_valid()
    what, most = ("report", MOST) if valid else ("report-refused", MOST_REFUSED)
    who = sender(request)
    if too_many(who, what=what, most=most, within=WITHIN):
        return _over(request, form)
    if not valid:
        return _form(request, form, status=422)
    operations.report(who=who, **form.cleaned_data)
    asked = {"service": form.cleaned_data["service"].public_id, "lang": language_of(request).value}
    return HttpResponseRedirect(f"{reverse('report:received')}?{urlencode(asked)}", status=303)


@public
@require_safe
def reported(request: HttpRequest) -> HttpResponse:
    """Thanks, whether we know, and when there is more to hear about `?service=`; the form where that is none."""
    asked = request.GET.get("service", "")
    service = Service.objects.filter(public_id=asked).first() if asked.isalnum() else None
    if service is None:
        return redirect(f"{reverse('report:form')}?lang={language_of(request)}")
    return render(request, "public/report/reported.html", _answer(request, service))


def _answer(request: HttpRequest, service: Service) -> dict[str, Any]:
    known = known_about(service, language_of(request))
    return {
        "service": service,
        "known": known,
        "work": None if known else work_on(service),
        "now": timezone.now(),
        "helpdesk": settings.DESK_HELPDESK_PHONE,
    }


def _over(request: HttpRequest, form: ReportForm) -> HttpResponse:
    """Not counted. Where we know of what she chose she is told so, else the form with what she typed. 429."""
    service = form.cleaned_data.get("service")
    answer = _answer(request, service) if service else {}
    if answer.get("known") or answer.get("work"):
        context = {**answer, "over": True, "form": form, "minutes": _minutes()}
        response = render(request, "public/report/reported.html", context, status=429)
    else:
        response = _form(request, form, status=429)
    response["Retry-After"] = str(int(WITHIN.total_seconds()))
    return response


def _form(request: HttpRequest, form: ReportForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "status": status, "minutes": _minutes()}
    return render(request, "public/report/form.html", context, status=status)


def _minutes() -> int:
    return int(WITHIN.total_seconds() // 60)
