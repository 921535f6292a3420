from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.languages import Language
from accounts.models import User
from accounts.refusals import Refused
from tickets.models import CameBy
from tickets.permissions import colleagues


class _Form(forms.Form):
    def refuse(self, refusal: Refused) -> None:
        self.add_error(refusal.field if refusal.field in self.fields else None, refusal.message)


class ShiftForm(_Form):
    person = forms.ModelChoiceField(User.objects.none(), label=_("Who"), empty_label=None)
    came_by = forms.ChoiceField(choices=CameBy.choices, label=_("How"), initial=CameBy.REGULAR)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["person"]
        field.queryset = colleagues()  # type: ignore[attr-defined]
        field.label_from_instance = lambda user: user.display_name  # type: ignore[attr-defined]


class NoteForm(_Form):
    key = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(
        label=_("For the next ones at the phones"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write what the next ones must know.")},
    )


class InvitationForm(_Form):
    key = forms.UUIDField(widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=60, error_messages={"required": _("Who is to help?")})
    language = forms.ChoiceField(
        label=_("Language of the screen"),
        choices=[(code, Language(code).label) for code in ("fr", "nl", "en")],
    )


class JoinForm(_Form):
    username = forms.CharField(
        label=_("User name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("The same password again"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("password") and data.get("again") and data["password"] != data["again"]:
            self.add_error("again", _("This is not the same password."))
        return data
