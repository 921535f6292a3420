"""The log row: one call on one line of a form, and nothing in it that must be filled but the caller."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django import forms
from django.db.models import BigIntegerField, CharField, Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from accounts.composed import Composed
from accounts.languages import Language
from accounts.refusals import Refused
from comms.models import Update
from incidents.models import Incident, Service
from incidents.personal_data import national_numbers
from tickets import moments
from tickets.models import (
    Callback,
    CallbackWindow,
    Contact,
    ContactChannel,
    ContactImpact,
    ContactOutcome,
    Pharmacy,
    UrgentKind,
)
from tickets.operations import CallbackRequest

UNKNOWN_PHARMACY = _("This pharmacy is not in the list any more. Look the caller up again.")
WAITS_AT_MOST = int(timedelta(hours=25).total_seconds())  # browsers keep a call for a day
SLOTS = ("incident", "caller", "needed_by", "callback_number", "callback_at", "note")


class LogForm(forms.Form):
    """Cleans to the arguments of operations.log_contact (`contact`), told apart by the names it shows.

    *told* is the number of the update that stood beside the form: what the caller heard. *waited*: for how many seconds
    the call has waited in a browser without a connection; the call, and `at` with it, was so much earlier.
    """

    key = forms.UUIDField(widget=forms.HiddenInput)
    incident = forms.CharField(required=False, max_length=12)
    told = forms.IntegerField(required=False, min_value=1, max_value=100_000, widget=forms.HiddenInput)
    channel = forms.ChoiceField(choices=ContactChannel.choices)
    caller = forms.CharField(required=False, max_length=120)
    pharmacy = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    language = forms.ChoiceField(choices=Language.choices, required=False)
    service = forms.ModelChoiceField(Service.objects.order_by(), required=False, to_field_name="key")
    impact = forms.ChoiceField(choices=ContactImpact.choices, required=False)
    needed_by = forms.CharField(required=False, max_length=10)
    urgent_kind = forms.ChoiceField(choices=UrgentKind.choices, required=False)
    callback = forms.BooleanField(required=False)
    callback_number = forms.CharField(required=False, max_length=40)
    callback_window = forms.ChoiceField(choices=CallbackWindow.choices, required=False)
    callback_at = forms.CharField(required=False, max_length=10)
    note = forms.CharField(required=False, max_length=500)
    outcome = forms.ChoiceField(choices=ContactOutcome.choices, required=False)
    waited = forms.IntegerField(required=False, min_value=0, max_value=WAITS_AT_MOST)

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self.at -= timedelta(seconds=data.get("waited") or 0)
        told = data.get("told")
        data["incident"], data["told_update"] = self._incident(data.get("incident", ""), told)
        self.now = data["incident"].now(self.at) if data["incident"] else self.at
        data["pharmacy"] = self._pharmacy(data.get("pharmacy"), data["incident"])
        data["needed_by"] = self._moment("needed_by")
        data["callback"] = self._callback() if data.get("callback") else None
        if data["needed_by"] or data.get("urgent_kind"):  # given for a patient, whatever the switch says
            data["impact"] = ContactImpact.PATIENT_WAITING
        return data

    @property
    def contact(self) -> dict[str, Any]:
        """The keyword arguments of log_contact."""
        data = self.cleaned_data
        return {
            **{
                name: data[name]
                for name in (
                    "key",
                    "incident",
                    "told_update",
                    "pharmacy",
                    "service",
                    "needed_by",
                    "urgent_kind",
                    "callback",
                    "note",
                )
            },
            "occurred_at": self.now,
            "caller_text": data["caller"],
            "channel": ContactChannel(data["channel"]),
            "language": data["language"],
            "impact": ContactImpact(data["impact"] or ContactImpact.INFO),
            "outcome": ContactOutcome(data["outcome"] or ContactOutcome.INFORMED),
        }

    @classmethod
    def fields_of(cls, contact: Contact) -> dict[str, str]:
        """What was typed, for a row that is to hold *contact* again."""
        callback: Callback | None = getattr(contact, "callback", None)
        typed = {
            "incident": contact.incident.public_id if contact.incident else "",
            "channel": contact.channel,
            "caller": contact.caller_text or contact.caller,
            "pharmacy": str(contact.pharmacy_id or ""),
            "language": contact.language,
            "service": contact.service.key if contact.service else "",
            "impact": contact.impact,
            "needed_by": f"{localtime(contact.needed_by):%H:%M}" if contact.needed_by else "",
            "urgent_kind": contact.urgent_kind,
            "note": contact.note,
        }
        if callback:
            typed |= {
                "callback": "on",
                "callback_number": callback.number,
                "callback_window": callback.window,
            }
            typed["callback_at"] = f"{localtime(callback.due_at):%H:%M}" if callback.due_at else ""
        return typed

    @property
    def slots(self) -> list[forms.BoundField]:
        """The fields that have a place of their own for a refusal."""
        return [self[name] for name in SLOTS]

    @property
    def other_errors(self) -> list[str]:
        """Refusals of the whole, and of fields that only a broken page can fill wrongly."""
        return [str(error) for name, errors in self.errors.items() if name not in SLOTS for error in errors]

    @property
    def holds_national_number(self) -> bool:
        return any(national_numbers(self.cleaned_data[name]) for name in ("caller", "note"))

    def refuse(self, refusal: Refused) -> None:
        """Put what the operation says beside its field."""
        self.add_error(refusal.field if refusal.field in self.fields else None, refusal.message)

    def _incident(self, public_id: str, told: int | None) -> tuple[Incident | None, Update | None]:
        if not public_id:
            return None, None
        update = _TOLD.first(public_id=public_id, number=told) if told is not None else None
        if update:
            return update.incident, update
        incident = Incident.objects.filter(public_id=public_id).first()
        if incident is None:
            self.add_error("incident", _("There is no such incident. Choose another, or none."))
        return incident, None

    def _pharmacy(self, pk: int | None, incident: Incident | None) -> Pharmacy | None:
        """The pharmacy with `calls`, how often it called on *incident* so far, in the same query."""
        if pk is None:
            return None
        pharmacy = _CALLED_ON.first(pk=pk, incident=incident.pk) if incident else _CALLED_WITHOUT.first(pk=pk)
        if pharmacy is None:
            self.add_error("caller", UNKNOWN_PHARMACY)
        return pharmacy

    def _callback(self) -> CallbackRequest:
        window = CallbackWindow(self.cleaned_data.get("callback_window") or CallbackWindow.RECOVERY)
        due_at = self._moment("callback_at") if window == CallbackWindow.AT else None
        return CallbackRequest(self.cleaned_data.get("callback_number", ""), window, due_at)

    def _moment(self, name: str) -> datetime | None:
        typed = self.cleaned_data.get(name, "")
        if not typed:
            return None
        try:
            return moments.next_clock_time(typed, after=self.now)
        except Refused as refusal:
            self.add_error(name, refusal.message)
            return None


class _Shared(dict[str, forms.Field]):
    """Fields that no form changes: copying them is an eighth of the work of a call."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> "_Shared":
        return self


LogForm.base_fields = _Shared(LogForm.base_fields)


def _with_calls(pk: Any, **about: Any) -> "QuerySet[Pharmacy]":
    earlier = Contact.objects.filter(pharmacy=OuterRef("pk"), **about).order_by()
    counted = earlier.values("pharmacy").annotate(calls=Count("pk")).values("calls")
    return Pharmacy.objects.filter(pk=pk).annotate(calls=Coalesce(Subquery(counted), 0))


_CALLED_ON = Composed(_with_calls, pk=BigIntegerField(), incident=BigIntegerField())
_CALLED_WITHOUT = Composed(partial(_with_calls, incident=None), pk=BigIntegerField())
_TOLD = Composed(
    lambda public_id, number: (
        Update.objects.published()
        .filter(incident__public_id=public_id, number=number)
        .select_related("incident")
    ),
    public_id=CharField(),
    number=IntegerField(),
)
