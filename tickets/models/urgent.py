"""What became of a patient who waits: who sees to it, and how it ended. The contact says the rest."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tickets.models.contact import Contact


class UrgentAnswer(models.TextChoices):
    """How the patient was helped."""

    PAPER = "paper", _("done on paper")
    SUPPLIED = "supplied", _("medicine supplied all the same")
    PRESCRIBER = "prescriber", _("settled with the prescriber")
    ELSEWHERE = "elsewhere", _("helped elsewhere")
    WORKED = "worked", _("it worked after all")
    NOT_NEEDED = "not_needed", _("not needed any more")
    NOT_HELPED = "not_helped", _("could not be helped")


class UrgentCase(models.Model):
    """Written when somebody first takes it on: until then a contact whose patient waits is open and nobody's."""

    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, related_name="urgent_case")
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=12, choices=UrgentAnswer, blank=True)
    note = models.CharField(max_length=300, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = [models.Index(fields=["-closed_at"])]
        constraints = [
            models.CheckConstraint(
                name="urgent_case_claimed_at_a_time",
                condition=Q(claimed_by=None, claimed_at=None)
                | Q(claimed_by__isnull=False, claimed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="urgent_case_closed_with_an_answer",
                condition=Q(closed_at=None, closed_by=None, answer="")
                | Q(closed_at__isnull=False, closed_by__isnull=False) & ~Q(answer=""),
            ),
        ]
