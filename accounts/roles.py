"""The six roles a member of staff can have, as groups."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """The value is the name of the group."""

    AGENT = "agent", _("Helpdesk agent")
    COMMUNICATIONS = "communications-lead", _("Communications lead")
    LEAD = "incident-lead", _("Incident lead")
    ADMINISTRATOR = "administrator", _("Administrator")
    OBSERVER = "observer", _("Observer")
    VOLUNTEER = "volunteer", _("Volunteer")
