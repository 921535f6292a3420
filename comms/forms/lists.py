"""A list of readers: its names, one member, and many pasted at once."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.languages import REQUIRED_PUBLIC_LANGUAGES, Language
from accounts.refusals import Refused
from comms.channels.mailbox import NotAMailbox, mailbox
from comms.channels.mobile import NotAMobile, mobile
from comms.models import ListMember, MailList
from comms.operations.lists import OnList, Reader

LONGEST_NAME: int = ListMember._meta.get_field("name").max_length or 0
NAMES = {
    Language.FR: gettext_lazy("Name, French"),
    Language.NL: gettext_lazy("Name, Dutch"),
    Language.DE: gettext_lazy("Name, German"),
    Language.EN: gettext_lazy("Name, English"),
}
UNREACHABLE = gettext_lazy("Give an e-mail address or a mobile number.")


class ListForm(forms.Form):
    """The names of *mail_list*, or of a new one."""

    def __init__(self, data: Any = None, *, mail_list: MailList | None = None) -> None:
        super().__init__(data)
        for language, label in NAMES.items():
            self.fields[f"name_{language}"] = forms.CharField(
                max_length=LONGEST_NAME,
                label=label,
                required=language in REQUIRED_PUBLIC_LANGUAGES,
                initial=getattr(mail_list, f"name_{language}", ""),
            )

    @property
    def names(self) -> dict[str, str]:
        return {language: self.cleaned_data[f"name_{language}"] for language in Language}


class MemberForm(forms.Form):
    name = forms.CharField(max_length=LONGEST_NAME, label=gettext_lazy("Name"))
    email = forms.CharField(
        max_length=254,
        required=False,
        label=gettext_lazy("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    phone = forms.CharField(
        max_length=40,
        required=False,
        label=gettext_lazy("Mobile number, for SMS"),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    language = forms.ChoiceField(choices=Language.choices, label=gettext_lazy("Language"))

    def clean_email(self) -> str:
        return _address(mailbox, self.cleaned_data["email"])

    def clean_phone(self) -> str:
        return _address(mobile, self.cleaned_data["phone"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned["email"] and not cleaned["phone"]:
            self.add_error("email", UNREACHABLE)
        return cleaned

    @property
    def reader(self) -> Reader:
        cleaned = self.cleaned_data
        return Reader(cleaned["name"], cleaned["email"], cleaned["phone"], Language(cleaned["language"]))


def _address(spell: Callable[[str], str], typed: str) -> str:
    try:
        return spell(typed) if typed else ""
    except (NotAMailbox, NotAMobile) as refusal:
        raise forms.ValidationError(_(str(refusal))) from refusal


class PasteForm(forms.Form):
    """Members, one a line: name; e-mail address; mobile number; language. From a table too, cells apart by tabs."""

    lines = forms.CharField(
        label=gettext_lazy("One reader a line: name; e-mail address; mobile number; language"),
        help_text=gettext_lazy("The address or the number may be missing. The language is fr, nl, de or en."),
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
    )
    language = forms.ChoiceField(
        choices=Language.choices, label=gettext_lazy("Language where a line names none")
    )

    def __init__(self, data: Any = None, *, mail_list: MailList) -> None:
        super().__init__(data)
        self.mail_list = mail_list
        self.readers: list[Reader] = []

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "lines" not in cleaned or "language" not in cleaned:
            return cleaned
        there = OnList(self.mail_list.members.all())
        for number, line in enumerate(cleaned["lines"].splitlines(), start=1):
            if not line.strip():
                continue
            try:
                self.readers.append(_read(line, Language(cleaned["language"]), there))
            except Refused as refusal:
                told = {"n": number, "reason": refusal.message}
                self.add_error("lines", _("Line %(n)d: %(reason)s") % told)
        return cleaned


def _read(line: str, language: Language, there: OnList) -> Reader:
    """Raises Refused, fit to stand behind the number of the line."""
    name, *cells = (cell.strip() for cell in line.split("\t" if "\t" in line else ";"))
    if len(cells) > 3:
        raise Refused(_("More than four parts."))
    email, phone, code = (*cells, "", "", "")[:3]
    form = MemberForm({"name": name, "email": email, "phone": phone, "language": code.lower() or language})
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        raise Refused(f"{form.fields[field].label}: {errors[0]}")
    if not there.has(form.reader):
        there.check(form.reader)
        there.note(form.reader)
    return form.reader
