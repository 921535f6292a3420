"""A call as the telephone system tells of it: who rang, who answered, whether anybody did."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Intake, User
from tickets.models.contact import Contact

OFFERED_FOR = timedelta(minutes=30)


class PhoneCallQuerySet(models.QuerySet["PhoneCall"]):
    def offered_to(self, user: User, *, at: datetime) -> Self:
        """Those *user* answered and has neither taken nor waved away, the newest first."""
        return self.filter(agent=user, settled_at=None, answered_at__gt=at - OFFERED_FOR).order_by(
            "-answered_at", "-pk"
        )


class PhoneCall(models.Model):
    """An incoming call, or the leg of one that was put through (then *origin* is the id it had before)."""

    intake = models.ForeignKey(Intake, on_delete=models.PROTECT, related_name="+")
    call_id = models.CharField(max_length=120)
    origin = models.CharField(max_length=120, blank=True)
    number = models.CharField(max_length=40, blank=True, help_text="As the telephone system gave it.")
    e164 = models.CharField(max_length=16, blank=True)
    rang_at = models.DateTimeField(help_text="When we first heard of it.")
    answered_at = models.DateTimeField(null=True, blank=True)
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    diverted = models.BooleanField(
        default=False, help_text="It went to another number and is not ours to answer."
    )
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text="Taken into the row, waved away, or known to be missed or not."
    )
    contact = models.OneToOneField(
        Contact, on_delete=models.SET_NULL, null=True, blank=True, related_name="missed_call"
    )

    objects = PhoneCallQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="phone_call_once_per_system", fields=["intake", "call_id"]),
            models.CheckConstraint(
                name="phone_call_agent_has_answered", condition=Q(agent=None) | Q(answered_at__isnull=False)
            ),
        ]
        indexes = [
            models.Index(name="phone_call_offers", fields=["agent", "-answered_at"]),
            models.Index(name="phone_call_unsettled", fields=["rang_at"], condition=Q(settled_at=None)),
            models.Index(name="phone_call_legs", fields=["intake", "origin"]),
        ]
