"""Pharmacies and software houses from a file: handed in, looked at, applied."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.http import Request
from accounts.refusals import Refused
from tickets import imports, operations, spreadsheets
from tickets.forms.imports import ImportForm
from tickets.models import ImportKind, StagedImport
from tickets.permissions import can_import_lists, check_import_lists


@require_http_methods(["GET", "POST"])
def upload(request: Request) -> HttpResponse:
    """Hand a file in; nothing is changed by it yet."""
    check_import_lists(request.user)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        try:
            staged = operations.stage_import(
                key=form.cleaned_data["key"],
                kind=ImportKind(form.cleaned_data["kind"]),
                file_name=given.name,
                content=given.read(),
                by=request.user,
            )
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.message)
        else:
            return redirect("tickets:import_one", key=staged.key)
    context = {
        "form": form,
        "columns": [(kind.label, imports.RESOURCES[kind]) for kind in ImportKind],
        "most_rows": spreadsheets.MOST_ROWS,
    }
    return render(request, "tickets/import.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def one(request: Request, key: UUID) -> HttpResponse:
    """What the file would change, or has changed; POST applies it."""
    staged = _staged(request, key)
    if request.method == "GET":
        return render(request, "tickets/import_one.html", {"staged": staged})
    try:
        operations.apply_import(staged, by=request.user)
    except Refused as refusal:
        context = {"staged": staged, "refusal": refusal}
        return render(request, "tickets/import_one.html", context, status=422)
    return redirect("tickets:import_one", key=key)


@require_GET
def rejected(request: Request, key: UUID) -> StreamingHttpResponse:
    """The rejected lines as a file with the reasons, to be corrected and handed in again."""
    staged = _staged(request, key)
    response = StreamingHttpResponse(
        spreadsheets.lines(_rejected(staged)), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="rejected-{staged.kind}.csv"'
    return response


def _staged(request: Request, key: UUID) -> StagedImport:
    if not can_import_lists(request.user):
        raise PermissionDenied
    return get_object_or_404(StagedImport.objects.select_related("staged_by", "applied_by"), key=key)


def _rejected(staged: StagedImport) -> list[list[str]]:
    """All at once: when the last lines of an answer are read, the language of its request is over."""
    table = spreadsheets.read(staged.file_name, bytes(staged.content))
    rows = [[*table.headers, _("line"), _("reason")]]
    for row in staged.outcome["rejected"]:
        reasons = "; ".join(f"{column}: {text}" if column else text for column, text in row["reasons"])
        rows.append([*table[row["line"] - 2], str(row["line"]), reasons])
    return rows
