"""What pages say about incidents."""

from datetime import timedelta

from django import template
from django.utils.translation import gettext as _

from incidents import timeline
from incidents.models import Entry

register = template.Library()


@register.filter
def describe(entry: Entry) -> str:
    """What a timeline's entry says, in the reader's language."""
    return timeline.describe(entry)


@register.filter
def lasting(span: timedelta) -> str:
    """110 min; 26 h 05 from ten hours on; 3 days from three days on."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 600:
        return _("%(n)d min") % {"n": minutes}
    if span < timedelta(days=3):
        return f"{minutes // 60} h {minutes % 60:02d}"
    return _("%(n)d days") % {"n": span.days}
