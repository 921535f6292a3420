"""The crisis plan of one incident: started once, its steps marked one by one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.refusals import Refused
from comms import permissions
from comms.models import (
    CallPressure,
    Checklist,
    ChecklistItem,
    Evidence,
    PlanDeclined,
    PlanTemplate,
    Tick,
    Update,
)
from comms.models.plan import Step
from comms.plan.conditions import thresholds
from comms.plan.document import names
from incidents import timeline
from incidents.models import Entry, EntryKind, Incident
from incidents.operations.sense import written
from incidents.personal_data import mask_national_numbers

LONGEST_NOTE: int = Tick._meta.get_field("note").max_length or 0
LONGEST_REASON: int = PlanDeclined._meta.get_field("reason").max_length or 0
LONGEST_PROOF: dict[str, int] = {
    name.value: vars(Tick._meta.get_field(name.value))["max_length"] for name in Evidence
}
MISSING = {
    Evidence.REACHED: gettext_lazy("Say who was reached."),
    Evidence.HOW: gettext_lazy("Say how."),
    Evidence.MESSAGE: gettext_lazy("Give the message word for word, or choose the published one."),
    Evidence.ACKNOWLEDGED: gettext_lazy("Say who acknowledged it."),
}
STEP_FIELDS = [field.name for field in Step._meta.get_fields()]


@transaction.atomic
def start_plan(
    incident: Incident, template: PlanTemplate, *, by: User, at: datetime | None = None
) -> Checklist:
    """Freeze *template* into the checklist of *incident*; the checklist there is, where it was started before.

    Due times count from *at*. Editing the template afterwards changes nothing here.
    """
    permissions.check_start_plan(by)
    incident = Incident.objects.select_for_update().get(pk=incident.pk)
    if started := Checklist.objects.filter(incident=incident).first():
        return started
    if not incident.is_open:
        raise Refused(_("This incident is resolved: reopen it first."))
    steps = list(template.steps.all())
    if not steps:
        raise Refused(_("This plan has no steps."), field="template")
    at = at or incident.now()
    checklist = Checklist.objects.create(
        incident=incident,
        template=template,
        **names(template),
        template_revision=template.revision,
        started_at=at,
        started_by=by,
    )
    ChecklistItem.objects.bulk_create(
        ChecklistItem(checklist=checklist, **{name: getattr(step, name) for name in STEP_FIELDS})
        for step in steps
    )
    _tell(incident, by, at, fr="plan de crise lancé", nl="crisisplan gestart", en="crisis plan started")
    return checklist


@transaction.atomic
def decline_plan(incident: Incident, *, reason: str, by: User, at: datetime | None = None) -> None:
    """Decide not to start the plan, for now: it is proposed anew when the incident gets worse or opens again.

    Raises Refused where it was started, and without a reason.
    """
    permissions.check_start_plan(by)
    reason = _masked(written(reason, most=LONGEST_REASON, field="reason"), LONGEST_REASON, "reason")
    incident = Incident.objects.select_for_update().get(pk=incident.pk)
    if Checklist.objects.filter(incident=incident).exists():
        raise Refused(_("The plan was started meanwhile."))
    at = at or incident.now()
    _declined, is_new = PlanDeclined.objects.get_or_create(
        incident=incident, at=at, defaults={"severity": incident.severity, "reason": reason, "by": by}
    )
    if not is_new:  # in an exercise that is held up no time passes
        return
    _tell(
        incident,
        by,
        at,
        reason,
        fr="plan de crise non lancé",
        nl="crisisplan niet gestart",
        en="plan not started",
    )


@dataclass(frozen=True)
class Proof:
    """What someone tells of how a step was done; *update*: the message was this one."""

    reached: str = ""
    how: str = ""
    message: str = ""
    acknowledged: str = ""
    update: Update | None = None


class Incomplete(Refused):
    """The step asks for more evidence than was given: by field, what is missing."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        field, message = next(iter(errors.items()))
        super().__init__(message, field=field)
        self.errors = errors


@transaction.atomic
def tick(
    item: ChecklistItem,
    *,
    key: UUID,
    outcome: Tick.Outcome,
    note: str = "",
    proof: Proof | None = None,
    by: User,
    at: datetime | None = None,
) -> Tick:
    """Mark *item* done, with the evidence it asks for, or not applicable, with the reason in *note*.

    The same *key* gives the same tick. A step that does not repeat is marked once: undo it to mark it otherwise.
    Raises Incomplete, and Refused for what cannot be kept.
    """
    permissions.check_tick_step(by)
    item = (
        ChecklistItem.objects.select_for_update(of=("self",))
        .select_related("checklist__incident")
        .get(pk=item.pk)
    )
    if earlier := Tick.objects.filter(key=key).first():
        return earlier
    done = outcome == Tick.Outcome.DONE
    note = written(note, most=LONGEST_NOTE, field="note", required=False)
    if not done and not note:
        raise Refused(_("Say why this step does not apply."), field="note")
    proof = _kept(item, proof or Proof()) if done else Proof()
    standing = item.ticks.filter(withdrawn_at=None).order_by("-at").first()
    if standing and (standing.outcome == Tick.Outcome.NOT_APPLICABLE or not item.repeat_minutes):
        raise Refused(
            _("%(who)s marked this step at %(when)s already.")
            % {"who": standing.by.display_name, "when": f"{timezone.localtime(standing.at):%H:%M}"}
        )
    at = at or item.checklist.incident.now()
    note = _masked(note, LONGEST_NOTE, "note")
    _tell_step(item, outcome, _summary(note, proof), by, at)
    return Tick.objects.create(
        item=item, key=key, outcome=outcome, note=note, **vars(proof), at=at, recorded_at=at, by=by
    )


def done_by_message(item: ChecklistItem, update: Update, *, by: User, at: datetime) -> Tick | None:
    """Publishing *update* did *item*: mark it, the update its evidence. None where it is marked already."""
    standing = item.ticks.filter(withdrawn_at=None).order_by("-at").first()
    if standing and (standing.outcome == Tick.Outcome.NOT_APPLICABLE or not item.repeat_minutes):
        return None
    return tick(item, key=update.key, outcome=Tick.Outcome.DONE, proof=Proof(update=update), by=by, at=at)


def _kept(item: ChecklistItem, proof: Proof) -> Proof:
    """What is told, as it may be kept. A published message is evidence of itself, its channels and readers."""
    texts = {
        name: written(getattr(proof, name), most=most, field=name, required=False)
        for name, most in LONGEST_PROOF.items()
    }
    if proof.update and proof.update.incident_id != item.checklist.incident_id:
        raise Refused(_("This message belongs to another incident."), field="message")
    missing = [] if proof.update and item.publishes else [Evidence(name) for name in item.evidence]
    errors = {
        str(asked): MISSING[asked]
        for asked in missing
        if not texts[asked] and not (asked == Evidence.MESSAGE and proof.update)
    }
    if errors:
        raise Incomplete({name: str(text) for name, text in errors.items()})
    return Proof(
        **{name: _masked(text, LONGEST_PROOF[name], name) for name, text in texts.items()},
        update=proof.update,
    )


def _masked(text: str, most: int, field: str) -> str:
    """National numbers hidden, which may lengthen it."""
    masked, _count = mask_national_numbers(text)
    if len(masked) > most:
        raise Refused(_("At most %(most)d characters.") % {"most": most}, field=field)
    return masked


def _summary(note: str, proof: Proof) -> str:
    """For the timeline; the exact message stands in the mark alone."""
    return " · ".join(
        filter(None, [note, str(proof.update or ""), proof.reached, proof.how, proof.acknowledged])
    )


@transaction.atomic
def withdraw(tick: Tick, *, by: User, at: datetime | None = None) -> Tick:
    """Take back a mark made by mistake; it stays on record. Withdrawing twice changes nothing."""
    permissions.check_tick_step(by)
    tick = (
        Tick.objects.select_for_update(of=("self",))
        .select_related("item__checklist__incident")
        .get(pk=tick.pk)
    )
    if tick.withdrawn_at:
        return tick
    at = at or tick.item.checklist.incident.now()
    tick.withdrawn_at, tick.withdrawn_by = at, by
    tick.save(update_fields=["withdrawn_at", "withdrawn_by"])
    item = tick.item
    _tell(
        item.checklist.incident,
        by,
        at,
        fr=f"étape {item.number} à nouveau ouverte : {item.title_in('fr')}",
        nl=f"stap {item.number} opnieuw open: {item.title_in('nl')}",
        en=f"step {item.number} open again: {item.title_in('en')}",
    )
    return tick


def _tell_step(item: ChecklistItem, outcome: Tick.Outcome, note: str, by: User, at: datetime) -> Entry:
    done = outcome == Tick.Outcome.DONE
    return _tell(
        item.checklist.incident,
        by,
        at,
        note,
        fr=f"étape {item.number} {'faite' if done else 'sans objet'} : {item.title_in('fr')}",
        nl=f"stap {item.number} {'gedaan' if done else 'niet van toepassing'}: {item.title_in('nl')}",
        en=f"step {item.number} {'done' if done else 'not applicable'}: {item.title_in('en')}",
    )


def _tell(incident: Incident, by: User, at: datetime, note: str = "", **said: str) -> Entry:
    """The timeline keeps the note as it may be kept, national numbers masked."""
    return timeline.append(
        incident, EntryKind.PLAN, by=by, text=note, data={"said": said}, occurred_at=at, at=at
    )


@transaction.atomic
def note_pressure(incident: Incident, calls: int, *, at: datetime | None = None) -> list[CallPressure]:
    """*calls* came about *incident* within the last half hour: note which numbers of its plan that exceeds, once each.

    Steps that wait for so many calls count from here. Tells the timeline.
    """
    at = at or incident.now()
    whens = ChecklistItem.objects.filter(checklist__incident=incident).values_list("when", flat=True)
    exceeded = {number for number in thresholds(whens) if calls > number}
    noted = set(CallPressure.objects.filter(incident=incident).values_list("calls", flat=True))
    if not exceeded - noted:
        return []
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    noted = set(CallPressure.objects.filter(incident=incident).values_list("calls", flat=True))
    rows = CallPressure.objects.bulk_create(
        CallPressure(incident=incident, calls=number, exceeded_at=at) for number in sorted(exceeded - noted)
    )
    said = {
        "fr": f"{calls} appels en une demi-heure",
        "nl": f"{calls} oproepen in een half uur",
        "en": f"{calls} calls in half an hour",
    }
    timeline.append(incident, EntryKind.CALLS, by=None, data={"said": said}, occurred_at=at, at=at)
    return rows
