"""One attempt to reach somebody who waits for a call."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tickets.models.contact import Callback


class TryOutcome(models.TextChoices):
    """Who was reached is no try any more: then the callback is done."""

    NO_ANSWER = "no_answer", _("no answer")
    BUSY = "busy", _("engaged")
    VOICEMAIL = "voicemail", _("message left on the voicemail")
    WRONG_NUMBER = "wrong_number", _("wrong number")


class CallbackTry(models.Model):
    callback = models.ForeignKey(Callback, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField(help_text="1, 2, 3: noted once, however often sent.")
    outcome = models.CharField(max_length=12, choices=TryOutcome)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(name="callback_try_once", fields=["callback", "number"])]
