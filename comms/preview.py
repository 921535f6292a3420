"""The status page and the posts as they would be if a draft were published now. Writes and publishes nothing."""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime

from accounts.languages import Language
from comms.models import PARTS, Channel, Update, UpdateText
from comms.operations.deliveries import carrying, recipients
from comms.operations.drafts import DraftData
from comms.posting import LETTERS, composed, facts_from
from comms.posts.composing import Composed, Facts
from comms.status import facts, incident_facts
from comms.status.languages import WORDS
from comms.status.pages.status import status_page
from comms.status.snapshot import Row, snapshot
from incidents.models import DRILL_MARK, Incident, Phase, ServiceStatus


@dataclass(frozen=True)
class Post:
    channel: Channel
    language: str
    composed: Composed


def posts_with(
    draft: DraftData, update: Update, *, at: datetime, own: Mapping[tuple[int, str], str] | None = None
) -> list[Post]:
    """Each channel's text in each of its languages, *draft* being what *update* comes to say.

    *own*: what a person wrote instead, by the channel's pk and language.
    """
    told = copy(update)
    told.phase = draft.phase
    return [
        Post(channel, language, composed(_post_facts(draft, update, language, at), channel, own=written))
        for channel in carrying(told, held_back=draft.held_back)
        if channel.kind not in LETTERS
        for language in dict.fromkeys(language for language, _recipient in recipients(channel))
        for written in [(own or {}).get((channel.pk, language), "")]
    ]


def _post_facts(draft: DraftData, update: Update, language: str, at: datetime) -> Facts:
    texts = {spoken: UpdateText(language=spoken, **parts) for spoken, parts in draft.texts.items()}
    told = {spoken: text for spoken, text in texts.items() if text.is_spoken}
    text = told.get(language) or told.get(Language.FR) or texts.get(language) or UpdateText(language=language)
    return facts_from(
        update.incident,
        text,
        draft.statuses,
        asked=language,
        phase=draft.phase,
        next_update_at=draft.next_update_at,
        at=at,
    )


def status_page_with(draft: DraftData, incident: Incident, language: Language, *, at: datetime) -> str:
    """The page's HTML in *language*, made by what makes the real one; of an exercise, marked as one."""
    public = snapshot(at)
    if incident.drill:
        draft = replace(
            draft, texts={spoken: _marked(parts, spoken) for spoken, parts in draft.texts.items()}
        )
        chosen = Row(incident.pk, incident.public_id, incident.revision, incident.began_at, related=True)
        played = (_with(known, draft, at) for known in incident_facts.read([chosen]))
        told = (*(replace(known, title=_marked_title(known.title)) for known in played), *public.incidents)
    else:
        told = tuple(
            _with(known, draft, at) if known.id == incident.public_id else known for known in public.incidents
        )
    return str(status_page(replace(public, incidents=told), WORDS[language]))


def _marked(parts: Mapping[str, str], language: str) -> Mapping[str, str]:
    return {**parts, "title": f"{DRILL_MARK[language]} · {parts.get('title', '')}"}


def _marked_title(title: facts.Text) -> facts.Text:
    texts = {language: title.in_language(language) for language in Language}
    return facts.Text(**{spoken: text and f"{DRILL_MARK[spoken]} · {text}" for spoken, text in texts.items()})


def _with(incident: facts.Incident, draft: DraftData, at: datetime) -> facts.Incident:
    given = {service.public_id: status for service, status in draft.statuses.items()}
    resolved = draft.phase == Phase.RESOLVED
    return replace(
        incident,
        revision=0,
        phase=draft.phase,
        resolved_at=draft.occurred_at or at if resolved else None,
        impacts=tuple(_impacts(incident, given, draft.occurred_at or at, resolved=resolved)),
        updates=(_update(incident, draft, given, at), *incident.updates),
        changed_at=at,
    )


def _impacts(
    incident: facts.Incident, given: Mapping[str, ServiceStatus], moment: datetime, *, resolved: bool
) -> Iterator[facts.Impact]:
    unchanged = set()
    for impact in incident.impacts:
        same = given.get(impact.service_id, impact.status) == impact.status
        if impact.ended_at or (same and not resolved):
            yield impact
        else:
            yield replace(impact, ended_at=moment)
        if impact.ended_at is None and same:
            unchanged.add(impact.service_id)
    if resolved:
        return
    for service_id, status in given.items():
        if service_id not in unchanged and status != ServiceStatus.OPERATIONAL:
            yield facts.Impact(service_id, status, moment, None)


def _update(
    incident: facts.Incident, draft: DraftData, given: Mapping[str, ServiceStatus], at: datetime
) -> facts.Update:
    before = {
        status.service_id: status.status
        for update in reversed(incident.updates)
        for status in update.statuses
    }
    said = {
        part: facts.Text(**{language: parts.get(part, "").strip() for language, parts in draft.texts.items()})
        for part in PARTS
    }
    message = (said["headline"], said["body"])
    return facts.Update(
        id="preview",
        phase=draft.phase,
        published_at=at,
        occurred_at=draft.occurred_at or at,
        next_update_at=None if draft.phase == Phase.RESOLVED else draft.next_update_at,
        valid_until=None if draft.phase == Phase.RESOLVED else draft.valid_until,
        central_confirmed=draft.central_confirmed,
        statuses=tuple(
            facts.StatusGiven(service_id, before.get(service_id, ServiceStatus.OPERATIONAL), status)
            for service_id, status in given.items()
        ),
        corrected_at=None,
        withdrawn_at=None,
        headline=said["headline"],
        title=said["title"],
        body=said["body"],
        do=facts.part_of(message, said["do"]),
        dont=facts.part_of(message, said["dont"]),
        patient=facts.part_of(message, said["patient"]),
    )
