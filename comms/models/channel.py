"""The ways out of the house, who reads at their other ends, and in which words."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.languages import Language, LocalizedName
from incidents.models import Phase, Severity


class MailList(LocalizedName):
    """A named list: the steering committee, an internal desk. By e-mail, and those with a number by SMS too."""

    key = models.SlugField(unique=True)
    revision = models.PositiveIntegerField(default=1, help_text="Grows when its names change.")
    form_key = models.UUIDField(unique=True, null=True, blank=True, editable=False)

    class Meta:
        ordering = ["key"]


LEFT = "unsubscribed"


class ListMember(models.Model):
    mail_list = models.ForeignKey(MailList, on_delete=models.CASCADE, related_name="members")
    name = models.CharField(max_length=120)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=16, blank=True, help_text="E.164: +32470123456.")
    language = models.CharField(max_length=2, choices=Language, default=Language.FR)
    refused_at = models.DateTimeField(
        null=True, blank=True, help_text="The mail server said for good that there is no such box."
    )
    refusal = models.CharField(max_length=500, blank=True, help_text="What it said.")
    revision = models.PositiveIntegerField(default=1, help_text="Grows with every saving.")

    class Meta:
        ordering = ["mail_list", "name"]
        constraints = [
            models.UniqueConstraint(
                name="list_member_email_once", fields=["mail_list", "email"], condition=~Q(email="")
            ),
            models.UniqueConstraint(
                name="list_member_phone_once", fields=["mail_list", "phone"], condition=~Q(phone="")
            ),
            models.CheckConstraint(name="list_member_can_be_reached", condition=~Q(email="") | ~Q(phone="")),
            models.CheckConstraint(
                name="list_member_refused_has_reason",
                condition=Q(refused_at=None, refusal="") | Q(refused_at__isnull=False) & ~Q(refusal=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email or self.phone}>"

    @property
    def left(self) -> bool:
        """She unsubscribed; any other refusal is the mail server's."""
        return self.refusal == LEFT


class ChannelKind(models.TextChoices):
    EMAIL = "email", _("e-mail")
    SMS = "sms", _("SMS")
    MASTODON = "mastodon", "Mastodon"
    BLUESKY = "bluesky", "Bluesky"
    X = "x", "X"
    FACEBOOK = "facebook", _("Facebook page")
    LINKEDIN = "linkedin", _("LinkedIn organisation")
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"
    WEBHOOK = "webhook", _("webhook")
    APPRISE = "apprise", "Apprise"
    SUBSCRIBER_EMAIL = "subscriber-email", _("e-mail to subscribers")
    SUBSCRIBER_WEBHOOK = "subscriber-hook", _("webhooks of subscribers")
    CALLER_EMAIL = "caller-email", _("e-mail to callers")
    CALLER_SMS = "caller-sms", _("SMS to callers")
    STAFF_EMAIL = "staff-email", _("e-mail to staff, reminders")
    STAFF_SMS = "staff-sms", _("SMS to staff, reminders")
    STAFF_BROWSER = "staff-browser", _("notifications in the browsers of staff, reminders")


LISTS = (ChannelKind.EMAIL, ChannelKind.SMS)
SUBSCRIBERS = (ChannelKind.SUBSCRIBER_EMAIL, ChannelKind.SUBSCRIBER_WEBHOOK)
UNTESTABLE = (ChannelKind.SUBSCRIBER_WEBHOOK, ChannelKind.STAFF_BROWSER)
"""There is nobody to whom a test could be sent."""
# Owed nothing when a message is published: a person says that who called about an incident is told of it.
STAFF = (ChannelKind.STAFF_EMAIL, ChannelKind.STAFF_SMS, ChannelKind.STAFF_BROWSER)
"""They carry no message about an incident: only what the plan reminds of."""
HEARING = (ChannelKind.MASTODON, ChannelKind.BLUESKY)
"""Where it can be read who mentions us."""
REMINDING = (ChannelKind.SLACK, ChannelKind.TEAMS)
"""Where the plan may remind the whole team, when an administrator says so."""
CALLERS = (ChannelKind.CALLER_EMAIL, ChannelKind.CALLER_SMS)
ALL_IN_ONE = (ChannelKind.WEBHOOK,)
# The others are accounts: one message in each of the languages that were chosen.
ACCOUNTS = tuple(
    kind for kind in ChannelKind if kind not in (*LISTS, *SUBSCRIBERS, *CALLERS, *STAFF, *ALL_IN_ONE)
)


class Audience(models.TextChoices):
    """For whom a channel is; the composer sorts channels by it."""

    PUBLIC = "public", _("public")
    PHARMACISTS = "pharmacists", _("pharmacists")
    PARTNERS = "partners", _("partners and software houses")
    STEERING = "steering", _("steering committee")
    DESKS = "desks", _("internal desks")
    PRESS = "press", _("press")


class Voice(models.TextChoices):
    """Who speaks in a channel's texts."""

    PLAIN = "plain", _("FarmaFlux, plainly")
    FREDDY = "freddy", "Freddy Flux"


class Moments(models.TextChoices):
    """Which messages of an incident a channel carries. The last one is the one that says it is resolved."""

    ALL = "all", _("every message")
    FIRST = "first", _("the first one")
    LAST = "last", _("the last one")
    FIRST_AND_LAST = "first-last", _("the first and the last one")


class Channel(models.Model):
    """One account, list or address. Everything it is owed waits in a lane of its own.

    `settings` and the sealed secrets hold what the transport of its kind asks for (comms.channels.base.Setting).
    """

    key = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=16, choices=ChannelKind)
    enabled = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)
    audience = models.CharField(max_length=12, choices=Audience, default=Audience.PUBLIC)
    languages = models.JSONField(
        default=list, blank=True, help_text="One message in each; empty: the reader's own, or all in one."
    )
    voice = models.CharField(max_length=8, choices=Voice, default=Voice.PLAIN)
    severities = models.JSONField(default=list, blank=True, help_text="Of incidents it tells of; empty: all.")
    moments = models.CharField(max_length=12, choices=Moments, default=Moments.ALL)
    reminders = models.BooleanField(default=False, help_text="It carries reminders of the plan too.")
    mentions = models.BooleanField(default=False, help_text="Who mentions the account becomes a contact.")
    mail_list = models.ForeignKey(
        MailList, on_delete=models.PROTECT, null=True, blank=True, related_name="channels"
    )
    settings = models.JSONField(default=dict, blank=True)
    sealed_secrets = models.TextField(blank=True, editable=False, help_text="Encrypted; see comms.secrets.")
    revision = models.PositiveIntegerField(default=1, help_text="Grows with every change.")
    form_key = models.UUIDField(unique=True, null=True, blank=True, editable=False)

    class Meta:
        ordering = ["position", "key"]
        permissions = [("configure_channel", "May configure channels")]
        constraints = [
            models.CheckConstraint(
                name="channel_of_a_list_has_one",
                condition=Q(kind__in=["email", "sms"], mail_list__isnull=False)
                | ~Q(kind__in=["email", "sms"]) & Q(mail_list=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def carries(self, *, severity: str, first: bool, phase: str) -> bool:
        """Whether a message about an incident of that severity goes this way, by the channel's own limits."""
        if self.severities and Severity(severity) not in self.severities:
            return False
        last = phase == Phase.RESOLVED
        return {
            Moments.ALL: True,
            Moments.FIRST: first,
            Moments.LAST: last,
            Moments.FIRST_AND_LAST: first or last,
        }[Moments(self.moments)]


class ChannelTemplate(models.Model):
    """A channel's own pattern for its texts in one language; without one the pattern of its kind and voice holds."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="templates")
    language = models.CharField(max_length=2, choices=Language)
    text = models.TextField(max_length=1000)

    class Meta:
        ordering = ["channel", "language"]
        constraints = [
            models.UniqueConstraint(name="channel_template_once_per_language", fields=["channel", "language"])
        ]


class ChannelChange(models.Model):
    """One change of a channel by someone. Of a secret it holds only that it was given, replaced or taken away.

    `fields` maps the name of what changed to what was stored before and after.
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="changes")
    revision = models.PositiveIntegerField(help_text="The channel's, after it.")
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    fields = models.JSONField()

    class Meta:
        ordering = ["-revision"]
        constraints = [
            models.UniqueConstraint(name="channel_change_once_per_revision", fields=["channel", "revision"])
        ]


class Listening(models.Model):
    """How far the mentions of an account have been read, and when they are read next."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, related_name="listening")
    environment = models.CharField(max_length=64, help_text="A restored copy under another id reads nothing.")
    since = models.DateTimeField(help_text="What was said before is not taken.")
    place = models.JSONField(
        default=dict, blank=True, help_text="Where reading goes on; each network has its own."
    )
    not_before = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True, help_text="When all of it had been read.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="In a row.")
    error = models.CharField(max_length=500, blank=True)
