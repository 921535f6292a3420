"""The score sheet of an incident, an exercise or a real one: what was kept, and what came late. Pure but for `scores`.

Times are those of the incident: of an exercise that ran faster, its own.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch

from accounts.languages import Language
from comms.models import PARTS, Checklist, ChecklistItem, Tick, Update
from comms.plan.board import board, checklists, situation
from comms.plan.conditions import Situation
from comms.plan.rules import Moments, State, judge
from incidents.models import Incident, MilestoneKind
from tickets.models import Contact

QUARTER = timedelta(minutes=15)
MOST_EARLIER = 5


@dataclass(frozen=True)
class Promise:
    """The next message was promised for *at* by message *number*; *kept_at*: when it came, None: not yet, or never."""

    number: int
    at: datetime
    kept_at: datetime | None
    late: timedelta

    @property
    def late_minutes(self) -> int:
        return -int(-self.late.total_seconds() // 60)

    @property
    def kept(self) -> bool:
        return self.kept_at is not None and not self.late


@dataclass(frozen=True)
class StepScore:
    """How a step of the plan went: on time, late (at its worst by so much; *open*: still), or skipped with a reason."""

    number: int
    title: str
    outcome: str
    late: timedelta = timedelta(0)
    open: bool = False
    reason: str = ""

    @property
    def late_minutes(self) -> int:
        return -int(-self.late.total_seconds() // 60)


@dataclass(frozen=True)
class Effect:
    """Contacts in the quarter of an hour before a message and after it."""

    number: int
    at: datetime
    before: int
    after: int


@dataclass(frozen=True)
class Score:
    incident: Incident
    at: datetime
    speed: int
    first_message: timedelta | None
    promises: list[Promise]
    steps: list[StepScore] | None
    languages: dict[str, int]
    messages: int
    in_step: int
    contacts: int
    told: int
    told_outdated: int
    effects: list[Effect]

    @property
    def is_over(self) -> bool:
        return not self.incident.is_open

    @property
    def first_message_minutes(self) -> int | None:
        return None if self.first_message is None else int(self.first_message.total_seconds() // 60)

    @property
    def first_message_seconds(self) -> int | None:
        return None if self.first_message is None else int(self.first_message.total_seconds())

    @property
    def due_promises(self) -> list[Promise]:
        """Those that came due, or were kept before."""
        return [promise for promise in self.promises if promise.kept_at or promise.late]

    @property
    def kept(self) -> int:
        return sum(promise.kept for promise in self.promises)

    def steps_of(self, outcome: str) -> list[StepScore]:
        return [step for step in self.steps or () if step.outcome == outcome]

    @property
    def on_time(self) -> int:
        return len(self.steps_of("on_time"))

    @property
    def late(self) -> list[StepScore]:
        return self.steps_of("late")

    @property
    def skipped(self) -> list[StepScore]:
        return self.steps_of("skipped")

    def as_json(self) -> dict[str, Any]:
        """Fit for JSON; moments in UTC, stretches in seconds. `steps` is null where no plan was started."""
        return {
            "incident": self.incident.public_id,
            "title": {language: self.incident.title_in(language) for language in Language},
            "exercise": self.incident.drill,
            "severity": self.incident.severity,
            "speed": self.speed,
            "began_at": self.incident.began_at.isoformat(),
            "resolved_at": self.incident.resolved_at.isoformat() if self.incident.resolved_at else None,
            "as_of": self.at.isoformat(),
            "first_message_after": self.first_message_seconds,
            "promises": {
                "due": len(self.due_promises),
                "kept": self.kept,
                "all": [
                    {
                        "message": promise.number,
                        "promised_for": promise.at.isoformat(),
                        "came_at": promise.kept_at.isoformat() if promise.kept_at else None,
                        "late": int(promise.late.total_seconds()),
                    }
                    for promise in self.promises
                ],
            },
            "steps": None if self.steps is None else self._steps_as_json(),
            "languages": {"messages": self.messages, "in_step": self.in_step, "by_language": self.languages},
            "callers": {"contacts": self.contacts, "told": self.told, "told_outdated": self.told_outdated},
            "calls_around_messages": [
                {"message": effect.number, "before": effect.before, "after": effect.after}
                for effect in self.effects
            ],
        }

    def _steps_as_json(self) -> dict[str, Any]:
        return {
            "on_time": self.on_time,
            "late": [
                {"step": s.number, "late": int(s.late.total_seconds()), "open": s.open} for s in self.late
            ],
            "skipped": [{"step": s.number, "reason": s.reason} for s in self.skipped],
        }


def score(incident: Incident, *, at: datetime, language: str) -> Score:
    return scores([incident], at=at, language=language)[0]


def earlier_drills(incident: Incident) -> list[Incident]:
    """The exercises that were over before *incident* began, the newest first. *incident* itself is none of them."""
    found = Incident.objects.alike(drill=True).resolved().filter(began_at__lt=incident.began_at)
    return list(found.exclude(pk=incident.pk).order_by("-began_at")[:MOST_EARLIER])


def scores(incidents: Sequence[Incident], *, at: datetime, language: str) -> list[Score]:
    """A sheet for each, as things stand at *at*, titles in *language*; a fixed number of queries."""
    pks = [incident.pk for incident in incidents]
    rows = (
        Incident.objects.filter(pk__in=pks)
        .select_related("exercise_clock")
        .prefetch_related(
            "phase_changes",
            Prefetch("updates", Update.objects.published().prefetch_related("texts").order_by("number")),
        )
    )
    read = {incident.pk: incident for incident in rows}
    plans = {checklist.incident_id: checklist for checklist in checklists().filter(incident__in=pks)}
    contacts: defaultdict[int, list[tuple[datetime, int | None]]] = defaultdict(list)
    told = Contact.objects.filter(incident__in=pks).order_by("occurred_at", "pk")
    for pk, occurred_at, number in told.values_list("incident", "occurred_at", "told_update__number"):
        contacts[pk].append((occurred_at, number))
    return [_score(read[pk], plans.get(pk), contacts[pk], at=at, language=language) for pk in pks]


def _score(
    incident: Incident,
    checklist: Checklist | None,
    contacts: list[tuple[datetime, int | None]],
    *,
    at: datetime,
    language: str,
) -> Score:
    now, clock = incident.now(at), getattr(incident, "exercise_clock", None)
    contacts = [(moment, number) for moment, number in contacts if moment <= now]
    updates = list(incident.updates.all())
    spoken = _spoken(updates)
    all_languages = set().union(*spoken)
    return Score(
        incident=incident,
        at=now,
        speed=clock.speed if clock else 1,
        first_message=_published(updates[0]) - incident.began_at if updates else None,
        promises=list(_promises(incident, updates, now)),
        steps=_steps(checklist, at, language) if checklist else None,
        languages={one: sum(one in said for said in spoken) for one in Language if one in all_languages},
        messages=len(updates),
        in_step=sum(said == all_languages for said in spoken),
        contacts=len(contacts),
        told=sum(number is not None for _moment, number in contacts),
        told_outdated=sum(_outdated(number, moment, updates) for moment, number in contacts if number),
        effects=_effects(updates, [moment for moment, _number in contacts]),
    )


def _spoken(updates: list[Update]) -> list[set[str]]:
    """The languages in which each message says what it says: a text left as it was, while others went on, is behind."""
    said: list[set[str]] = []
    before: dict[str, list[str]] = {}
    for update in updates:
        texts = {
            text.language: [getattr(text, part) for part in PARTS]
            for text in update.texts.all()
            if text.is_spoken
        }
        anew = {language for language, parts in texts.items() if before.get(language) != parts}
        said.append(anew or set(texts))
        before = texts
    return said


def _published(update: Update) -> datetime:
    assert update.published_at  # noqa: S101  # only published ones are read
    return update.published_at


def _promises(incident: Incident, updates: list[Update], at: datetime) -> Iterable[Promise]:
    """What a message promised is kept by the next one, or by the end."""
    for index, update in enumerate(updates):
        promised = update.next_update_at
        if promised is None:
            continue
        following = _published(updates[index + 1]) if index + 1 < len(updates) else incident.resolved_at
        late = max((following or at) - promised, timedelta(0))
        yield Promise(update.number or 0, promised, following, late)


def _outdated(number: int, moment: datetime, updates: list[Update]) -> bool:
    return any(
        (update.number or 0) > number and _published(update) <= moment and not update.withdrawn_at
        for update in updates
    )


def _effects(updates: list[Update], contacts: list[datetime]) -> list[Effect]:
    effects = []
    for update in updates:
        told = _published(update)
        before = sum(told - QUARTER <= moment < told for moment in contacts)
        after = sum(told <= moment < told + QUARTER for moment in contacts)
        effects.append(Effect(update.number or 0, told, before, after))
    return effects


# -- steps


def _steps(checklist: Checklist, at: datetime, language: str) -> list[StepScore]:
    """Of every step that was due, done or left out; what never concerned the incident is no part of it."""
    known = situation(checklist.incident)
    found = []
    judged = board(checklist, at)
    for row in judged.items:
        ticks = sorted(row.ticks, key=lambda tick: tick.at)
        lates = [_late_by(checklist, row.item, ticks[:n], tick.at, known) for n, tick in enumerate(ticks)]
        open_late = row.judgement.late_by(judged.at)
        title = row.item.title_in(language)
        if max([*lates, open_late], default=timedelta(0)):
            worst = max([*lates, open_late])
            found.append(StepScore(row.item.number, title, "late", worst, open=bool(open_late)))
        elif ticks and ticks[-1].outcome == Tick.Outcome.NOT_APPLICABLE:
            found.append(StepScore(row.item.number, title, "skipped", reason=ticks[-1].note))
        elif ticks:
            found.append(StepScore(row.item.number, title, "on_time"))
    return found


def _late_by(
    checklist: Checklist, item: ChecklistItem, earlier: list[Tick], moment: datetime, known: Situation
) -> timedelta:
    """How late *item* was when it was ticked at *moment*, judged by what had happened before that."""
    judged = judge(item, earlier, _moments_before(checklist, moment), moment, known)
    return judged.late_by(moment) if judged.state == State.LATE else timedelta(0)


def _moments_before(checklist: Checklist, moment: datetime) -> Moments:
    incident = checklist.incident
    told = [
        update for update in incident.updates.all() if update.published_at and update.published_at < moment
    ]
    told.sort(key=lambda update: update.number or 0)
    reached = {
        row.kind: row.reached_at
        for row in incident.milestones.all()
        if row.reached_at and row.reached_at < moment
    }
    ended = incident.resolved_at
    closure = ended if ended and ended < moment else None
    return Moments(
        plan_start=checklist.started_at,
        first_message=told[0].published_at if told else None,
        last_message=told[-1].published_at if told else None,
        registration_back=reached.get(MilestoneKind.REGISTRATION_BACK),
        transfer_back=reached.get(MilestoneKind.TRANSFER_BACK),
        fully_restored=reached.get(MilestoneKind.PARTNER_CONFIRMED) or closure,
        backlog_recovered=reached.get(MilestoneKind.BACKLOG_RECOVERED),
        restart_done=reached.get(MilestoneKind.RESTART_DONE),
        closure=closure,
        promised=told[-1].next_update_at if told else None,
    )
