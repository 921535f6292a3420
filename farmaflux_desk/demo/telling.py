"""Tells the story: each event through the operation that a person at a desk would have used, at its moment."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from django.db.models import CharField, Value, functions

from accounts.languages import Language
from accounts.models import User
from comms.models import (
    ACCOUNTS,
    PARTS,
    Anchor,
    Checklist,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Evidence,
    PlanTemplate,
    Tick,
    Update,
)
from comms.operations import drafts, plan, publishing
from farmaflux_desk.demo import aftermath
from farmaflux_desk.demo.cast import Cast
from farmaflux_desk.demo.contacts import PlannedContact
from farmaflux_desk.demo.outbox import POST
from farmaflux_desk.demo.story import BRUSSELS, Clock, filled_in
from farmaflux_desk.demo.works import Event, Turn, move_work, plan_work
from incidents import operations as incidents
from incidents.models import (
    EntryKind,
    Incident,
    MilestoneKind,
    Phase,
    ResponseRole,
    Service,
    ServiceStatus,
    Severity,
)
from tickets import operations as tickets
from tickets.models import CallbackWindow, Contact, ContactChannel, ContactImpact, ContactOutcome

type Happening = tuple[datetime, Callable[[], None]]

TO_SEND = timedelta(seconds=4)  # what a delivery took that day


class Teller:
    """Tells a *story* (black_friday_2022.yaml) with *messages* (messages.yaml), played by *cast*, on *clock*."""

    def __init__(self, story: Event, messages: Event, cast: Cast, clock: Clock) -> None:
        self.story = story
        self.messages: Event = filled_in(messages, clock.filled_in)
        self.cast = cast
        self.clock = clock
        self.incidents: dict[str, Incident] = {}
        self.told: dict[str, Update] = {}  # what agents say: the newest update of each incident
        self.logged: dict[int, Contact] = {}

    def tell(
        self,
        contacts: Iterable[PlannedContact],
        others: Iterable[Happening] = (),
        *,
        until: datetime | None = None,
    ) -> None:
        """Everything in the order in which it was entered; what came after *until* is left out."""
        happenings = [*self._events(), *self._contacts(contacts), *others]
        for moment, happen in sorted(happenings, key=lambda happening: happening[0]):
            if until is None or moment <= until:
                happen()

    # -- what was done

    def _events(self) -> Iterator[Happening]:
        for event in self.story["events"]:
            yield self.clock.at(event["at"]), partial(self._happen, event)

    def _happen(self, event: Event) -> None:
        by, at = self.cast.people[event["by"]], self.clock.at(event["at"])
        if "declare" in event:
            self._declare(event, by, at)
            return
        does = {
            "note": self._note,
            "statuses": self._set_statuses,
            "reach": self._reach,
            "plan_milestone": self._plan_milestone,
            "role": self._assign,
            "relapse_of": self._link,
            "plan": self._start_plan,
            "tick": self._tick,
            "publish": self._publish,
            "work": self._plan_work,
            "work_goes": move_work,
            "chain": self._set_chain,
            "learned": self._learn,
        }
        done = next(does[word] for word in event if word in does)
        occurred_at = self.clock.at(event.get("occurred", event["at"]))
        done(Turn(event, by, at, occurred_at, self.incidents[event["incident"]]))

    def _declare(self, event: Event, by: User, at: datetime) -> None:
        about = self.story["incidents"][event["incident"]]
        self.incidents[event["incident"]] = incidents.declare(
            key=uuid4(),
            titles=about["titles"],
            severity=Severity(about["severity"]),
            statuses=self._statuses(event["declare"]),
            began_at=self.clock.at(about["began"]),
            relapse_of=self.incidents[about["relapse_of"]] if "relapse_of" in about else None,
            by=by,
            at=at,
        )

    def _statuses(self, statuses: Mapping[str, str]) -> dict[Service, ServiceStatus]:
        return {self.cast.services[key]: ServiceStatus(status) for key, status in statuses.items()}

    def _note(self, turn: Turn) -> None:
        incidents.note_fact(
            turn.incident,
            key=uuid4(),
            kind=EntryKind(turn.event["note"]),
            text=self.clock.filled_in(turn.event["text"]),
            source=self.cast.partners[turn.event["source"]] if "source" in turn.event else None,
            by=turn.by,
            occurred_at=turn.occurred_at,
            at=turn.at,
        )

    def _set_statuses(self, turn: Turn) -> None:
        statuses = self._statuses(turn.event["statuses"])
        incidents.set_statuses(turn.incident, statuses, by=turn.by, occurred_at=turn.occurred_at, at=turn.at)

    def _reach(self, turn: Turn) -> None:
        confirmed_by = turn.event.get("confirmed_by")
        incidents.reach_milestone(
            turn.incident,
            MilestoneKind(turn.event["reach"]),
            confirmed_by=self.cast.partners[confirmed_by] if confirmed_by else None,
            by=turn.by,
            occurred_at=turn.occurred_at,
            at=turn.at,
        )

    def _set_chain(self, turn: Turn) -> None:
        aftermath.set_chain(turn.incident, turn.event["chain"], self.cast, self.clock, by=turn.by, at=turn.at)

    def _learn(self, turn: Turn) -> None:
        aftermath.learn(turn.incident, turn.event["learned"], by=turn.by, at=turn.at)

    def _plan_milestone(self, turn: Turn) -> None:
        kind, planned_for = MilestoneKind(turn.event["plan_milestone"]), turn.event["planned_for"]
        incidents.plan_milestone(
            turn.incident, kind, planned_for=self.clock.at(planned_for), by=turn.by, at=turn.at
        )

    def _assign(self, turn: Turn) -> None:
        role, person = ResponseRole(turn.event["role"]), self.cast.people[turn.event["person"]]
        incidents.assign_role(turn.incident, role, person, by=turn.by, at=turn.at)

    def _link(self, turn: Turn) -> None:
        incidents.link_relapse(
            turn.incident, self.incidents[turn.event["relapse_of"]], by=turn.by, at=turn.at
        )

    def _start_plan(self, turn: Turn) -> None:
        template = PlanTemplate.objects.get(key=turn.event["plan"])
        checklist = plan.start_plan(turn.incident, template, by=turn.by, at=turn.at)
        started = turn.at.astimezone(BRUSSELS).date()
        # The evening of a moved story has moved with it, and so have the steps due at an hour of that evening.
        for item in checklist.items.filter(anchor=Anchor.WALL_CLOCK):
            due = self.clock.at(f"{item.wall_clock:%H:%M}").astimezone(BRUSSELS)
            item.wall_clock, item.offset_days = due.time(), (due.date() - started).days
            item.save()

    def _tick(self, turn: Turn) -> None:
        item = Checklist.objects.get(incident=turn.incident).items.get(number=turn.event["tick"])
        plan.tick(
            item,
            key=uuid4(),
            outcome=Tick.Outcome(turn.event.get("outcome", Tick.Outcome.DONE)),
            note=self.clock.filled_in(turn.event["note"]),
            proof=plan.Proof(
                **{name: turn.event.get(name, "") for name in ("reached", "how", "acknowledged")},
                update=self.told.get(turn.event["incident"]) if Evidence.MESSAGE in item.evidence else None,
            ),
            by=turn.by,
            at=turn.at,
        )

    def _plan_work(self, turn: Turn) -> None:
        plan_work(turn, self.story["works"][turn.event["work"]], self.clock, self.cast.services.values())

    # -- what was said

    def _publish(self, turn: Turn) -> None:
        message = self.messages[turn.event["publish"]]
        draft = self._drafted(turn.incident, message, turn.by, turn.at)
        update = publishing.publish(draft, by=turn.by, revision=draft.revision, at=turn.at)
        self.told[turn.event["incident"]] = update
        _send(update, turn.at)

    def _drafted(self, incident: Incident, message: Event, by: User, at: datetime) -> Update:
        draft = drafts.draft_for(incident, by=by, at=at)
        data = drafts.DraftData(
            phase=Phase(message["phase"]),
            next_update_at=self.clock.at(message["next"]) if "next" in message else None,
            occurred_at=self.clock.at(message["occurred"]) if "occurred" in message else None,
            valid_until=self.clock.at(message["valid"]) if "valid" in message else None,
            central_confirmed=message["central_confirmed"],
            statuses=self._statuses(message["statuses"]),
            texts={language: _parts(message[language]) for language in Language if language in message},
        )
        return drafts.save_draft(draft, data, by=by, revision=draft.revision, at=at)

    def leave_draft(self, draft: Event) -> None:
        """The message that is being written at the moment at which the story stands."""
        message = dict(self.messages[draft["message"]])
        for language, parts in draft["replace"].items():
            changed = {name: message[language][name].replace(*pair) for name, pair in parts.items()}
            message[language] = message[language] | changed
        by, at = self.cast.people[draft["by"]], self.clock.at(draft["at"])
        self._drafted(self.incidents[draft["incident"]], message, by, at)

    def leave_trouble(self, trouble: Iterable[Event]) -> None:
        """Deliveries of an incident's newest message that did not arrive: a person decides about them."""
        for row in trouble:
            deliveries = Delivery.objects.filter(
                update=self.told[row["incident"]], channel__key=row["channel"], recipient=row["recipient"]
            )
            attempts = DeliveryAttempt.objects.filter(delivery__in=deliveries)
            attempts.update(outcome=row["state"], detail=row["error"])
            deliveries.update(state=row["state"], sent_at=None, error=row["error"])

    # -- who called

    def _contacts(self, contacts: Iterable[PlannedContact]) -> Iterator[Happening]:
        declared = {e["incident"]: self.clock.at(e["at"]) for e in self.story["events"] if "declare" in e}
        for number, contact in enumerate(contacts):
            # The first calls come before the incident is declared; they are entered once there is one.
            entered = max(contact.at, declared[contact.incident])
            yield entered, partial(self._log, number, contact, entered)
            if contact.callback:
                closed = self.clock.at(contact.callback["closed"])
                yield closed, partial(self._call_back, number, contact.callback, closed)

    def _log(self, number: int, contact: PlannedContact, at: datetime) -> None:
        self.logged[number] = tickets.log_contact(
            key=uuid4(),
            by=self.cast.people[contact.agent],
            channel=ContactChannel(contact.channel),
            pharmacy=self.cast.pharmacies[contact.pharmacy.apb_number] if contact.pharmacy else None,
            caller_text=contact.caller,
            incident=self.incidents[contact.incident],
            language=contact.language,
            service=self.cast.services[contact.service] if contact.service else None,
            impact=ContactImpact(contact.impact),
            needed_by=contact.needed_by,
            outcome=ContactOutcome(contact.outcome),
            note=contact.note,
            callback=self._request(contact),
            told_update=self.told.get(contact.incident),
            occurred_at=contact.at,
            at=at,
        )

    def _request(self, contact: PlannedContact) -> tickets.CallbackRequest | None:
        if not (contact.callback and contact.pharmacy):
            return None
        due = contact.callback.get("due")
        return tickets.CallbackRequest(
            number=contact.pharmacy.phones[0].raw,
            window=CallbackWindow(contact.callback["window"]),
            due_at=self.clock.at(due) if due else None,
        )

    def _call_back(self, number: int, callback: Mapping[str, str], at: datetime) -> None:
        contact = self.logged[number]
        tickets.close_callback(contact.callback, by=contact.agent, outcome=callback["outcome"], at=at)


def _parts(text: Mapping[str, Any]) -> dict[str, str]:
    return {part: "\n".join(text[part]) if part in ("do", "dont") else text[part] for part in PARTS}


def _send(update: Update, at: datetime) -> None:
    """What the relay would have recorded: everything sent at the first attempt, seconds later. Nothing is sent."""
    arrived = at + TO_SEND
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(
            delivery=delivery, fence=1, started_at=at, finished_at=arrived, outcome=DeliveryState.SENT
        )
        for delivery in update.deliveries.all()
    )
    update.deliveries.update(state=DeliveryState.SENT, attempts_made=1, sent_at=arrived)
    posts = update.deliveries.filter(channel__kind__in=ACCOUNTS)
    posts.update(external_id=functions.Concat(Value(POST), functions.Cast("key", CharField())))
