"""The room: one incident with all its apps know of it, in panels that say when they have changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Count, Max

from accounts.models import User
from comms.matrix import Matrix, newest
from comms.matrix import version as deliveries_version
from comms.models import Checklist, Update
from comms.permissions import can_start_plan, can_tick_step, can_write_update
from comms.plan.board import Board, board, checklists
from farmaflux_desk.chart import Chart, chart
from farmaflux_desk.header import Header
from farmaflux_desk.models import Replay
from farmaflux_desk.rehearsal.playing import Playing, of
from incidents.models import (
    Entry,
    EntryKind,
    Impact,
    Incident,
    LinkStanding,
    Maintenance,
    MilestoneKind,
    ResponseRole,
    Service,
    ServiceStatus,
)
from incidents.permissions import can_change_course, can_note_fact, can_plan_work, can_run_incident
from incidents.timeline import describe
from tickets.felt import Felt, felt, felt_per_quarter
from tickets.felt import version as reports_version
from tickets.pressure import Totals, per_quarter, totals

AFTER = timedelta(hours=2)  # how long after its end an incident's calls still belong in the chart
NEWEST_ENTRIES = 40

LOOK = {
    EntryKind.UPDATE: ("d-send", "k-update"),
    EntryKind.SIGNAL: ("d-bell", "k-signal"),
    EntryKind.CALLS: ("d-phone", "k-calls"),
    EntryKind.PLAN: ("d-list", "k-plan"),
    EntryKind.MILESTONE: ("d-check", "k-mile"),
    EntryKind.PEOPLE: ("d-user", "k-people"),
    EntryKind.ROLE: ("d-user", "k-people"),
    EntryKind.DECLARED: ("i-major", "k-declared"),
    EntryKind.PHASE: ("d-arrow", "k-phase"),
    EntryKind.IMPACT: ("i-partial", "k-impact"),
    EntryKind.CHAIN: ("i-partial", "k-impact"),
    EntryKind.ACTION: ("d-run", "k-action"),
    EntryKind.DELIVERY: ("d-mail", "k-delivery"),
    EntryKind.POSTMORTEM: ("d-send", "k-update"),
}


@dataclass(frozen=True)
class Node:
    """Services that stand alike, as one link of the strip."""

    name: str
    status: ServiceStatus
    since: datetime | None


@dataclass(frozen=True)
class Stage:
    """A stage of recovery; *number* as people call it out."""

    number: int
    kind: MilestoneKind
    planned_for: datetime | None
    reached_at: datetime | None
    partner: str

    @property
    def mark(self) -> str:
        return "ok" if self.reached_at else "maint" if self.planned_for else "unknown"


@dataclass(frozen=True)
class Held:
    """A role, who holds it (None: nobody) and who stands in."""

    role: ResponseRole
    person: User | None
    deputy: User | None
    can_hand_over: bool


@dataclass(frozen=True)
class Line:
    """An entry as the timeline shows it."""

    entry: Entry
    text: str
    icon: str
    css: str

    @property
    def entered_later(self) -> bool:
        return self.entry.recorded_at - self.entry.occurred_at >= timedelta(minutes=2)


class Room:
    """Read lazily: a poll that finds nothing new asks only for the versions."""

    def __init__(self, incident: Incident, *, user: User, at: datetime, whole: bool = False) -> None:
        self.incident = incident
        self.user = user
        self.at = at
        self.now = incident.now(at)
        self.header = Header(user=user, at=at, public_id=incident.public_id, section="room")
        self.whole = whole
        self.can_run = can_run_incident(user)
        self.can_change_course = can_change_course(user)
        self.can_note = can_note_fact(user)
        self.can_plan_work = can_plan_work(user)
        self.can_write = can_write_update(user)
        self.can_start_plan = can_start_plan(user)
        self.can_tick = can_tick_step(user)

    # Versions: a panel is drawn anew when its own has changed.

    @cached_property
    def versions(self) -> dict[str, str]:
        """By panel. A dozen queries, whatever the incident holds."""
        stopped = self.header.sending_stopped_since
        newest = self.incident.entries.aggregate(n=Max("sequence"))["n"] or 0
        contacts = self.incident.contacts.aggregate(n=Count("pk"), newest=Max("recorded_at"))
        published = self.incident.updates.published().aggregate(n=Count("pk"))["n"]
        quarter = int(self.now.timestamp() // 900)
        return {
            "chain": str(newest),
            "time": str(newest),
            "people": str(newest),
            "press": f"{contacts['n']}-{published}-{quarter if self.incident.is_open else 0}"
            f"-{reports_version(self.incident, self.at)}",
            "deliv": f"{deliveries_version(self.incident)}-{int(stopped.timestamp()) if stopped else 0}",
            "plan": f"{self.board.version if self.board else 'none'}-{int(self.now.timestamp() // 60)}",
        }

    @property
    def seen(self) -> str:
        return ",".join(f"{name}:{version}" for name, version in self.versions.items())

    def changed_since(self, seen: str) -> list[str]:
        """The panels whose version *seen* (as `seen` gave it) does not name."""
        known = dict(part.split(":", 1) for part in seen.split(",") if ":" in part)
        return [name for name, version in self.versions.items() if known.get(name) != version]

    # Services and stages

    @cached_property
    def _impacts(self) -> list[Impact]:
        return list(self.incident.impacts.select_related("service__group"))

    @cached_property
    def _touched(self) -> dict[Service, tuple[ServiceStatus, datetime | None]]:
        """Every service it ever touched, and how that stands now."""
        now: dict[Service, tuple[ServiceStatus, datetime | None]] = {}
        for impact in sorted(self._impacts, key=lambda impact: impact.began_at):
            open_ = impact.ended_at is None
            status = ServiceStatus(impact.status) if open_ else ServiceStatus.OPERATIONAL
            now[impact.service] = (status, impact.began_at if open_ else impact.ended_at)
        return now

    @cached_property
    def nodes(self) -> list[Node]:
        alike: dict[tuple[int, ServiceStatus], list[Service]] = {}
        for service in self.services:
            if service in self._touched:
                alike.setdefault((service.group_id, self._touched[service][0]), []).append(service)
        sizes: dict[int, int] = {}
        for service in self.services:
            sizes[service.group_id] = sizes.get(service.group_id, 0) + 1
        nodes = []
        for (group, status), services in alike.items():
            whole_group = len(services) == sizes[group] and len(services) > 1
            name = str(services[0].group) if whole_group else ", ".join(str(service) for service in services)
            nodes.append(Node(name, status, self._touched[services[0]][1]))
        return nodes

    @cached_property
    def services(self) -> list[Service]:
        return list(Service.objects.select_related("group"))

    @cached_property
    def standings(self) -> list[LinkStanding]:
        """The links of the chain that a message travels along; none where nobody told of one."""
        return list(self.incident.standings.select_related("link", "confirmed_by"))

    @cached_property
    def untouched(self) -> list[Node]:
        """What this incident leaves alone; another one, real or played as this one is, may not."""
        others = {
            impact.service_id: ServiceStatus(impact.status)
            for impact in Impact.objects.open()
            .filter(incident__drill=self.incident.drill)
            .exclude(incident=self.incident)
        }
        return [
            Node(str(service), others.get(service.pk, ServiceStatus.OPERATIONAL), None)
            for service in self.services
            if service not in self._touched
        ]

    @cached_property
    def stages(self) -> list[Stage]:
        foreseen = {
            milestone.kind: milestone for milestone in self.incident.milestones.select_related("confirmed_by")
        }
        return [
            Stage(
                number, kind, milestone.planned_for, milestone.reached_at, str(milestone.confirmed_by or "")
            )
            if (milestone := foreseen.get(kind))
            else Stage(number, kind, None, None, "")
            for number, kind in enumerate(MilestoneKind, 1)
        ]

    @cached_property
    def follow_ups(self) -> list[Maintenance]:
        """The work that finishes it, the first first; what was cancelled finishes nothing."""
        return list(
            self.incident.follow_ups.standing().order_by("starts_at", "pk").prefetch_related("changes")
        )

    # Timeline

    @cached_property
    def lines(self) -> list[Line]:
        entries = self.incident.entries.select_related("author", "source", "corrects")
        shown = entries if self.whole else entries[:NEWEST_ENTRIES]
        return [
            Line(entry, describe(entry), *LOOK.get(EntryKind(entry.kind), ("d-note", "k-note")))
            for entry in shown
        ]

    @property
    def more_entries(self) -> int:
        return 0 if self.whole else max(0, int(self.versions["time"]) - NEWEST_ENTRIES)

    # Calls

    @cached_property
    def totals(self) -> Totals:
        return totals(self.incident)

    @cached_property
    def chart(self) -> Chart:
        ended = self.incident.resolved_at
        until = min(self.now, ended + AFTER) if ended else self.now
        reports = felt_per_quarter(self.incident, until)
        return chart(per_quarter(self.incident, until), self.updates, self.incident.began_at, reports)

    @cached_property
    def felt(self) -> Felt:
        """What people without an account report."""
        return felt(self.incident, self.at)

    @cached_property
    def updates(self) -> list[Update]:
        """Published, newest first."""
        return list(self.incident.updates.published().prefetch_related("texts"))

    # Messages and plan

    @cached_property
    def matrix(self) -> Matrix | None:
        return newest(self.incident)

    @cached_property
    def board(self) -> Board | None:
        checklist: Checklist | None = checklists().filter(incident=self.incident).first()
        return board(checklist, self.at) if checklist else None

    @cached_property
    def playing(self) -> Playing | None:
        """The scenario of an exercise that has one."""
        if not self.incident.drill:
            return None
        replay = Replay.objects.shown().filter(incident=self.incident).first()
        return of(replay, user=self.user, at=self.at)

    # People

    @cached_property
    def roles(self) -> list[Held]:
        current = list(self.incident.role_assignments.current().select_related("person"))
        holders = {row.role: row.person for row in current if not row.deputy}
        deputies = {row.role: row.person for row in current if row.deputy}
        return [
            Held(
                role,
                holders.get(role),
                deputies.get(role),
                can_hand_over=role in deputies and (self.can_run or holders.get(role) == self.user),
            )
            for role in ResponseRole
        ]
