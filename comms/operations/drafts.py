"""Drafts of messages to the public: begun from what is known, written by several people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid4

from django.db import transaction
from django.db.models import BigIntegerField
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.composed import Composed, ComposedUpdate, prefetch
from accounts.languages import Language
from accounts.models import User
from accounts.refusals import Refused
from comms import checks, permissions, rows
from comms.models import (
    PARTS,
    Channel,
    ChecklistItem,
    MessageTemplate,
    PostText,
    Update,
    UpdateService,
    UpdateText,
)
from comms.operations.prepared import filled_for, holding_statement
from incidents.models import Incident, Phase, Service, ServiceStatus
from incidents.models.states import PHASE_TRANSITIONS

UNSAVED = 1  # the revision of a draft that nobody saved yet


@dataclass(frozen=True)
class DraftData:
    """A draft as a form holds it: *texts* maps language to the parts of PARTS.

    *posts*: what is written for a channel in place of the text made from the update, by its pk and language.
    *held_back*: the pks of the channels that it does not go to.
    """

    phase: Phase
    next_update_at: datetime | None
    occurred_at: datetime | None = None
    valid_until: datetime | None = None
    central_confirmed: bool = False
    statuses: Mapping[Service, ServiceStatus] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    posts: Mapping[tuple[int, str], str] = field(default_factory=dict)
    held_back: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Difference:
    """A field that somebody else saved differently; *theirs* and *mine* are fit to be shown."""

    field: str
    label: str
    theirs: str
    mine: str


class Conflict(Refused):
    """Somebody saved the draft after this person had opened it. Nothing was written.

    `update` is the draft as it is stored, `differences` what separates it from what was sent (publishing sends
    nothing, and so has none).
    """

    def __init__(self, update: Update, differences: Sequence[Difference] = ()) -> None:
        super().__init__(
            _("%(who)s saved this message at %(when)s, after you had opened it. Nothing was overwritten.")
            % {
                "who": update.saved_by.display_name,
                "when": f"{timezone.localtime(update.saved_at):%H:%M}",
            }
        )
        self.update = update
        self.differences = differences


@transaction.atomic
def draft_for(incident: Incident, *, by: User, at: datetime | None = None) -> Update:
    """The draft there is, or a new one that starts from the last message that holds and today's statuses.

    Before the first message, and again when what was resolved is open once more, it is the holding statement, its next
    message promised in twenty minutes. That it is not the pharmacy's is said from when it was said before, or the chain
    names a confirmed fault beyond it.
    """
    permissions.check_write_update(by)
    incident = Incident.objects.select_for_update().get(pk=incident.pk)
    return incident.updates.drafts().first() or _begun(incident, by=by, at=at)


def _begun(
    incident: Incident, draft: Update | None = None, *, by: User, at: datetime | None = None
) -> Update:
    """A new draft, or the *draft* that nobody saved yet, as it begins now."""
    at = at or incident.now()
    last = Update.objects.holding(incident)
    statuses = _starting_statuses(incident, last)
    promised = None if last else next_times(at)[20]
    draft = draft or Update(incident=incident, key=uuid4(), created_at=at, created_by=by)
    draft.next_update_at = promised
    draft.phase = incident.phase if incident.is_open else Phase.INVESTIGATING
    draft.valid_until = last.valid_until if last and last.valid_until and last.valid_until > at else None
    draft.central_confirmed = (
        bool(last and last.central_confirmed) or incident.standings.central_faults().exists()
    )
    draft.saved_at, draft.saved_by = at, by
    draft.save()
    texts = (
        {text.language: {part: getattr(text, part) for part in PARTS} for text in last.texts.all()}
        if last
        else filled_for(incident, holding_statement(), statuses=statuses, next_update_at=promised)
    )
    _put_texts(draft, texts)
    _put_statuses(draft, statuses)
    return draft


@transaction.atomic
def draft_for_step(item: ChecklistItem, *, by: User, at: datetime | None = None) -> tuple[Update, bool]:
    """The draft that does *item* when it is published, and whether it begins with what the step says.

    Such a one has the step's prepared message and phase, and is held back from the channels of other audiences. One
    that somebody saved keeps its words and channels, and does this step instead of any other; one that was merely
    opened, as the desk does after declaring, holds nobody's words yet.
    """
    permissions.check_write_update(by)
    incident = Incident.objects.select_for_update().get(pk=item.checklist.incident_id)
    draft = incident.updates.drafts().first()
    new = draft is None or draft.revision == UNSAVED
    if draft and new:
        draft.texts.all().delete()
        draft.held_back_from.clear()
    if draft is None or new:
        draft = _begun(incident, draft, by=by, at=at)
    draft.plan_item = item
    if new and (prepared := MessageTemplate.objects.filter(key=item.message_template).first()):
        if prepared.phase in (incident.phase, *PHASE_TRANSITIONS[incident.phase]):
            draft.phase = prepared.phase
        if draft.phase == Phase.RESOLVED:
            draft.next_update_at = draft.valid_until = None
        statuses = {row.service: ServiceStatus(row.status) for row in draft.services.all()}
        texts = list(prepared.texts.all())
        _put_texts(draft, filled_for(incident, texts, statuses=statuses, next_update_at=draft.next_update_at))
    draft.save(update_fields=["plan_item", "phase", "next_update_at", "valid_until"])
    if new and item.audiences:
        draft.held_back_from.set(Channel.objects.filter(enabled=True).exclude(audience__in=item.audiences))
    return draft, new


def next_times(at: datetime) -> dict[int, datetime]:
    """When the next message may be promised for: in 20, 30 and 60 minutes, on the next five, by those minutes."""
    start = at.replace(second=0, microsecond=0)
    start += timedelta(minutes=-start.minute % 5)
    return {minutes: start + timedelta(minutes=minutes) for minutes in (20, 30, 60)}


def _starting_statuses(incident: Incident, last: Update | None) -> dict[Service, ServiceStatus]:
    """Every service the last message named, as it is now; and whatever is touched since."""
    named = {row.service: ServiceStatus.OPERATIONAL for row in last.services.all()} if last else {}
    touched = incident.impacts.open().select_related("service")
    return named | {impact.service: ServiceStatus(impact.status) for impact in touched}


@transaction.atomic
def save_draft(
    update: Update, draft: DraftData, *, by: User, revision: int, at: datetime | None = None
) -> Update:
    """Store *draft* over the draft that had *revision* when it was opened.

    Raises Conflict when somebody saved it in between; a published update is never changed.
    """
    permissions.check_write_update(by)
    stored = locked(update)
    put(stored, draft, by=by, revision=revision, at=at)
    store(stored)
    return stored


def locked(update: Update) -> Update:
    """*update* with what is written beside it and its incident, as they are now; nobody else changes these two until
    the transaction ends.

    The incident is locked first, as by all that decides about it.
    """
    return _LOCKED(pk=update.pk)[0]


_LOCKED = Composed(
    lambda pk: (
        Update.objects.select_for_update(of=("incident", "self"), no_key=True)
        .filter(pk=pk)
        .select_related("saved_by", "incident", "plan_item")
    ),
    rows.WRITTEN,
    pk=BigIntegerField(),
)


def put(stored: Update, draft: DraftData, *, by: User, revision: int, at: datetime | None = None) -> None:
    """As save_draft, over the *stored* one that is locked and then holds what is written. Writes what differs beside
    its row; the row itself is for the caller to `store`.
    """
    _check_unpublished(stored)
    if stored.revision != revision and (differences := differing(stored, draft)):
        raise Conflict(stored, differences)
    before = stored_draft(stored)
    stored.phase = draft.phase
    stored.next_update_at = None if draft.phase == Phase.RESOLVED else draft.next_update_at
    stored.occurred_at = draft.occurred_at
    stored.valid_until = None if draft.phase == Phase.RESOLVED else draft.valid_until
    stored.central_confirmed = draft.central_confirmed
    stored.revision += 1
    stored.saved_at, stored.saved_by = at or stored.incident.now(), by
    if draft.texts != before.texts:
        _put_texts(stored, draft.texts)
    if draft.statuses != before.statuses:
        _put_statuses(stored, draft.statuses)
        prefetch([stored], rows.SERVICES, anew=True)
    if draft.posts != before.posts:
        _put_posts(stored, draft.posts)
        prefetch([stored], rows.POSTS, anew=True)
    if draft.held_back != before.held_back:
        stored.held_back_from.set(draft.held_back)


def store(stored: Update) -> None:
    """The row of what `put` and publishing have changed."""
    _STORE(pk=stored.pk, **{field.name: getattr(stored, field.attname) for field in _DECIDED})


_DECIDED = [
    field
    for field in Update._meta.concrete_fields
    if field.name
    in (
        *("phase", "next_update_at", "occurred_at", "valid_until", "central_confirmed"),
        *("revision", "saved_at", "saved_by", "number", "published_at", "published_by"),
    )
]
_STORE = ComposedUpdate(
    lambda pk, **decided: (Update.objects.filter(pk=pk), decided),
    pk=BigIntegerField(),
    **{field.name: BigIntegerField() if field.is_relation else field for field in _DECIDED},
)


def _check_unpublished(update: Update) -> None:
    if update.published_at:
        raise Refused(
            _("This message was published at %(when)s and can no longer be changed.")
            % {"when": f"{timezone.localtime(update.published_at):%H:%M}"}
        )


def _put_texts(update: Update, texts: Mapping[str, Mapping[str, str]]) -> None:
    """A language that *texts* does not hold is not touched. *update* then holds what is written."""
    written = {language: parts for language, parts in texts.items() if any(parts.values())}
    before = {text.language: text for text in update.texts.all()}
    if silenced := before.keys() & texts.keys() - written.keys():
        update.texts.filter(language__in=silenced).delete()
    kept = [text for language, text in before.items() if language not in texts]
    put = UpdateText.objects.bulk_create(
        (UpdateText(update=update, language=language, **parts) for language, parts in written.items()),
        update_conflicts=True,
        unique_fields=["update", "language"],
        update_fields=PARTS,
    )
    rows.TEXTS.hold(update, sorted([*kept, *put], key=lambda text: text.pk))


def _put_statuses(update: Update, statuses: Mapping[Service, ServiceStatus]) -> None:
    update.services.exclude(service__in=list(statuses)).delete()
    UpdateService.objects.bulk_create(
        (
            UpdateService(update=update, service=service, status=status)
            for service, status in statuses.items()
        ),
        update_conflicts=True,
        unique_fields=["update", "service"],
        update_fields=["status"],
    )


def _put_posts(update: Update, posts: Mapping[tuple[int, str], str]) -> None:
    update.posts.all().delete()
    PostText.objects.bulk_create(
        PostText(update=update, channel_id=channel, language=language, text=text)
        for (channel, language), text in posts.items()
        if text.strip()
    )


@dataclass(frozen=True)
class _Field:
    label: str
    value: object = ""

    @property
    def comparable(self) -> object:
        return _comparable(self.value)


def stored_draft(update: Update) -> DraftData:
    """*update* as it is stored, in the shape a form sends."""
    prefetch([update], *rows.WRITTEN)
    return DraftData(
        phase=Phase(update.phase),
        next_update_at=update.next_update_at,
        occurred_at=update.occurred_at,
        valid_until=update.valid_until,
        central_confirmed=update.central_confirmed,
        statuses={row.service: ServiceStatus(row.status) for row in update.services.all()},
        texts={text.language: {part: getattr(text, part) for part in PARTS} for text in update.texts.all()},
        posts={(post.channel_id, post.language): post.text for post in update.posts.all()},
        held_back=frozenset(channel.pk for channel in update.held_back_from.all()),
    )


def differing(update: Update, draft: DraftData) -> list[Difference]:
    """What *update*, as stored, says otherwise than *draft*, in the form's order.

    A language that *draft* does not hold is not touched by it, and so differs in nothing.
    """
    stored = stored_draft(update)
    stored = replace(stored, texts={language: stored.texts.get(language, {}) for language in draft.texts})
    theirs, mine = _fields(stored), _fields(draft)
    return [
        Difference(
            name,
            (theirs.get(name) or mine[name]).label,
            _shown(theirs[name].value) if name in theirs else "",
            _shown(mine[name].value) if name in mine else "",
        )
        for name in dict.fromkeys([*mine, *theirs])
        if theirs.get(name, _Field("")).comparable != mine.get(name, _Field("")).comparable
    ]


def fingerprints(draft: DraftData) -> dict[str, str]:
    """By field, a mark of what it says: who sends them back with her text tells which fields she changed herself.

    A field that says nothing has none.
    """
    return {
        name: sha256(str(field.comparable).encode()).hexdigest()[:8] for name, field in _fields(draft).items()
    }


def _fields(draft: DraftData) -> dict[str, _Field]:
    """By their names in the form; statuses and texts only where they say something."""
    resolved = draft.phase == Phase.RESOLVED
    fields = {
        "phase": _Field(_("Phase"), draft.phase),
        "next_update_at": _Field(_("Next message"), None if resolved else draft.next_update_at),
        "occurred_at": _Field(_("Happened at"), draft.occurred_at),
        "valid_until": _Field(_("To do, holds until"), None if resolved else draft.valid_until),
        "central_confirmed": _Field(_("Central fault confirmed"), draft.central_confirmed),
    }
    for service, status in sorted(draft.statuses.items(), key=lambda item: item[0].pk):
        fields[f"service_{service.key}"] = _Field(str(service), status)
    for language in Language:
        for part, text in draft.texts.get(language, {}).items():
            if text.strip():
                label = f"{language.label}, {checks.part_name(part)}"
                fields[f"{part}_{language}"] = _Field(label, text)
    names = _channel_names(draft)
    for (channel, spoken), text in sorted(draft.posts.items()):
        if text.strip():
            label = f"{names.get(channel, channel)}, {Language(spoken).label}"
            fields[f"post_{channel}_{spoken}"] = _Field(label, text)
    if draft.held_back:
        not_to = ", ".join(sorted(names.get(channel, "") for channel in draft.held_back))
        fields["channels"] = _Field(_("Does not go to"), not_to)
    return fields


def _channel_names(draft: DraftData) -> dict[int, str]:
    """No query where nothing is written for a channel and none is held back."""
    named = {channel for channel, _language in draft.posts} | draft.held_back
    return dict(Channel.objects.filter(pk__in=named).values_list("pk", "name")) if named else {}


def _comparable(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\r\n", "\n").strip()
    return value.replace(second=0, microsecond=0) if isinstance(value, datetime) else value


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%d/%m %H:%M}"
    if isinstance(value, Phase | ServiceStatus):
        return str(value.label)
    return str(value) if value else ""


@transaction.atomic
def discard(update: Update, *, by: User) -> None:
    """Throw the draft away."""
    permissions.check_write_update(by)
    stored = locked(update)
    _check_unpublished(stored)
    stored.delete()
