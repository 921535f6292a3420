"""Colleagues who can be called in, and what they answered."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from incidents import calendars
from incidents.forms.fields import Day, DeskForm, KeyedForm
from incidents.models import CallIn, CallInAnswer, CallInWay, Colleague
from incidents.operations.staff import ColleagueData

FIELDS = ("name", "phone", "email", "skills", "language", "position", "account", "unreachable", "remark")


class PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable when run
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.display_name)


class ColleagueForm(DeskForm):
    name = forms.CharField(label=_("Name"), max_length=80)
    phone = forms.CharField(
        label=_("Telephone"), max_length=40, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )
    email = forms.CharField(
        label=_("E-mail address"), max_length=254, required=False, widget=forms.EmailInput()
    )
    skills = forms.CharField(
        label=_("Skills"),
        max_length=200,
        required=False,
        help_text=_("Parted by commas: servers, helpdesk, German"),
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=Colleague._meta.get_field("language").choices or []
    )
    position = forms.IntegerField(
        label=_("Place in the order of calling"),
        min_value=1,
        max_value=999,
        initial=10,
        help_text=_("Who has the smaller number is called first."),
    )
    account = PersonField(
        User.objects.none(),
        label=_("Account"),
        required=False,
        empty_label=_("none"),
        to_field_name="username",
    )
    unreachable = forms.BooleanField(label=_("Cannot be reached now"), required=False)
    remark = forms.CharField(label=_("Remark"), max_length=120, required=False)

    def __init__(self, *args: Any, colleague: Colleague | None = None, **kwargs: Any) -> None:
        initial = {name: getattr(colleague, name) for name in FIELDS} if colleague else {}
        if colleague and colleague.account:
            initial["account"] = colleague.account.username
        super().__init__(*args, **kwargs)
        self.initial.update(initial)
        people = User.objects.filter(is_active=True).order_by("first_name", "last_name", "username")
        self.fields["account"].queryset = people  # type: ignore[attr-defined]

    @property
    def said(self) -> ColleagueData:
        return ColleagueData(**{name: self.cleaned_data[name] for name in FIELDS})


class AbsenceForm(DeskForm):
    first = Day(label=_("First day away"))
    last = Day(label=_("Last day away"))
    what = forms.CharField(label=_("What for"), max_length=calendars.LONGEST_WHAT, required=False)


class CalendarForm(DeskForm):
    file = forms.FileField(
        label=_("Holiday calendar (ICS)"),
        max_length=200,
        widget=forms.FileInput({"accept": ".ics,text/calendar"}),
    )

    @property
    def content(self) -> bytes:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        content: bytes = file.read(calendars.MOST_BYTES + 1)
        return content


class AnswerForm(KeyedForm):
    """What a colleague answered; one tap on an answer sends it."""

    colleague = forms.ModelChoiceField(
        Colleague.objects.listed(),
        error_messages={
            "required": _("This colleague is no longer in the list."),
            "invalid_choice": _("This colleague is no longer in the list."),
        },
    )
    way = forms.ChoiceField(choices=CallInWay.choices)
    answer = forms.ChoiceField(
        choices=CallInAnswer.choices,
        error_messages={"required": _("Choose what was answered.")},
    )
    note = forms.CharField(required=False, max_length=CallIn._meta.get_field("note").max_length)

    @property
    def all_errors(self) -> list[str]:
        return [str(error) for errors in self.errors.values() for error in errors]
