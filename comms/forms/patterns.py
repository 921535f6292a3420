"""A channel's own patterns, one in each language that it speaks, and what would come of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils import timezone

from accounts.languages import Language
from comms.channels.kinds import capabilities
from comms.models import Channel, ChannelTemplate, Update
from comms.operations.channels import PATTERN, Conflict
from comms.posting import facts_of
from comms.posts import patterns
from comms.posts.composing import PLACEHOLDERS, Composed, Facts, check_pattern, compose
from comms.posts.placeholders import PatternError
from incidents.models import Phase

LONGEST: int = ChannelTemplate._meta.get_field("text").max_length or 0


@dataclass(frozen=True)
class Shown:
    """A language of the form. *builtin*: what holds without an own pattern; *composed*: None where it is wrong."""

    language: Language
    field: forms.BoundField
    builtin: str
    composed: Composed | None


class PatternsForm(forms.Form):
    def __init__(self, data: QueryDict | None = None, *, channel: Channel) -> None:
        super().__init__(data)
        self.channel = channel
        self.languages = [Language(code) for code in channel.languages] or list(Language)
        stored = {row.language: row.text for row in channel.templates.all()}
        for language in self.languages:
            self.fields[f"{PATTERN}{language}"] = forms.CharField(
                label=language.label,
                required=False,
                max_length=LONGEST,
                initial=stored.get(language, ""),
                validators=[_checked],
                widget=forms.Textarea(attrs={"rows": 5, "lang": language, "class": "form-control"}),
            )

    @property
    def patterns(self) -> dict[Language, str]:
        return {
            language: self.cleaned_data[f"{PATTERN}{language}"].replace("\r\n", "\n")
            for language in self.languages
        }

    @property
    def shown(self) -> list[Shown]:
        """Each language with what is typed, tried on the newest message; on an invented one before the first."""
        update = Update.objects.published().prefetch_related("texts", "services__service").first()
        return [self._shown(language, update) for language in self.languages]

    def _shown(self, language: Language, update: Update | None) -> Shown:
        field = self[f"{PATTERN}{language}"]
        facts = facts_of(update, language) if update else _invented(language)
        builtin = patterns.pattern(self.channel.kind, self.channel.voice, language, facts.phase)
        try:
            composed = compose(facts, field.value() or builtin, capabilities(self.channel).limit)
        except PatternError:
            composed = None
        return Shown(language, field, builtin, composed)


def _checked(pattern: str) -> None:
    try:
        check_pattern(pattern)
    except PatternError as error:
        raise forms.ValidationError(str(error)) from error


def _invented(language: Language) -> Facts:
    """Enough to see a pattern by."""
    said: Mapping[str, tuple[str, str]] = {
        "fr": ("Essai : une panne inventée", "Les services répondent lentement"),
        "nl": ("Test: een verzonnen storing", "De diensten antwoorden traag"),
        "de": ("Test: eine erfundene Störung", "Die Dienste antworten langsam"),
        "en": ("Test: an invented outage", "The services answer slowly"),
    }
    title, body = said[language]
    at = timezone.now()
    return Facts(
        language=language,
        url=f"{settings.DESK_STATUS_URL}/{language}/",
        at=at,
        headline=body,
        title=title,
        body=body,
        phase=Phase.INVESTIGATING,
        next_update_at=at + timedelta(minutes=30),
    )


def merged(form: PatternsForm, conflict: Conflict) -> PatternsForm:
    """*form* once more: where she had changed nothing, what others stored meanwhile."""
    data = QueryDict(mutable=True)
    data.update(form.data)
    for row in form.fields.keys() & conflict.opened.keys():
        if form.cleaned_data[row] == conflict.opened[row]:
            stored = conflict.channel.templates.filter(language=row.removeprefix(PATTERN)).first()
            data[row] = stored.text if stored else ""
    again = PatternsForm(data, channel=conflict.channel)
    again.is_valid()
    return again


PLACES = [f"{{{name}}}" for name in PLACEHOLDERS]
