"""Putting a published message right, and taking one back."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.languages import Language
from comms.forms.updates import text_field
from comms.models import PARTS, Update
from comms.operations.changes import LONGEST_REASON, CorrectedText
from incidents.models import Phase

CLOCKS = {"next_time": "next_update_at", "valid": "valid_until"}
# Where the form asks for what the operation knows by another name.
FORM_FIELDS = {stored: field for field, stored in CLOCKS.items()}


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Why (for the timeline; not public)"),
        max_length=LONGEST_REASON,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
        error_messages={"required": _("Say why: it stands in the timeline.")},
    )


class CorrectionForm(ReasonForm):
    """The published texts, to be changed; a time of day keeps the day of the moment it stands for."""

    key = forms.UUIDField()
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    def __init__(self, data: QueryDict | None = None, *, update: Update) -> None:
        self.update = update
        super().__init__(data, initial={"revision": update.revision})
        for name, label in (("next_time", _("Next message")), ("valid", _("To do, holds until"))):
            moment = getattr(update, CLOCKS[name])
            self.fields[name] = forms.TimeField(
                required=name == "next_time" and update.phase != Phase.RESOLVED,
                label=label,
                initial=timezone.localtime(moment).time() if moment else None,
                widget=forms.TimeInput(format="%H:%M", attrs={"type": "time", "class": "form-control"}),
                disabled=update.phase == Phase.RESOLVED,
            )
        texts = {text.language: text for text in update.texts.all()}
        for language in Language:
            for part in PARTS:
                field = text_field(part, texts.get(language))
                field.widget.attrs["class"] = "form-control"
                self.fields[f"{part}_{language}"] = field

    @property
    def languages(self) -> list[tuple[Language, list[forms.BoundField]]]:
        return [(language, [self[f"{part}_{language}"] for part in PARTS]) for language in Language]

    @property
    def times(self) -> list[forms.BoundField]:
        return [self[name] for name in CLOCKS]

    @property
    def corrected(self) -> CorrectedText:
        cleaned = self.cleaned_data
        return CorrectedText(
            texts={
                language: {part: cleaned[f"{part}_{language}"].replace("\r\n", "\n") for part in PARTS}
                for language in Language
            },
            next_update_at=self._moment("next_time"),
            valid_until=self._moment("valid"),
        )

    def _moment(self, name: str) -> datetime | None:
        """The stored moment while its clock stands there; else that time of day, after the message."""
        clock: time | None = self.cleaned_data.get(name)
        stored: datetime | None = getattr(self.update, CLOCKS[name])
        if clock is None:
            return None
        if stored and clock == timezone.localtime(stored).time().replace(second=0, microsecond=0):
            return stored
        published = self.update.published_at
        assert published  # noqa: S101 -- only published messages are corrected
        return _first_after(clock, published)

    def refuse(self, refusal: Any) -> None:
        name = FORM_FIELDS.get(refusal.field, refusal.field)
        self.add_error(name if name in self.fields else None, refusal.message)


def _first_after(clock: time, moment: datetime) -> datetime:
    """The first time after *moment* that the clock in Brussels shows *clock*."""
    local = timezone.localtime(moment)
    found = local.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return found if found > moment else found + timedelta(days=1)
