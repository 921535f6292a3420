"""What the pages for anyone show around their content (templates/public/base.html)."""

from dataclasses import dataclass

from django import template
from django.conf import settings
from django.utils.translation import get_language

from accounts.languages import Language

register = template.Library()


@dataclass(frozen=True)
class Choice:
    code: str
    name: str
    query: str
    current: bool


@register.simple_tag(takes_context=True)
def language_choices(context: template.Context) -> list[Choice]:
    """The same page in each language, what it was asked with kept."""
    asked = context["request"].GET.copy()
    choices = []
    for language in Language:
        asked["lang"] = language.value
        current = language == get_language()
        choices.append(Choice(language.value, language.label, f"?{asked.urlencode()}", current))
    return choices


@register.simple_tag
def status_page(path: str = "") -> str:
    """The address of the status site's *path* in the reader's language."""
    return f"{settings.DESK_STATUS_URL}/{get_language() or Language.FR}/{path}"
