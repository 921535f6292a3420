"""E-mails of pharmacists and what we answered. The contact they make tells the rest."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from comms.models import Delivery
from tickets.models.contact import Contact

LONGEST_MAIL = 10_000


class MailKind(models.TextChoices):
    MESSAGE = "message", _("e-mail")
    AUTOMATIC = "automatic", _("automatic reply")
    BOUNCE = "bounce", _("could not be delivered")
    REPLY = "reply", _("our reply")


class MailQuerySet(models.QuerySet["Mail"]):
    def unanswered(self) -> Self:
        return self.filter(kind=MailKind.MESSAGE, settled_at=None)


class Mail(models.Model):
    """One message. Of attachments only their number is kept."""

    message_id = models.CharField(
        max_length=255, unique=True, help_text="Taken once, however often it is read."
    )
    kind = models.CharField(max_length=9, choices=MailKind)
    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, null=True, blank=True, related_name="mails"
    )
    sender = models.CharField(max_length=254, blank=True)
    name = models.CharField(max_length=120, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    text = models.TextField(max_length=LONGEST_MAIL, blank=True, help_text="National numbers are masked.")
    attachments = models.PositiveSmallIntegerField(default=0)
    refused = models.CharField(max_length=254, blank=True, help_text="Of a bounce: who could not be reached.")
    occurred_at = models.DateTimeField()
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text="Answered, or found to need no answer."
    )
    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, null=True, blank=True, related_name="mails"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = MailQuerySet.as_manager()

    class Meta:
        ordering = ["occurred_at", "pk"]
        indexes = [
            models.Index(
                name="mail_unanswered", fields=["occurred_at"], condition=Q(kind="message", settled_at=None)
            ),
            models.Index(fields=["-occurred_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="mail_reply_leaves_by_the_outbox",
                condition=Q(kind="reply", delivery__isnull=False, by__isnull=False)
                | ~Q(kind="reply") & Q(delivery=None),
            ),
        ]
