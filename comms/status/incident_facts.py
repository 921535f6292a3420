"""Reads incidents as the public may know them. What did not change since it was last read is not read again."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from django.db.models import BigIntegerField, prefetch_related_objects

from accounts.composed import Composed, ComposedPrefetch, Many, prefetch
from accounts.languages import Language, LocalizedName
from comms import rows
from comms.models import Update
from comms.status import facts
from incidents.models import (
    PHASE_CHANGES,
    Impact,
    Incident,
    LinkStanding,
    LinkState,
    Milestone,
    Phase,
    PhaseChange,
    Postmortem,
    PostmortemText,
    ServiceStatus,
)
from incidents.models.states import MilestoneKind, Severity

US = facts.Text(**dict.fromkeys(Language, "FarmaFlux"))
STAGES = list(MilestoneKind)
MOST_KNOWN = 500  # incidents that a process remembers

_known: OrderedDict[tuple[str, int], facts.Incident] = OrderedDict()


class Chosen(Protocol):
    """A row's key, its public id, the revision of the last change of anything that stands in the facts, and whether
    it is a relapse or has one.
    """

    @property
    def pk(self) -> int: ...
    @property
    def public_id(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def related(self) -> bool: ...


def read(chosen: Sequence[Chosen]) -> tuple[facts.Incident, ...]:
    """The incidents of *chosen*, in that order; a fixed number of queries.

    What was read before under the same revision is still true. Revision 0 is that of rows whose changes nobody
    counted: they are read each time.
    """
    keys = {row.pk: (row.public_id, row.revision) for row in chosen}
    known = {key: _known[key] for key in keys.values() if key in _known}
    unread = [row for row in chosen if keys[row.pk] not in known]
    for incident in _read(unread) if unread else ():
        key = keys[incident.pk]
        known[key] = _incident(incident, revision=key[1])
    _remember(known)
    return tuple(known[key] for key in keys.values())


def _remember(known: dict[tuple[str, int], facts.Incident]) -> None:
    for key, incident in known.items():
        if incident.revision:
            _known[key] = incident
            _known.move_to_end(key)
    while len(_known) > MOST_KNOWN:
        _known.popitem(last=False)


def _read(chosen: Sequence[Chosen]) -> list[Incident]:
    incidents = _INCIDENTS(pks=[row.pk for row in chosen])
    related = {row.pk for row in chosen if row.related}
    _prefetch_of(incidents, _RELAPSES, where=lambda incident: incident.pk in related)
    _prefetch_of(incidents, _POSTMORTEMS, where=_was_resolved)
    relapses = [incident for incident in incidents if incident.relapse_of_id]
    prefetch_related_objects(relapses, "relapse_of")
    prefetch([incident.relapse_of for incident in relapses if incident.relapse_of], *_BRIEFLY)
    return incidents


def _prefetch_of(
    incidents: list[Incident], lookup: ComposedPrefetch, *, where: Callable[[Incident], bool]
) -> None:
    """Of the others it is known that there are none: they hold that, and nothing is asked."""
    for incident in incidents:
        if not where(incident):
            lookup.hold(incident, [])
    prefetch(incidents, lookup)


def _was_resolved(incident: Incident) -> bool:
    """Only then there can be a post-mortem."""
    return any(change.phase == Phase.RESOLVED for change in incident.phase_changes.all())


_IMPACTS = ComposedPrefetch(
    "impacts", lambda owners: Impact.objects.filter(incident__in=owners).select_related("service")
)
_BRIEFLY = (PHASE_CHANGES, _IMPACTS)
_PUBLISHED = ComposedPrefetch(
    "updates",
    lambda owners: Update.objects.published().filter(incident__in=owners),
    prefetch=[rows.TEXTS, rows.CORRECTIONS, rows.SERVICES],
)
_INCIDENTS = Composed(
    lambda pks: Incident.objects.filter(pk__in=pks),
    [
        *_BRIEFLY,
        _PUBLISHED,
        ComposedPrefetch(
            "milestones",
            lambda owners: Milestone.objects.filter(incident__in=owners).select_related("confirmed_by"),
        ),
        ComposedPrefetch(
            "standings",
            lambda owners: LinkStanding.objects.filter(incident__in=owners).select_related(
                "link", "confirmed_by"
            ),
        ),
    ],
    pks=Many(BigIntegerField()),
)
_RELAPSES = ComposedPrefetch(
    "relapses", lambda owners: Incident.objects.filter(relapse_of__in=owners), prefetch=_BRIEFLY
)
_POSTMORTEMS = ComposedPrefetch(
    "postmortems",
    lambda owners: Postmortem.objects.published().filter(incident__in=owners),
    prefetch=[ComposedPrefetch("texts", lambda owners: PostmortemText.objects.filter(postmortem__in=owners))],
)


def _incident(incident: Incident, *, revision: int) -> facts.Incident:
    changes = list(incident.phase_changes.all())
    impacts = list(incident.impacts.all())
    milestones = list(incident.milestones.all())
    standings = list(incident.standings.all())
    published = list(incident.updates.all())
    postmortems = list(incident.postmortems.all())
    return facts.Incident(
        id=incident.public_id,
        revision=revision,
        title=_title(incident),
        severity=Severity(incident.severity),
        phase=incident.phase,
        began_at=incident.began_at,
        recorded_at=incident.recorded_at,
        changed_at=_last(
            [
                incident.recorded_at,
                *(change.recorded_at for change in changes),
                *(impact.recorded_at for impact in impacts),
                *(impact.ended_at for impact in impacts),
                *(milestone.recorded_at for milestone in milestones),
                *(standing.recorded_at for standing in standings),
                *(moment for update in published for moment in _moments(update)),
                *(postmortem.published_at for postmortem in postmortems),
            ]
        ),
        monitoring_at=_last_in(Phase.MONITORING, changes),
        resolved_at=incident.resolved_at,
        relapse_of=_brief(incident.relapse_of) if incident.relapse_of else None,
        relapses=tuple(_brief(later) for later in incident.relapses.all()),
        impacts=tuple(
            facts.Impact(
                impact.service.public_id, ServiceStatus(impact.status), impact.began_at, impact.ended_at
            )
            for impact in impacts
        ),
        chain=_chain(standings),
        milestones=tuple(
            _milestone(row)
            for row in sorted(milestones, key=lambda row: STAGES.index(MilestoneKind(row.kind)))
        ),
        updates=_updates(published),
        postmortem=_postmortem(postmortems[0]) if postmortems else None,
    )


def _chain(standings: list[LinkStanding]) -> tuple[facts.Link, ...]:
    """Empty where nothing is known of any link."""
    if all(row.state == LinkState.UNKNOWN for row in standings):
        return ()
    return tuple(
        facts.Link(
            name=name(row.link),
            state=LinkState(row.state),
            confirmed_by=_confirmed_by(row),
            confirmed_at=row.confirmed_at,
            note=facts.Text(**row.notes),
        )
        for row in standings
    )


def _confirmed_by(row: LinkStanding) -> facts.Text | None:
    if row.confirmed_at is None:
        return None
    return name(row.confirmed_by) if row.confirmed_by else US


def _postmortem(row: Postmortem) -> facts.Postmortem:
    assert row.published_at  # noqa: S101  # only published ones are read
    return facts.Postmortem(row.published_at, facts.Text(**row.texts_by_language))


def _brief(incident: Incident) -> facts.Brief:
    return facts.Brief(
        id=incident.public_id,
        title=_title(incident),
        phase=incident.phase,
        status=facts.worst(
            ServiceStatus(impact.status) for impact in incident.impacts.all() if impact.ended_at is None
        ),
        began_at=incident.began_at,
        resolved_at=incident.resolved_at,
    )


def _updates(published: list[Update]) -> tuple[facts.Update, ...]:
    """*published* comes newest first; each update is told with the statuses of the one before it."""
    told: list[facts.Update] = []
    known: dict[str, ServiceStatus] = {}
    for update in reversed(published):
        given = {row.service.public_id: ServiceStatus(row.status) for row in update.services.all()}
        statuses = tuple(
            facts.StatusGiven(service, known.get(service, ServiceStatus.OPERATIONAL), status)
            for service, status in given.items()
        )
        known |= given
        told.append(_update(update, statuses))
    return tuple(reversed(told))


def _update(update: Update, statuses: tuple[facts.StatusGiven, ...]) -> facts.Update:
    assert update.published_at  # noqa: S101  # only published ones are read
    texts = {} if update.withdrawn_at else {text.language: text for text in update.texts.all()}

    def text(field: str) -> facts.Text:
        return facts.Text(**{language: str(getattr(row, field)).strip() for language, row in texts.items()})

    message = (text("headline"), text("body"))
    return facts.Update(
        id=opaque(f"update {update.key}"),
        phase=Phase(update.phase),
        published_at=update.published_at,
        occurred_at=update.occurred_at or update.published_at,
        next_update_at=update.next_update_at,
        valid_until=update.valid_until,
        central_confirmed=update.central_confirmed,
        headline=text("headline"),
        title=text("title"),
        body=text("body"),
        do=facts.part_of(message, text("do")),
        dont=facts.part_of(message, text("dont")),
        patient=facts.part_of(message, text("patient")),
        statuses=statuses,
        corrected_at=max((row.corrected_at for row in update.corrections.all()), default=None),
        withdrawn_at=update.withdrawn_at,
    )


def _moments(update: Update) -> list[datetime | None]:
    """When it was said, put right and taken back."""
    corrected = [correction.corrected_at for correction in update.corrections.all()]
    return [update.published_at, update.withdrawn_at, *corrected]


def _milestone(row: Milestone) -> facts.Milestone:
    return facts.Milestone(
        kind=MilestoneKind(row.kind),
        planned_for=row.planned_for,
        reached_at=row.reached_at,
        confirmed_by=name(row.confirmed_by) if row.confirmed_by else None,
    )


def _title(incident: Incident) -> facts.Text:
    return facts.Text(**{language: getattr(incident, f"title_{language}") for language in Language})


def name(row: LocalizedName) -> facts.Text:
    return facts.Text(**{language: getattr(row, f"name_{language}") for language in Language})


def _last_in(phase: Phase, changes: list[PhaseChange]) -> datetime | None:
    return max((change.occurred_at for change in changes if change.phase == phase), default=None)


def _last(moments: Iterable[datetime | None]) -> datetime:
    return max(moment for moment in moments if moment is not None)


def opaque(name: str) -> str:
    """12 lower-case hexadecimal digits, always the same for *name*, from which nobody finds *name* again."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]
