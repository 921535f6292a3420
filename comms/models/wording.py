"""Messages prepared before they are needed: one for each phase to begin with, more as the team writes them."""

from django.db import models

from accounts.languages import Language, LocalizedName
from incidents.models import Phase


class MessageTemplate(LocalizedName):
    """A message to start from. Its texts may hold placeholders that are filled in when it is chosen."""

    key = models.SlugField(unique=True)
    phase = models.CharField(max_length=16, choices=Phase)
    position = models.PositiveSmallIntegerField(default=0)
    revision = models.PositiveIntegerField(default=1, help_text="Grows with every saving.")

    class Meta:
        ordering = ["position", "key"]
        permissions = [("edit_wording", "May edit prepared messages and the patterns of channels' texts")]


class MessageTemplateText(models.Model):
    """A message template in one language, with the parts of an UpdateText."""

    template = models.ForeignKey(MessageTemplate, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=2, choices=Language)
    headline = models.CharField(max_length=140, blank=True)
    title = models.CharField(max_length=100, blank=True)
    body = models.TextField(max_length=2000, blank=True)
    do = models.TextField(max_length=300, blank=True)
    dont = models.TextField(max_length=300, blank=True)
    patient = models.CharField(max_length=160, blank=True)

    class Meta:
        ordering = ["template", "language"]
        constraints = [
            models.UniqueConstraint(
                name="message_template_text_once_per_language", fields=["template", "language"]
            )
        ]
