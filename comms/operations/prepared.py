"""Prepared messages: written by the team before they are needed, filled in when one is chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.languages import REQUIRED_PUBLIC_LANGUAGES, Language
from accounts.models import User
from accounts.refusals import Refused
from comms import permissions
from comms.models import PARTS, MessageTemplate, MessageTemplateText
from comms.posts import placeholders
from comms.prepared.filling import PLACEHOLDERS, filled
from comms.prepared.standard import standard_messages
from incidents.models import Incident, Phase, Service, ServiceStatus

REQUIRED_PARTS = ("headline", "title", "body")


@dataclass(frozen=True)
class TemplateData:
    """A prepared message as a form holds it: *names* by language, *texts* by language and part (comms.models.PARTS)."""

    phase: Phase
    names: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Overtaken(Refused):
    """Somebody saved the prepared message after this person had opened it. Nothing was written."""

    def __init__(self, template: MessageTemplate) -> None:
        super().__init__(
            _("Somebody saved this prepared message after you had opened it. Nothing was overwritten.")
        )
        self.template = template


@transaction.atomic
def create(data: TemplateData, *, key: UUID, by: User) -> MessageTemplate:
    """Store a new prepared message behind the others; the same *key* gives the same one. Raises Refused."""
    permissions.check_edit_wording(by)
    if made := MessageTemplate.objects.filter(key=key.hex).first():
        return made
    _check(data)
    last = MessageTemplate.objects.aggregate(last=Max("position"))["last"]
    template = MessageTemplate(key=key.hex, position=0 if last is None else last + 1)
    _put(template, data)
    return template


@transaction.atomic
def save(template: MessageTemplate, data: TemplateData, *, revision: int, by: User) -> MessageTemplate:
    """Store *data* over what had *revision* when it was opened. Raises Overtaken, and Refused for what cannot be.

    Messages that were begun from it are unchanged.
    """
    permissions.check_edit_wording(by)
    stored = MessageTemplate.objects.select_for_update().get(pk=template.pk)
    if stored.revision != revision and stored_data(stored) != data:
        raise Overtaken(stored)
    _check(data)
    stored.revision += 1
    _put(stored, data)
    return stored


@transaction.atomic
def remove(template: MessageTemplate, *, by: User) -> None:
    """The desk's own come back when they are installed again."""
    permissions.check_edit_wording(by)
    template.delete()


@transaction.atomic
def install() -> list[MessageTemplate]:
    """Store the messages that the desk comes with; one that is stored already is left as it was edited."""
    installed = []
    for template, texts in standard_messages():
        stored = MessageTemplate.objects.filter(key=template.key).first()
        if stored is None:
            template.save()
            MessageTemplateText.objects.bulk_create(texts)
        installed.append(stored or template)
    return installed


def stored_data(template: MessageTemplate) -> TemplateData:
    """*template* as it is stored, in the shape a form sends."""
    texts = {text.language: text for text in template.texts.all()}
    return TemplateData(
        phase=Phase(template.phase),
        names={language: getattr(template, f"name_{language}") for language in Language},
        texts={
            language: {part: getattr(texts.get(language), part, "") for part in PARTS}
            for language in Language
        },
    )


def holding_statement() -> list[MessageTemplateText]:
    """The texts a first message begins with: of the first prepared one for an incident nobody knows the cause of.

    Where there is none, of the one that the desk comes with: the first message has to be ready.
    """
    prepared = MessageTemplate.objects.filter(phase=Phase.INVESTIGATING).prefetch_related("texts").first()
    return list(prepared.texts.all()) if prepared else standard_messages()[0][1]


def filled_for(
    incident: Incident,
    texts: list[MessageTemplateText],
    *,
    statuses: Mapping[Service, ServiceStatus],
    next_update_at: datetime | None,
) -> dict[str, dict[str, str]]:
    """By language, the parts of an update. The services are those disturbed; where none is, all that are named."""
    named = [service for service, status in statuses.items() if status.rank] or list(statuses)
    return filled(
        texts,
        services={
            language: [service.name_in(language) for service in named] or [incident.title_in(language)]
            for language in Language
        },
        next_update_at=next_update_at,
        urls={
            language: f"{settings.DESK_STATUS_URL}/{language}/incidents/{incident.public_id}/"
            for language in Language
        },
    )


def _check(data: TemplateData) -> None:
    for language in REQUIRED_PUBLIC_LANGUAGES:
        if not data.names.get(language, "").strip():
            raise Refused(
                _("A prepared message needs a name in French and in Dutch."), field=f"name_{language}"
            )
        for part in REQUIRED_PARTS:
            if not data.texts.get(language, {}).get(part, "").strip():
                raise Refused(
                    _("A prepared message is complete in French and in Dutch."), field=f"{part}_{language}"
                )
    for spoken, parts in data.texts.items():
        for part, text in parts.items():
            try:
                placeholders.parse(text, PLACEHOLDERS)
            except placeholders.PatternError as error:
                raise Refused(str(error), field=f"{part}_{spoken}") from error


def _put(template: MessageTemplate, data: TemplateData) -> None:
    template.phase = data.phase
    for language in Language:
        setattr(template, f"name_{language}", data.names.get(language, "").strip())
    template.save()
    template.texts.all().delete()
    MessageTemplateText.objects.bulk_create(
        MessageTemplateText(template=template, language=language, **parts)
        for language, parts in data.texts.items()
        if any(parts.values())
    )
