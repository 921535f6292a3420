from typing import Any

from allauth.account.views import LoginView
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import typed
from accounts.forms import ProfileForm
from accounts.http import Request
from accounts.models import User


class SignInView(LoginView):  # type: ignore[misc]  # allauth has no types
    """allauth's sign-in, which also says that typed text waits."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "typed_waits": typed.waits(self.request)}


@require_http_methods(["GET", "POST"])
def profile(request: Request) -> HttpResponse:
    """Language and keys of the one signed in; ?next= is the page she came from, and goes back to."""
    asked = request.POST.get("next") or request.GET.get("next", "")
    back = (
        asked if asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None) else ""
    )
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        with translation.override(request.user.language):
            messages.success(request, _("Saved."))
        return HttpResponseRedirect(back or reverse("accounts:profile"))
    context = {"form": form, "back": back}
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)


@require_POST
def browser_reminders(request: Request) -> HttpResponse:
    """Show reminders of the plan as notifications of the browser, or no more."""
    request.user.browser_reminders = "on" in request.POST
    request.user.save(update_fields=["browser_reminders"])
    messages.success(request, _("Saved."))
    return redirect("accounts:profile")


@require_GET
def signed_in(request: Request) -> HttpResponse:
    """Where a tab ends that was opened to sign in again beside an unfinished form."""
    return render(request, "accounts/signed_in.html")


@require_http_methods(["GET", "POST"])
def resume(request: Request) -> HttpResponse:
    """What was typed when the session ended, ready to be sent by the one who typed it; POST lets it go."""
    kept = typed.waiting(request, request.user)
    if kept and request.method == "GET":
        return render(request, "accounts/resume.html", {"typed": kept})
    typed.let_go(request)
    return redirect("desk:home")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page was older than the sign-in. Its text is offered again, but only to our own page's form:
    a foreign site cannot claim same-origin in Sec-Fetch-Site, and cannot press the button."""
    ours = request.headers.get("Sec-Fetch-Site") == "same-origin"
    kept = typed.Typed.of(request) if ours and request.method == "POST" else None
    if kept and isinstance(request.user, User) and kept.is_by(request.user):
        return render(request, "accounts/resume.html", {"typed": kept}, status=403)
    return render(request, "403_csrf.html", {"reason": reason}, status=403)
