"""A contact: one call, e-mail, post or visit. There is no field for a patient's name."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from accounts.languages import Language
from comms.models import Update
from incidents.models import Incident, Service
from tickets.models.pharmacy import Pharmacy


class ContactChannel(models.TextChoices):
    PHONE = "phone", _("Phone")
    EMAIL = "email", _("E-mail")
    SOCIAL = "social", _("Social")
    VISIT = "visit", _("Visit")
    INTERNAL = "internal", _("Internal")


class ContactImpact(models.TextChoices):
    INFO = "info", _("Info")
    BLOCKED = "blocked", _("Blocked")
    PATIENT_WAITING = "patient_waiting", _("Patient waiting")


class UrgentKind(models.TextChoices):
    """What the waiting patient needs, as far as it decides who helps; never who she is."""

    CERTIFICATE = "certificate", _("certificate for a journey")
    MEDICINE = "medicine", _("medicine that cannot wait")
    SUBSTITUTION = "substitution", _("substitution treatment")
    OTHER = "other", _("something else")


class ContactOutcome(models.TextChoices):
    INFORMED = "informed", _("informed")
    ESCALATED = "escalated", _("escalated")
    SOFTWARE_HOUSE = "software_house", _("to the software house")
    MISSED = "missed", _("missed")


URGENT_FOR = timedelta(days=8)  # a patient is waited for within a week of the call
DUE = Coalesce("needed_by", "occurred_at")  # a patient for whom no time was said waits since the call


class ContactQuerySet(models.QuerySet["Contact"]):
    def real(self) -> Self:
        """No exercises: what counts."""
        return self.exclude(incident__drill=True)

    def of_incident(self, incident: Incident) -> Self:
        return self.filter(incident=incident)

    def urgent(self) -> Self:
        return self.filter(impact=ContactImpact.PATIENT_WAITING)

    def waiting(self, since: datetime) -> Self:
        """Whose patient waits for help, the soonest needed first; *since*: URGENT_FOR ago."""
        return self.urgent().filter(occurred_at__gt=since, urgent_case__closed_at=None).order_by(DUE, "pk")

    def shown(self) -> Self:
        """With all that a line of a list says about a contact."""
        return self.select_related(
            "incident", "pharmacy", "service", "agent", "told_update", "callback", "handed_to"
        )

    def with_nth_call(self) -> Self:
        """Annotates nth_call: 1 for a pharmacy's first contact on the incident, 2 for its second, and so on."""
        earlier = Q(occurred_at__lt=OuterRef("occurred_at")) | Q(
            occurred_at=OuterRef("occurred_at"), pk__lte=OuterRef("pk")
        )
        same = Contact.objects.filter(earlier, incident=OuterRef("incident"), pharmacy=OuterRef("pharmacy"))
        nth = same.order_by().values("pharmacy").annotate(nth=Count("pk")).values("nth")
        return self.annotate(nth_call=Coalesce(Subquery(nth), 1))


class Contact(models.Model):
    """Saving needs a channel and a caller, known (pharmacy) or as far as known (caller_text)."""

    key = models.UUIDField(
        unique=True, editable=False, help_text="The form's key: logged once, however often sent."
    )
    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, null=True, blank=True, related_name="contacts"
    )
    channel = models.CharField(max_length=8, choices=ContactChannel, default=ContactChannel.PHONE)
    pharmacy = models.ForeignKey(
        Pharmacy, on_delete=models.PROTECT, null=True, blank=True, related_name="contacts"
    )
    caller_text = models.CharField(max_length=120, blank=True, help_text="What was typed for the caller.")
    caller_e164 = models.CharField(
        max_length=16, blank=True, help_text="The number in it, where it holds one."
    )
    language = models.CharField(max_length=2, choices=Language)
    service = models.ForeignKey(
        Service, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    impact = models.CharField(max_length=16, choices=ContactImpact, default=ContactImpact.INFO)
    needed_by = models.DateTimeField(null=True, blank=True, help_text="By when the waiting patient needs it.")
    urgent_kind = models.CharField(
        max_length=16, choices=UrgentKind, blank=True, help_text="What the waiting patient needs."
    )
    outcome = models.CharField(max_length=16, choices=ContactOutcome, default=ContactOutcome.INFORMED)
    note = models.CharField(
        max_length=500, blank=True, help_text="One line; national numbers are masked on saving."
    )
    told_update = models.ForeignKey(
        Update, on_delete=models.PROTECT, null=True, blank=True, related_name="contacts_told"
    )
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="contacts")
    handed_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="contacts_handed",
        db_index=False,
        help_text="The colleague who goes on with it, if not who logged it.",
    )
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    revision = models.PositiveIntegerField(default=1, help_text="Grows with every edit.")

    nth_call: int  # only where ContactQuerySet.with_nth_call has put it
    post_url: str | None  # only where tickets.models.mail.with_post has put it
    POST_URL = "post_url"
    undo_for: int  # seconds, only on the agents' page

    history = HistoricalRecords(excluded_fields=["key"])
    objects = ContactQuerySet.as_manager()

    class Meta:
        ordering = ["-occurred_at", "-pk"]
        permissions = [
            ("log_contact", "May log and edit contacts and handle callbacks"),
            ("answer_as_volunteer", "May log calls on the volunteers' screen"),
            ("export_contacts", "May take the list of contacts out as a file"),
        ]
        indexes = [
            models.Index(fields=["incident", "-occurred_at"]),
            models.Index(fields=["pharmacy", "-occurred_at"]),
            models.Index(fields=["-occurred_at"]),
            models.Index(fields=["incident", "pharmacy", "-occurred_at"]),
            models.Index(fields=["agent", "-occurred_at"]),
            models.Index(name="contact_topic", fields=["service", "-occurred_at"]),
            models.Index(
                name="contact_handed",
                fields=["handed_to", "-occurred_at"],
                condition=Q(handed_to__isnull=False),
            ),
            models.Index(
                name="contact_urgent", fields=["-occurred_at"], condition=Q(impact="patient_waiting")
            ),
            models.Index(
                name="contact_to_attach", fields=["incident", "-occurred_at"], condition=Q(pharmacy=None)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="contact_has_a_caller", condition=Q(pharmacy__isnull=False) | ~Q(caller_text="")
            ),
            models.CheckConstraint(
                name="contact_needed_by_only_when_patient_waits",
                condition=Q(needed_by=None) | Q(impact="patient_waiting"),
            ),
            models.CheckConstraint(
                name="contact_urgent_kind_only_when_patient_waits",
                condition=Q(urgent_kind="") | Q(impact="patient_waiting"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.caller}, {localtime(self.occurred_at):%H:%M}"

    def now(self, at: datetime | None = None) -> datetime:
        """The time in what it is about (Incident.now) at *at*, a real moment; the real one where that is nothing."""
        return self.incident.now(at) if self.incident else at or timezone.now()

    @property
    def caller(self) -> str:
        """Who called, as far as it is known."""
        return self.pharmacy.name if self.pharmacy else self.caller_text

    @property
    def callback_state(self) -> str:
        """The state of its callback, empty where none was wanted."""
        callback: Callback | None = getattr(self, "callback", None)
        return callback.state if callback else ""


class CallbackState(models.TextChoices):
    OPEN = "open", _("open")
    DONE = "done", _("done")
    DROPPED = "dropped", _("dropped")
    UNREACHED = "no_reply", _("not reached")


class CallbackWindow(models.TextChoices):
    SOON = "soon", _("as soon as possible")
    RECOVERY = "recovery", _("when it works again")
    AT = "at", _("at a time")


class CallbackQuerySet(models.QuerySet["Callback"]):
    def open(self) -> Self:
        return self.filter(state=CallbackState.OPEN)


CLAIMED_FOR = timedelta(minutes=10)


class Callback(models.Model):
    """The caller wants to be phoned (FR « rappel téléphonique »). At most one per contact."""

    contact = models.OneToOneField(Contact, on_delete=models.PROTECT, related_name="callback")
    number = models.CharField(max_length=40, help_text="As typed.")
    e164 = models.CharField(max_length=16, blank=True)
    window = models.CharField(max_length=8, choices=CallbackWindow, default=CallbackWindow.RECOVERY)
    due_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=CallbackState, default=CallbackState.OPEN)
    outcome = models.CharField(max_length=300, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(
        null=True, blank=True, help_text="Not before then again: the last try reached nobody."
    )

    due: datetime | None  # only where tickets.callbacks.with_due has put it

    objects = CallbackQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "pk"]
        indexes = [
            models.Index(name="callback_open", fields=["contact"], condition=Q(state="open")),
            models.Index(fields=["-closed_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="callback_closed_by_someone",
                condition=Q(state="open", closed_at=None, closed_by=None)
                | ~Q(state="open") & Q(closed_at__isnull=False, closed_by__isnull=False),
            ),
            models.CheckConstraint(
                name="callback_at_a_time_has_one",
                condition=~Q(window="at") | Q(due_at__isnull=False),
            ),
            models.CheckConstraint(
                name="callback_claimed_at_a_time",
                condition=Q(claimed_by=None, claimed_at=None)
                | Q(claimed_by__isnull=False, claimed_at__isnull=False),
            ),
        ]

    def held_at(self, at: datetime) -> bool:
        """Whether somebody said within the last ten minutes that she is phoning."""
        return self.claimed_at is not None and at - self.claimed_at < CLAIMED_FOR
