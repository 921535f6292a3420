from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tickets import lookup, phone

register = template.Library()


@register.simple_tag
def highlight(text: str, query: str) -> SafeString:
    """*text* with the words of *query* in <mark>, accents and case aside."""
    pieces = lookup.highlighted(text, query) if query else [(text, False)]
    return format_html_join("", "{}{}{}", ((_OPEN[hit], piece, _CLOSE[hit]) for piece, hit in pieces))


@register.filter
def spoken(e164: str) -> str:
    """+3225551212 as people read it: 02 555 12 12."""
    return phone.spoken(e164) if e164 else ""


_OPEN = {True: SafeString("<mark>"), False: SafeString("")}
_CLOSE = {True: SafeString("</mark>"), False: SafeString("")}


@register.simple_tag
def nth_call(number: int) -> str:
    """ "2nd call", worded per language: ordinals are not made of a digit and one ending."""
    ordinals = {2: _("2nd call"), 3: _("3rd call")}
    return ordinals.get(number) or _("%(number)dth call") % {"number": number}
