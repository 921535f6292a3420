"""Forms of the lists and of one contact."""

from dataclasses import fields, replace
from datetime import datetime, time
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.timezone import get_current_timezone, localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.languages import Language
from accounts.models import User
from accounts.refusals import Refused
from incidents.forms.fields import Day, Moment
from incidents.models import Incident, Service
from tickets import lookup, phone
from tickets.models import (
    Callback,
    Contact,
    ContactChannel,
    ContactImpact,
    ContactOutcome,
    Pharmacy,
    PharmacyPhone,
    Province,
    SoftwareHouse,
    UrgentKind,
)
from tickets.models.contact import ContactQuerySet
from tickets.operations import Conflict, ContactChanges

NO_INCIDENT = "none"
SEARCHED = (
    5_000  # the newest are looked at for what no index finds; a period or an incident reaches further back
)
INCIDENTS = 50  # the newest, to choose one from
ANY = [("", _("any"))]


class FilterForm(forms.Form):
    """Which contacts to list. What is not understood is said beside its field and filters nothing."""

    text = forms.CharField(label=_("Text"), required=False, max_length=120)
    incident = forms.ChoiceField(label=_("Incident"), required=False)
    channel = forms.ChoiceField(label=_("Channel"), choices=[*ANY, *ContactChannel.choices], required=False)
    language = forms.ChoiceField(label=_("Language"), choices=[*ANY, *Language.choices], required=False)
    service = forms.ModelChoiceField(
        Service.objects.all(), label=_("Topic"), required=False, to_field_name="key"
    )
    software_house = forms.ModelChoiceField(
        SoftwareHouse.objects.all(), label=_("Software house"), required=False, to_field_name="key"
    )
    province = forms.ChoiceField(label=_("Province"), choices=[*ANY, *Province.choices], required=False)
    since = Day(label=pgettext_lazy("period", "From"), required=False)
    until = Day(label=pgettext_lazy("period", "To"), required=False)
    mine = forms.BooleanField(label=_("Mine"), required=False)
    urgent = forms.BooleanField(label=_("Patient waiting"), required=False)
    callback = forms.BooleanField(label=_("To call back"), required=False)
    unattached = forms.BooleanField(label=_("To attach"), required=False)
    handed = forms.BooleanField(label=_("Handed to me"), required=False)

    is_bounded = False
    """Whether contacts() has looked at the newest SEARCHED alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(incident.public_id, str(incident)) for incident in Incident.objects.all()[:INCIDENTS]]
        self.fields["incident"].choices = [*ANY, (NO_INCIDENT, _("Without an incident")), *known]  # type: ignore[attr-defined]
        for name in ("service", "software_house"):
            self.fields[name].empty_label = _("any")  # type: ignore[attr-defined]

    def contacts(self, by: User, *, whole: bool = False) -> ContactQuerySet:
        """The contacts asked for, newest first.

        What an index finds is found however old it is. The rest is looked for among the newest SEARCHED of those, so
        that a rare value costs no more with a million contacts than with a thousand; *whole* looks at all of them.
        """
        self.is_valid()
        asked = self.cleaned_data
        switches = {
            "callback": Q(pk__in=Callback.objects.open().values("contact")),
            "handed": Q(handed_to=by),
            "urgent": Q(impact=ContactImpact.PATIENT_WAITING),
            "unattached": Q(pharmacy=None),
            "mine": Q(agent=by),
        }
        found = [condition for name, condition in switches.items() if asked.get(name)]
        looked_for = [Q(**{path: asked[name]}) for name, path in _LOOKUPS.items() if asked.get(name)]
        looked_for = [*found[1:], *looked_for]
        contacts = Contact.objects.filter(self._period & self._incident, *found[:1])
        text = asked.get("text", "").strip()
        of_one = asked.get("incident", "") not in ("", NO_INCIDENT)  # what one incident has is few enough
        self.is_bounded = not whole and bool(text or (looked_for and not of_one))
        if self.is_bounded:
            contacts = _newest(contacts)
        contacts = contacts.filter(*looked_for)
        return _matching(contacts, text) if text else contacts

    @property
    def _period(self) -> Q:
        wanted = Q()
        if since := self.cleaned_data.get("since"):
            wanted &= Q(occurred_at__gte=datetime.combine(since, time.min, get_current_timezone()))
        if until := self.cleaned_data.get("until"):
            wanted &= Q(occurred_at__lte=datetime.combine(until, time.max, get_current_timezone()))
        return wanted

    @property
    def _incident(self) -> Q:
        incident = self.cleaned_data.get("incident")
        if not incident:
            return Q()
        return Q(incident=None) if incident == NO_INCIDENT else Q(incident__public_id=incident)


def _newest(contacts: ContactQuerySet) -> ContactQuerySet:
    """The newest SEARCHED of *contacts*, told by their moment: a range of the index that found them."""
    moments = contacts.order_by("-occurred_at", "-pk").values_list("occurred_at", flat=True)
    oldest = moments[SEARCHED - 1 : SEARCHED].first()
    return contacts.filter(occurred_at__gte=oldest) if oldest else contacts


_LOOKUPS = {
    "channel": "channel",
    "language": "language",
    "service": "service",
    "software_house": "pharmacy__software_house",
    "province": "pharmacy__province",
}


class ContactForm(forms.Form):
    """One contact, all of it. *revision* is the one it was shown in. It may move to one of the newest incidents."""

    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    caller = forms.CharField(label=_("Caller"), required=False, max_length=120)
    pharmacy = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    incident = forms.ModelChoiceField(
        Incident.objects.none(),
        label=_("Incident"),
        required=False,
        to_field_name="public_id",
        empty_label=_("Without an incident"),
    )
    channel = forms.ChoiceField(label=_("Channel"), choices=ContactChannel.choices)
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)
    service = forms.ModelChoiceField(
        Service.objects.all(), label=_("Topic"), required=False, to_field_name="key", empty_label=_("none")
    )
    impact = forms.ChoiceField(label=_("Impact"), choices=ContactImpact.choices)
    needed_by = Moment(label=_("Needed by"), required=False)
    urgent_kind = forms.ChoiceField(
        label=_("What is needed"), choices=[("", "–"), *UrgentKind.choices], required=False
    )
    outcome = forms.ChoiceField(label=_("Outcome"), choices=ContactOutcome.choices)
    note = forms.CharField(label=_("Note"), required=False, max_length=500)

    def __init__(self, *args: Any, contact: Contact, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newest = Incident.objects.values("pk")[:INCIDENTS]
        offered = Incident.objects.filter(Q(pk__in=newest) | Q(pk=contact.incident_id))
        self.fields["incident"].queryset = offered  # type: ignore[attr-defined]

    @classmethod
    def of(cls, contact: Contact) -> "ContactForm":
        """The form as *contact* fills it."""
        return cls(
            contact=contact,
            initial={
                "revision": contact.revision,
                "caller": contact.caller_text,
                "pharmacy": contact.pharmacy_id,
                "incident": contact.incident.public_id if contact.incident else "",
                "channel": contact.channel,
                "language": contact.language,
                "service": contact.service.key if contact.service else "",
                "impact": contact.impact,
                "needed_by": localtime(contact.needed_by).replace(tzinfo=None) if contact.needed_by else None,
                "urgent_kind": contact.urgent_kind,
                "outcome": contact.outcome,
                "note": contact.note,
            },
        )

    def clean_pharmacy(self) -> Pharmacy | None:
        pk = self.cleaned_data["pharmacy"]
        pharmacy = Pharmacy.objects.filter(pk=pk).first() if pk else None
        if pk and pharmacy is None:
            raise forms.ValidationError(
                _("This pharmacy is not in the list any more. Look the caller up again.")
            )
        return pharmacy

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("impact") != ContactImpact.PATIENT_WAITING:
            data["needed_by"], data["urgent_kind"] = None, ""
        return data

    @property
    def changes(self) -> ContactChanges:
        data = self.cleaned_data
        return ContactChanges(
            channel=ContactChannel(data["channel"]),
            pharmacy=data["pharmacy"],
            caller_text=data["caller"],
            incident=data["incident"],
            language=data["language"],
            service=data["service"],
            impact=ContactImpact(data["impact"]),
            needed_by=data["needed_by"],
            outcome=ContactOutcome(data["outcome"]),
            note=data["note"],
            urgent_kind=data["urgent_kind"],
        )

    def changes_but(self, theirs: list[str], stored: Contact) -> ContactChanges:
        """The changes, save that the fields named in *theirs* stay as they are *stored*."""
        names = {field.name for field in fields(ContactChanges)}
        return replace(self.changes, **{name: getattr(stored, name) for name in theirs if name in names})

    def merged(self, conflict: Conflict, stored: Contact) -> dict[str, Any]:
        """What to show after *conflict*: what is typed where both changed it, what is *stored* everywhere else."""
        both = {_FORM_NAMES.get(change.field, change.field) for change in conflict.changes}
        newest = {name: value for name, value in ContactForm.of(stored).initial.items() if name not in both}
        typed = {name: value for name, value in self.data.items() if name in both}
        return {name: "" if value is None else value for name, value in (newest | typed).items()}

    def refuse(self, refusal: Refused) -> None:
        self.add_error(refusal.field if refusal.field in self.fields else None, refusal.message)


_FORM_NAMES = {"caller_text": "caller"}


def _matching(contacts: ContactQuerySet, text: str) -> ContactQuerySet:
    """Every word in the pharmacy, the caller or the note; or a number in whichever spelling."""
    if phone.looks_like_number(text):
        digits = phone.significant_digits(text)
        theirs = PharmacyPhone.objects.filter(e164__contains=digits).values("pharmacy")
        return contacts.filter(
            Q(caller_e164__contains=digits)
            | Q(caller_text__contains=text)
            | Q(pharmacy__apb_number__startswith=digits)
            | Q(pharmacy__in=theirs)
        )
    for word in text.split()[: lookup.MOST_WORDS]:
        plain = Q(caller_text__icontains=word) | Q(note__icontains=word)
        folded = lookup.words(word)
        contacts = contacts.filter(plain | Q(pharmacy__search_text__contains=folded[0]) if folded else plain)
    return contacts
