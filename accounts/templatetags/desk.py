"""Small parts every desk page uses: icons, the form's key, moments as Brussels reads them."""

import uuid
from datetime import datetime, timedelta
from functools import cache

from django import template
from django.contrib.auth.models import AnonymousUser
from django.core.signing import Signer
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User

register = template.Library()


@register.simple_tag
@cache
def icon(name: str, css: str = "") -> SafeString:
    """A 16 px picture from the sprite, hidden from readers: the word stands beside it.

    "i-…" are the status shapes (ok, degraded, partial, major, maint, unknown), "d-…" the desk's own.
    """
    return format_html(
        '<svg class="i {}" width="16" height="16" aria-hidden="true"><use href="{}#{}"></use></svg>',
        css,
        static("icons/sprite.svg"),
        name,
    )


@register.simple_tag(takes_context=True)
def client_key(context: template.Context, key: object = None) -> SafeString:
    """The hidden fields of a form that must act once and whose text must survive.

    `key`: a UUID, made when the form is first shown; pass the posted one when it is shown again.
    `typed_by`: who is typing, signed, so that after signing in again nobody else is shown the text.
    """
    user: User | AnonymousUser = context["user"]
    return format_html(
        '<input type="hidden" name="key" value="{}"><input type="hidden" name="typed_by" value="{}">',
        key or uuid.uuid4(),
        Signer(salt="typed_by").sign(str(user.pk)) if user.is_authenticated else "",
    )


@register.filter
def clock(moment: datetime | None) -> str:
    """15:20, in Brussels; with the day before it when that is not today."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    if local.date() == timezone.localdate():
        return f"{local:%H:%M}"
    return f"{formats.date_format(local, 'j N')} {local:%H:%M}"


@register.filter
def clock_only(moment: datetime | None) -> str:
    """15:20, in Brussels, whatever the day."""
    return f"{timezone.localtime(moment):%H:%M}" if moment else ""


@register.filter
def clock_near(moment: datetime | None, at: datetime) -> str:
    """15:20, in Brussels; with the day before it when that is half a day from *at* or more, and could be mistaken."""
    near = moment is not None and abs(moment - at) < timedelta(hours=12)
    return clock_only(moment) if near else clock(moment)


@register.filter
def day(moment: datetime | None) -> str:
    """1 juillet 2022, in Brussels and the reader's language."""
    return formats.date_format(timezone.localtime(moment), "j F Y") if moment else ""


@register.filter
def minutes_since(moment: datetime | None, at: datetime | None = None) -> int:
    """Whole minutes from *moment* to *at* (default now)."""
    return int(((at or timezone.now()) - moment).total_seconds() // 60) if moment else 0


@register.filter
def minutes_until(moment: datetime | None, at: datetime | None = None) -> int:
    """Whole minutes from *at* (default now) to *moment*; negative when it has passed."""
    return -minutes_since(moment, at) if moment else 0
