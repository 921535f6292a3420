"""What can be done to an incident, and to planned work. Each function is one decision and one transaction.

It locks the row that it is about, so that of two people who act at once the second meets what the first has done;
writes the timeline entry; and bumps PublicRevision when the public may see the change. The incident that was
passed in is not refreshed. Raises Refused, NotAllowed among it, with nothing written. put_statuses and put_phase are
part of another decision, about an incident that is `locked`.
"""

from incidents.operations.alerts import close_alert, take_alerts
from incidents.operations.chain import Confirmation, Standing, set_chain
from incidents.operations.course import move, put_phase, put_statuses, set_statuses
from incidents.operations.declaring import amend, declare, link_relapse
from incidents.operations.facts import note_fact
from incidents.operations.maintenance import (
    amend_maintenance,
    move_maintenance,
    note_maintenance,
    plan_maintenance,
)
from incidents.operations.postmortem import discard_postmortem, publish_postmortem, write_postmortem
from incidents.operations.recovery import plan_milestone, reach_milestone
from incidents.operations.rows import locked
from incidents.operations.staff import (
    add_absence,
    call_in,
    keep_colleague,
    remove_absence,
    remove_colleague,
    take_calendar,
)
from incidents.operations.team import assign_role, hand_over

__all__ = [
    "Confirmation",
    "Standing",
    "add_absence",
    "amend",
    "amend_maintenance",
    "assign_role",
    "call_in",
    "close_alert",
    "declare",
    "discard_postmortem",
    "hand_over",
    "keep_colleague",
    "link_relapse",
    "locked",
    "move",
    "move_maintenance",
    "note_fact",
    "note_maintenance",
    "plan_maintenance",
    "plan_milestone",
    "publish_postmortem",
    "put_phase",
    "put_statuses",
    "reach_milestone",
    "remove_absence",
    "remove_colleague",
    "set_chain",
    "set_statuses",
    "take_alerts",
    "take_calendar",
    "write_postmortem",
]
