"""The composer's form: one message, its languages side by side."""

from datetime import datetime, time, timedelta
from functools import cached_property, partial
from typing import Any

from django import forms
from django.db import models
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.composed import Composed, prefetch
from accounts.languages import Language
from comms import rows
from comms.checks import Message, Text, part_name
from comms.models import PARTS, Channel, MessageTemplateText, PostText, Update, UpdateText
from comms.operations.drafts import DraftData, fingerprints, next_times, stored_draft
from comms.posting import LETTERS
from incidents.models import Phase, Service, ServiceStatus

LONG = {"body": 5, "do": 3, "dont": 2}  # parts that get a text area, and its rows
OTHER = "other"
OFFERED = timedelta(days=2)  # a time that was on offer when the page was opened is still known that long
# Where the form asks for what an operation or a check knows by another name.
FORM_FIELDS = {"next_update_at": "next_choice", "occurred_at": "occurred", "valid_until": "valid"}
LONGEST_POST: int = PostText._meta.get_field("text").max_length or 0
KEEP, THEIRS = "keep_", "theirs"  # keep_title_fr=theirs
LABELS = {
    "headline": gettext_lazy("Headline: what it means for the pharmacist"),
    "title": gettext_lazy("Title"),
    "body": gettext_lazy("Text"),
    "do": gettext_lazy("To do meanwhile, one instruction a line"),
    "dont": gettext_lazy("Not to do, one instruction a line"),
    "patient": gettext_lazy("To tell the patient"),
}


class UpdateForm(forms.Form):
    """Of the draft *update*: its values are the initial ones, read when one is asked for; the services are the rows."""

    phase = forms.ChoiceField(choices=Phase.choices, widget=forms.RadioSelect, label=gettext_lazy("Phase"))
    next_choice = forms.ChoiceField(
        required=False, widget=forms.RadioSelect, label=gettext_lazy("Next message")
    )
    next_time = forms.TimeField(
        required=False,
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        label=gettext_lazy("Other time"),
    )
    occurred = forms.TimeField(
        required=False,
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        label=gettext_lazy("Happened at, if not now"),
    )
    valid = forms.TimeField(
        required=False,
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        label=gettext_lazy("What to do holds until (empty: as long as it lasts)"),
    )
    central_confirmed = forms.BooleanField(
        required=False, label=gettext_lazy("A central fault is confirmed: say “it is not your pharmacy”")
    )
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    base = forms.CharField(required=False, widget=forms.HiddenInput)
    channels = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, label=gettext_lazy("Goes to")
    )
    channels_shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None = None, *, update: Update, at: datetime) -> None:
        self.update = update
        self.at = at
        self.services = _SERVICES()
        super().__init__(data, initial=self._initial())
        self._offer_times()
        for service in self.services:
            self.fields[f"service_{service.key}"] = forms.ChoiceField(
                required=False,
                label=str(service),
                choices=[("", _("not named")), *ServiceStatus.choices],
                initial=partial(self._status, service),
            )
        for language in Language:
            for part in PARTS:
                text = self.fields[f"{part}_{language}"] = text_field(part, None)
                text.initial = partial(self._text, language, part)
        self._offer_channels()
        for field in self:
            self._dress(field)

    @cached_property
    def _stored(self) -> DraftData:
        """What the fields hold at first. Who only takes what was posted does not read it."""
        return stored_draft(self.update)

    def _status(self, service: Service) -> str:
        return self._stored.statuses.get(service, "")

    def _text(self, language: str, part: str) -> str:
        return self._stored.texts.get(language, {}).get(part, "")

    def _post(self, channel: Channel, language: str) -> str:
        return self._stored.posts.get((channel.pk, language), "")

    def _channels(self) -> list[str]:
        return [str(each.pk) for each in self.channel_rows if each.pk not in self._stored.held_back]

    def _offer_channels(self) -> None:
        """Where it may go, and a field for the own text of each that takes one."""
        self.channel_rows = rows.channels()
        chosen = self.fields["channels"]
        assert isinstance(chosen, forms.MultipleChoiceField)  # noqa: S101 -- declared above
        chosen.choices = [(str(channel.pk), channel.name) for channel in self.channel_rows]
        self.initial["channels"] = self._channels
        self.initial["channels_shown"] = " ".join(str(channel.pk) for channel in self.channel_rows)
        for channel in self.channel_rows:
            for language in languages_of(channel):
                self.fields[f"post_{channel.pk}_{language}"] = forms.CharField(
                    required=False,
                    max_length=LONGEST_POST,
                    widget=forms.Textarea(attrs={"rows": 4}),
                    label=f"{channel.name}, {Language(language).label}",
                    initial=partial(self._post, channel, language),
                )

    def _dress(self, field: forms.BoundField) -> None:
        """Bootstrap's classes, and a mark on what was refused."""
        widget = field.field.widget
        if isinstance(widget, forms.CheckboxInput):
            widget.attrs["class"] = "form-check-input"
        elif type(widget) is forms.Select:
            widget.attrs["class"] = "form-select"
        elif not isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple | forms.HiddenInput):
            widget.attrs["class"] = "form-control"

    def _initial(self) -> dict[str, Any]:
        update = self.update
        return {
            "phase": update.phase,
            "central_confirmed": update.central_confirmed,
            "revision": update.revision,
            "base": lambda: base_of(update),
            "occurred": timezone.localtime(update.occurred_at).time() if update.occurred_at else None,
            "valid": timezone.localtime(update.valid_until).time() if update.valid_until else None,
        }

    def _offer_times(self) -> None:
        choices = [
            (moment.isoformat(), f"+{minutes} · {timezone.localtime(moment):%H:%M}")
            for minutes, moment in next_times(self.at).items()
        ]
        promised = self.update.next_update_at
        if promised and promised > self.at:
            known = promised.isoformat()
            if known not in dict(choices):
                choices.insert(0, (known, f"{timezone.localtime(promised):%H:%M}"))
            self.initial["next_choice"] = known
        posted = self.data.get("next_choice", "") if self.is_bound else ""
        if posted not in dict(choices) and (moment := _moment(posted)) and abs(moment - self.at) < OFFERED:
            choices.insert(0, (posted, f"{timezone.localtime(moment):%H:%M}"))
        field = self.fields["next_choice"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- declared above
        field.choices = [*sorted(choices), (OTHER, _("other time"))]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["next_update_at"] = self._next_update_at(cleaned)
        cleaned["occurred_at"] = _latest(cleaned.get("occurred"), self.at)
        cleaned["valid_until"] = self._valid_until(cleaned.get("valid"))
        return cleaned

    def _valid_until(self, clock: time | None) -> datetime | None:
        """The moment that is stored as long as its clock stands there, passed or not; else the next such time."""
        if clock is None:
            return None
        stored = self.update.valid_until
        if stored and clock == timezone.localtime(stored).time().replace(second=0, microsecond=0):
            return stored
        return _soonest(clock, self.at)

    def _next_update_at(self, cleaned: dict[str, Any]) -> datetime | None:
        choice, clock = cleaned.get("next_choice"), cleaned.get("next_time")
        if clock and choice in ("", OTHER, None):
            return _soonest(clock, self.at)
        if choice == OTHER:
            return None
        return _moment(choice or "")

    @property
    def draft(self) -> DraftData:
        """What was typed, as the operation takes it; what a field refused is left out."""
        cleaned = self.cleaned_data
        return DraftData(
            phase=Phase(cleaned.get("phase") or self.update.phase),
            next_update_at=cleaned.get("next_update_at"),
            occurred_at=cleaned.get("occurred_at"),
            valid_until=cleaned.get("valid_until"),
            central_confirmed=cleaned.get("central_confirmed", False),
            statuses={
                service: ServiceStatus(status)
                for service in self.services
                if (status := cleaned.get(f"service_{service.key}"))
            },
            texts={
                language: {
                    part: cleaned.get(f"{part}_{language}", "").replace("\r\n", "\n") for part in PARTS
                }
                for language in Language
            },
            posts=self._posts,
            held_back=self._held_back,
        )

    @property
    def _posts(self) -> dict[tuple[int, str], str]:
        return {
            (channel.pk, language): text.replace("\r\n", "\n")
            for channel in self.channel_rows
            for language in languages_of(channel)
            if (text := self.cleaned_data.get(f"post_{channel.pk}_{language}", "")).strip()
        }

    @property
    def _held_back(self) -> frozenset[int]:
        """Of the channels that the page showed, those left out; what it did not show stays as it was stored."""
        shown = {int(pk) for pk in self.cleaned_data.get("channels_shown", "").split() if pk.isdecimal()}
        known = {channel.pk for channel in self.channel_rows}
        chosen = {int(pk) for pk in self.cleaned_data.get("channels", [])}
        prefetch([self.update], rows.HELD_BACK_FROM)
        unseen = {channel.pk for channel in self.update.held_back_from.all()} - shown
        return frozenset((shown & known) - chosen | unseen)

    @property
    def changed_by_me(self) -> set[str]:
        """The fields, by the names of a Difference, that say otherwise than when the page was opened."""
        mine, base = fingerprints(self.draft), _read(self["base"].value() or "")
        return {name for name in mine.keys() | base.keys() if mine.get(name) != base.get(name)}

    @property
    def message(self) -> Message:
        """What was typed, as the checks see it, without what the last message said."""
        draft = self.draft
        return Message(
            phase=draft.phase,
            next_update_at=None if draft.phase == Phase.RESOLVED else draft.next_update_at,
            valid_until=None if draft.phase == Phase.RESOLVED else draft.valid_until,
            statuses={service.key: status for service, status in draft.statuses.items()},
            texts={
                language: Text(
                    parts["headline"],
                    parts["title"],
                    parts["body"],
                    tuple(line.strip() for line in parts["do"].splitlines() if line.strip()),
                    tuple(line.strip() for line in parts["dont"].splitlines() if line.strip()),
                    parts["patient"],
                )
                for language, parts in draft.texts.items()
                if any(parts.values())
            },
        )

    @property
    def service_fields(self) -> list[forms.BoundField]:
        return [self[f"service_{service.key}"] for service in self.services]

    @property
    def languages(self) -> list[tuple[Language, list[forms.BoundField]]]:
        return [(language, [self[f"{part}_{language}"] for part in PARTS]) for language in Language]


_SERVICES = Composed(lambda: Service.objects.select_related("group"))


def languages_of(channel: Channel) -> list[str]:
    """In which languages the channel's text may be written by hand; none where it is no post."""
    if channel.kind in LETTERS:
        return []
    return list(Language) if channel.mail_list_id else list(channel.languages)


def text_field(part: str, text: UpdateText | MessageTemplateText | None) -> forms.CharField:
    """The field of a part of a message, as long as its column."""
    column = UpdateText._meta.get_field(part)
    assert isinstance(column, models.Field)  # noqa: S101 -- one of ours, not of a row that points here
    widget = forms.Textarea(attrs={"rows": LONG[part]}) if part in LONG else forms.TextInput()
    return forms.CharField(
        required=False,
        max_length=column.max_length,
        widget=widget,
        label=LABELS[part],
        initial=getattr(text, part, ""),
    )


def taking_theirs(data: QueryDict, update: Update, at: datetime) -> QueryDict:
    """*data* with the stored value wherever she chose it over her own, after a conflict."""
    chosen = {
        name.removeprefix(KEEP) for name, value in data.items() if name.startswith(KEEP) and value == THEIRS
    }
    if not chosen:
        return data
    taken, stored = data.copy(), UpdateForm(update=update, at=at)
    for name in sorted(chosen):
        field = FORM_FIELDS.get(name, name)
        if field not in stored.fields:
            continue
        value = stored[field].value()
        if isinstance(value, list):
            taken.setlist(field, value)
            taken["channels_shown"] = stored["channels_shown"].value()
            continue
        taken[field] = "on" if value is True else value or ""
        if field == "next_choice":
            taken["next_time"] = ""
        if value is False:
            del taken[field]
    return taken


def base_of(update: Update) -> str:
    """What the form's `base` says when the page is made from *update*."""
    return " ".join(f"{name}:{mark}" for name, mark in fingerprints(stored_draft(update)).items())


def typed_texts(data: QueryDict) -> list[tuple[str, str]]:
    """The texts that *data* holds, each with what it is."""
    return [
        (f"{language.label}, {part_name(part)}", text)
        for language in Language
        for part in PARTS
        if (text := data.get(f"{part}_{language}", "").strip())
    ]


def _read(marks: str) -> dict[str, str]:
    return dict(mark.split(":", 1) for mark in marks.split() if ":" in mark)


def _moment(given: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _soonest(clock: time, at: datetime) -> datetime:
    """The next time the clock in Brussels shows *clock*."""
    moment = timezone.localtime(at).replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return moment if moment > at else moment + timedelta(days=1)


def _latest(clock: time | None, at: datetime) -> datetime | None:
    """The last time the clock in Brussels showed *clock*."""
    if clock is None:
        return None
    moment = timezone.localtime(at).replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return moment if moment <= at else moment - timedelta(days=1)
