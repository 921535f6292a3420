"""The languages we speak: four to the public, three in the desk."""

from django.db import models
from django.utils.translation import gettext_noop, ngettext_lazy

# Django has no Dutch for these texts of its own, and would show them in French.
FROM_DJANGO = (
    gettext_noop("- Select an option -"),
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
    ),
)


class Language(models.TextChoices):
    """A language of the public texts. Endonyms, because a reader looks for her own."""

    FR = "fr", "Français"
    NL = "nl", "Nederlands"
    DE = "de", "Deutsch"
    EN = "en", "English"


INTERFACE_LANGUAGES = (Language.FR, Language.NL, Language.EN)
REQUIRED_PUBLIC_LANGUAGES = (Language.FR, Language.NL)


class LocalizedName(models.Model):
    """A name in the four languages, French and Dutch required, as columns of its own row.

    Decision 0002: short names are columns, long texts are rows.
    """

    name_fr = models.CharField(max_length=120)
    name_nl = models.CharField(max_length=120)
    name_de = models.CharField(max_length=120, blank=True)
    name_en = models.CharField(max_length=120, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        from django.utils.translation import get_language

        return self.name_in(get_language() or Language.FR)

    def name_in(self, language: str) -> str:
        """The name in *language* ("fr", "nl", "de", "en"); French where it is missing."""
        return str(getattr(self, f"name_{language[:2]}", "") or self.name_fr)
