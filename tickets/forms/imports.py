"""The file of pharmacies or software houses that is handed in."""

import uuid

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tickets import spreadsheets
from tickets.models import ImportKind


class ImportForm(forms.Form):
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    kind = forms.ChoiceField(label=gettext_lazy("What the file lists"), choices=ImportKind.choices)
    file = forms.FileField(
        label=gettext_lazy("File, XLSX or CSV"),
        widget=forms.FileInput({"accept": ".xlsx,.csv,.txt"}),
        max_length=200,
    )

    def clean_file(self) -> "UploadedFile[bytes]":
        given: UploadedFile[bytes] = self.cleaned_data["file"]
        if (given.size or 0) > spreadsheets.MOST_BYTES:
            most = filesizeformat(spreadsheets.MOST_BYTES)
            raise forms.ValidationError(_("At most %(most)s.") % {"most": most})
        return given
