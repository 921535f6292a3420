"""What changes while an incident lasts."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from incidents.forms.fields import DeskForm, KeyedForm, Moment, StatusesField, StatusRow, catalogue
from incidents.models import (
    Entry,
    EntryKind,
    Incident,
    Milestone,
    MilestoneKind,
    Partner,
    Phase,
    ResponseRole,
)
from incidents.models.states import PHASE_TRANSITIONS
from incidents.models.timeline import NOTABLE_KINDS
from incidents.operations.course import LONGEST_REASON
from incidents.operations.team import DEPUTY
from incidents.timeline import LONGEST_TEXT

WHEN = _("When it happened")
LEFT_EMPTY = _("Brussels time; empty: now.")


class StatusesForm(DeskForm):
    services = StatusesField(label=_("Services"))
    occurred_at = Moment(label=WHEN, help_text=LEFT_EMPTY, required=False)

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["services"]
        assert isinstance(field, StatusesField)  # noqa: S101 -- tells the type
        field.offer(catalogue(), impacts=incident.open_impacts)

    def service_rows(self) -> list[StatusRow]:
        return self.fields["services"].rows(self["services"].value())  # type: ignore[attr-defined,no-any-return]


class MoveForm(DeskForm):
    phase = forms.ChoiceField(
        label=_("Phase"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a phase.")},
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=LONGEST_REASON, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    occurred_at = Moment(label=WHEN, help_text=LEFT_EMPTY, required=False)

    def __init__(self, *args: Any, phase: Phase, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        following = PHASE_TRANSITIONS[phase]
        self.fields["phase"].choices = [(p.value, p.label) for p in following]  # type: ignore[attr-defined]
        if len(following) == 1:
            self.initial["phase"] = following[0].value
        self.fields["reason"].required = phase == Phase.RESOLVED


class PlanForm(DeskForm):
    planned_for = Moment(label=_("Planned for"))


class ReachForm(DeskForm):
    occurred_at = Moment(label=_("Reached at (empty: now)"), required=False)
    confirmed_by = forms.ModelChoiceField(
        Partner.objects.all(),
        label=_("Confirmed by"),
        required=False,
        to_field_name="key",
        empty_label=_("no partner yet"),
    )


class ConfirmForm(DeskForm):
    confirmed_by = forms.ModelChoiceField(
        Partner.objects.all(),
        label=_("Confirmed by"),
        to_field_name="key",
        empty_label=_("no partner yet"),
    )


class PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable when run
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.display_name)


class RolesForm(DeskForm):
    """A person for each role, and who stands in; only those the user changed count."""

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = [a for a in incident.role_assignments.all() if a.released_at is None]
        held = {f"{a.role}{DEPUTY if a.deputy else ''}": a.person_id for a in current}
        people = User.objects.filter(is_active=True).order_by("last_name", "first_name", "username")
        for role in ResponseRole:
            deputy = gettext("%(role)s, deputy") % {"role": capfirst(role.label)}
            for name, label in ((role.value, capfirst(role.label)), (f"{role.value}{DEPUTY}", deputy)):
                self.fields[name] = PersonField(
                    people,
                    label=label,
                    required=False,
                    empty_label=_("nobody"),
                    initial=held.get(name),
                    show_hidden_initial=True,
                )


class NoteForm(KeyedForm):
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[(kind.value, kind.label) for kind in NOTABLE_KINDS],
        widget=forms.RadioSelect,
        initial=EntryKind.NOTE.value,
    )
    text = forms.CharField(
        label=_("What happened"), max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )
    source = forms.ModelChoiceField(
        Partner.objects.all(),
        label=_("Heard from"),
        required=False,
        to_field_name="key",
        empty_label=_("no partner"),
    )
    occurred_at = Moment(label=WHEN, help_text=LEFT_EMPTY, required=False)
    corrects = forms.ModelChoiceField(
        Entry.objects.none(), required=False, to_field_name="sequence", widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["corrects"].queryset = incident.entries.all()  # type: ignore[attr-defined]

    def corrected(self) -> Entry | None:
        """The entry this one puts right, where it is one of the incident's."""
        sequence = str(self["corrects"].value() or "")
        entries = self.fields["corrects"].queryset  # type: ignore[attr-defined]
        found: Entry | None = entries.filter(sequence=sequence).first() if sequence.isdecimal() else None
        return found


@dataclass
class StageRow:
    """A stage of recovery and what is left to say of it; `posted` is the form that was sent."""

    kind: str
    label: str
    milestone: Milestone | None
    plan: PlanForm | None = None
    reach: DeskForm | None = None
    posted: DeskForm | None = None


def stage_rows(incident: Incident, data: QueryDict | None) -> list[StageRow]:
    """One row for each stage in their usual order; *data* is bound to the form it came from."""
    milestones = {milestone.kind: milestone for milestone in incident.milestones.all()}
    return [_stage_row(kind, milestones.get(kind), data) for kind in MilestoneKind]


def _stage_row(kind: MilestoneKind, milestone: Milestone | None, data: QueryDict | None) -> StageRow:
    row = StageRow(kind.value, str(kind.label), milestone)
    mine = data if data and data.get("kind") == kind else None
    does = mine.get("does") if mine else None
    if milestone is None or milestone.reached_at is None:
        planned = {"planned_for": milestone.planned_for} if milestone else {}
        row.plan = PlanForm(mine if does == "plan" else None, prefix=kind, initial=planned)
        row.reach = ReachForm(mine if does == "reach" else None, prefix=kind)
    elif milestone.confirmed_by_id is None:
        row.reach = ConfirmForm(mine if does == "reach" else None, prefix=kind)
    row.posted = next((form for form in (row.plan, row.reach) if form and form.is_bound), None)
    return row
