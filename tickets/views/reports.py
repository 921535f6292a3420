"""Anyone's: "I have this too". A call less, and the desk knows where it fails.

Public because who reports has no account. It keeps nothing of her (accounts.senders) and needs neither cookie nor
script; the answer is a page of its own, so that loading it again sends nothing again.
"""

from datetime import timedelta
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

# A whole hospital, or a network operator's customers, may share one address.
MOST, WITHIN = 20, timedelta(minutes=10)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """The form; `?service=` chooses one. 422 with what was typed when something is wrong, 429 over the limit."""
    if request.method != "POST":
        return _form(request, ReportForm(initial={"service": request.GET.get("service", "")}))
    form = ReportForm(request.POST)
    who = sender(request)
    if too_many(who, what="report", most=MOST, within=WITHIN):
        response = _form(request, form, status=429)
        response["Retry-After"] = str(int(WITHIN.total_seconds()))
        return response
    if not form.is_valid():
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
    known = known_about(service, language_of(request))
    context = {
        "service": service,
        "known": known,
        "work": None if known else work_on(service),
        "now": timezone.now(),
        "helpdesk": settings.DESK_HELPDESK_PHONE,
    }
    return render(request, "public/report/reported.html", context)


def _form(request: HttpRequest, form: ReportForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "status": status, "minutes": int(WITHIN.total_seconds() // 60)}
    return render(request, "public/report/form.html", context, status=status)
