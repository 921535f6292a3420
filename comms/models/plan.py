"""The crisis-communication plan: the template, and the checklist it is frozen into for one incident."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.languages import LocalizedName
from incidents.models import Incident, Severity


class Anchor(models.TextChoices):
    """The moment a due time hangs on."""

    PLAN_START = "plan_start", _("start of the plan")
    FIRST_MESSAGE = "first_message", _("first public message")
    LAST_MESSAGE = "last_message", _("last public message")
    REGISTRATION_BACK = "registration_back", _("registration back")
    TRANSFER_BACK = "transfer_back", _("transfer back")
    FULLY_RESTORED = "fully_restored", _("fully restored")
    BACKLOG_RECOVERED = "backlog_recovered", _("backlog recovered")
    RESTART_DONE = "restart_done", _("restart done")
    WALL_CLOCK = "wall_clock", _("time of day")
    CLOSURE = "closure", _("closure")


class PlanPhase(models.TextChoices):
    DETECT = "detect", _("detect")
    START = "start", _("start")
    RUN = "run", _("run")
    RESTORE = "restore", _("restore")
    CLOSE = "close", _("close")


class Evidence(models.TextChoices):
    """What a step asks for when it is marked done."""

    REACHED = "reached", _("who was reached")
    HOW = "how", _("how")
    MESSAGE = "message", _("the exact message")
    ACKNOWLEDGED = "acknowledged", _("who acknowledged it")


class Step(models.Model):
    """What a step of the plan says. Minutes are counted from the anchor; repeats end when `until` is reached.

    due = anchor + offset_minutes, plus offset_days (working days only where working_days is set),
    at wall_clock (Europe/Brussels) where that is given. With repeat_minutes the step falls due again that long
    after it was last done, or, anchored on the last message, after that message; repeat_first_minutes rules
    instead during the first repeat_first_for_minutes after the plan started. Where `when` came to hold later than
    the anchor, that moment stands for it.
    """

    number = models.PositiveSmallIntegerField()
    phase = models.CharField(max_length=8, choices=PlanPhase)
    title_fr = models.CharField(max_length=160)
    title_nl = models.CharField(max_length=160)
    title_de = models.CharField(max_length=160, blank=True)
    title_en = models.CharField(max_length=160, blank=True)
    owners = models.JSONField(default=list, blank=True, help_text="Keys of incidents.models.ResponseRole.")
    when = models.JSONField(
        default=list,
        blank=True,
        help_text="Clauses as in comms.plan.conditions: when it concerns an incident; empty: always.",
    )
    condition_fr = models.CharField(max_length=160, blank=True)
    condition_nl = models.CharField(max_length=160, blank=True)
    condition_en = models.CharField(max_length=160, blank=True)
    channel_fr = models.CharField(max_length=160, blank=True)
    channel_nl = models.CharField(max_length=160, blank=True)
    channel_en = models.CharField(max_length=160, blank=True)
    instructions_fr = models.TextField(max_length=1000, blank=True)
    instructions_nl = models.TextField(max_length=1000, blank=True)
    instructions_en = models.TextField(max_length=1000, blank=True)
    evidence = models.JSONField(default=list, blank=True, help_text="Values of Evidence.")
    publishes = models.BooleanField(default=False, help_text="Doing it is publishing a message.")
    message_template = models.CharField(
        max_length=50, blank=True, help_text="Key of the prepared message that it begins with."
    )
    audiences = models.JSONField(
        default=list,
        blank=True,
        help_text="Values of Audience: whose channels its message goes to; empty: all.",
    )
    briefs = models.BooleanField(default=False, help_text="Doing it is having the internal desks briefed.")
    anchor = models.CharField(max_length=20, choices=Anchor)
    offset_minutes = models.IntegerField(default=0)
    latest_minutes = models.IntegerField(
        null=True, blank=True, help_text="Never later than this after the anchor."
    )
    offset_days = models.PositiveSmallIntegerField(default=0)
    working_days = models.BooleanField(default=False)
    wall_clock = models.TimeField(null=True, blank=True)
    repeat_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    repeat_first_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    repeat_first_for_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    until = models.CharField(max_length=20, choices=Anchor, blank=True)

    class Meta:
        abstract = True

    @property
    def is_promised(self) -> bool:
        """It is the next message, which the public was promised, and comes before all else."""
        return bool(self.repeat_minutes) and self.anchor == Anchor.LAST_MESSAGE

    def title_in(self, language: str) -> str:
        return str(getattr(self, f"title_{language[:2]}", "") or self.title_fr)

    def condition_in(self, language: str) -> str:
        return str(getattr(self, f"condition_{language[:2]}", "") or self.condition_fr)

    def instructions_in(self, language: str) -> str:
        return str(getattr(self, f"instructions_{language[:2]}", "") or self.instructions_fr)

    def channel_in(self, language: str) -> str:
        return str(getattr(self, f"channel_{language[:2]}", "") or self.channel_fr)


class CrisisKind(models.TextChoices):
    """What a plan template is for."""

    OUTAGE = "outage", _("outage")
    SECURITY = "security", _("data or security")
    PARTNER = "partner", _("failure at a partner")
    OTHER = "other", _("other crisis")


class PlanTemplate(LocalizedName):
    """Edited in the desk; starting it for an incident freezes a copy, so editing never changes a running plan."""

    key = models.SlugField(unique=True)
    kind = models.CharField(max_length=10, choices=CrisisKind, default=CrisisKind.OUTAGE)
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        permissions = [("edit_plan", "May edit plan templates")]


class PlanStep(Step):
    template = models.ForeignKey(PlanTemplate, on_delete=models.CASCADE, related_name="steps")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(name="plan_step_number_once", fields=["template", "number"])]


class PlanVersion(models.Model):
    """A template as it was in one revision, as its YAML file; what an edit replaced can be brought back."""

    template = models.ForeignKey(PlanTemplate, on_delete=models.CASCADE, related_name="versions")
    revision = models.PositiveIntegerField()
    text = models.TextField()
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        ordering = ["-revision"]
        constraints = [models.UniqueConstraint(name="plan_version_once", fields=["template", "revision"])]


class Checklist(LocalizedName):
    """A plan started for an incident, called as its template was then; once each."""

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="checklist")
    template = models.ForeignKey(PlanTemplate, on_delete=models.SET_NULL, null=True, related_name="+")
    template_revision = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        permissions = [
            ("start_plan", "May start the plan for an incident"),
            ("tick_step", "May mark steps of a checklist"),
        ]


class PlanDeclined(models.Model):
    """It was decided not to start the plan, at the severity that the incident had then."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+")
    severity = models.CharField(max_length=2, choices=Severity)
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(name="plan_declined_has_reason", condition=~Q(reason="")),
            models.UniqueConstraint(name="plan_declined_once", fields=["incident", "at"]),
        ]


class ChecklistItem(Step):
    checklist = models.ForeignKey(Checklist, on_delete=models.PROTECT, related_name="items")

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(name="checklist_item_number_once", fields=["checklist", "number"])
        ]


class CallPressure(models.Model):
    """When more than so many calls about an incident first came within half an hour. Only numbers steps ask for."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="call_pressure")
    calls = models.PositiveIntegerField()
    exceeded_at = models.DateTimeField()

    class Meta:
        ordering = ["exceeded_at", "pk"]
        constraints = [models.UniqueConstraint(name="call_pressure_noted_once", fields=["incident", "calls"])]


class Tick(models.Model):
    """An item was done, or declared not applicable. Its state follows from its ticks; nothing else is stored.

    A repeating item gathers one tick each time. A tick made by mistake is withdrawn, not deleted.
    """

    class Outcome(models.TextChoices):
        DONE = "done", _("done")
        NOT_APPLICABLE = "not_applicable", _("not applicable")

    item = models.ForeignKey(ChecklistItem, on_delete=models.PROTECT, related_name="ticks")
    key = models.UUIDField(unique=True, editable=False)
    outcome = models.CharField(max_length=16, choices=Outcome)
    note = models.CharField(
        max_length=500, blank=True, help_text="The evidence, or the reason it does not apply."
    )
    reached = models.CharField(max_length=150, blank=True)
    how = models.CharField(max_length=150, blank=True)
    message = models.TextField(max_length=2000, blank=True, help_text="Word for word, where it is no update.")
    acknowledged = models.CharField(max_length=150, blank=True)
    update = models.ForeignKey(
        "comms.Update", on_delete=models.PROTECT, null=True, blank=True, related_name="ticks"
    )
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                name="tick_not_applicable_has_reason", condition=~Q(outcome="not_applicable", note="")
            ),
            models.CheckConstraint(
                name="tick_withdrawn_by_someone",
                condition=Q(withdrawn_at=None, withdrawn_by=None)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
            ),
        ]


class Stage(models.TextChoices):
    """When a reminder is sent."""

    BEFORE = "before", _("before it is due")
    DUE = "due", _("when it is due")
    ESCALATED = "escalated", _("to the crisis lead")


class Reminder(models.Model):
    """A step was reminded of, at one stage of one due time; once each. Where it went stands in the outbox."""

    item = models.ForeignKey(ChecklistItem, on_delete=models.PROTECT, related_name="reminders")
    stage = models.CharField(max_length=9, choices=Stage)
    due_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [models.UniqueConstraint(name="reminded_once", fields=["item", "stage", "due_at"])]


class ReminderShown(models.Model):
    """A reminder for the browser of its recipient has been shown by one of her pages; once, however many are open."""

    delivery = models.OneToOneField("comms.Delivery", on_delete=models.CASCADE, related_name="shown")
    at = models.DateTimeField()


class InternalDesk(models.TextChoices):
    """Who answers questions in the house beside the helpdesk's telephones."""

    RECEPTION = "reception", _("reception")
    MEMBERS = "members", _("member service")
    DOCUMENTATION = "documentation", _("documentation service")
    HELPDESK = "helpdesk", _("helpdesk")


class BriefReceipt(models.Model):
    """An internal desk has read a published message and says what it says from then on; once each."""

    update = models.ForeignKey("comms.Update", on_delete=models.PROTECT, related_name="receipts")
    desk = models.CharField(max_length=13, choices=InternalDesk)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [models.UniqueConstraint(name="brief_read_once_per_desk", fields=["update", "desk"])]
