"""What was learned, its languages side by side."""

from collections.abc import Mapping
from typing import Any

from django import forms

from accounts.languages import Language
from incidents.forms.fields import DeskForm
from incidents.operations.postmortem import LONGEST_TEXT


class PostmortemForm(DeskForm):
    revision = forms.IntegerField(min_value=0, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, texts: Mapping[str, str], revision: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["revision"] = revision
        for language in Language:
            self.fields[f"text_{language}"] = forms.CharField(
                label=language.label,
                required=False,
                max_length=LONGEST_TEXT,
                strip=False,
                initial=texts.get(language, ""),
                widget=forms.Textarea(attrs={"rows": 16, "lang": str(language), "class": "form-control"}),
            )

    @property
    def texts(self) -> dict[str, str]:
        return {language: self.cleaned_data[f"text_{language}"] for language in Language}

    @property
    def language_fields(self) -> list[forms.BoundField]:
        return [self[f"text_{language}"] for language in Language]
