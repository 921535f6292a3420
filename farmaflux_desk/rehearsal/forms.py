"""Beginning an exercise from a scenario, and its speed."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from farmaflux_desk.rehearsal import replay, scenario
from farmaflux_desk.rehearsal.scenario import Scenario, Unreadable
from incidents.forms.fields import DeskForm, KeyedForm
from incidents.models import Incident

MOST_SHOWN = 50  # problems of one file
OWN = "own"


class SpeedForm(DeskForm):
    speed = forms.IntegerField(
        label=gettext_lazy("Speed: so many minutes of the scenario in one minute"),
        min_value=min(replay.SPEEDS),
        max_value=max(replay.SPEEDS),
        initial=1,
    )


class StartForm(SpeedForm, KeyedForm):
    """Of a valid one `scenario` is what is to be played."""

    source = forms.ChoiceField(
        label=gettext_lazy("Scenario"),
        choices=[
            ("built_in", gettext_lazy("1 July 2022, 13:30 to 17:45 (built in)")),
            (OWN, gettext_lazy("A file of our own")),
        ],
        widget=forms.RadioSelect,
        initial="built_in",
    )
    file = forms.FileField(
        label=gettext_lazy("Scenario file (YAML)"),
        required=False,
        max_length=200,
        widget=forms.FileInput({"accept": ".yaml,.yml,.txt"}),
    )
    into = forms.ChoiceField(label=gettext_lazy("Exercise"), required=False)
    field_order = ("into", "source", "file", "speed")
    scenario: Scenario
    incident: Incident | None = None
    """The exercise under way that it is loaded into; None: it begins a new one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting = {incident.public_id: incident for incident in replay.waiting()}
        running = [
            (public_id, _("%(incident)s, under way") % {"incident": incident})
            for public_id, incident in self._waiting.items()
        ]
        self.fields["into"].choices = [("", _("A new one")), *running]  # type: ignore[attr-defined]

    def clean_into(self) -> str:
        chosen: str = self.cleaned_data["into"]
        self.incident = self._waiting.get(chosen)
        return chosen

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if "source" in given and "file" in given:
            try:
                self.scenario = self._own(given["file"]) if given["source"] == OWN else replay.built_in()
            except Unreadable as unreadable:
                shown = [str(problem) for problem in unreadable.problems[:MOST_SHOWN]]
                more = len(unreadable.problems) - len(shown)
                if more:
                    shown.append(_("… and %(n)d more.") % {"n": more})
                self.add_error("file" if given["source"] == OWN else "source", shown)
        return given

    def _own(self, file: "UploadedFile[bytes] | None") -> Scenario:
        if file is None:
            raise forms.ValidationError({"file": _("Choose the file of the scenario.")})
        if (file.size or 0) > scenario.MOST_BYTES:
            most = filesizeformat(scenario.MOST_BYTES)
            raise forms.ValidationError({"file": _("At most %(most)s.") % {"most": most}})
        try:
            text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError({"file": _("This is no text in UTF-8.")}) from None
        return scenario.read(text, services=replay.known_services(), partners=replay.known_partners())
