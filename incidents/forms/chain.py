"""How each link of a chain does, link by link."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.languages import Language
from incidents.forms.fields import DeskForm, Moment
from incidents.models import ChainLink, Incident, LinkStanding, LinkState, Partner
from incidents.operations import Confirmation, Standing
from incidents.operations.chain import LONGEST_NOTE

US = "us"


@dataclass(frozen=True)
class LinkRow:
    """A link as the form lays it out."""

    link: ChainLink
    state: forms.BoundField
    confirmed: forms.BoundField
    moments: list[forms.BoundField]
    notes: list[forms.BoundField]


class ChainForm(DeskForm):
    """Its fields carry the link's key: state_farmaflux. Only those that the user changed count."""

    def __init__(self, *args: Any, incident: Incident, links: Iterable[ChainLink], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.links = list(links)
        known = {row.link_id: row for row in incident.standings.select_related("confirmed_by")}
        confirmers = [("", str(_("nobody yet"))), (US, str(_("us")))]
        confirmers += [(partner.key, str(partner)) for partner in Partner.objects.all()]
        for link in self.links:
            self._add(link, confirmers)
            self.initial.update(_initial(link, known.get(link.pk)))

    def _add(self, link: ChainLink, confirmers: list[tuple[str, str]]) -> None:
        fields: dict[str, forms.Field] = {
            "state": forms.ChoiceField(
                label=_("How it does"), choices=LinkState.choices, widget=forms.RadioSelect
            ),
            "confirmed": forms.ChoiceField(label=_("Confirmed by"), choices=confirmers, required=False),
            "since": Moment(label=_("Since (empty: now)"), required=False),
            "at": Moment(label=_("Confirmed at (empty: now)"), required=False),
        }
        for name, field in fields.items():
            self.fields[f"{name}_{link.key}"] = field
        for language in Language:
            self.fields[f"note_{link.key}_{language}"] = forms.CharField(
                label=_("Public note, %(language)s") % {"language": language.label},
                max_length=LONGEST_NOTE,
                required=False,
                widget=forms.TextInput(attrs={"lang": str(language)}),
            )
        for name in self.fields:
            self.fields[name].show_hidden_initial = True

    def rows(self) -> list[LinkRow]:
        return [
            LinkRow(
                link,
                self[f"state_{link.key}"],
                self[f"confirmed_{link.key}"],
                [self[f"since_{link.key}"], self[f"at_{link.key}"]],
                [self[f"note_{link.key}_{language}"] for language in Language],
            )
            for link in self.links
        ]

    def standings(self) -> dict[ChainLink, Standing]:
        """Of the links that the user changed; what she left alone of them is as it stands now, not as it was shown."""
        return {
            link: self._standing(link)
            for link in self.links
            if any(name in self.changed_data for name in _initial(link, None))
        }

    def _said(self, name: str) -> Any:
        return self.cleaned_data[name] if name in self.changed_data else self.initial[name]

    def _standing(self, link: ChainLink) -> Standing:
        return Standing(
            LinkState(self._said(f"state_{link.key}")),
            since=self._moment(f"since_{link.key}"),
            confirmed=self._confirmation(link),
            note={language: self._said(f"note_{link.key}_{language}") for language in Language},
        )

    def _moment(self, name: str) -> datetime | None:
        """None where it was left alone: then the operation knows."""
        return self.cleaned_data[name] if name in self.changed_data else None

    def _confirmation(self, link: ChainLink) -> Confirmation | None:
        who = self._said(f"confirmed_{link.key}")
        if not who:
            return None
        partner = None if who == US else Partner.objects.get(key=who)
        return Confirmation(partner, self._moment(f"at_{link.key}"))


def _initial(link: ChainLink, row: LinkStanding | None) -> dict[str, Any]:
    notes = row.notes if row else dict.fromkeys(Language, "")
    return {
        f"state_{link.key}": row.state if row else LinkState.UNKNOWN.value,
        f"confirmed_{link.key}": _confirmer(row),
        f"since_{link.key}": _minute(row.since if row and row.state != LinkState.UNKNOWN else None),
        f"at_{link.key}": _minute(row.confirmed_at if row else None),
    } | {f"note_{link.key}_{language}": note for language, note in notes.items()}


def _confirmer(row: LinkStanding | None) -> str:
    if row is None or row.confirmed_at is None:
        return ""
    return row.confirmed_by.key if row.confirmed_by else US


def _minute(moment: datetime | None) -> datetime | None:
    """As the form shows it."""
    return moment and moment.replace(second=0, microsecond=0)
