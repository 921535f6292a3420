"""One reusable answer, in the callers' languages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.refusals import Refused
from tickets.models import Answer
from tickets.operations import AnswerData


class AnswerForm(forms.Form):
    """*revision* is the one the answer was shown in, 0 for a new one."""

    revision = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0, widget=forms.HiddenInput)
    trigger = forms.CharField(
        label=_("Trigger"), max_length=22, help_text=_("Short, as cert: agents type ::cert into a note.")
    )
    text_fr = forms.CharField(
        label=_("French"), max_length=400, widget=forms.Textarea({"rows": 3, "lang": "fr"})
    )
    text_nl = forms.CharField(
        label=_("Dutch"), max_length=400, widget=forms.Textarea({"rows": 3, "lang": "nl"})
    )
    text_de = forms.CharField(
        label=_("German"), max_length=400, required=False, widget=forms.Textarea({"rows": 3, "lang": "de"})
    )
    text_en = forms.CharField(
        label=_("English"), max_length=400, required=False, widget=forms.Textarea({"rows": 3, "lang": "en"})
    )

    @classmethod
    def of(cls, answer: Answer | None) -> "AnswerForm":
        return cls(initial={name: getattr(answer, name) for name in cls.base_fields} if answer else None)

    @property
    def answer(self) -> AnswerData:
        data: dict[str, Any] = {**self.cleaned_data}
        data.pop("revision")
        return AnswerData(**data)

    def refuse(self, refusal: Refused) -> None:
        self.add_error(refusal.field if refusal.field in self.fields else None, refusal.message)
