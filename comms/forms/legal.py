"""Deciding on a duty to notify, and noting that it was done."""

from django import forms
from django.utils.translation import gettext_lazy as _

from comms.operations.legal import LONGEST_REASON, LONGEST_REFERENCE
from incidents.forms.fields import DeskForm, Moment


class DecisionForm(DeskForm):
    applies = forms.ChoiceField(
        label=_("Decision"),
        choices=[("yes", _("it applies: start the clock")), ("no", _("it does not apply"))],
        widget=forms.RadioSelect,
    )
    aware_at = Moment(label=_("We became aware at"), required=False)
    reason = forms.CharField(
        label=_("Why"), max_length=LONGEST_REASON, widget=forms.Textarea(attrs={"rows": 2})
    )


class FilingForm(DeskForm):
    filed_at = Moment(label=_("Notified at (empty: now)"), required=False)
    reference = forms.CharField(label=_("Their reference"), max_length=LONGEST_REFERENCE, required=False)
