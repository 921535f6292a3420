"""A checklist as it stands: each item judged at one moment, with its owner."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from comms.models import Checklist, ChecklistItem, Evidence, PlanPhase, Reminder, Tick, Update
from comms.plan.conditions import Situation
from comms.plan.rules import Judgement, Moments, State, judge
from incidents.models import (
    Entry,
    EntryKind,
    Impact,
    Incident,
    MilestoneKind,
    ResponseRole,
)

AFTERMATH = timedelta(days=14)  # steps after closure stay in sight that long
ORDER = (State.LATE, State.DUE, State.WAITING, State.NOT_APPLICABLE, State.DONE)


@dataclass(frozen=True)
class Owner:
    """A response role that a step names, and who holds it in this incident (None: nobody), or stands in."""

    role: ResponseRole
    person: User | None
    deputy: User | None = None


@dataclass(frozen=True)
class BoardItem:
    item: ChecklistItem
    judgement: Judgement
    owners: list[Owner]
    ticks: list[Tick]

    @property
    def state(self) -> State:
        return self.judgement.state

    @property
    def state_label(self) -> str:
        return {
            State.LATE: _("late"),
            State.DUE: _("open"),
            State.WAITING: _("waits"),
            State.DONE: _("done"),
            State.NOT_APPLICABLE: _("not applicable"),
        }[self.state]

    @property
    def due_at(self) -> datetime | None:
        return self.judgement.due_at

    @property
    def asked(self) -> list[tuple[str, str]]:
        """The evidence it asks for, by field and in words."""
        return [(name, str(Evidence(name).label).capitalize()) for name in self.item.evidence]

    @property
    def note_label(self) -> str:
        if self.item.evidence:
            return _("Remark; or why it does not apply")
        return _("Evidence: who was reached, how; or why it does not apply")

    @property
    def reminded(self) -> list[Reminder]:
        """What was sent about the due time that it has now."""
        return [sent for sent in self.item.reminders.all() if sent.due_at == self.due_at]

    @property
    def last_tick(self) -> Tick | None:
        return self.ticks[-1] if self.ticks else None

    @property
    def earlier_ticks(self) -> list[Tick]:
        """All but the last, the newest first."""
        return self.ticks[-2::-1]

    @property
    def can_be_marked(self) -> bool:
        """What its conditions leave out may be done all the same."""
        return self.open or (self.state == State.NOT_APPLICABLE and not self.ticks)

    @property
    def open(self) -> bool:
        return self.state in (State.LATE, State.DUE, State.WAITING)


@dataclass(frozen=True)
class Lane:
    """Late first, then next, then what waits, then what is behind us. *problem*: nobody does what stands in it."""

    key: str
    label: str
    items: list[BoardItem]
    problem: bool = False

    @property
    def done(self) -> int:
        return sum(not item.open for item in self.items)


@dataclass(frozen=True)
class PhaseLane:
    phase: PlanPhase
    items: list[BoardItem]

    @property
    def done(self) -> int:
        return sum(not item.open for item in self.items)


@dataclass(frozen=True)
class Board:
    checklist: Checklist
    items: list[BoardItem]
    at: datetime

    @cached_property
    def late(self) -> list[BoardItem]:
        """What the public was promised, then the longest overdue."""
        late = [item for item in self.items if item.state == State.LATE]
        return sorted(late, key=self._order)

    @cached_property
    def next(self) -> BoardItem | None:
        due = [item for item in self.items if item.state == State.DUE]
        return min(due, key=lambda item: item.due_at or self.at, default=None)

    @cached_property
    def messages(self) -> list[Update]:
        """Published, the newest first."""
        return sorted(self.checklist.incident.updates.all(), key=lambda update: -(update.number or 0))

    @property
    def done(self) -> int:
        return sum(not item.open for item in self.items)

    @property
    def lanes(self) -> list[PhaseLane]:
        """By phase; within it late first, then next, then what waits, then what is behind us."""
        lanes = []
        for phase in PlanPhase:
            items = [item for item in self.items if item.item.phase == phase]
            if items:
                lanes.append(PhaseLane(phase, sorted(items, key=self._order)))
        return lanes

    @property
    def phase_lanes(self) -> list[Lane]:
        return [Lane(lane.phase.value, str(lane.phase.label), lane.items) for lane in self.lanes]

    @property
    def role_lanes(self) -> list[Lane]:
        """One for each role that owns a step, named with who holds it, and one for what no role owns."""
        lanes: dict[str, Lane] = {}
        for item in sorted(self.items, key=self._order):
            for owner in item.owners:
                holder = owner.person.display_name if owner.person else _("nobody")
                label = _("%(role)s: %(person)s") % {"role": owner.role.label, "person": holder}
                lane = lanes.setdefault(
                    owner.role.value, Lane(owner.role.value, label, [], owner.person is None)
                )
                lane.items.append(item)
            if not item.owners:
                lanes.setdefault("none", Lane("none", _("no role"), [], problem=True)).items.append(item)
        order = [*ResponseRole.values, "none"]
        return sorted(lanes.values(), key=lambda lane: order.index(lane.key))

    @cached_property
    def now(self) -> list[BoardItem]:
        """What is late, and the three that come next."""
        due = sorted(
            (item for item in self.items if item.state == State.DUE), key=lambda item: item.due_at or self.at
        )
        return [*self.late, *due[:3]]

    def _order(self, item: BoardItem) -> tuple[int, bool, datetime, int]:
        later = item.state == State.LATE and not item.item.is_promised
        return ORDER.index(item.state), later, item.due_at or self.at, item.item.number

    @property
    def version(self) -> str:
        """Changes with every tick, with what moves a due time, who holds a role, and when something becomes late."""
        ticks = [tick.pk for item in self.items for tick in item.ticks]
        due = sum(int(item.due_at.timestamp()) for item in self.items if item.due_at)
        holders = max((a.pk for a in self.checklist.incident.role_assignments.all()), default=0)
        held = sum(owner.person is not None for item in self.items for owner in item.owners)
        parts = (len(ticks), max(ticks, default=0), self.done, len(self.late), due, holders, held)
        return "-".join(str(part) for part in (self.checklist.pk, *parts))


def checklists() -> QuerySet[Checklist]:
    """With everything a board reads, in twelve queries whatever their number."""
    return with_moments().prefetch_related(
        "items",
        Prefetch("items__ticks", Tick.objects.select_related("by", "update").order_by("at", "pk")),
        "items__reminders",
        "incident__role_assignments__person",
    )


def with_moments() -> QuerySet[Checklist]:
    """With what `moments` and `situation` read, in seven queries."""
    return Checklist.objects.select_related("incident__exercise_clock").prefetch_related(
        "incident__milestones",
        "incident__phase_changes",
        Prefetch(
            "incident__updates",
            Update.objects.published().only(
                "incident_id", "published_at", "number", "withdrawn_at", "next_update_at"
            ),
        ),
        Prefetch("incident__impacts", Impact.objects.select_related("service__group")),
        Prefetch(
            "incident__entries",
            Entry.objects.filter(kind=EntryKind.AMENDED).order_by("sequence"),
            to_attr="amendments",
        ),
        "incident__call_pressure",
    )


def board(checklist: Checklist, at: datetime) -> Board:
    """Judge every item of *checklist*, read through `checklists()`, at *at*, a real moment, by its incident's time."""
    at = checklist.incident.now(at)
    seen, known = moments(checklist), situation(checklist.incident)
    current = [row for row in checklist.incident.role_assignments.all() if row.released_at is None]
    holders = {row.role: row.person for row in current if not row.deputy}
    deputies = {row.role: row.person for row in current if row.deputy}
    items = []
    for item in checklist.items.all():
        standing = [tick for tick in item.ticks.all() if tick.withdrawn_at is None]
        owners = [Owner(ResponseRole(role), holders.get(role), deputies.get(role)) for role in item.owners]
        items.append(BoardItem(item, judge(item, standing, seen, at, known), owners, standing))
    return Board(checklist, items, at)


def moments(checklist: Checklist) -> Moments:
    """The anchors of the plan as *checklist*'s incident has reached them.

    Where no partner had to confirm, an incident is fully restored when it is resolved: what repeats until then ends.
    """
    incident = checklist.incident
    published = sorted(update.published_at for update in incident.updates.all() if update.published_at)
    reached = {milestone.kind: milestone.reached_at for milestone in incident.milestones.all()}
    standing = [update for update in incident.updates.all() if update.withdrawn_at is None]
    newest = max(standing, key=lambda update: update.number or 0, default=None)
    return Moments(
        plan_start=checklist.started_at,
        first_message=published[0] if published else None,
        last_message=published[-1] if published else None,
        registration_back=reached.get(MilestoneKind.REGISTRATION_BACK),
        transfer_back=reached.get(MilestoneKind.TRANSFER_BACK),
        fully_restored=reached.get(MilestoneKind.PARTNER_CONFIRMED) or incident.resolved_at,
        backlog_recovered=reached.get(MilestoneKind.BACKLOG_RECOVERED),
        restart_done=reached.get(MilestoneKind.RESTART_DONE),
        closure=incident.resolved_at,
        promised=newest.next_update_at if newest else None,
    )


def situation(incident: Incident) -> Situation:
    """What conditions are judged by. Reads what `checklists()` fetched."""
    raised = [entry for entry in vars(incident)["amendments"] if "severity" in entry.data]
    touched: dict[str, datetime] = {}
    for impact in incident.impacts.all():
        for key in (impact.service.key, impact.service.group.key):
            touched[key] = min(impact.began_at, touched.get(key, impact.began_at))
    return Situation(
        began_at=incident.began_at,
        severity=incident.severity,
        severity_since=raised[-1].occurred_at if raised else None,
        services=touched,
        pressure={noted.calls: noted.exceeded_at for noted in incident.call_pressure.all()},
    )
