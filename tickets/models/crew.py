"""Who is at the phones, what she leaves to the next one, and who was asked to help."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.languages import Language

LONGEST_SHIFT = timedelta(hours=14)  # who has been on for longer forgot to say that she left


class CameBy(models.TextChoices):
    REGULAR = "regular", _("on duty")
    CALLED_IN = "called_in", _("called in")
    VOLUNTEERED = "volunteered", _("volunteered")


class ShiftQuerySet(models.QuerySet["Shift"]):
    def on(self, at: datetime) -> Self:
        """At the phones at *at*, the longest first."""
        begun = self.filter(began_at__lte=at, began_at__gt=at - LONGEST_SHIFT)
        return begun.filter(Q(ended_at=None) | Q(ended_at__gt=at)).order_by("began_at", "pk")


class Shift(models.Model):
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="shifts")
    came_by = models.CharField(max_length=12, choices=CameBy, default=CameBy.REGULAR)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = ShiftQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-began_at"])]
        constraints = [
            models.UniqueConstraint(
                name="one_open_shift_per_person", fields=["person"], condition=Q(ended_at=None)
            ),
            models.CheckConstraint(
                name="shift_ends_after_it_began", condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at"))
            ),
        ]


class HandOverNote(models.Model):
    """What the next ones at the phones must know. Never changed."""

    key = models.UUIDField(
        unique=True, editable=False, help_text="The form's key: written once, however often sent."
    )
    text = models.TextField(max_length=1000)
    at = models.DateTimeField(db_index=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-at", "-pk"]


class VolunteerInvitation(models.Model):
    """A link that lets one colleague from another desk in, once. Its token is kept as a hash alone."""

    key = models.UUIDField(
        unique=True, editable=False, help_text="The form's key: one link, however often sent."
    )
    token_hash = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256.")
    name = models.CharField(max_length=60)
    language = models.CharField(max_length=2, choices=Language)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="invitations_used",
    )
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="Taken back, or the volunteer is not needed any more."
    )

    class Meta:
        ordering = ["-made_at", "-pk"]
        permissions = [("invite_volunteer", "May let colleagues from other desks answer calls")]
        constraints = [
            models.CheckConstraint(
                name="invitation_used_by_someone",
                condition=Q(used_at=None, used_by=None) | Q(used_at__isnull=False, used_by__isnull=False),
            ),
        ]

    def is_open(self, at: datetime) -> bool:
        return self.used_at is None and self.ended_at is None and at < self.expires_at
