"""What we tell the public about an incident, one message at a time."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.languages import Language
from incidents.models import Incident, Phase, Service, ServiceStatus

PARTS = ("headline", "title", "body", "do", "dont", "patient")
"""Of a text in one language, the columns that hold what is said."""


class UpdateQuerySet(models.QuerySet["Update"]):
    def drafts(self) -> Self:
        return self.filter(published_at=None)

    def published(self) -> Self:
        """Newest first, withdrawn ones too."""
        return self.exclude(published_at=None).order_by("-published_at", "-number")

    def standing(self) -> Self:
        """Published and not withdrawn, newest first: what we say."""
        return self.published().filter(withdrawn_at=None)

    def holding(self, incident: Incident) -> "Update | None":
        """What we say about *incident* now: the newest that stands; none where that said that all was over, and the
        incident is open again.
        """
        newest = self.standing().filter(incident=incident).first()
        return None if newest and newest.phase == Phase.RESOLVED and incident.is_open else newest


class Update(models.Model):
    """A draft while published_at is empty, one per incident.

    Once published it is changed by a Correction alone, which keeps what it said before, or withdrawn.
    """

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="updates")
    key = models.UUIDField(unique=True, editable=False)
    number = models.PositiveIntegerField(null=True, blank=True, help_text="v1, v2 … within the incident.")
    phase = models.CharField(max_length=16, choices=Phase)
    next_update_at = models.DateTimeField(null=True, blank=True, help_text="The promise; none when resolved.")
    occurred_at = models.DateTimeField(
        null=True, blank=True, help_text="When it happened, if not when published."
    )
    valid_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when what to do meanwhile holds; none: as long as it lasts."
    )
    central_confirmed = models.BooleanField(
        default=False, help_text="A central fault is confirmed: say that it is not the pharmacy's."
    )
    revision = models.PositiveIntegerField(default=1, help_text="Grows with every saving of the draft.")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    held_back_from = models.ManyToManyField(
        "comms.Channel", blank=True, related_name="+", help_text="Channels that it does not go to."
    )

    plan_item = models.ForeignKey(
        "comms.ChecklistItem",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The step of the plan that publishing it does.",
    )

    objects = UpdateQuerySet.as_manager()

    class Meta:
        ordering = ["-published_at", "-pk"]
        permissions = [
            ("write_update", "May write drafts of updates"),
            ("publish_update", "May publish updates"),
        ]
        constraints = [
            models.CheckConstraint(
                name="update_published_has_author_time_and_number",
                condition=Q(published_at=None, published_by=None, number=None)
                | Q(published_at__isnull=False, published_by__isnull=False, number__isnull=False),
            ),
            models.CheckConstraint(
                name="update_withdrawn_was_published",
                condition=Q(withdrawn_at=None, withdrawn_by=None)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False, published_at__isnull=False),
            ),
            models.UniqueConstraint(
                name="one_draft_per_incident", fields=["incident"], condition=Q(published_at=None)
            ),
            models.UniqueConstraint(name="update_number_once_per_incident", fields=["incident", "number"]),
        ]

    def __str__(self) -> str:
        return f"v{self.number}" if self.number else f"draft of {self.incident}"

    @property
    def is_outdated(self) -> bool:
        """What to do meanwhile holds no longer."""
        return self.valid_until is not None and self.valid_until <= self.incident.now()

    @property
    def last_correction(self) -> "Correction | None":
        """Reads prefetched corrections."""
        return max(self.corrections.all(), key=lambda correction: correction.pk, default=None)

    def text_in(self, language: str) -> "UpdateText | None":
        """The text in *language*, else in French, else whichever there is; reads prefetched texts."""
        texts = {text.language: text for text in self.texts.all()}
        return texts.get(language[:2]) or texts.get(Language.FR) or next(iter(texts.values()), None)


class UpdateText(models.Model):
    """An update in one language. Lines of `do` and `dont` are separated by newlines.

    What agents read to callers and what the status page shows are both made from this row.
    """

    update = models.ForeignKey(Update, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=2, choices=Language)
    headline = models.CharField(
        max_length=140, blank=True, help_text="What it means for the pharmacist, one sentence."
    )
    title = models.CharField(max_length=100, blank=True)
    body = models.TextField(max_length=2000, blank=True)
    do = models.TextField(
        max_length=300, blank=True, help_text="What to do meanwhile, one instruction a line."
    )
    dont = models.TextField(max_length=300, blank=True, help_text="What not to do, one instruction a line.")
    patient = models.CharField(max_length=160, blank=True, help_text="What to tell the patient.")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(name="update_text_once_per_language", fields=["update", "language"])
        ]

    @property
    def is_spoken(self) -> bool:
        """There is something to tell in this language."""
        return bool(self.headline or self.body)

    @property
    def do_lines(self) -> list[str]:
        return [line.strip() for line in self.do.splitlines() if line.strip()]

    @property
    def dont_lines(self) -> list[str]:
        return [line.strip() for line in self.dont.splitlines() if line.strip()]


class UpdateService(models.Model):
    """The status the update gives a service; publishing makes it the incident's impact."""

    update = models.ForeignKey(Update, on_delete=models.CASCADE, related_name="services")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=24, choices=ServiceStatus)

    class Meta:
        ordering = ["service__group__position", "service__position"]
        constraints = [models.UniqueConstraint(name="update_service_once", fields=["update", "service"])]


class PostText(models.Model):
    """What a person wrote for one channel in place of the text that is generated from the update."""

    update = models.ForeignKey(Update, on_delete=models.CASCADE, related_name="posts")
    channel = models.ForeignKey("comms.Channel", on_delete=models.CASCADE, related_name="+")
    language = models.CharField(max_length=2, choices=Language)
    text = models.TextField(max_length=5000)

    class Meta:
        ordering = ["channel", "language"]
        constraints = [
            models.UniqueConstraint(name="post_text_once", fields=["update", "channel", "language"])
        ]


class Correction(models.Model):
    """A published update was put right: what it said before, and why. The update itself says the new text."""

    update = models.ForeignKey(Update, on_delete=models.PROTECT, related_name="corrections")
    key = models.UUIDField(unique=True, editable=False, help_text="The form's key: corrected once.")
    before = models.JSONField(help_text="By language, the parts of the text as they were.")
    reason = models.CharField(max_length=300, help_text="For the timeline; not public.")
    corrected_at = models.DateTimeField()
    corrected_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
