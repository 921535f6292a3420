"""Colleagues who can be called in, when they are away, and what each answered."""

from datetime import date
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Prefetch, Q
from django.utils.translation import gettext_lazy as _

from accounts.languages import INTERFACE_LANGUAGES, Language
from incidents.models.incident import Incident


class ColleagueQuerySet(models.QuerySet["Colleague"]):
    def listed(self) -> Self:
        """Those who are still here, in the order in which they are called."""
        return self.filter(removed=False)

    def with_absences_on(self, day: date) -> Self:
        """absences_now, a list, holds those that cover *day*."""
        now = Absence.objects.filter(first__lte=day, last__gte=day)
        return self.prefetch_related(Prefetch("absences", now, to_attr="absences_now"))


class Colleague(models.Model):
    """Someone to call in; with or without an account here."""

    name = models.CharField(max_length=80)
    phone = models.CharField(max_length=40, help_text="As it was typed.")
    e164 = models.CharField(max_length=16)
    email = models.EmailField(max_length=254, blank=True)
    skills = models.CharField(max_length=200, blank=True)
    language = models.CharField(
        max_length=2,
        choices=[(language.value, language.label) for language in INTERFACE_LANGUAGES],
        default=Language.FR,
    )
    position = models.PositiveSmallIntegerField(
        default=10, help_text="Who has the smaller one is called first."
    )
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    unreachable = models.BooleanField(default=False)
    remark = models.CharField(max_length=120, blank=True)
    removed = models.BooleanField(default=False, editable=False)

    absences_now: list["Absence"]  # only where with_absences_on has put it

    objects = ColleagueQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def skill_list(self) -> list[str]:
        return [skill.strip() for skill in self.skills.split(",") if skill.strip()]


class Absence(models.Model):
    """Whole days away, the last one included."""

    colleague = models.ForeignKey(Colleague, on_delete=models.CASCADE, related_name="absences")
    first = models.DateField()
    last = models.DateField()
    what = models.CharField(max_length=120, blank=True)
    from_calendar = models.BooleanField(
        default=False, help_text="The next calendar that is read replaces it."
    )

    class Meta:
        ordering = ["first", "pk"]
        constraints = [
            models.CheckConstraint(name="absence_ends_after_it_began", condition=Q(last__gte=F("first")))
        ]


class CallInWay(models.TextChoices):
    PHONE = "phone", _("Phone")
    SMS = "sms", _("SMS")
    EMAIL = "email", _("E-mail")


class CallInAnswer(models.TextChoices):
    ON_WAY = "on_way", _("on the way")
    VOLUNTEERED = "volunteered", _("volunteered")
    CAME = "came", _("is here")
    NO_ANSWER = "no_answer", _("no answer")
    CANNOT = "cannot", _("cannot come")


class CallIn(models.Model):
    """Somebody was asked to come, and said this. The newest row of a colleague in an incident counts."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="call_ins")
    colleague = models.ForeignKey(Colleague, on_delete=models.PROTECT, related_name="call_ins")
    key = models.UUIDField(unique=True, editable=False)
    way = models.CharField(max_length=5, choices=CallInWay)
    answer = models.CharField(max_length=12, choices=CallInAnswer)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "pk"]
