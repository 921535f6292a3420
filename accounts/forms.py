import phonenumbers
from django import forms
from django.utils.translation import gettext as _

from accounts.models import User


def mobile_number(text: str) -> str:
    """As E.164, +32470123456; empty stays empty. Raises ValidationError."""
    if not text.strip():
        return ""
    try:
        number = phonenumbers.parse(text.strip(), "BE")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise forms.ValidationError(
            _("This is not a telephone number. Write it like 0470 12 34 56 or +32 470 12 34 56.")
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class PhoneField(forms.CharField):
    """A telephone number, kept as E.164."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, str]:
        """As people write it, it is longer than what is kept."""
        return {"inputmode": "tel", "autocomplete": "tel", "maxlength": "40"}

    def to_python(self, value: object) -> str:
        return mobile_number(super().to_python(value) or "")


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when run
    class Meta:
        model = User
        fields = ("language", "single_keys", "extension", "phone")
        field_classes = {"phone": PhoneField}
