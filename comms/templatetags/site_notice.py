"""What the night shift says by hand, on the pages that take something in from the public too."""

from django import template
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from accounts.languages import Language
from comms.status import notice as notices
from comms.status.languages import WORDS
from comms.status.pages import frame

register = template.Library()


@register.simple_tag
def notice() -> SafeString:
    """As on every page of the status site, in the reader's language; needs the site's folder alone."""
    words = WORDS[Language((get_language() or "fr")[:2])]
    return mark_safe(frame.notice(notices.standing(settings.DESK_STATUS_ROOT), words))  # noqa: S308  # escaped there
