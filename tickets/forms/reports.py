"""The form for anyone: "I have this too"."""

import re
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import FETCH_RAISE
from django.utils.translation import gettext_lazy as _

from accounts.public import form_key, key_in
from incidents.models import Service
from tickets.models import SoftwareHouse

# How people write it: "APB 123 456", "apb: 123.456".
_AROUND_DIGITS = re.compile(r"^\s*apb|[\s.:/-]", re.IGNORECASE)


class ReportForm(forms.Form):
    service = forms.ChoiceField(
        label=_("What does not work?"),
        error_messages={
            "required": _("Choose what does not work."),
            "invalid_choice": _("Choose a service from the list."),
        },
    )
    software_house = forms.ChoiceField(
        required=False,
        label=_("Your software"),
        error_messages={"invalid_choice": _("Choose from the list, or leave it.")},
    )
    apb_number = forms.CharField(
        required=False,
        max_length=40,
        label=_("APB number (optional)"),
        help_text=_("So that we see where it fails. Nothing else about you is kept."),
        error_messages={
            "max_length": _("This does not look like an APB number. Correct it, or leave it empty.")
        },
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "short"}),
    )
    key = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        services = Service.objects.select_related("group").fetch_mode(FETCH_RAISE)
        self.services = {service.public_id: service for service in services}
        self.software_houses = {house.key: house for house in SoftwareHouse.objects.all()}
        self.fields["service"].choices = [("", _("Choose…")), *self._grouped()]  # type: ignore[attr-defined]
        self.fields["software_house"].choices = [  # type: ignore[attr-defined]
            ("", _("Another one, or I do not know")),
            *((key, house.name) for key, house in self.software_houses.items()),
        ]

    def _grouped(self) -> list[tuple[str, list[tuple[str, str]]]]:
        groups: dict[str, list[tuple[str, str]]] = {}
        for public_id, service in self.services.items():
            groups.setdefault(str(service.group), []).append((public_id, str(service)))
        return list(groups.items())

    def clean_service(self) -> Service:
        return self.services[self.cleaned_data["service"]]

    def clean_software_house(self) -> SoftwareHouse | None:
        return self.software_houses.get(self.cleaned_data["software_house"])

    def clean_apb_number(self) -> str:
        number = _AROUND_DIGITS.sub("", self.cleaned_data["apb_number"])
        if number and not re.fullmatch(settings.DESK_APB_PATTERN, number, re.ASCII):
            raise ValidationError(_("This does not look like an APB number. Correct it, or leave it empty."))
        return number

    def clean_key(self) -> UUID:
        key = key_in(self.cleaned_data["key"])
        if key is None:
            raise ValidationError(_("This page has been open for long. Send it once more."))
        return key

    @property
    def key_to_show(self) -> str:
        """The key that came with the form, so that it counts once; a new one where that is none of ours."""
        came = self.data.get("key", "")
        return came if key_in(came) else form_key()
