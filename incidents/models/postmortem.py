"""What we learned from an incident, told to the public once it is over."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.languages import Language
from incidents.models.incident import Incident


class PostmortemQuerySet(models.QuerySet["Postmortem"]):
    def drafts(self) -> Self:
        return self.filter(published_at=None)

    def published(self) -> Self:
        """The newest first: that one holds, the others are what it corrected."""
        return self.exclude(published_at=None).order_by("-number")


class Postmortem(models.Model):
    """A draft while published_at is empty, one per incident; never changed once published: a correction is the next."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="postmortems")
    number = models.PositiveIntegerField(null=True, blank=True, help_text="1, then one for each correction.")
    revision = models.PositiveIntegerField(default=1, help_text="Grows with every saving of the draft.")
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = PostmortemQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="postmortem_published_has_author_time_and_number",
                condition=Q(published_at=None, published_by=None, number=None)
                | Q(published_at__isnull=False, published_by__isnull=False, number__isnull=False),
            ),
            models.UniqueConstraint(
                name="one_postmortem_draft_per_incident", fields=["incident"], condition=Q(published_at=None)
            ),
            models.UniqueConstraint(
                name="postmortem_number_once_per_incident", fields=["incident", "number"]
            ),
        ]

    @property
    def texts_by_language(self) -> dict[str, str]:
        """Empty where a language is missing; reads prefetched texts."""
        return dict.fromkeys(Language, "") | {row.language: row.text for row in self.texts.all()}


class PostmortemText(models.Model):
    """A post-mortem in one language; paragraphs are separated by an empty line."""

    postmortem = models.ForeignKey(Postmortem, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=2, choices=Language)
    text = models.TextField(max_length=8000)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="postmortem_text_once_per_language", fields=["postmortem", "language"]
            )
        ]
