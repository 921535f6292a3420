import hmac
from hashlib import sha256

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.languages import INTERFACE_LANGUAGES, Language


class User(AbstractUser):
    """A member of staff. What she may do follows from her groups, one per accounts.roles.Role."""

    language = models.CharField(
        _("interface language"),
        max_length=2,
        choices=[(language.value, language.label) for language in INTERFACE_LANGUAGES],
        default=Language.FR,
    )
    single_keys = models.BooleanField(
        _("single-key shortcuts"), default=True, help_text=_("Off: only shortcuts with Ctrl or Alt work.")
    )
    extension = models.CharField(
        _("telephone extension"),
        max_length=80,
        null=True,  # nobody's is not the same as another nobody's: it is unique
        blank=True,
        unique=True,
        help_text=_("As the telephone system names you: extension, number, e-mail address or name."),
        error_messages={"unique": _("Someone else has this extension.")},
    )

    phone = models.CharField(
        _("mobile phone"),
        max_length=16,
        blank=True,
        help_text=_("The crisis plan reminds you there by SMS, where a channel for that is set up."),
    )

    browser_reminders = models.BooleanField(
        default=False, editable=False, help_text="Her open pages show reminders of the plan as notifications."
    )

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.get_username()


class IntakeKind(models.TextChoices):
    TELEPHONE = "telephone", _("Telephone system")
    MONITORING = "monitoring", _("Monitoring (Alertmanager)")


class Intake(models.Model):
    """A system that may tell the desk something. Its token is its only credential, and is kept as a hash alone."""

    kind = models.CharField(_("kind"), max_length=10, choices=IntakeKind)
    name = models.CharField(
        _("name"),
        max_length=80,
        help_text=_("Stands wherever something came in by it: “called at 13:52, …”."),
    )
    token_hash = models.CharField(
        max_length=64, unique=True, editable=False, help_text="SHA-256, hexadecimal."
    )
    enabled = models.BooleanField(_("switched on"), default=True)
    account = models.OneToOneField(
        User,
        on_delete=models.PROTECT,
        related_name="intake",
        editable=False,
        help_text="Nobody signs in to it.",
    )
    heard_at = models.DateTimeField(
        _("last heard"), null=True, editable=False, help_text="The last time it told us something readable."
    )

    class Meta:
        ordering = ["kind", "name"]
        verbose_name = _("system that reports to the desk")
        verbose_name_plural = _("systems that report to the desk")

    def __str__(self) -> str:
        return self.name

    def is_opened_by(self, token: str) -> bool:
        return hmac.compare_digest(self.token_hash, hashed(token))


def hashed(token: str) -> str:
    """A token is 256 random bits: a plain hash of it cannot be turned round."""
    return sha256(token.encode()).hexdigest()
