"""A channel's form: what every channel says, and what its kind asks for; and the test that is sent by it."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.languages import Language
from accounts.models import User
from comms import secrets
from comms.channels import credentials
from comms.channels.base import Setting
from comms.channels.kinds import TRANSPORTS
from comms.channels.mailbox import NotAMailbox, mailbox
from comms.channels.mobile import NotAMobile, mobile
from comms.models import (
    ACCOUNTS,
    HEARING,
    LISTS,
    REMINDING,
    STAFF,
    SUBSCRIBERS,
    Audience,
    Channel,
    ChannelKind,
    MailList,
    Moments,
    Voice,
)
from comms.operations.channels import Conflict, Given, said
from comms.posting import LETTERS
from incidents.models import Severity

CARRIES = ("audience", "languages", "voice", "moments", "severities", "reminders")
LONGEST, LONGEST_LONG = 500, 4000  # characters of a setting of one line, of several
KEPT = gettext_lazy("One is kept; leave this empty to keep it.")
BY_HAND = gettext_lazy("Leave it empty to post by hand.")
TYPED = gettext_lazy("Entered, and not stored yet; leave this empty to use it.")


def offered() -> list[ChannelKind]:
    """The kinds that a new channel can be. Of the subscribers' one is there from the first sign-up on: a second
    would tell every one of them twice.
    """
    return [
        kind
        for kind in ChannelKind
        if kind in TRANSPORTS
        and kind not in (*SUBSCRIBERS, ChannelKind.STAFF_EMAIL, ChannelKind.STAFF_BROWSER)
    ]


class ChannelForm(forms.Form):
    """Bound to *channel*, a new one that has only its kind or one that is stored.

    A secret is never shown again. One that was typed into a form that is refused comes back sealed, in `secret_typed`.
    """

    name = forms.CharField(max_length=80, label=gettext_lazy("Name"))
    audience = forms.ChoiceField(choices=Audience.choices, label=gettext_lazy("For whom"))
    mail_list = forms.ModelChoiceField(
        MailList.objects.all(),
        to_field_name="key",
        label=gettext_lazy("List of readers"),
        error_messages={"required": gettext_lazy("Choose the list that this channel writes to.")},
    )
    languages = forms.MultipleChoiceField(
        choices=Language.choices,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Languages, a message in each"),
        error_messages={"required": gettext_lazy("Choose at least one language.")},
    )
    voice = forms.ChoiceField(choices=Voice.choices, label=gettext_lazy("Who speaks"))
    severities = forms.MultipleChoiceField(
        choices=Severity.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label=gettext_lazy("Only incidents of"),
        help_text=gettext_lazy("None chosen: of every severity."),
    )
    moments = forms.ChoiceField(choices=Moments.choices, label=gettext_lazy("Which messages"))
    reminders = forms.BooleanField(
        required=False, label=gettext_lazy("Reminders of the crisis plan too, for the whole team")
    )
    mentions = forms.BooleanField(
        required=False,
        label=gettext_lazy("Read mentions"),
        help_text=gettext_lazy(
            "Who mentions the account from now on becomes a contact, and can be answered."
        ),
    )
    secret_typed = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None = None, *, channel: Channel) -> None:
        self.channel = channel
        self.kind = ChannelKind(channel.kind)
        self.asked: tuple[Setting, ...] = TRANSPORTS[self.kind].settings
        self.by_hand = TRANSPORTS[self.kind].capabilities.by_hand
        super().__init__(data, initial=said(channel) if channel.pk else None)
        self.kept = set(_readable(channel.sealed_secrets))
        self.entered = _readable(self["secret_typed"].value() or "") if self.is_bound else {}
        for name, wanted in (
            ("mail_list", self.kind in LISTS),
            ("languages", self.kind in ACCOUNTS),
            ("voice", self.kind not in LETTERS and self.kind not in STAFF),
            ("reminders", self.kind in REMINDING),
            ("mentions", self.kind in HEARING),
            ("audience", self.kind not in STAFF),
            ("severities", self.kind not in STAFF),
            ("moments", self.kind not in STAFF),
        ):
            if not wanted:
                del self.fields[name]
        for setting in self.asked:
            self._ask(setting)
        if "mentions" in self.fields:
            self.fields["mentions"] = self.fields.pop("mentions")  # below what signs in

    def _ask(self, setting: Setting) -> None:
        if not setting.secret:
            self.fields[f"setting_{setting.name}"] = _plain(setting, required=self._required(setting))
            self.initial.setdefault(f"setting_{setting.name}", "" if self.channel.pk else setting.default)
            return
        there = setting.name in self.kept or setting.name in self.entered
        known = TYPED if setting.name in self.entered else KEPT if there else BY_HAND if self.by_hand else ""
        required = self._required(setting)
        self.fields[f"secret_{setting.name}"] = _secret(setting, required=required and not there, known=known)
        if setting.name in self.kept and not required:
            self.fields[f"forget_{setting.name}"] = forms.BooleanField(
                required=False, label=_("Take away: %(secret)s") % {"secret": setting.label}
            )

    def _required(self, setting: Setting) -> bool:
        """Without secrets a person posts by hand where that can be done: then nothing is needed."""
        return setting.required and not self.by_hand

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for setting in self.asked:
            name = _field(setting)
            value = cleaned.get(name)
            if value and setting.check:
                try:
                    setting.check(value)
                except ValueError as refusal:
                    self.add_error(name, _(str(refusal)))
        if self._secrets():
            self._ask_for_the_rest(cleaned)
        elif cleaned.get("mentions"):
            self.add_error("mentions", _("Mentions can be read only where the desk signs in itself."))
        return cleaned

    def _secrets(self) -> set[str]:
        """The names of those there would be after saving."""
        gone = {name for name in self.kept if self.cleaned_data.get(f"forget_{name}")}
        return (self.kept - gone) | self.typed_secrets().keys()

    def _ask_for_the_rest(self, cleaned: Mapping[str, Any]) -> None:
        """Who gives one secret means the desk to post: then all of what it needs is required."""
        for setting in self.asked:
            name = _field(setting)
            missing = setting.name not in self._secrets() if setting.secret else not cleaned.get(name)
            if setting.required and missing and name not in self.errors:
                self.add_error(name, self.fields[name].error_messages["required"])

    def typed_secrets(self) -> dict[str, str]:
        """Those of this form and of its earlier, refused turns; the newest of each, without what was refused."""
        now = {
            setting.name: value
            for setting in self.asked
            if setting.secret and (value := self.cleaned_data.get(f"secret_{setting.name}"))
        }
        return {**self.entered, **now}

    def again(
        self, channel: Channel | None = None, changes: Mapping[str, Any] | None = None
    ) -> "ChannelForm":
        """The form as it is shown after a refusal: bound to the same, the secrets that were typed kept sealed."""
        data = QueryDict(mutable=True)
        data.update(self.data)
        for name, value in (changes or {}).items():
            data.setlist(name, value if isinstance(value, list) else [value])
        data["secret_typed"] = credentials.seal(self.typed_secrets())
        again = ChannelForm(data, channel=channel or self.channel)
        again.is_valid()
        return again

    @property
    def account_fields(self) -> list[forms.BoundField]:
        """What the channel is and where it leads."""
        return [field for field in self.visible_fields() if field.name not in CARRIES]

    @property
    def carrying_fields(self) -> list[forms.BoundField]:
        """What goes that way, and how it is said."""
        return [self[name] for name in CARRIES if name in self.fields]

    @property
    def given(self) -> Given:
        cleaned = self.cleaned_data
        return Given(
            name=cleaned["name"],
            audience=Audience(cleaned.get("audience", Audience.DESKS)),
            languages=[Language(code) for code in cleaned.get("languages", ())],
            voice=Voice(cleaned.get("voice", Voice.PLAIN)),
            severities=[Severity(value) for value in cleaned.get("severities", ())],
            moments=Moments(cleaned.get("moments", Moments.ALL)),
            reminders=bool(cleaned.get("reminders")),
            mentions=bool(cleaned.get("mentions")),
            mail_list=cleaned.get("mail_list"),
            settings={
                setting.name: cleaned[f"setting_{setting.name}"]
                for setting in self.asked
                if not setting.secret
            },
            secrets=self.typed_secrets(),
            taken_away=[setting.name for setting in self.asked if cleaned.get(f"forget_{setting.name}")],
        )


def _readable(sealed: str) -> dict[str, str]:
    """Nothing where it was sealed with another SECRET_KEY, or by nobody."""
    try:
        return credentials.unsealed(sealed)
    except secrets.Unreadable:
        return {}


def _field(setting: Setting) -> str:
    return f"{'secret' if setting.secret else 'setting'}_{setting.name}"


def _plain(setting: Setting, *, required: bool) -> forms.CharField:
    return forms.CharField(
        label=str(setting.label),
        help_text=str(setting.help_text),
        required=required,
        max_length=LONGEST_LONG if setting.long else LONGEST,
        widget=forms.Textarea(attrs={"rows": 4}) if setting.long else forms.TextInput,
    )


def _secret(setting: Setting, *, required: bool, known: Any) -> forms.CharField:
    return forms.CharField(
        label=str(setting.label),
        help_text=" ".join(str(text) for text in (setting.help_text, known) if text),
        required=required,
        max_length=LONGEST_LONG,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


def merged(form: ChannelForm, conflict: Conflict) -> ChannelForm:
    """*form* once more, on what is stored: where she had changed nothing, what others stored meanwhile."""
    now = said(conflict.channel)
    theirs = {
        name: now.get(name) or ""
        for name, before in conflict.opened.items()
        if name in form.fields and _same(form.cleaned_data.get(name), before)
    }
    return form.again(conflict.channel, theirs)


def _same(typed: Any, stored: Any) -> bool:
    return (typed.key if isinstance(typed, MailList) else typed or "") == (stored or "")


class TestForm(forms.Form):
    """Where a test goes, for channels that write to many; an account or an address is tested itself."""

    __test__ = False  # for pytest: this is none

    to = forms.CharField(max_length=254)

    def __init__(self, data: QueryDict | None = None, *, channel: Channel, by: User) -> None:
        super().__init__(data, initial={"to": by.email if self._by_mail(channel) else ""})
        self.channel = channel
        if self._by_mail(channel):
            self.fields["to"].label = _("To this e-mail address, not to the list")
            self.fields["to"].widget = forms.EmailInput(attrs={"autocomplete": "email"})
        elif channel.kind in (ChannelKind.SMS, ChannelKind.CALLER_SMS, ChannelKind.STAFF_SMS):
            self.fields["to"].label = _("To this mobile number, not to the list")
            self.fields["to"].widget = forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"})
        else:
            del self.fields["to"]

    @staticmethod
    def _by_mail(channel: Channel) -> bool:
        return channel.kind in (
            ChannelKind.EMAIL,
            ChannelKind.CALLER_EMAIL,
            ChannelKind.STAFF_EMAIL,
            ChannelKind.SUBSCRIBER_EMAIL,
        )

    def clean_to(self) -> str:
        try:
            return (
                mailbox(self.cleaned_data["to"])
                if self._by_mail(self.channel)
                else mobile(self.cleaned_data["to"])
            )
        except (NotAMailbox, NotAMobile) as refusal:
            raise forms.ValidationError(_(str(refusal))) from refusal
