"""The outbox: what must leave the house, written in the transaction of the decision to say it."""

import uuid
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from accounts.languages import Language
from comms.models.channel import Channel
from comms.models.subscriber import Subscriber
from comms.models.update import Correction, Update


class DeliveryState(models.TextChoices):
    """queued → sending → sent | queued again (retry at not_before) | unknown | by hand | failed.

    What waited too long is stale until a person confirms it, or dropped when a newer message stands for it. Of an
    exercise everything is rehearsed at once and nothing is ever queued.
    """

    QUEUED = "queued", _("waiting")
    SENDING = "sending", _("sending")
    SENT = "sent", _("sent")
    UNKNOWN = "unknown", _("to be decided")
    FAILED = "failed", _("failed")
    BY_HAND = "by-hand", _("by hand")
    STALE = "stale", _("to be confirmed")
    DROPPED = "dropped", _("not sent")
    REHEARSED = "rehearsed", _("exercise")


# A person alone leads out of `unknown`, `failed`, `by hand` and `stale`: another attempt, or word of what became of it.
DELIVERY_TRANSITIONS: dict[DeliveryState, tuple[DeliveryState, ...]] = {
    DeliveryState.QUEUED: (DeliveryState.SENDING, DeliveryState.STALE, DeliveryState.DROPPED),
    DeliveryState.SENDING: (
        DeliveryState.SENT,
        DeliveryState.QUEUED,
        DeliveryState.UNKNOWN,
        DeliveryState.FAILED,
        DeliveryState.BY_HAND,
    ),
    DeliveryState.SENT: (),
    DeliveryState.UNKNOWN: (DeliveryState.QUEUED, DeliveryState.SENT),
    DeliveryState.FAILED: (DeliveryState.QUEUED, DeliveryState.SENT, DeliveryState.DROPPED),
    DeliveryState.BY_HAND: (DeliveryState.QUEUED, DeliveryState.SENT, DeliveryState.DROPPED),
    DeliveryState.STALE: (DeliveryState.QUEUED, DeliveryState.DROPPED),
    DeliveryState.DROPPED: (),
    DeliveryState.REHEARSED: (),
}


class Action(models.TextChoices):
    """What the delivery does at the other end."""

    POST = "post", _("message")
    EDIT = "edit", _("correction in place")
    DELETE = "delete", _("removal")
    CORRECTION = "correction", _("correction notice")
    WITHDRAWAL = "withdrawal", _("withdrawal notice")


class Notice(models.TextChoices):
    """What is written beside the updates."""

    SIGN_UP = "sign_up", _("sign-up")
    MANAGE = "manage", _("link to her subscription")
    TEST = "test", _("test")
    REPLY = "reply", _("reply")
    REMINDER = "reminder", _("reminder of the plan")
    CALL_IN = "call-in", _("asked to come")


class Claim(models.Model):
    """A sender's hold on some deliveries of one channel; its number, never reused, is the fence.

    `reached` is written before each message is handed over: those of the claim with a smaller pk were accepted,
    that one may have been, the others were not begun. So one small write a message tells after any death what
    became of a hundred. Gone when the sender has recorded all of it, or another has recovered it.
    """

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="claims")
    made_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    reached = models.PositiveBigIntegerField(default=0, help_text="pk of the delivery being handed over.")
    reached_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="claim_reached_has_time",
                condition=Q(reached=0, reached_at=None) | Q(reached__gt=0, reached_at__isnull=False),
            )
        ]


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def ours(self) -> Self:
        """Of this installation: a restored or cloned database under another id never sends."""
        return self.filter(environment=settings.DESK_ENVIRONMENT_ID)

    def due(self, at: datetime) -> Self:
        """Ours that wait and are ready."""
        return self.ours().ready(at)

    def ready(self, at: datetime) -> Self:
        """Waiting, and may leave; of a channel that is switched off its tests alone."""
        leaves = Q(channel__enabled=True) | Q(notice=Notice.TEST)
        return self.filter(leaves, state=DeliveryState.QUEUED, not_before__lte=at)

    def held(self, at: datetime) -> Self:
        """With a sender who is at work as far as anyone knows."""
        return self.filter(state=DeliveryState.SENDING, claim__lease_until__gte=at)

    def abandoned(self, at: datetime) -> Self:
        """With a sender whose lease has run out."""
        return self.ours().filter(state=DeliveryState.SENDING, claim__lease_until__lt=at)

    def perhaps_arrived(self) -> Self:
        """What arrived, or may have: it has to be put right out there."""
        told = [DeliveryState.SENT, DeliveryState.SENDING, DeliveryState.UNKNOWN]
        return self.filter(Q(state__in=told) | Q(doubtful=True))

    def move(self, to: DeliveryState, *, out_of: DeliveryState, **changes: Any) -> int:
        """Move those of the rows that are in *out_of* on to *to*; returns how many were.

        ValueError for a step that DELIVERY_TRANSITIONS does not have.
        """
        if to not in DELIVERY_TRANSITIONS[out_of]:
            raise ValueError(f"A delivery does not go from {out_of} to {to}.")
        return self.filter(state=out_of).update(state=to, **changes)


class Delivery(models.Model):
    """One message owed to one recipient, account or address: an update, what became of it, or a notice.

    A subscriber's address stands in her own row alone, sealed; `recipient` is empty then.
    """

    key = models.UUIDField(
        unique=True, default=uuid.uuid4, editable=False, help_text="The idempotency key outside."
    )
    update = models.ForeignKey(
        Update, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    action = models.CharField(max_length=10, choices=Action, default=Action.POST)
    correction = models.ForeignKey(
        Correction, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    original = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="followed_by",
        help_text="The post that is edited, removed or corrected.",
    )
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, null=True, blank=True, related_name="deliveries"
    )
    notice = models.CharField(max_length=8, choices=Notice, blank=True)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="deliveries")
    language = models.CharField(max_length=2, choices=Language, blank=True, help_text="Empty: all in one.")
    recipient = models.CharField(
        max_length=254,
        blank=True,
        help_text="An e-mail address, a number, or of a reply the post; empty where the channel is one.",
    )
    text = models.TextField(
        blank=True, help_text="The text of a post as it was owed; empty where the transport writes a letter."
    )
    state = models.CharField(max_length=9, choices=DeliveryState, default=DeliveryState.QUEUED)
    environment = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    not_before = models.DateTimeField()
    claim = models.ForeignKey(
        Claim, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    attempts_made = models.PositiveSmallIntegerField(default=0)
    doubtful = models.BooleanField(
        default=False, help_text="An earlier attempt may have arrived: look before sending again."
    )
    stands_for = models.PositiveSmallIntegerField(
        default=0, help_text="How many earlier messages were dropped because this one is newer."
    )
    confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text="When a person said that it is to be sent although it is old."
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    external_id = models.CharField(max_length=500, blank=True, help_text="The post's name at the other end.")
    external_url = models.URLField(max_length=500, blank=True, help_text="Where the post can be read.")

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["channel__position", "language", "pk"]
        verbose_name_plural = "deliveries"
        permissions = [("retry_delivery", "May ask for another attempt or settle an unknown delivery")]
        indexes = [
            # Of all rows: SQLite uses none of some, where the condition is a list of values.
            models.Index(name="delivery_by_state", fields=["state", "channel", "not_before"]),
        ]
        constraints = [
            models.UniqueConstraint(
                "update",
                "channel",
                "language",
                "recipient",
                "action",
                Coalesce("correction", 0),
                Coalesce("subscriber", 0),
                name="delivery_owed_once",
            ),
            models.CheckConstraint(
                name="delivery_carries_an_update_or_a_notice",
                condition=Q(update__isnull=False, notice="") | Q(update=None) & ~Q(notice=""),
            ),
            models.CheckConstraint(
                name="delivery_changes_a_post_of_its_own",
                condition=Q(action__in=["edit", "delete"], original__isnull=False)
                | ~Q(action__in=["edit", "delete"]),
            ),
            models.CheckConstraint(
                name="delivery_correction_names_it",
                condition=Q(action__in=["edit", "correction"], correction__isnull=False)
                | ~Q(action__in=["edit", "correction"]) & Q(correction=None),
            ),
            models.CheckConstraint(
                name="delivery_claimed_while_sending",
                condition=Q(state="sending", claim__isnull=False) | ~Q(state="sending") & Q(claim=None),
            ),
            models.CheckConstraint(
                name="delivery_sent_has_time",
                condition=Q(state="sent", sent_at__isnull=False) | ~Q(state="sent") & Q(sent_at=None),
            ),
        ]

    @property
    def message(self) -> Update:
        """The update it carries. Raises ValueError for a notice, which carries none."""
        if self.update is None:
            raise ValueError("A notice carries no update.")
        return self.update

    @property
    def withdrawn(self) -> bool:
        """It would say what was withdrawn meanwhile."""
        says = self.action in (Action.POST, Action.EDIT, Action.CORRECTION)
        return says and self.message.withdrawn_at is not None

    @property
    def post(self) -> str:
        """Where it can be read; empty unless it is there and has an address."""
        there = self.state == DeliveryState.SENT and self.action != Action.DELETE
        return self.external_url if there else ""

    @property
    def last_attempt(self) -> "DeliveryAttempt | None":
        """Reads prefetched attempts."""
        return max(self.attempts.all(), key=lambda attempt: attempt.pk, default=None)


class DeliveryAttempt(models.Model):
    """What came of handing a delivery over under one claim."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    fence = models.PositiveBigIntegerField(help_text="The number of the claim.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(help_text="When it was answered, or found abandoned.")
    outcome = models.CharField(max_length=9, choices=DeliveryState)
    detail = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(name="one_attempt_per_claim", fields=["delivery", "fence"]),
        ]


class MailingQuerySet(models.QuerySet["Mailing"]):
    def unfinished(self) -> Self:
        return self.filter(environment=settings.DESK_ENVIRONMENT_ID, finished=False)


class Mailing(models.Model):
    """An update owed to all subscribers of a channel; it becomes deliveries as their lane comes to it.

    One row in the transaction that publishes, however many subscribers there are. `after` is the pk of the last
    subscriber who was given a delivery.
    """

    update = models.ForeignKey(Update, on_delete=models.PROTECT, related_name="mailings")
    action = models.CharField(max_length=10, choices=Action, default=Action.POST)
    correction = models.ForeignKey(
        Correction, on_delete=models.PROTECT, null=True, blank=True, related_name="mailings"
    )
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="mailings")
    environment = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    after = models.PositiveBigIntegerField(default=0)
    finished = models.BooleanField(default=False)
    overtaken = models.BooleanField(
        default=False, help_text="Finished early, because a newer message stands for it."
    )

    objects = MailingQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(name="mailing_unfinished", fields=["channel"], condition=Q(finished=False))]
        constraints = [
            models.UniqueConstraint(
                "update", "channel", "action", Coalesce("correction", 0), name="mailing_owed_once"
            ),
            models.CheckConstraint(
                name="mailing_overtaken_is_finished", condition=Q(overtaken=False) | Q(finished=True)
            ),
            models.CheckConstraint(
                name="mailing_correction_names_it",
                condition=Q(action="correction", correction__isnull=False)
                | Q(action__in=["post", "withdrawal"], correction=None),
            ),
        ]


class SignOfLife(models.Model):
    """A sender was at work at *seen_at*: the relay, or a Celery worker. One row for each kind of runner."""

    runner = models.CharField(max_length=16, primary_key=True)
    seen_at = models.DateTimeField()
