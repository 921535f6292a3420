"""Prepared messages: the form that edits one, and what choosing one does to a message that is being written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from accounts.languages import REQUIRED_PUBLIC_LANGUAGES, Language
from comms.checks import Finding, Message, Text, findings
from comms.forms.updates import UpdateForm, text_field
from comms.models import PARTS, MessageTemplate, MessageTemplateText
from comms.operations.drafts import next_times
from comms.operations.prepared import TemplateData, filled_for
from comms.posts.placeholders import PatternError
from comms.prepared.filling import filled
from incidents.models import Phase, Service

REPLACED = (
    "phase",
    "next_choice",
    "next_time",
    *(f"{part}_{language}" for language in Language for part in PARTS),
)
MOST_UNDONE = 10
OF_AN_INCIDENT = {"next_update", "valid_until", "services"}  # checks of what a prepared message does not hold


@dataclass(frozen=True)
class LanguageFields:
    language: Language
    fields: list[forms.BoundField]


class PreparedForm(forms.Form):
    phase = forms.ChoiceField(choices=Phase.choices, label=gettext_lazy("Phase"))
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1, required=False)

    def __init__(
        self, data: QueryDict | None = None, *, template: MessageTemplate | None, at: datetime
    ) -> None:
        self.at = at
        initial = {"phase": template.phase, "revision": template.revision} if template else {}
        super().__init__(data, initial=initial)
        texts = {text.language: text for text in template.texts.all()} if template else {}
        for language in Language:
            self.fields[f"name_{language}"] = forms.CharField(
                max_length=120,
                required=language in REQUIRED_PUBLIC_LANGUAGES,
                label=gettext_lazy("Name in the list"),
                initial=getattr(template, f"name_{language}", ""),
            )
            for part in PARTS:
                self.fields[f"{part}_{language}"] = text_field(part, texts.get(language))
        for field in self:
            is_list = isinstance(field.field.widget, forms.Select)
            field.field.widget.attrs["class"] = "form-select" if is_list else "form-control"

    @property
    def content(self) -> TemplateData:
        """What was typed, as the operation takes it."""
        given = self.cleaned_data
        return TemplateData(
            phase=Phase(given["phase"]),
            names={language: given.get(f"name_{language}", "") for language in Language},
            texts={
                language: {part: given.get(f"{part}_{language}", "").replace("\r\n", "\n") for part in PARTS}
                for language in Language
            },
        )

    @property
    def languages(self) -> list[LanguageFields]:
        return [
            LanguageFields(
                language, [self[f"name_{language}"], *(self[f"{part}_{language}"] for part in PARTS)]
            )
            for language in Language
        ]

    def differing(self, other: "PreparedForm") -> list[tuple[str, str]]:
        """The label of each field that says otherwise than in *other*, and what *other* says."""
        return [
            (_label(field), _plain(other[field.name].value()))
            for field in self.visible_fields()
            if _plain(field.value()) != _plain(other[field.name].value())
        ]

    @property
    def warnings(self) -> list[Finding]:
        """What the checks would say of a message made from what stands in the form now."""
        try:
            texts = {text.language: _as_told(text) for text in self._example()}
        except PatternError:
            return []
        message = Message(self["phase"].value() or Phase.INVESTIGATING, None, texts=texts)
        found = [finding for finding in findings(message, self.at) if finding.code not in OF_AN_INCIDENT]
        return [finding for finding in found if finding.level != "ok"]

    def _example(self) -> Iterator[MessageTemplateText]:
        """The texts filled in as for an incident of one service. Raises PatternError."""
        service = Service.objects.first()
        rows = [
            MessageTemplateText(
                language=language, **{part: self[f"{part}_{language}"].value() or "" for part in PARTS}
            )
            for language in Language
        ]
        told = filled(
            rows,
            services={language: [service.name_in(language)] if service else [] for language in Language},
            next_update_at=next_times(self.at)[20],
            urls=dict.fromkeys(Language, ""),
        )
        for language, parts in told.items():
            if any(parts.values()):
                yield MessageTemplateText(language=language, **parts)


def _label(field: forms.BoundField) -> str:
    language = field.name.rpartition("_")[2]
    return f"{Language(language).label}, {field.label}" if language in Language else str(field.label)


def _plain(value: object) -> str:
    return str(value or "").replace("\r\n", "\n").strip()


def _as_told(text: MessageTemplateText) -> Text:
    lines = {
        name: tuple(filter(None, map(str.strip, getattr(text, name).splitlines()))) for name in ("do", "dont")
    }
    return Text(text.headline, text.title, text.body, lines["do"], lines["dont"], text.patient)


def with_template(data: QueryDict, form: UpdateForm, template: MessageTemplate) -> QueryDict:
    """*data*, which *form* has judged, with the texts of *template* in place of its own, which can be put back."""
    draft, phase = form.draft, Phase(template.phase)
    promised = None if phase == Phase.RESOLVED else draft.next_update_at or next_times(form.at)[20]
    told = filled_for(
        form.update.incident, list(template.texts.all()), statuses=draft.statuses, next_update_at=promised
    )
    taken = data.copy()
    kept = {name: data.get(name, "") for name in REPLACED}
    taken["undo"] = json.dumps([*_undoable(data), kept][-MOST_UNDONE:])
    taken["phase"] = phase
    if promised and promised != draft.next_update_at:
        taken["next_choice"], taken["next_time"] = promised.isoformat(), ""
    for language in Language:
        for part in PARTS:
            taken[f"{part}_{language}"] = told.get(language, {}).get(part, "")
    return taken


def put_back(data: QueryDict) -> QueryDict:
    """*data* as it was before a prepared message replaced its texts."""
    taken, undoable = data.copy(), _undoable(data)
    if undoable:
        for name, value in undoable[-1].items():
            taken[name] = value
    taken["undo"] = json.dumps(undoable[:-1]) if undoable[:-1] else ""
    return taken


def _undoable(data: QueryDict) -> list[dict[str, str]]:
    """What the page keeps of before; of anything else that came back in its place, nothing."""
    try:
        kept = json.loads(data.get("undo") or "[]")
    except ValueError:
        return []
    if not isinstance(kept, list) or not all(isinstance(fields, dict) for fields in kept):
        return []
    return [{name: str(fields[name]) for name in REPLACED if name in fields} for fields in kept]
