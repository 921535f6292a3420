"""One step of a plan template, the template itself, and a file that is taken in."""

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.languages import Language
from comms.models import Audience, CrisisKind, Evidence, MessageTemplate, PlanStep, PlanTemplate
from comms.operations.plan_templates import LONGEST_NAME
from comms.plan.checking import ENDS, LIMITS, MOST_CLAUSES, problems
from comms.plan.conditions import MONTH, MOST_CALLS
from comms.plan.document import LONGEST
from incidents.models import ResponseRole, Service, ServiceGroup, Severity

LISTS = {"owners": ResponseRole, "audiences": Audience, "evidence": Evidence}
GROUPS = {
    gettext_lazy("What, and who does it"): (
        "number", "phase", "title_fr", "title_nl", "title_de", "title_en", "owners",
        "instructions_fr", "instructions_nl", "instructions_en", "channel_fr", "channel_nl", "channel_en",
    ),
    gettext_lazy("When it is due"): (
        "anchor", "offset_minutes", "latest_minutes", "offset_days", "working_days", "wall_clock",
        "repeat_minutes", "repeat_first_minutes", "repeat_first_for_minutes", "until",
    ),
    gettext_lazy("Its message and its evidence"): (
        "publishes", "message_template", "audiences", "briefs", "evidence",
    ),
    gettext_lazy("Only when: in words"): ("condition_fr", "condition_nl", "condition_en"),
}  # fmt: skip


def _choices(kinds: Any, label: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        choices=kinds.choices, widget=forms.CheckboxSelectMultiple, label=label, required=False
    )


class StepForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when run
    owners = _choices(ResponseRole, gettext_lazy("Owners"))
    audiences = _choices(Audience, gettext_lazy("Its message goes to the channels for (none: all)"))
    evidence = _choices(Evidence, gettext_lazy("Marking it done asks for"))
    until = forms.ChoiceField(
        choices=[("", "---------"), *((end.value, end.label) for end in ENDS)],
        label=gettext_lazy("Repeated until"),
        required=False,
    )
    message_template = forms.ChoiceField(
        label=gettext_lazy("Prepared message it begins with"), required=False
    )

    class Meta:
        model = PlanStep
        fields = tuple(name for names in GROUPS.values() for name in names)
        widgets = {
            f"instructions_{language}": forms.Textarea({"rows": 3, "maxlength": 1000})
            for language in ("fr", "nl", "en")
        }
        labels = {
            "number": gettext_lazy("Number"),
            "phase": gettext_lazy("Phase"),
            "title_fr": gettext_lazy("Title, French"),
            "title_nl": gettext_lazy("Title, Dutch"),
            "title_de": gettext_lazy("Title, German"),
            "title_en": gettext_lazy("Title, English"),
            "instructions_fr": gettext_lazy("Instructions, French"),
            "instructions_nl": gettext_lazy("Instructions, Dutch"),
            "instructions_en": gettext_lazy("Instructions, English"),
            "condition_fr": gettext_lazy("Condition, French"),
            "condition_nl": gettext_lazy("Condition, Dutch"),
            "condition_en": gettext_lazy("Condition, English"),
            "channel_fr": gettext_lazy("Channel, French"),
            "channel_nl": gettext_lazy("Channel, Dutch"),
            "channel_en": gettext_lazy("Channel, English"),
            "publishes": gettext_lazy("Doing it is publishing a message"),
            "briefs": gettext_lazy("Doing it is having the internal desks briefed"),
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
        help_texts = dict.fromkeys(("latest_minutes", "owners", "publishes", "briefs"), "")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (least, most) in LIMITS.items():
            self.fields[name].validators += [MinValueValidator(least), MaxValueValidator(most)]
            self.fields[name].widget.attrs |= {"min": least, "max": most}
        own = self.instance.message_template
        keys = {message.key: str(message) for message in MessageTemplate.objects.all()}
        prepared = self.fields["message_template"]
        assert isinstance(prepared, forms.ChoiceField)  # noqa: S101 -- for the types
        prepared.choices = [("", "---------"), *({own: own} | keys if own else keys).items()]
        self._offer_clauses()

    def _offer_clauses(self) -> None:
        services = [(group.key, str(group)) for group in ServiceGroup.objects.all()]
        services += [(service.key, str(service)) for service in Service.objects.all()]
        for n in range(MOST_CLAUSES):
            clause = self.instance.when[n] if n < len(self.instance.when) else {}
            known = dict(services) | {
                key: key for key in clause.get("services", ()) if key not in dict(services)
            }
            self.fields[f"when_{n}_severities"] = forms.MultipleChoiceField(
                choices=[(each.value, each.value) for each in Severity],
                widget=forms.CheckboxSelectMultiple,
                label=_("Severity"),
                required=False,
                initial=clause.get("severities"),
            )
            self.fields[f"when_{n}_services"] = forms.MultipleChoiceField(
                choices=list(known.items()),
                label=_("One of these services"),
                required=False,
                initial=clause.get("services"),
            )
            for part, label, most in (
                ("lasting_minutes", _("Lasting longer than, minutes"), MONTH),
                ("calls", _("More calls in half an hour than"), MOST_CALLS),
            ):
                self.fields[f"when_{n}_{part}"] = forms.IntegerField(
                    min_value=1, max_value=most, label=label, required=False, initial=clause.get(part)
                )

    @property
    def groups(self) -> list[tuple[str, list[BoundField]]]:
        return [(str(title), [self[name] for name in names]) for title, names in GROUPS.items()]

    @property
    def clauses(self) -> list[list[BoundField]]:
        parts = ("severities", "services", "lasting_minutes", "calls")
        return [[self[f"when_{n}_{part}"] for part in parts] for n in range(MOST_CLAUSES)]

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
        step = PlanStep(**{name: cleaned[name] for name in self.Meta.fields if name in cleaned})
        for name, message in problems(step).items():
            if name in cleaned:
                self.add_error(name, message)
        return cleaned

    @property
    def _when(self) -> list[dict[str, Any]]:
        clauses = [
            {
                part: self.cleaned_data[f"when_{n}_{part}"]
                for part in ("severities", "services", "lasting_minutes", "calls")
                if self.cleaned_data.get(f"when_{n}_{part}")
            }
            for n in range(MOST_CLAUSES)
        ]
        return [clause for clause in clauses if clause]

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            self.instance.when = self._when


class TemplateForm(forms.Form):
    """What a plan is called and what it is for; with *like* for a new one."""

    name_fr = forms.CharField(max_length=LONGEST_NAME, label=gettext_lazy("Name, French"))
    name_nl = forms.CharField(max_length=LONGEST_NAME, label=gettext_lazy("Name, Dutch"))
    name_de = forms.CharField(max_length=LONGEST_NAME, label=gettext_lazy("Name, German"), required=False)
    name_en = forms.CharField(max_length=LONGEST_NAME, label=gettext_lazy("Name, English"), required=False)
    kind = forms.ChoiceField(choices=CrisisKind.choices, label=gettext_lazy("Kind of crisis"))

    @property
    def names(self) -> dict[str, str]:
        return {language: self.cleaned_data[f"name_{language}"] for language in Language.values}


class NewTemplateForm(TemplateForm):
    like = forms.ModelChoiceField(
        PlanTemplate.objects.order_by("name_fr"),
        to_field_name="key",
        label=gettext_lazy("With the steps of"),
        empty_label=gettext_lazy("none: begin empty"),
        required=False,
    )


class FileForm(forms.Form):
    """A file, or its text: what was read is shown again when a line of it is wrong."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        widget=forms.FileInput({"accept": ".yaml,.yml,text/yaml"}),
    )
    text = forms.CharField(
        label=gettext_lazy("…or its text"),
        required=False,
        strip=False,
        widget=forms.Textarea({"rows": 16, "spellcheck": "false", "class": "fx-mono"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if file := cleaned.get("file"):
            if file.size > 4 * LONGEST:
                raise forms.ValidationError(_("At most %(most)d characters.") % {"most": LONGEST})
            try:
                cleaned["text"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                raise forms.ValidationError(_("This is no text in UTF-8.")) from None
        if not cleaned.get("text", "").strip() and not self.errors:
            raise forms.ValidationError(_("Choose a file, or paste its text."))
        return cleaned
