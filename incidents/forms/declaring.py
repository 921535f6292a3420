"""Declaring an incident, and saying it better afterwards."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.languages import REQUIRED_PUBLIC_LANGUAGES, Language
from incidents.assessing import Assessment, Question, Reply
from incidents.forms.fields import DeskForm, KeyedForm, Moment, StatusesField, StatusRow, catalogue
from incidents.models import Incident, Service, Severity
from incidents.models.incident import IncidentQuerySet
from incidents.operations.declaring import LONGEST_TITLE

# How far back the list of incidents to be a relapse of goes.
LINKABLE = timedelta(days=7)
NEW_FAULT = "new"
DRILL = "drill"


class Titles(DeskForm):
    """A title for each language of the public, French and Dutch required."""

    title_fr = forms.CharField(label=_("Title in French"), max_length=LONGEST_TITLE)
    title_nl = forms.CharField(label=_("Title in Dutch"), max_length=LONGEST_TITLE)
    title_de = forms.CharField(label=_("Title in German"), max_length=LONGEST_TITLE, required=False)
    title_en = forms.CharField(label=_("Title in English"), max_length=LONGEST_TITLE, required=False)
    severity = forms.ChoiceField(
        label=_("Severity"),
        choices=Severity.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how grave it is.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for language in Language:
            self.fields[f"title_{language}"].widget.attrs["lang"] = language
        self.fields["title_fr"].widget.attrs["autofocus"] = not self.is_bound

    @property
    def has_other_titles(self) -> bool:
        """Whether the optional languages need to be in sight."""
        others = [f"title_{language}" for language in Language if language not in REQUIRED_PUBLIC_LANGUAGES]
        return any(self[name].value() or self[name].errors for name in others)


class Replies(DeskForm):
    """The three questions that propose a severity; none has to be answered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in Question:
            self.fields[question.value] = forms.ChoiceField(
                label=question.label, choices=Reply.choices, widget=forms.RadioSelect, required=False
            )

    @property
    def questions(self) -> list[forms.BoundField]:
        return [self[question.value] for question in Question]

    @property
    def assessment(self) -> Assessment | None:
        """What the valid replies propose, of a form that was looked through."""
        return Assessment.of({question: self.cleaned_data.get(question, "") for question in Question})


class DeclareForm(Titles, Replies, KeyedForm):
    shown_assessment: Assessment | None = None
    proposal: "Proposal"
    reality = forms.ChoiceField(
        label=_("Real, or an exercise?"),
        choices=[
            ("real", _("Real: the status page shows it at once")),
            (DRILL, _("An exercise: nothing of it leaves the house, and it stays an exercise")),
        ],
        widget=forms.RadioSelect,
        initial="real",
        required=False,
    )
    services = StatusesField(label=_("Services touched"))
    began_at = Moment(label=_("When it began"))
    relapse_of = forms.ChoiceField(label=_("Relapse of"), required=False)
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["services"]
        assert isinstance(field, StatusesField)  # noqa: S101 -- tells the type
        field.offer(catalogue(), impacts=[])
        self.initial.setdefault("began_at", timezone.localtime().replace(second=0, microsecond=0))
        self.earlier = {incident.public_id: incident for incident in linkable(timezone.now())}
        self.fields["relapse_of"].choices = [  # type: ignore[attr-defined]  # not of every field
            (NEW_FAULT, _("No: a new fault")),
            *((public_id, _dated(incident)) for public_id, incident in self.earlier.items()),
        ]

    def service_rows(self) -> list[StatusRow]:
        return self.fields["services"].rows(self["services"].value())  # type: ignore[attr-defined,no-any-return]

    def clean_shown(self) -> set[str]:
        return set(self.cleaned_data["shown"].split())

    def clean(self) -> dict[str, Any]:
        """Who could not be shown that it may be a relapse, for want of a script, is asked now."""
        cleaned = super().clean() or self.cleaned_data
        self.proposal = Proposal.of(cleaned.get("services"), cleaned.get("began_at"), drill=self.is_drill)
        unseen = {incident.public_id for incident in self.proposal.relapse_of} - cleaned.get("shown", set())
        if unseen and cleaned.get("relapse_of", NEW_FAULT) in ("", NEW_FAULT):
            self.add_error("relapse_of", _("Is it a relapse? Choose, and send again."))
        if (proposed := self.assessment) and "severity" not in cleaned:
            self.data = {**self.data.dict(), "severity": proposed.severity.value}  # type: ignore[attr-defined]
        return cleaned

    @property
    def assessed(self) -> Assessment | None:
        """What the page says of the replies so far."""
        return self.assessment if self.is_bound else self.shown_assessment

    @property
    def is_drill(self) -> bool:
        return self.cleaned_data.get("reality") == DRILL

    @property
    def earlier_incident(self) -> Incident | None:
        return self.earlier.get(self.cleaned_data["relapse_of"])


def proposed(form: DeclareForm) -> DeclareForm:
    """As it was typed, with the severity that its replies propose; nothing is said to be missing yet."""
    form.full_clean()
    assessment = form.assessment
    typed = {name: form.data[name] for name in form.fields if name in form.data}
    statuses = {"services": form["services"].value()}
    severity = {"severity": assessment.severity.value} if assessment else {}
    fresh = DeclareForm(initial={**typed, **statuses, **severity})
    fresh.shown_assessment = assessment
    return fresh


class Proposal:
    """What the relapse rule finds for these services: incidents just over, and incidents still open."""

    def __init__(self, relapse_of: list[Incident], still_open: list[Incident]) -> None:
        self.relapse_of = relapse_of
        self.still_open = still_open

    @classmethod
    def of(cls, services: Collection[Service] | None, moment: datetime | None, *, drill: bool) -> "Proposal":
        if not services or not moment:
            return cls([], [])
        alike = Incident.objects.alike(drill=drill)
        return cls(
            list(alike.recently_on(services, moment).prefetch_related("impacts__service")[:5]),
            list(alike.disturbing(services, moment)[:5]),
        )

    @property
    def shown(self) -> str:
        """What the form sends back to say that the user has seen it."""
        return " ".join(incident.public_id for incident in self.relapse_of)


def linkable(moment: datetime) -> IncidentQuerySet:
    """Incidents a new one may be a relapse of, the newest first."""
    return Incident.objects.filter(began_at__gte=moment - LINKABLE).order_by("-began_at")


def _dated(incident: Incident) -> str:
    began = date_format(timezone.localtime(incident.began_at), "SHORT_DATETIME_FORMAT")
    return f"{incident.severity} {incident} · {began}"


class EarlierField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable when run
    def label_from_instance(self, obj: Any) -> str:
        return _dated(obj)


class EditForm(Titles):
    relapse_of = EarlierField(
        Incident.objects.none(),
        label=_("Relapse of"),
        required=False,
        to_field_name="public_id",
        empty_label=_("No: a new fault"),
    )

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        titles = {f"title_{language}": getattr(incident, f"title_{language}") for language in Language}
        initial = {**titles, "severity": incident.severity, "relapse_of": incident.relapse_of}
        super().__init__(*args, initial=initial, **kwargs)
        for field in self.fields.values():
            field.show_hidden_initial = True
        earlier = (
            linkable(incident.began_at).alike(drill=incident.drill).filter(began_at__lt=incident.began_at)
        )
        linked = Incident.objects.filter(pk=incident.relapse_of_id or 0)
        self.fields["relapse_of"].queryset = (earlier | linked).distinct()  # type: ignore[attr-defined]
        if incident.relapse_of_id:
            self.fields["relapse_of"].required = True
            self.fields["relapse_of"].empty_label = None  # type: ignore[attr-defined]

    def changed_titles(self) -> dict[str, str]:
        """Language → title, of those the user changed."""
        return {
            language: self.cleaned_data[f"title_{language}"]
            for language in Language
            if f"title_{language}" in self.changed_data
        }
