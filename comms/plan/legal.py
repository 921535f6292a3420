"""When the law wants to hear of an incident: pure functions of what was decided and filed.

NIS2: Directive (EU) 2022/2555, art. 23(4), in Belgium the law of 26 April 2024, art. 35: an early warning within
24 hours of becoming aware, a notification within 72 hours, a final report within one month of the notification.
GDPR: Regulation (EU) 2016/679, art. 33(1): the authority within 72 hours of becoming aware; art. 33(2): a processor
tells the controllers without undue delay, for which the law names no hours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dateutil.relativedelta import relativedelta

from comms.models import FilingStage, LegalDecision, LegalFiling, Regime
from comms.plan.rules import BRUSSELS

STAGES = {
    Regime.NIS2: (FilingStage.EARLY_WARNING, FilingStage.NOTIFICATION, FilingStage.FINAL_REPORT),
    Regime.GDPR: (FilingStage.NOTIFICATION,),
    Regime.CONTROLLERS: (FilingStage.NOTIFICATION,),
}
HOURS = {
    (Regime.NIS2, FilingStage.EARLY_WARNING): 24,
    (Regime.NIS2, FilingStage.NOTIFICATION): 72,
    (Regime.GDPR, FilingStage.NOTIFICATION): 72,
}


@dataclass(frozen=True)
class Deadline:
    """*due_at* is None where the law says “without undue delay”."""

    regime: Regime
    stage: FilingStage
    due_at: datetime | None
    filing: LegalFiling | None

    def late(self, at: datetime) -> bool:
        """Filed too late, or not filed and due."""
        moment = self.filing.filed_at if self.filing else at
        return self.due_at is not None and moment > self.due_at


def deadlines(decision: LegalDecision, filings: Mapping[str, LegalFiling]) -> list[Deadline]:
    """Of a decision that applies, what is owed in its order; *filings* are those of its regime by stage."""
    if not decision.applies or decision.aware_at is None:
        return []
    regime = Regime(decision.regime)
    found: list[Deadline] = []
    for stage in STAGES[regime]:
        hours = HOURS.get((regime, stage))
        due_at = decision.aware_at + timedelta(hours=hours) if hours else None
        if stage == FilingStage.FINAL_REPORT:
            due_at = _a_month_after(found[-1])
        found.append(Deadline(regime, stage, due_at, filings.get(stage)))
    return found


def _a_month_after(notification: Deadline) -> datetime | None:
    """By the calendar of Brussels, from when it was made; while it is not, from when it has to be."""
    begun = notification.filing.filed_at if notification.filing else notification.due_at
    return (begun.astimezone(BRUSSELS) + relativedelta(months=1)).astimezone(UTC) if begun else None
