"""The legal clocks of an incident: which laws are watched, who decided that they apply, and what was filed."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incidents.models import Incident


class Regime(models.TextChoices):
    """A duty to notify. The time limits and their sources stand in comms.plan.legal."""

    NIS2 = "nis2", _("NIS2: the national CSIRT")
    GDPR = "gdpr", _("GDPR: the data protection authority")
    CONTROLLERS = "controllers", _("GDPR: the controllers whose data we process")


class FilingStage(models.TextChoices):
    EARLY_WARNING = "early-warning", _("early warning")
    NOTIFICATION = "notification", _("notification")
    FINAL_REPORT = "final-report", _("final report")


class RegimeSwitch(models.Model):
    """Whether a regime is watched for this organisation. No row: it is not."""

    regime = models.CharField(max_length=11, choices=Regime, primary_key=True)
    enabled = models.BooleanField(default=False)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        permissions = [
            ("switch_regime", "May switch the legal clocks on and off for the organisation"),
            ("decide_regime", "May decide whether a duty to notify applies to an incident"),
        ]


class LegalDecision(models.Model):
    """A duty applies to an incident, from the moment we were aware of it, or does not. The newest decides."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="legal_decisions")
    key = models.UUIDField(unique=True, editable=False)
    regime = models.CharField(max_length=11, choices=Regime)
    applies = models.BooleanField()
    aware_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(name="legal_decision_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="legal_decision_that_applies_has_its_moment",
                condition=Q(applies=True, aware_at__isnull=False) | Q(applies=False, aware_at=None),
            ),
        ]


class LegalFiling(models.Model):
    """A notification was made; once for each stage."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="legal_filings")
    regime = models.CharField(max_length=11, choices=Regime)
    stage = models.CharField(max_length=13, choices=FilingStage)
    filed_at = models.DateTimeField()
    reference = models.CharField(max_length=200, blank=True, help_text="What the authority calls it.")
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["filed_at", "pk"]
        constraints = [
            models.UniqueConstraint(name="legal_filing_once", fields=["incident", "regime", "stage"])
        ]


class LegalReminder(models.Model):
    """A deadline was reminded of, so many hours before it; once each."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+")
    regime = models.CharField(max_length=11, choices=Regime)
    stage = models.CharField(max_length=13, choices=FilingStage)
    due_at = models.DateTimeField()
    hours = models.PositiveSmallIntegerField(help_text="Before it is due; 0: it is.")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="legally_reminded_once", fields=["incident", "regime", "stage", "due_at", "hours"]
            )
        ]
