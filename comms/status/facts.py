"""What the public may know, and nothing else: what is not in these classes cannot reach the site.

All of it is frozen. Moments are aware; who renders them chooses the zone. What follows from the facts (how a
service does, what is worst) is derived here, once for all pages that tell it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from accounts.languages import Language
from incidents.models.states import (
    LinkState,
    MaintenanceStatus,
    MilestoneKind,
    Phase,
    ServiceStatus,
    Severity,
)

FALLBACK = (Language.FR, Language.NL, Language.DE, Language.EN)


@dataclass(frozen=True, slots=True)
class Said:
    """A text, and the language it is really in."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text of people in the languages there are; empty where it is missing."""

    fr: str = ""
    nl: str = ""
    de: str = ""
    en: str = ""

    def in_language(self, language: str) -> str:
        return str(getattr(self, language))

    def said_in(self, language: str) -> Said:
        """The text in *language*, else in the first language there is."""
        for candidate in (language, *FALLBACK):
            if text := self.in_language(candidate):
                return Said(text, candidate)
        return Said("", language)


@dataclass(frozen=True, slots=True)
class Part(Text):
    """What a message may leave out. spoken: its languages; in these an empty part is meant to be empty."""

    spoken: tuple[str, ...] = ()

    def said_in(self, language: str) -> Said:
        for candidate in (language, *FALLBACK):
            if candidate in self.spoken:
                return Said(self.in_language(candidate), candidate)
        return Said("", language)


def part_of(message: Sequence[Text], text: Text) -> Part:
    """*text* as a part of the *message* that these texts, its headline and body, make."""
    spoken = (language for language in Language if any(said.in_language(language) for said in message))
    return Part(text.fr, text.nl, text.de, text.en, tuple(spoken))


@dataclass(frozen=True, slots=True)
class Service:
    id: str
    name: Text
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    name: Text
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class Impact:
    service_id: str
    status: ServiceStatus
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Milestone:
    kind: MilestoneKind
    planned_for: datetime | None
    reached_at: datetime | None
    confirmed_by: Text | None


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain a message travels along, and who says that it does so."""

    name: Text
    state: LinkState
    confirmed_by: Text | None
    confirmed_at: datetime | None
    note: Text


@dataclass(frozen=True, slots=True)
class StatusGiven:
    """The status that an update gives a service, and the one it had in the update before."""

    service_id: str
    before: ServiceStatus
    status: ServiceStatus


@dataclass(frozen=True, slots=True)
class Update:
    """A published update; lines of `do` and `dont` are separated by newlines.

    valid_until: how long what to do meanwhile holds, None for as long as the incident lasts. One that was withdrawn
    says nothing any more: its texts are empty.
    """

    id: str
    phase: Phase
    published_at: datetime
    occurred_at: datetime
    next_update_at: datetime | None
    valid_until: datetime | None
    central_confirmed: bool
    headline: Text
    title: Text
    body: Text
    do: Part
    dont: Part
    patient: Part
    statuses: tuple[StatusGiven, ...]
    corrected_at: datetime | None = None
    withdrawn_at: datetime | None = None

    def __hash__(self) -> int:
        return hash(self.id)


@dataclass(frozen=True, slots=True)
class Postmortem:
    """What was learned; paragraphs and lists are separated by newlines."""

    published_at: datetime
    text: Text


@dataclass(frozen=True, slots=True)
class Brief:
    """An incident as a list names it; status: the worst it does to a service now."""

    id: str
    title: Text
    phase: Phase
    status: ServiceStatus
    began_at: datetime
    resolved_at: datetime | None

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def is_open(self) -> bool:
        return self.phase != Phase.RESOLVED


@dataclass(frozen=True)
class Incident:
    """updates: newest first; impacts: in the order they began; chain: in its order, empty where none is told.

    revision grows with every change of what stands here.
    """

    id: str
    revision: int
    title: Text
    severity: Severity
    phase: Phase
    began_at: datetime
    recorded_at: datetime
    changed_at: datetime
    monitoring_at: datetime | None
    resolved_at: datetime | None
    relapse_of: Brief | None
    relapses: tuple[Brief, ...]
    impacts: tuple[Impact, ...]
    chain: tuple[Link, ...]
    milestones: tuple[Milestone, ...]
    updates: tuple[Update, ...]
    postmortem: Postmortem | None

    @property
    def is_open(self) -> bool:
        return self.phase != Phase.RESOLVED

    @cached_property
    def latest(self) -> Update | None:
        """The newest that was not withdrawn; none where that said that all was over, and it is not."""
        return None if self.came_back else self._newest

    @cached_property
    def _newest(self) -> Update | None:
        return next((update for update in self.updates if update.withdrawn_at is None), None)

    @property
    def came_back(self) -> bool:
        """It is open again, and nothing was said since the message that it was over."""
        return self.is_open and self._newest is not None and self._newest.phase == Phase.RESOLVED

    @cached_property
    def status(self) -> ServiceStatus:
        """The worst it does to a service now."""
        return worst(impact.status for impact in self.impacts if impact.ended_at is None)

    @property
    def told_after_postmortem(self) -> int:
        """How many of its updates are newer than what was learned: it was reopened, or a late one was added."""
        learned = self.postmortem.published_at if self.postmortem else None
        return sum(1 for update in self.updates if learned and update.published_at > learned)

    @property
    def outlived(self) -> bool:
        """Things are better than its latest message says, because they changed without a new one."""
        told = self.latest.phase if self.latest else None
        if self.phase == Phase.RESOLVED:
            return told != Phase.RESOLVED
        works = self.status == ServiceStatus.OPERATIONAL
        return works and told not in (Phase.MONITORING, Phase.RESOLVED)

    @cached_property
    def brief(self) -> Brief:
        return Brief(self.id, self.title, self.phase, self.status, self.began_at, self.resolved_at)

    @property
    def worst_ever(self) -> ServiceStatus:
        return worst(impact.status for impact in self.impacts)


@dataclass(frozen=True, slots=True)
class PastImpact:
    """What an incident, open or over, did to a service: what bars and uptime are made of."""

    service_id: str
    incident_id: str
    status: ServiceStatus
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Month:
    """A month of Brussels in which incidents began, and how many; listed: only where its page is to be written."""

    year: int
    month: int
    incidents: int
    listed: tuple[Brief, ...]

    @property
    def key(self) -> str:
        """2022-07"""
        return f"{self.year}-{self.month:02}"


@dataclass(frozen=True, slots=True)
class MaintenanceNote:
    id: str
    status: MaintenanceStatus
    published_at: datetime
    body: Text


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Planned work; notes: newest first; follows: the incident it finishes; revision: how often it was changed."""

    id: str
    title: Text
    body: Text
    status: MaintenanceStatus
    service_ids: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    recorded_at: datetime
    changed_at: datetime
    follows: str | None
    notes: tuple[MaintenanceNote, ...]
    revision: int = 0

    def __hash__(self) -> int:
        return hash((self.id, self.changed_at))

    @property
    def is_active(self) -> bool:
        return self.status in (MaintenanceStatus.IN_PROGRESS, MaintenanceStatus.VERIFYING)

    @property
    def is_cancelled(self) -> bool:
        return self.status == MaintenanceStatus.CANCELLED


@dataclass(frozen=True, slots=True)
class Condition:
    """How a service does, and since when (None: it works, and no open incident ever touched it)."""

    status: ServiceStatus
    since: datetime | None


@dataclass(frozen=True, eq=False)
class Facts:
    """Everything that the site tells anew as of one moment; each list has the newest first.

    incidents: those that are open, that were resolved in the last two weeks, and the 50 newest. written_anew: older
    ones that changed since the archive was built. archived: the ids of those of whose page the archive has as it
    is now. past_impacts: what touched the last 90 days. months: all there are. maintenances: the planned work that
    stands, is under way or was done; cancelled: what was called off, which is told of and does nothing. app_url: where
    the pages are that take something in. notice: what the night shift says by hand. security_contact: a mailto: or
    https: address, or none.
    """

    revision: int
    at: datetime
    url: str
    app_url: str
    default_language: str
    groups: tuple[Group, ...]
    incidents: tuple[Incident, ...]
    written_anew: tuple[Incident, ...] = ()
    archived: frozenset[str] = frozenset()
    archived_until: datetime | None = None
    past_impacts: tuple[PastImpact, ...] = ()
    months: tuple[Month, ...] = ()
    maintenances: tuple[Maintenance, ...] = ()
    cancelled: tuple[Maintenance, ...] = ()
    notice: Text | None = None
    security_contact: str = ""

    @cached_property
    def services(self) -> tuple[Service, ...]:
        return tuple(service for group in self.groups for service in group.services)

    @cached_property
    def open_incidents(self) -> tuple[Incident, ...]:
        """The gravest first, then the oldest."""
        found = (incident for incident in self.incidents if incident.is_open)
        return tuple(
            sorted(found, key=lambda each: (each.severity, -each.status.rank, each.began_at, each.id))
        )

    @cached_property
    def works(self) -> tuple[Maintenance, ...]:
        """All planned work that has a page."""
        return (*self.maintenances, *self.cancelled)

    @cached_property
    def follow_ups(self) -> Mapping[str, tuple[Maintenance, ...]]:
        """The planned work that finishes an incident, by the incident's id; what begins first comes first."""
        found: dict[str, tuple[Maintenance, ...]] = {}
        for maintenance in sorted(self.works, key=lambda each: (each.starts_at, each.id)):
            if maintenance.follows:
                found[maintenance.follows] = (*found.get(maintenance.follows, ()), maintenance)
        return found

    @cached_property
    def conditions(self) -> Mapping[str, Condition]:
        """How each service does, by its id: the worst of what lasts, since the first of that."""
        found = {service.id: Condition(ServiceStatus.OPERATIONAL, None) for service in self.services}
        for incident in self.incidents:
            for impact in incident.impacts:
                if impact.ended_at is None:
                    found[impact.service_id] = _worse(
                        found[impact.service_id], Condition(impact.status, impact.began_at)
                    )
        for maintenance in self.maintenances:
            for service_id in maintenance.service_ids if maintenance.is_active else ():
                under = Condition(ServiceStatus.MAINTENANCE, maintenance.started_at or maintenance.starts_at)
                found[service_id] = _worse(found[service_id], under)
        return found

    @cached_property
    def changed_at(self) -> datetime:
        """The last public change; the moment of the facts when nothing ever changed."""
        moments = [incident.changed_at for incident in (*self.incidents, *self.written_anew)]
        moments += [self.archived_until] if self.archived_until else []
        moments += [service.changed_at for service in self.services]
        moments += [maintenance.changed_at for maintenance in self.works]
        return max(moments, default=self.at)


def worst(statuses: Iterable[ServiceStatus]) -> ServiceStatus:
    return max(statuses, key=lambda status: status.rank, default=ServiceStatus.OPERATIONAL)


def _worse(one: Condition, other: Condition) -> Condition:
    if one.since is None or other.since is None:
        return other if one.since is None else one
    return min(one, other, key=lambda condition: (-condition.status.rank, condition.since))
