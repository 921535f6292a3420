"""Pharmacies and software houses from a file: first tried, then done."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from import_export.results import Result

from accounts.models import User
from accounts.refusals import Refused
from tickets import imports, spreadsheets
from tickets.models import Pharmacy, PharmacyPhone, StagedImport
from tickets.models.staged_import import ImportKind
from tickets.permissions import check_import_lists

KEPT = timedelta(days=1)
LONGEST_NAME = 200
BATCH = 1000


def stage_import(
    *, key: UUID, kind: ImportKind, file_name: str, content: bytes, by: User, at: datetime | None = None
) -> StagedImport:
    """Keep the file for KEPT with what it would change; nothing else is written, and no lock is held.

    The same *key* gives what was handed in first. Raises Refused, beside "file", when it cannot be read.
    """
    check_import_lists(by)
    table = imports.named_for(kind, spreadsheets.read(file_name, content))
    resource = imports.RESOURCES[kind]()
    trial = resource.import_data_inner(
        table, dry_run=True, raise_errors=False, using_transactions=False, collect_failed_rows=False
    )
    staged, _made = StagedImport.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind,
            "file_name": file_name[-LONGEST_NAME:],
            "content": content,
            "outcome": imports.outcome_of(trial, resource).as_json(),
            "staged_at": at or timezone.now(),
            "staged_by": by,
        },
    )
    return staged


@transaction.atomic
def apply_import(staged: StagedImport, *, by: User, at: datetime | None = None) -> StagedImport:
    """Write what the file says, but for the lines that are rejected; doing it again changes nothing.

    Rows that the file does not name stay as they are. What was changed since the trial is looked at anew.
    """
    check_import_lists(by)
    staged = StagedImport.objects.select_for_update().get(pk=staged.pk)
    if staged.applied_at:
        return staged
    table = imports.named_for(staged.kind, spreadsheets.read(staged.file_name, bytes(staged.content)))
    resource = imports.RESOURCES[staged.kind]()
    try:
        with transaction.atomic():
            result = resource.import_data(table, use_transactions=True, raise_errors=False)
    except IntegrityError:
        result = None
    if result is None or result.base_errors:
        raise Refused(_("The list was changed by someone else at the same moment. Try again."))
    if staged.kind == ImportKind.PHARMACIES:
        _write_phones(result, resource.phones)
    staged.outcome = imports.outcome_of(result, resource).as_json()
    staged.applied_at, staged.applied_by = at or timezone.now(), by
    staged.save()
    return staged


def forget_imports(*, at: datetime | None = None) -> None:
    """Files are not kept for longer than someone needs to correct them."""
    StagedImport.objects.filter(staged_at__lt=(at or timezone.now()) - KEPT).delete()


def _write_phones(result: Result, known: dict[int, dict[str, str]]) -> None:
    """Numbers that changed, were added or are gone; *known* is what there was, by pharmacy."""
    written = [row.instance for row in result.rows if row.is_new() or row.is_update()]
    ids = dict(Pharmacy.objects.values_list("apb_number", "pk"))
    wanted = {ids[pharmacy.apb_number]: pharmacy.wanted for pharmacy in written}
    changed = [pk for pk, numbers in wanted.items() if numbers != known.get(pk, {})]
    PharmacyPhone.objects.filter(pharmacy__in=changed).delete()
    PharmacyPhone.objects.bulk_create(
        [
            PharmacyPhone(pharmacy_id=pk, raw=raw, e164=e164)
            for pk in changed
            for e164, raw in wanted[pk].items()
        ],
        batch_size=BATCH,
    )
