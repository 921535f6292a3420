"""Who asked to be told: an e-mail address or a webhook, without an account."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.languages import Language
from incidents.models import Incident, Service

CONFIRMABLE_FOR = timedelta(days=3)


class SubscriberKind(models.TextChoices):
    EMAIL = "email", _("e-mail")
    WEBHOOK = "webhook", _("webhook")


class Scope(models.TextChoices):
    """What she is told of; an incident until it is over."""

    EVERYTHING = "everything", _("everything")
    SERVICES = "services", _("chosen services")
    INCIDENT = "incident", _("one incident")


class SubscriberState(models.TextChoices):
    """pending → active → ended, or pending → ended. Derived from the two moments, never stored."""

    PENDING = "pending", _("not confirmed")
    ACTIVE = "active", _("active")
    ENDED = "ended", _("ended")


class SubscriberQuerySet(models.QuerySet["Subscriber"]):
    def active(self) -> Self:
        return self.filter(confirmed_at__isnull=False, ended_at=None)

    def pending(self) -> Self:
        return self.filter(confirmed_at=None, ended_at=None)

    def of(self, fingerprints: Collection[str]) -> Self:
        """Of one address, by its fingerprints (comms.secrets)."""
        return self.filter(fingerprint__in=fingerprints)


class Subscriber(models.Model):
    """One subscription. A row is made at each sign-up, known address or not, so that both cost the same.

    The address is sealed; its fingerprint, a keyed hash, finds it again. Links carry the signed `key`
    (comms.links): there is no token to steal from the table.
    """

    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=SubscriberKind)
    sealed_address = models.TextField(editable=False, help_text="Encrypted; see comms.secrets.")
    fingerprint = models.CharField(max_length=64, db_index=True, editable=False)
    sealed_secret = models.TextField(
        blank=True, editable=False, help_text="Of a webhook: what signs its posts."
    )
    language = models.CharField(max_length=2, choices=Language)
    scope = models.CharField(max_length=10, choices=Scope)
    services = models.ManyToManyField(Service, blank=True, related_name="+")
    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, null=True, blank=True, related_name="subscribers"
    )
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="A member of staff; empty when the subscriber herself ended it, or the incident was over.",
    )

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        permissions = [
            ("count_subscribers", "May see how many subscribers there are"),
            ("find_subscriber", "May find a subscriber by the whole address and end the subscription"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="one_active_subscription_per_address",
                fields=["fingerprint"],
                condition=Q(confirmed_at__isnull=False, ended_at=None),
            ),
            models.CheckConstraint(
                name="subscriber_of_an_incident_names_it",
                condition=Q(scope="incident", incident__isnull=False)
                | ~Q(scope="incident") & Q(incident=None),
            ),
            models.CheckConstraint(
                name="subscriber_webhook_has_a_secret",
                condition=Q(kind="webhook") & ~Q(sealed_secret="") | Q(kind="email", sealed_secret=""),
            ),
            models.CheckConstraint(
                name="subscriber_moments_follow_each_other",
                condition=(Q(confirmed_at=None) | Q(confirmed_at__gte=F("created_at")))
                & (Q(ended_at=None) | Q(ended_at__gte=F("created_at"))),
            ),
            models.CheckConstraint(
                name="subscriber_ended_by_someone_has_ended",
                condition=Q(ended_by=None) | Q(ended_at__isnull=False),
            ),
        ]

    @property
    def state(self) -> SubscriberState:
        if self.ended_at:
            return SubscriberState.ENDED
        return SubscriberState.ACTIVE if self.confirmed_at else SubscriberState.PENDING

    def confirmable(self, at: datetime) -> bool:
        return self.state == SubscriberState.PENDING and at - self.created_at < CONFIRMABLE_FOR
