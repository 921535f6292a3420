"""The timeline: append-only, each entry's hash covers the one before it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incidents.models.catalogue import Partner
from incidents.models.incident import Incident


class EntryKind(models.TextChoices):
    """What happened. Kinds with *data* are worded at display in the reader's language (incidents.timeline)."""

    DECLARED = "declared", _("declared")
    AMENDED = "amended", _("amended")
    PHASE = "phase", _("phase")
    IMPACT = "impact", _("services")
    MILESTONE = "milestone", _("milestone")
    ROLE = "role", _("roles")
    LINK = "link", _("link")
    CHAIN = "chain", _("chain")
    UPDATE = "update", _("message")
    SIGNAL = "signal", _("signal")
    ACTION = "action", _("action")
    CALLS = "calls", _("calls")
    PLAN = "plan", _("plan")
    PEOPLE = "people", _("people")
    NOTE = "note", _("note")
    DELIVERY = "delivery", _("delivery")
    POSTMORTEM = "postmortem", _("post-mortem")


# What a person may enter by hand; the others are written by the operation they tell of.
NOTABLE_KINDS = (
    EntryKind.NOTE,
    EntryKind.SIGNAL,
    EntryKind.ACTION,
    EntryKind.CALLS,
    EntryKind.PEOPLE,
)


class Entry(models.Model):
    """One line of an incident's timeline. Written by incidents.timeline.append and never changed."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="entries")
    sequence = models.PositiveIntegerField(help_text="1, 2, 3 … within the incident, no gaps.")
    key = models.UUIDField(unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=EntryKind)
    text = models.CharField(max_length=1000, blank=True)
    data = models.JSONField(default=dict, blank=True)
    source = models.ForeignKey(Partner, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    corrects = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="corrections"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["-occurred_at", "-sequence"]
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(name="entry_sequence_per_incident", fields=["incident", "sequence"]),
            models.CheckConstraint(
                name="entry_first_has_no_previous",
                condition=Q(sequence=1, previous_hash="") | Q(sequence__gt=1) & ~Q(previous_hash=""),
            ),
        ]
