"""Looking for an incident."""

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incidents.models import IncidentQuerySet, Service, Severity


class FilterForm(forms.Form):
    """What is wrong in it filters nothing."""

    text = forms.CharField(label=_("Words of the title"), max_length=120, required=False)
    severity = forms.ChoiceField(
        label=_("Severity"),
        choices=[("", _("all severities")), *((severity.value, severity.value) for severity in Severity)],
        required=False,
    )
    service = forms.ModelChoiceField(
        Service.objects.all(),
        label=_("Service"),
        required=False,
        empty_label=_("all services"),
        to_field_name="key",
    )

    def filtered(self, incidents: IncidentQuerySet) -> IncidentQuerySet:
        self.full_clean()
        chosen = self.cleaned_data
        for word in chosen.get("text", "").split():
            titles = Q(title_fr__icontains=word) | Q(title_nl__icontains=word)
            incidents = incidents.filter(titles | Q(title_de__icontains=word) | Q(title_en__icontains=word))
        if chosen.get("severity"):
            incidents = incidents.filter(severity=chosen["severity"])
        if chosen.get("service"):
            incidents = incidents.filter(impacts__service=chosen["service"]).distinct()
        return incidents

    @property
    def is_used(self) -> bool:
        return any(self.cleaned_data.values())
