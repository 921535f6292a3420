"""Decisions on the duties to notify, and what was filed. Each stands in the timeline with who, when and why."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from comms import permissions
from comms.models import FilingStage, LegalDecision, LegalFiling, Regime, RegimeSwitch
from comms.plan.duties import watched
from comms.plan.legal import STAGES
from incidents import timeline
from incidents.models import EntryKind, Incident
from incidents.operations.sense import past, written
from incidents.personal_data import mask_national_numbers

LONGEST_REASON: int = LegalDecision._meta.get_field("reason").max_length or 0
LONGEST_REFERENCE: int = LegalFiling._meta.get_field("reference").max_length or 0
SHORT = {Regime.NIS2: "NIS2", Regime.GDPR: "RGPD/GDPR", Regime.CONTROLLERS: "RGPD/GDPR, art. 33(2)"}
STAGE_WORDS = {
    FilingStage.EARLY_WARNING: {
        "fr": "alerte précoce",
        "nl": "vroegtijdige waarschuwing",
        "en": "early warning",
    },
    FilingStage.NOTIFICATION: {"fr": "notification", "nl": "melding", "en": "notification"},
    FilingStage.FINAL_REPORT: {"fr": "rapport final", "nl": "eindverslag", "en": "final report"},
}


@transaction.atomic
def switch(regime: Regime, *, on: bool, by: User, at: datetime | None = None) -> None:
    """Watch a regime for the organisation, or no more; what was decided stays."""
    permissions.check_switch_regime(by)
    RegimeSwitch.objects.update_or_create(
        regime=regime, defaults={"enabled": on, "changed_at": at or timezone.now(), "changed_by": by}
    )


@transaction.atomic
def decide(
    incident: Incident,
    regime: Regime,
    *,
    key: UUID,
    applies: bool,
    reason: str,
    aware_at: datetime | None = None,
    by: User,
    at: datetime | None = None,
) -> LegalDecision:
    """Start the regime's clock at *aware_at*, when we became aware, or say why it is not started.

    A later decision stands for an earlier one. The same *key* gives the same decision. Fields of refusals: reason,
    aware_at.
    """
    permissions.check_decide_regime(by, incident)
    at = at or incident.now()
    if earlier := LegalDecision.objects.filter(key=key).first():
        return earlier
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    _check_watched(regime)
    reason = written(reason, most=LONGEST_REASON, field="reason")
    reason, _count = mask_national_numbers(reason)
    if len(reason) > LONGEST_REASON:
        raise Refused(_("At most %(most)d characters.") % {"most": LONGEST_REASON}, field="reason")
    if applies and aware_at is None:
        raise Refused(_("Say when you became aware of it: the clock counts from then."), field="aware_at")
    moment = past(aware_at, at=at, field="aware_at") if applies else None
    made = LegalDecision.objects.create(
        incident=incident,
        key=key,
        regime=regime,
        applies=applies,
        aware_at=moment,
        reason=reason,
        at=at,
        by=by,
    )
    short = SHORT[regime]
    said = (
        {"fr": f"{short}, délai lancé", "nl": f"{short}, termijn loopt", "en": f"{short}, clock started"}
        if applies
        else {
            "fr": f"{short}, pas de notification",
            "nl": f"{short}, geen melding",
            "en": f"{short}, no notification",
        }
    )
    timeline.append(incident, EntryKind.PLAN, by=by, text=reason, data={"said": said}, occurred_at=at, at=at)
    return made


@transaction.atomic
def file(
    incident: Incident,
    regime: Regime,
    stage: FilingStage,
    *,
    filed_at: datetime | None = None,
    reference: str = "",
    by: User,
    at: datetime | None = None,
) -> LegalFiling:
    """It was notified, at *filed_at* (None: now). Once for each stage: again gives what was noted first.

    Fields of refusals: filed_at, reference.
    """
    permissions.check_decide_regime(by, incident)
    at = at or incident.now()
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    _check_watched(regime)
    if earlier := LegalFiling.objects.filter(incident=incident, regime=regime, stage=stage).first():
        return earlier
    decision = LegalDecision.objects.filter(incident=incident, regime=regime).order_by("-at", "-pk").first()
    if decision is None or not decision.applies or stage not in STAGES[regime]:
        raise Refused(_("First decide that this duty applies."))
    reference = written(reference, most=LONGEST_REFERENCE, field="reference", required=False)
    moment = past(filed_at, at=at, field="filed_at", not_before=decision.aware_at or incident.began_at)
    made = LegalFiling.objects.create(
        incident=incident,
        regime=regime,
        stage=stage,
        filed_at=moment,
        reference=reference,
        recorded_at=at,
        by=by,
    )
    said = {
        "fr": f"{SHORT[regime]}, {STAGE_WORDS[stage]['fr']} faite",
        "nl": f"{SHORT[regime]}, {STAGE_WORDS[stage]['nl']} gedaan",
        "en": f"{SHORT[regime]}, {STAGE_WORDS[stage]['en']} made",
    }
    timeline.append(
        incident, EntryKind.PLAN, by=by, text=reference, data={"said": said}, occurred_at=moment, at=at
    )
    return made


def _check_watched(regime: Regime) -> None:
    if regime not in watched():
        raise NotAllowed(_("This legal clock is switched off."))
