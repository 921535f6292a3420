"""What the forms of incidents have in common: moments, services with a status each, refusals beside fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.refusals import Refused
from incidents.models import Impact, Service, ServiceStatus

YEARS = range(1900, 2200)


class Moment(forms.DateTimeField):
    """A date and a time of day in Brussels."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    default_error_messages = {"invalid": _("Give a date and a time of day.")}

    def to_python(self, value: Any) -> datetime | None:
        """Years that no calendar of ours reaches are refused before a zone is reckoned with."""
        if isinstance(value, str):
            try:
                typed = parse_datetime(value.strip())
            except ValueError:
                typed = None
            if typed and typed.year not in YEARS:
                raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class Day(forms.DateField):
    """A date in Brussels, in a year that can be reckoned with."""

    widget = forms.DateInput(attrs={"type": "date"})

    def to_python(self, value: Any) -> date | None:
        day: date | None = super().to_python(value)
        if day and day.year not in YEARS:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return day


class DeskForm(forms.Form):
    """A form whose operation may refuse."""

    def refuse(self, refusal: Refused) -> None:
        """Put what the operation said beside its field, or above the form."""
        self.add_error(refusal.field if refusal.field in self.fields else None, refusal.message)

    def as_opened(self) -> list[SafeString]:
        """Hidden fields with what the form showed first: what others changed meanwhile is not undone by it."""
        shown = [self[name] for name, field in self.fields.items() if field.show_hidden_initial]
        return [field.as_hidden(only_initial=True) for field in shown]


class KeyedForm(DeskForm):
    """A form that creates something, once: its key is made by {% client_key %}."""

    key = forms.UUIDField(
        error_messages={"required": _("Send this again."), "invalid": _("Send this again.")}
    )

    @property
    def key_again(self) -> object:
        """The key to show the form with again; a new one where the one that came is none."""
        return getattr(self, "cleaned_data", {}).get("key")


@dataclass(frozen=True)
class StatusRow:
    """A service as the form shows it: what is chosen now, and what stood there when the form was opened."""

    service: Service
    chosen: str
    was: str


class StatusesWidget(forms.Widget):
    """One set of radios for each service, laid out by incidents/statuses_rows.html."""

    def value_from_datadict(self, data: Mapping[str, Any], _files: object, name: str) -> dict[str, str]:
        prefix = f"{name}-"
        return {key.removeprefix(prefix): data[key] for key in data if key.startswith(prefix)}


class StatusesField(forms.Field):
    """Services and their status. Cleans to those that the user changed: what others changed meanwhile stays."""

    widget = StatusesWidget
    default_error_messages = {
        "unknown": _("A service of this form is no longer there: open it anew."),
        "invalid_choice": _("Choose one of the statuses."),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.services: list[Service] = []
        self.current: dict[int, str] = {}

    def offer(self, services: list[Service], impacts: list[Impact]) -> None:
        """*impacts* are the open ones; a service without one works."""
        self.services = services
        self.current = {impact.service_id: impact.status for impact in impacts}

    def rows(self, typed: Mapping[str, str] | None) -> list[StatusRow]:
        typed = typed or {}
        rows = []
        for service in self.services:
            was = typed.get(f"was-{service.public_id}", self._status(service))
            rows.append(StatusRow(service, typed.get(service.public_id, was), was))
        return rows

    def _status(self, service: Service) -> str:
        return self.current.get(service.pk, ServiceStatus.OPERATIONAL.value)

    def clean(self, value: Mapping[str, str]) -> dict[Service, ServiceStatus]:
        known = {service.public_id for service in self.services}
        if {key.removeprefix("was-") for key in value} - known:
            raise ValidationError(self.error_messages["unknown"], code="unknown")
        changed = {}
        for row in self.rows(value):
            if row.chosen not in ServiceStatus.values:
                raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
            if row.chosen != row.was:
                changed[row.service] = ServiceStatus(row.chosen)
        return changed


def catalogue() -> list[Service]:
    return list(Service.objects.select_related("group"))
