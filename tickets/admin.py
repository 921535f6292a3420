"""Pharmacies and software houses are kept by administrators."""

import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.refusals import Refused
from tickets import lookup, phone
from tickets.models import Pharmacy, PharmacyPhone, SoftwareHouse


class PhoneForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = PharmacyPhone
        fields = ("raw",)

    def clean_raw(self) -> str:
        try:
            number = phone.parse(self.cleaned_data["raw"])
        except Refused as refusal:
            raise forms.ValidationError(refusal.message) from refusal
        self.instance.e164 = number.e164
        return number.raw


class PharmacyForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_apb_number(self) -> str:
        number: str = self.cleaned_data["apb_number"]
        if not re.fullmatch(settings.DESK_APB_PATTERN, number, re.ASCII):
            raise forms.ValidationError(_("This does not look like an APB number."))
        return number


class PhoneInline(admin.TabularInline):  # type: ignore[type-arg]
    model = PharmacyPhone
    form = PhoneForm
    extra = 1


@admin.register(Pharmacy)
class PharmacyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = PharmacyForm
    list_display = ("name", "town", "postcode", "apb_number", "language", "software_house")
    list_filter = ("language", "province", "software_house")
    list_select_related = ("software_house",)
    search_fields = ("name", "town", "postcode", "apb_number", "holder")
    inlines = (PhoneInline,)

    def save_model(self, request: HttpRequest, obj: Pharmacy, form: Any, change: Any) -> None:
        obj.search_text = lookup.searchable(obj)
        super().save_model(request, obj, form, change)


@admin.register(SoftwareHouse)
class SoftwareHouseAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "phone", "on_call_phone", "email")
    search_fields = ("name",)
    prepopulated_fields = {"key": ("name",)}
