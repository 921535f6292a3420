"""The forms for anyone: "Tell me", and what a subscriber changes later."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import FETCH_RAISE
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.languages import Language
from comms.channels import addresses, mailbox
from comms.models import Scope, Subscriber, SubscriberKind
from comms.operations.subscribers import Wish
from incidents.models import Incident, Service

LONGEST_URL = 500  # characters
INSIDE = _("This address leads into a private network. Give one that we can reach.")


class WishForm(forms.Form):
    """What to tell, in which language. An incident is a choice of its own: `incident-` and its public id."""

    scope = forms.ChoiceField(
        label=_("What should we tell you?"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose what we should tell you."),
            "invalid_choice": _("This can no longer be chosen. Choose again."),
        },
    )
    services = forms.MultipleChoiceField(
        label=_("Which services?"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _("Choose services from the list.")},
    )
    language = forms.ChoiceField(
        label=_("In which language?"),
        choices=Language.choices,
        error_messages={
            "required": _("Choose a language."),
            "invalid_choice": _("Choose a language."),
        },
    )

    def __init__(self, *args: Any, besides: Incident | None = None, **kwargs: Any) -> None:
        """*besides*: an incident to offer though it may be over."""
        super().__init__(*args, **kwargs)
        rows = Service.objects.select_related("group").fetch_mode(FETCH_RAISE)
        self._services = {service.public_id: service for service in rows}
        self._incidents = {_choice(incident): incident for incident in Incident.objects.real().open()}
        if besides:
            self._incidents.setdefault(_choice(besides), besides)
        self.fields["services"].choices = [  # type: ignore[attr-defined]
            (public_id, str(service)) for public_id, service in self._services.items()
        ]
        self.fields["scope"].choices = [  # type: ignore[attr-defined]
            (Scope.EVERYTHING.value, _("Everything: all services, all outages")),
            *(
                (choice, gettext("Only this, until it is over: %(incident)s") % {"incident": incident})
                for choice, incident in self._incidents.items()
            ),
            (Scope.SERVICES.value, _("Only some services")),
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if (
            given.get("scope") == Scope.SERVICES
            and not given.get("services")
            and "services" not in self.errors
        ):
            self.add_error("services", gettext("Choose at least one service."))
        return given

    @property
    def wish(self) -> Wish:
        """Of a valid form."""
        given = self.cleaned_data
        incident = self._incidents.get(given["scope"])
        scope = Scope.INCIDENT if incident else Scope(given["scope"])
        chosen = [self._services[public_id] for public_id in given["services"]]
        services = chosen if scope == Scope.SERVICES else []
        return Wish(Language(given["language"]), scope, services, incident)


class SubscribeForm(WishForm):
    """As WishForm, and where to: to a mailbox."""

    kind = SubscriberKind.EMAIL
    field_order = ("address", "scope", "services", "language")

    address = forms.CharField(
        label=_("Your e-mail address"),
        max_length=mailbox.LONGEST,
        error_messages={"required": _("Give your e-mail address.")},
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def clean_address(self) -> str:
        return normal_address(self.kind, self.cleaned_data["address"])


class SubscribeWebhookForm(SubscribeForm):
    kind = SubscriberKind.WEBHOOK

    address = forms.CharField(
        label=_("The address of your webhook"),
        max_length=LONGEST_URL,
        error_messages={"required": _("Give the address of your webhook.")},
        help_text=_("An https address that takes a POST."),
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
    )


FORMS: dict[SubscriberKind, type[SubscribeForm]] = {
    SubscriberKind.EMAIL: SubscribeForm,
    SubscriberKind.WEBHOOK: SubscribeWebhookForm,
}


class FindForm(forms.Form):
    """For the desk: one subscriber by the whole address."""

    address = forms.CharField(label=_("The whole address"), max_length=LONGEST_URL)

    def clean_address(self) -> str:
        typed = self.cleaned_data["address"]
        self.kind = SubscriberKind.WEBHOOK if "://" in typed else SubscriberKind.EMAIL
        return normal_address(self.kind, typed)


def normal_address(kind: SubscriberKind, typed: str) -> str:
    """As comms.channels spells it. Raises ValidationError.

    Asks no name servers, so that every address takes as long.
    """
    try:
        return mailbox.mailbox(typed) if kind == SubscriberKind.EMAIL else addresses.normal(typed)
    except mailbox.NotAMailbox as refusal:
        raise ValidationError(gettext(str(refusal))) from refusal
    except addresses.Forbidden as refusal:
        if str(refusal) == addresses.INSIDE:
            raise ValidationError(INSIDE) from refusal
        raise ValidationError(gettext(str(refusal))) from refusal


def chosen(subscriber: Subscriber) -> dict[str, object]:
    """The initial values of a WishForm: what she is told now; reads services and incident."""
    incident = subscriber.incident
    return {
        "language": subscriber.language,
        "scope": _choice(incident) if incident else subscriber.scope,
        "services": [service.public_id for service in subscriber.services.all()],
    }


def asked_for(language: Language, *, service: str, incident: str) -> dict[str, object]:
    """The initial values of a WishForm that a link was made for: a service's or an incident's public id."""
    scope = f"incident-{incident}" if incident else Scope.SERVICES if service else Scope.EVERYTHING
    return {"language": language, "scope": scope, "services": [service]}


def _choice(incident: Incident) -> str:
    return f"incident-{incident.public_id}"
