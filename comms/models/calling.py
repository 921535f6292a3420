"""Colleagues who were asked in writing to come."""

from django.conf import settings
from django.db import models

from incidents.models import CallInWay, Colleague, Incident


class CallInAsked(models.Model):
    """A colleague was asked by SMS or e-mail to come; what became of that stands in the outbox."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="call_ins_asked")
    colleague = models.ForeignKey(Colleague, on_delete=models.PROTECT, related_name="+")
    way = models.CharField(max_length=5, choices=CallInWay)
    delivery = models.OneToOneField("comms.Delivery", on_delete=models.PROTECT, related_name="call_in")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "pk"]
