"""A file that was handed in: what it would change is shown before it does."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ImportKind(models.TextChoices):
    PHARMACIES = "pharmacies", _("Pharmacies")
    SOFTWARE_HOUSES = "software_houses", _("Software houses")


class StagedImport(models.Model):
    key = models.UUIDField(
        unique=True, editable=False, help_text="The form's key: handed in once, however often sent."
    )
    kind = models.CharField(max_length=16, choices=ImportKind)
    file_name = models.CharField(max_length=200)
    content = models.BinaryField()
    outcome = models.JSONField(help_text="tickets.imports.Outcome: of the trial, then of what was done.")
    staged_at = models.DateTimeField(db_index=True)
    staged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    applied_at = models.DateTimeField(null=True, blank=True)
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        permissions = [("import_lists", "May import pharmacies and software houses from a file")]
        constraints = [
            models.CheckConstraint(
                name="import_applied_by_someone",
                condition=Q(applied_at=None, applied_by=None)
                | Q(applied_at__isnull=False, applied_by__isnull=False),
            ),
        ]
