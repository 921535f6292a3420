"""Planning work, telling of it, saying how it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.languages import REQUIRED_PUBLIC_LANGUAGES, Language
from incidents.forms.declaring import EarlierField
from incidents.forms.fields import DeskForm, KeyedForm, Moment
from incidents.models import Incident, Maintenance, MaintenanceStatus, MilestoneKind, Service
from incidents.models.states import MAINTENANCE_TRANSITIONS
from incidents.opening_hours import Window, disturbed, next_quiet
from incidents.operations.maintenance import LONGEST_BODY, LONGEST_TITLE, LONGEST_WORK

USUAL_LENGTH = timedelta(hours=2)
FOLLOWED = timedelta(days=30)  # how far back the list of incidents to be finished goes
STEPS = {
    MaintenanceStatus.IN_PROGRESS: _("Begin"),
    MaintenanceStatus.VERIFYING: _("Verify"),
    MaintenanceStatus.COMPLETED: _("Complete"),
    MaintenanceStatus.CANCELLED: _("Cancel this maintenance"),
}
TITLES = {
    Language.FR: _("Title in French"),
    Language.NL: _("Title in Dutch"),
    Language.DE: _("Title in German"),
    Language.EN: _("Title in English"),
}
BODIES = {
    Language.FR: _("Text in French"),
    Language.NL: _("Text in Dutch"),
    Language.DE: _("Text in German"),
    Language.EN: _("Text in English"),
}
NOTES = {
    Language.FR: _("Message in French"),
    Language.NL: _("Message in Dutch"),
    Language.DE: _("Message in German"),
    Language.EN: _("Message in English"),
}


class Hours:
    """What a window does to pharmacies, and the next one that does nothing to them."""

    def __init__(self, window: Window, *, at: datetime) -> None:
        self.disturbed = disturbed(window)
        self.seen = (
            " ".join(f"{moment.astimezone(UTC):%Y%m%dT%H%MZ}" for moment in window) if self.disturbed else ""
        )
        self.quiet = None
        if self.disturbed:
            self.quiet = next_quiet(max(window.starts_at, at), window.ends_at - window.starts_at)

    @property
    def take(self) -> str:
        """What the button that takes the quiet window sends."""
        if self.quiet is None:
            return ""
        return " ".join(f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}" for moment in self.quiet)


def with_taken(data: QueryDict) -> QueryDict:
    """*data* with the window that its button `take` names in the place of the one that was typed."""
    data = data.copy()
    for name, moment in zip(("starts_at", "ends_at"), data.get("take", "").split(), strict=False):
        data[name] = moment
    return data


class WindowForm(DeskForm):
    """When it is to be. Who chooses pharmacies' opening hours sends it twice: the second time knowing."""

    starts_at = Moment(label=_("Begins"), help_text=_("Brussels time."))
    ends_at = Moment(label=_("Ends"))
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    hours: Hours | None = None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        starts_at, ends_at = cleaned.get("starts_at"), cleaned.get("ends_at")
        self.hours = None
        if starts_at and ends_at and timedelta(0) < ends_at - starts_at <= LONGEST_WORK:
            self.hours = Hours(Window(starts_at, ends_at), at=timezone.now())
            if cleaned.get("seen", "") != self.hours.seen and self.hours.seen:
                self.add_error(
                    "starts_at",
                    _("Pharmacies are open then: choose another moment, or send it again as it is."),
                )
        return cleaned

    @property
    def window(self) -> Window:
        return Window(self.cleaned_data["starts_at"], self.cleaned_data["ends_at"])


class WorkForm(WindowForm):
    """All that is said of planned work."""

    services = forms.ModelMultipleChoiceField(
        Service.objects.select_related("group"),
        label=_("Services concerned"),
        to_field_name="public_id",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Say which services it is about.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _add_texts(self, "title", TITLES, longest=LONGEST_TITLE, rows=1, optional=False)
        _add_texts(self, "body", BODIES, longest=LONGEST_BODY, rows=4, optional=False)

    @property
    def has_other_languages(self) -> bool:
        """Whether the optional languages need to be in sight."""
        others = [language for language in Language if language not in REQUIRED_PUBLIC_LANGUAGES]
        names = [f"{part}_{language}" for part in ("title", "body") for language in others]
        return any(self[name].value() or self[name].errors for name in names)


class PlanWorkForm(WorkForm, KeyedForm):
    follows = EarlierField(
        Incident.objects.none(),
        label=_("Finishes an incident"),
        required=False,
        to_field_name="public_id",
        empty_label=_("No: it stands alone"),
    )

    def __init__(self, *args: Any, follows: Incident | None = None, **kwargs: Any) -> None:
        super().__init__(*args, initial=_proposed(follows), **kwargs)
        recent = Q(began_at__gte=timezone.now() - FOLLOWED)
        known = Incident.objects.real().filter(recent | Q(pk=follows.pk if follows else 0))
        self.fields["follows"].queryset = known.order_by("-began_at")  # type: ignore[attr-defined]


def _proposed(follows: Incident | None) -> dict[str, Any]:
    """Tonight, after closing time; for the end of an incident its services, and when its restart is planned."""
    starts_at = timezone.localtime().replace(hour=22, minute=0, second=0, microsecond=0)
    if follows is None:
        return {"starts_at": starts_at, "ends_at": starts_at + USUAL_LENGTH}
    restart = follows.milestones.filter(kind=MilestoneKind.RESTART_DONE, reached_at=None).first()
    if restart and restart.planned_for and restart.planned_for > timezone.now():
        starts_at = timezone.localtime(restart.planned_for)
    return {
        "starts_at": starts_at,
        "ends_at": starts_at + USUAL_LENGTH,
        "follows": follows,
        "services": follows.services_touched,
    }


class AmendWorkForm(WorkForm):
    """Only what the user changed counts: what others changed meanwhile stays."""

    def __init__(self, *args: Any, maintenance: Maintenance, **kwargs: Any) -> None:
        window = Window(maintenance.starts_at, maintenance.ends_at)
        texts = [f"{part}_{language}" for part in ("title", "body") for language in Language]
        initial = {
            **{name: getattr(maintenance, name) for name in texts},
            "services": list(maintenance.services.all()),
            "starts_at": window.starts_at,
            "ends_at": window.ends_at,
        }
        super().__init__(*args, initial=initial, **kwargs)
        for name, field in self.fields.items():
            field.show_hidden_initial = name != "seen"
        self.hours = Hours(window, at=timezone.now())

    @property
    def is_moved(self) -> bool:
        return not {"starts_at", "ends_at"}.isdisjoint(self.changed_data)

    def changed_texts(self, part: str) -> dict[str, str]:
        """Language → text, of those the user changed."""
        said = in_languages(part, self.cleaned_data)
        return {
            language: text for language, text in said.items() if f"{part}_{language}" in self.changed_data
        }


class StepForm(KeyedForm):
    """How it goes, with words for the public or without; `status` is empty where there are only words."""

    status = forms.ChoiceField(choices=MaintenanceStatus.choices, required=False)
    occurred_at = Moment(
        label=_("When it happened"), help_text=_("Brussels time; empty: now."), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _add_texts(self, "note", NOTES, longest=LONGEST_BODY, rows=2, optional=True)

    @property
    def has_other_languages(self) -> bool:
        others = [language for language in Language if language not in REQUIRED_PUBLIC_LANGUAGES]
        return any(self[f"note_{language}"].value() for language in others)


@dataclass(frozen=True)
class Step:
    status: MaintenanceStatus
    label: object


def steps(maintenance: Maintenance) -> list[Step]:
    """What can come next, the usual first."""
    before = maintenance.status
    following = MAINTENANCE_TRANSITIONS[before]
    back = before == MaintenanceStatus.VERIFYING
    named = [
        Step(status, _("Back to work") if back and status == MaintenanceStatus.IN_PROGRESS else STEPS[status])
        for status in following
    ]
    return named[::-1] if back else named


def in_languages(part: str, said: Mapping[str, Any]) -> dict[str, str]:
    """Language → text, of the fields <part>_<language>."""
    return {language: said[f"{part}_{language}"] for language in Language}


def _add_texts(
    form: forms.Form, part: str, labels: Mapping[Language, Any], *, longest: int, rows: int, optional: bool
) -> None:
    for language, label in labels.items():
        lang = {"lang": str(language)}
        form.fields[f"{part}_{language}"] = forms.CharField(
            label=label,
            max_length=longest,
            required=not optional and language in REQUIRED_PUBLIC_LANGUAGES,
            widget=forms.TextInput(attrs=lang) if rows == 1 else forms.Textarea(attrs={"rows": rows, **lang}),
        )
