"""One step of a plan template."""

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from comms.models import Anchor, PlanStep
from incidents.models import ResponseRole

MONTH = 31 * 24 * 60  # minutes
# Beyond these a moment could no longer be reckoned with, and every page that shows what is late would fail.
LIMITS = {
    "number": (1, 999),
    "offset_minutes": (-MONTH, MONTH),
    "latest_minutes": (0, MONTH),
    "offset_days": (0, 366),
    "repeat_minutes": (1, 1440),
    "repeat_first_minutes": (1, 1440),
    "repeat_first_for_minutes": (1, 1440),
}
ENDS = (Anchor.REGISTRATION_BACK, Anchor.TRANSFER_BACK, Anchor.FULLY_RESTORED, Anchor.CLOSURE)


class StepForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when run
    owners = forms.MultipleChoiceField(
        choices=ResponseRole.choices,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Owners"),
        required=False,
    )
    until = forms.ChoiceField(
        choices=[("", "---------"), *((end.value, end.label) for end in ENDS)],
        label=gettext_lazy("Repeated until"),
        required=False,
    )

    class Meta:
        model = PlanStep
        fields = (
            "number",
            "phase",
            "title_fr",
            "title_nl",
            "title_de",
            "title_en",
            "owners",
            "condition_fr",
            "condition_nl",
            "condition_en",
            "channel_fr",
            "channel_nl",
            "channel_en",
            "anchor",
            "offset_minutes",
            "latest_minutes",
            "offset_days",
            "working_days",
            "wall_clock",
            "repeat_minutes",
            "repeat_first_minutes",
            "repeat_first_for_minutes",
            "until",
        )
        labels = {
            "number": gettext_lazy("Number"),
            "phase": gettext_lazy("Phase"),
            "title_fr": gettext_lazy("Title, French"),
            "title_nl": gettext_lazy("Title, Dutch"),
            "title_de": gettext_lazy("Title, German"),
            "title_en": gettext_lazy("Title, English"),
            "condition_fr": gettext_lazy("Condition, French"),
            "condition_nl": gettext_lazy("Condition, Dutch"),
            "condition_en": gettext_lazy("Condition, English"),
            "channel_fr": gettext_lazy("Channel, French"),
            "channel_nl": gettext_lazy("Channel, Dutch"),
            "channel_en": gettext_lazy("Channel, English"),
            "anchor": gettext_lazy("Due after"),
            "offset_minutes": gettext_lazy("Minutes after it"),
            "latest_minutes": gettext_lazy("Never later than, minutes"),
            "offset_days": gettext_lazy("Days after it"),
            "working_days": gettext_lazy("Count working days"),
            "wall_clock": gettext_lazy("At this time of day"),
            "repeat_minutes": gettext_lazy("Again every, minutes"),
            "repeat_first_minutes": gettext_lazy("At first every, minutes"),
            "repeat_first_for_minutes": gettext_lazy("…during so many minutes"),
        }
        help_texts = {"latest_minutes": "", "owners": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (least, most) in LIMITS.items():
            self.fields[name].validators += [MinValueValidator(least), MaxValueValidator(most)]
            self.fields[name].widget.attrs |= {"min": least, "max": most}

    def clean_number(self) -> int:
        number: int = self.cleaned_data["number"]
        same = PlanStep.objects.filter(template=self.instance.template, number=number).exclude(
            pk=self.instance.pk
        )
        if same.exists():
            raise forms.ValidationError(_("This template has a step %(n)d already.") % {"n": number})
        return number

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("anchor") == Anchor.WALL_CLOCK and not cleaned.get("wall_clock"):
            self.add_error("wall_clock", _("Give the time of day."))
        if cleaned.get("repeat_first_minutes") and not cleaned.get("repeat_minutes"):
            self.add_error("repeat_minutes", _("Say how often it repeats after that."))
        if cleaned.get("repeat_first_minutes") and not cleaned.get("repeat_first_for_minutes"):
            self.add_error("repeat_first_for_minutes", _("Say for how long it repeats so often."))
        return cleaned
