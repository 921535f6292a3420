"""The duties to notify as they stand for one incident."""

from dataclasses import dataclass
from datetime import datetime

from comms.models import LegalDecision, LegalFiling, Regime, RegimeSwitch
from comms.plan.legal import Deadline, deadlines
from incidents.models import Incident


@dataclass(frozen=True)
class Duty:
    """*decisions*: the newest first; none: nobody has decided yet."""

    regime: Regime
    decisions: list[LegalDecision]
    deadlines: list[Deadline]

    @property
    def decision(self) -> LegalDecision | None:
        return self.decisions[0] if self.decisions else None

    def late(self, at: datetime) -> list[Deadline]:
        """Not filed, and due."""
        return [each for each in self.deadlines if each.filing is None and each.late(at)]


def watched() -> list[Regime]:
    """Switched on for the organisation."""
    on = set(RegimeSwitch.objects.filter(enabled=True).values_list("regime", flat=True))
    return [regime for regime in Regime if regime in on]


def duties(incident: Incident) -> list[Duty]:
    """Of each regime that is watched. One query where none is, three otherwise."""
    on = watched()
    if not on:
        return []
    decisions = list(
        LegalDecision.objects.filter(incident=incident).select_related("by").order_by("-at", "-pk")
    )
    filings = list(LegalFiling.objects.filter(incident=incident).select_related("by"))
    return [_duty(regime, decisions, filings) for regime in on]


def _duty(regime: Regime, decisions: list[LegalDecision], filings: list[LegalFiling]) -> Duty:
    own = [decision for decision in decisions if decision.regime == regime]
    filed = {filing.stage: filing for filing in filings if filing.regime == regime}
    return Duty(regime, own, deadlines(own[0], filed) if own else [])
