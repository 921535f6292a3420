"""What agents say beside the published message, and who has that before her."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from accounts.languages import Language
from comms.models import Update

TRIGGER = r"[a-z0-9-]{2,20}"


class Answer(models.Model):
    """An answer given again and again, in the callers' four languages; `::trigger` puts it into a note.

    {words in braces} stand for what differs by incident and moment (tickets.answers).
    """

    trigger = models.CharField(max_length=20, unique=True, validators=[RegexValidator(f"^{TRIGGER}$")])
    text_fr = models.CharField(max_length=400)
    text_nl = models.CharField(max_length=400)
    text_de = models.CharField(max_length=400, blank=True)
    text_en = models.CharField(max_length=400, blank=True)
    revision = models.PositiveIntegerField(default=1, help_text="Grows with every saving.")
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["trigger"]
        permissions = [("edit_answer", "May write the answers that agents give")]

    def __str__(self) -> str:
        return f"::{self.trigger}"

    def text_in(self, language: str) -> tuple[str, str]:
        """The text in *language*, else in French, and which of both it is in."""
        text = {"fr": self.text_fr, "nl": self.text_nl, "de": self.text_de, "en": self.text_en}.get(language)
        return (text, language) if text else (self.text_fr, Language.FR)


class Seen(models.Model):
    """An agent has said that she has read an update: from then on she tells callers that one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    update = models.ForeignKey(Update, on_delete=models.CASCADE, related_name="seen")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="update_seen_once", fields=["user", "update"])]


class Presence(models.Model):
    """Where someone was a moment ago: told softly to who comes to the same place, never a lock."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    place = models.CharField(max_length=40, help_text="contact:12, pharmacy:34")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["place", "-at"])]
