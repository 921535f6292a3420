"""Who called about an incident and was told of a message afterwards: by which way, and what came of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from comms.models import Delivery, Update
from tickets.models.contact import Contact


class InformedBy(models.TextChoices):
    EMAIL = "email", _("e-mail")
    SMS = "sms", _("SMS")
    POST = "post", _("reply to the post")
    PHONE = "phone", _("phone list")


class Informed(models.Model):
    """In writing the answer is the delivery's state, of the phone list that of the contact's callback.

    A mail that was accepted may come back nevertheless: then it has bounced.
    """

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="informed")
    update = models.ForeignKey(Update, on_delete=models.PROTECT, related_name="informed")
    way = models.CharField(max_length=5, choices=InformedBy)
    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, null=True, blank=True, related_name="informed"
    )
    bounced_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="informed_once", fields=["contact", "update"]),
            models.CheckConstraint(
                name="informed_on_paper_by_a_delivery",
                condition=Q(way="phone") | Q(delivery__isnull=False),
            ),
        ]
