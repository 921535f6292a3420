"""What is late and what comes next in all running plans, for the head of every page: one query.

What makes a due time move is written into the incident's timeline in the same transaction. So what was worked out for
a plan holds for as long as the newest entry of its timeline is the same, and each process keeps it in memory by that
entry's hash: nothing is stored that could be stale.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import DateTimeField, F, OuterRef, Q, QuerySet, Subquery

from accounts.composed import Composed
from comms.models import Checklist, ChecklistItem, Tick
from comms.plan.board import AFTERMATH, moments, situation, with_moments
from comms.plan.rules import timing
from incidents.models import Entry, ExerciseClock, Incident, Phase, PhaseChange

READ = (
    *("checklist_id", "number", "title_fr", "title_nl", "title_en", "when", "anchor", "until"),
    *("offset_minutes", "latest_minutes", "offset_days", "working_days", "wall_clock"),
    *("repeat_minutes", "repeat_first_minutes", "repeat_first_for_minutes"),
)
"""The fields of a step that its due time follows from."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A step with a due time. *promised*: it is the message that the public was promised, which comes first."""

    item: int
    """The pk of its ChecklistItem."""
    number: int
    titles: Mapping[str, str]
    due_at: datetime
    since: datetime | None
    promised: bool

    def title_in(self, language: str) -> str:
        return self.titles.get(language[:2]) or self.titles["fr"]


class Due(NamedTuple):
    """A step of one incident that is late, or comes next."""

    public_id: str
    step: Pending
    at: datetime

    @property
    def due_at(self) -> datetime:
        return self.step.due_at

    @property
    def late_by(self) -> timedelta:
        return self.at - self.step.due_at

    @property
    def minutes(self) -> int:
        """Whole minutes that it is late, or until it is due."""
        return int(abs(self.late_by.total_seconds()) // 60)


@dataclass(frozen=True)
class Clock:
    """*late*: what the public was promised first, then the longest overdue. *next*: None when nothing is to come."""

    late: list[Due]
    next: Due | None
    running: frozenset[str]
    """Public ids of the incidents that have a plan."""


_known: dict[int, tuple[str, tuple[Pending, ...]]] = {}


def clock(at: datetime, *, exercise: str = "") -> Clock:
    """Over every open incident and those closed lately, or over that one *exercise* (public id): they never mix.

    *at* is the time in what is asked for: Incident.now of an exercise.
    """
    rows = _RUNNING(since=at - AFTERMATH)
    pending = _pending(rows)
    late, following, running = [], None, set()
    for pk, _hash, public_id, drill in rows:
        if public_id != exercise if exercise else drill:
            continue
        running.add(public_id)
        for step in pending[pk]:
            if step.since and step.since > at:
                continue
            if step.due_at < at:
                late.append(Due(public_id, step, at))
            elif following is None or step.due_at < following.step.due_at:
                following = Due(public_id, step, at)
    return Clock(
        sorted(late, key=lambda due: (not due.step.promised, due.step.due_at)), following, frozenset(running)
    )


class Running(NamedTuple):
    """A plan that runs: the pk of its checklist, the time in its incident, and what has a due time."""

    checklist: int
    at: datetime
    steps: tuple[Pending, ...]


def running(at: datetime) -> list[Running]:
    """Every plan that runs, exercises included. One query, and one more where there is an exercise."""
    rows = _RUNNING(since=at - AFTERMATH)
    pending = _pending(rows)
    drills = [public_id for _pk, _hash, public_id, drill in rows if drill]
    clocks = ExerciseClock.objects.filter(incident__public_id__in=drills).select_related("incident")
    times = {clock.incident.public_id: clock.reads(at) for clock in clocks} if drills else {}
    return [Running(pk, times.get(public_id, at), pending[pk]) for pk, _hash, public_id, _drill in rows]


def _running(since: Any) -> QuerySet[Checklist, tuple[int, str, str, bool]]:
    """Those of what is open, or was resolved *since*."""
    lately = PhaseChange.objects.filter(phase=Phase.RESOLVED, occurred_at__gte=since)
    newest = Entry.objects.filter(incident=OuterRef("incident")).order_by("-sequence")
    return (
        Checklist.objects.filter(
            Q(incident__in=Incident.objects.open().order_by().values("pk"))
            | Q(incident__in=lately.values("incident"))
        )
        .annotate(
            newest=Subquery(newest.values("hash")[:1]),
            public_id=F("incident__public_id"),
            drill=F("incident__drill"),
        )
        .values_list("pk", "newest", "public_id", "drill")
    )


_RUNNING = Composed(_running, since=DateTimeField())


def _pending(rows: Iterable[tuple[int, str, str, bool]]) -> dict[int, tuple[Pending, ...]]:
    """Works out those whose timeline has grown, and forgets those that run no longer."""
    wanted = {pk: newest for pk, newest, _public_id, _drill in rows}
    known = {
        pk: pending for pk, (newest, pending) in list(_known.items()) if wanted.get(pk) == newest is not None
    }
    missing = wanted.keys() - known.keys()
    known |= _worked_out(missing) if missing else {}
    _known.clear()
    _known.update({pk: (wanted[pk], known[pk]) for pk in wanted})
    return known


def _worked_out(checklists: Collection[int]) -> dict[int, tuple[Pending, ...]]:
    """Steps and marks are read for all at once: fetched for each step they would cost most of the time."""
    ticks: defaultdict[int, list[Tick]] = defaultdict(list)
    for tick in Tick.objects.filter(item__checklist__in=checklists, withdrawn_at=None):
        ticks[tick.item_id].append(tick)
    items: defaultdict[int, list[ChecklistItem]] = defaultdict(list)
    for item in ChecklistItem.objects.filter(checklist__in=checklists).only(*READ):
        items[item.checklist_id].append(item)
    return {
        checklist.pk: tuple(_of(checklist, items[checklist.pk], ticks))
        for checklist in with_moments().filter(pk__in=checklists)
    }


def _of(
    checklist: Checklist, items: Iterable[ChecklistItem], ticks: Mapping[int, list[Tick]]
) -> Iterable[Pending]:
    seen, concerning = moments(checklist), situation(checklist.incident)
    for item in items:
        said = timing(item, ticks.get(item.pk, ()), seen, concerning)
        if said.due_at and not said.settled and not said.ends_at:
            yield Pending(
                item=item.pk,
                number=item.number,
                titles={"fr": item.title_fr, "nl": item.title_nl, "en": item.title_en},
                due_at=said.due_at,
                since=said.since,
                promised=item.is_promised,
            )
