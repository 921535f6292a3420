"""What pharmacists wrote, by e-mail or where they mention us, and what we answered. The contact tells the rest."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from comms.models import Channel, Delivery, DeliveryState
from tickets.models.contact import Contact, ContactQuerySet

LONGEST_MAIL = 10_000


class MailKind(models.TextChoices):
    MESSAGE = "message", _("message")
    AUTOMATIC = "automatic", _("automatic reply")
    BOUNCE = "bounce", _("could not be delivered")
    REPLY = "reply", _("our reply")


def with_post(contacts: ContactQuerySet) -> ContactQuerySet:
    """Annotates post_url: where the newest post of each can be read; None for who wrote none."""
    posts = Mail.objects.filter(contact=OuterRef("pk")).exclude(url="").order_by("-occurred_at", "-pk")
    return contacts.annotate(**{Contact.POST_URL: Subquery(posts.values("url")[:1])})


class MailQuerySet(models.QuerySet["Mail"]):
    def unanswered(self) -> Self:
        return self.filter(kind=MailKind.MESSAGE, settled_at=None)

    def undelivered(self, since: datetime) -> Self:
        """Replies since then that did not leave, and were followed by no other."""
        later = Mail.objects.filter(
            kind=MailKind.REPLY, contact=OuterRef("contact"), occurred_at__gt=OuterRef("occurred_at")
        )
        failed = self.filter(kind=MailKind.REPLY, delivery__state=DeliveryState.FAILED, occurred_at__gt=since)
        return failed.filter(~Exists(later))


class Mail(models.Model):
    """One message. Of attachments only their number is kept.

    *channel*, *post* and *url* belong to a mention: the account that was mentioned, what the network calls the post,
    and where it can be read. *sender* is its author then.
    """

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
    channel = models.ForeignKey(
        Channel, on_delete=models.SET_NULL, null=True, blank=True, related_name="mentions_read"
    )
    post = models.CharField(max_length=254, blank=True)
    url = models.URLField(max_length=500, blank=True)
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
            models.Index(name="mail_post", fields=["channel", "post"], condition=~Q(post="")),
        ]
        constraints = [
            models.CheckConstraint(
                name="mail_reply_leaves_by_the_outbox",
                condition=Q(kind="reply", delivery__isnull=False, by__isnull=False)
                | ~Q(kind="reply") & Q(delivery=None),
            ),
        ]

    @property
    def is_mention(self) -> bool:
        return bool(self.post)
