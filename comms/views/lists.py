"""The lists of readers, for an administrator."""

from django.contrib import messages as notices
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import Request
from accounts.refusals import NotAllowed, Refused
from comms import permissions
from comms.forms.lists import ListForm, MemberForm, PasteForm
from comms.models import ListMember, MailList
from comms.operations import lists as operations
from comms.views.channels import key_of, revision_of


@require_GET
def lists(request: Request) -> HttpResponse:
    permissions.check_configure_channel(request.user)
    rows = MailList.objects.prefetch_related("channels").annotate(
        mails=Count("members", filter=~Q(members__email="")),
        numbers=Count("members", filter=~Q(members__phone="")),
        refused=Count("members", filter=~Q(members__refusal="")),
    )
    return render(request, "comms/lists/lists.html", {"lists": rows})


@require_http_methods(["GET", "POST"])
def add(request: Request) -> HttpResponse:
    permissions.check_configure_channel(request.user)
    form = ListForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = operations.add_list(form.names, key=key_of(request), by=request.user)
        return redirect("comms:list", made.pk)
    context = {"form": form, "key": request.POST.get("key")}
    return render(request, "comms/lists/names.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def rename(request: Request, mail_list: int) -> HttpResponse:
    permissions.check_configure_channel(request.user)
    found = get_object_or_404(MailList, pk=mail_list)
    form = ListForm(request.POST or None, mail_list=found)
    context = {"form": form, "list": found, "revision": revision_of(request) or found.revision}
    if request.method == "POST" and form.is_valid():
        try:
            operations.rename(found, form.names, revision=revision_of(request), by=request.user)
        except operations.Changed as changed:
            context |= {"changed": changed, "revision": changed.stored.revision}
            return render(request, "comms/lists/names.html", context, status=422)
        return redirect("comms:list", found.pk)
    return render(request, "comms/lists/names.html", context, status=422 if form.errors else 200)


@require_GET
def one(request: Request, mail_list: int) -> HttpResponse:
    """Who is on the list, those whom the mail server refused first."""
    permissions.check_configure_channel(request.user)
    found = get_object_or_404(MailList.objects.prefetch_related("channels"), pk=mail_list)
    members = found.members.order_by("refused_at", "name")
    return render(request, "comms/lists/list.html", {"list": found, "members": members})


@require_POST
def remove(request: Request, mail_list: int) -> HttpResponse:
    found = get_object_or_404(MailList, pk=mail_list)
    try:
        operations.remove_list(found, by=request.user)
    except NotAllowed:
        raise
    except Refused as refusal:
        notices.error(request, refusal.message)
        return redirect("comms:list", found.pk)
    notices.success(request, _("Removed: %(channel)s") % {"channel": found})
    return redirect("comms:lists")


@require_http_methods(["GET", "POST"])
def paste(request: Request, mail_list: int) -> HttpResponse:
    """Many members at once: all of them, or none and what is wrong with each line."""
    permissions.check_configure_channel(request.user)
    found = get_object_or_404(MailList, pk=mail_list)
    form = PasteForm(request.POST or None, mail_list=found)
    if request.method == "POST" and form.is_valid():
        try:
            added = operations.add_members(found, form.readers, by=request.user)
        except NotAllowed:
            raise
        except Refused as refusal:
            form.add_error("lines", refusal.message)
        else:
            told = ngettext("%(n)d reader added.", "%(n)d readers added.", added) % {"n": added}
            notices.success(request, told)
            return redirect("comms:list", found.pk)
    status = 422 if form.errors else 200
    return render(request, "comms/lists/paste.html", {"list": found, "form": form}, status=status)


@require_http_methods(["GET", "POST"])
def add_member(request: Request, mail_list: int) -> HttpResponse:
    permissions.check_configure_channel(request.user)
    found = get_object_or_404(MailList, pk=mail_list)
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            operations.add_members(found, [form.reader], by=request.user)
        except NotAllowed:
            raise
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.message)
        else:
            return redirect("comms:list", found.pk)
    status = 422 if form.errors else 200
    return render(request, "comms/lists/member.html", {"list": found, "form": form}, status=status)


@require_http_methods(["GET", "POST"])
def member(request: Request, member: int) -> HttpResponse:
    permissions.check_configure_channel(request.user)
    found = get_object_or_404(ListMember.objects.select_related("mail_list"), pk=member)
    form = MemberForm(request.POST or None, initial=vars(found))
    context = {
        "list": found.mail_list,
        "member": found,
        "form": form,
        "revision": revision_of(request) or found.revision,
    }
    if request.method == "POST" and form.is_valid():
        try:
            operations.change_member(found, form.reader, revision=revision_of(request), by=request.user)
        except NotAllowed:
            raise
        except operations.Changed as changed:
            context |= {"changed": changed, "revision": changed.stored.revision}
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.message)
        else:
            return redirect("comms:list", found.mail_list_id)
    return render(request, "comms/lists/member.html", context, status=422 if form.is_bound else 200)


@require_POST
def clear(request: Request, member: int) -> HttpResponse:
    found = get_object_or_404(ListMember, pk=member)
    operations.clear_refusal(found, by=request.user)
    notices.success(request, _("%(name)s is written to again.") % {"name": found.name})
    return redirect("comms:list", found.mail_list_id)


@require_POST
def remove_member(request: Request, member: int) -> HttpResponse:
    found = get_object_or_404(ListMember, pk=member)
    operations.remove_member(found, by=request.user)
    notices.success(request, _("%(name)s is no longer on the list.") % {"name": found.name})
    return redirect("comms:list", found.mail_list_id)
