"""What makes a step one that can be followed: the same for the desk's form and for a file."""

from django.utils.translation import gettext as _

from comms.models.plan import Anchor, Step
from comms.plan.conditions import MONTH
from incidents.operations.sense import cannot_be_kept

# Beyond these a moment could no longer be reckoned with, and every page that shows what is late would fail.
LIMITS = {
    "number": (1, 999),
    "offset_minutes": (-MONTH, MONTH),
    "latest_minutes": (0, MONTH),
    "offset_days": (0, 366),
    "repeat_minutes": (1, 1440),
    "repeat_first_minutes": (1, 1440),
    "repeat_first_for_minutes": (1, 1440),
}
ENDS = (
    Anchor.REGISTRATION_BACK,
    Anchor.TRANSFER_BACK,
    Anchor.FULLY_RESTORED,
    Anchor.BACKLOG_RECOVERED,
    Anchor.RESTART_DONE,
    Anchor.CLOSURE,
)
MOST_CLAUSES = 3


def problems(step: Step) -> dict[str, str]:
    """By field of *step*, what is wrong with it, in the active language."""
    found = {}
    for name, (least, most) in LIMITS.items():
        value = getattr(step, name)
        if value is not None and not least <= value <= most:
            found[name] = _("From %(least)d to %(most)d.") % {"least": least, "most": most}
    if step.anchor == Anchor.WALL_CLOCK and not step.wall_clock:
        found["wall_clock"] = _("Give the time of day.")
    if step.repeat_first_minutes and not step.repeat_minutes:
        found["repeat_minutes"] = _("Say how often it repeats after that.")
    if step.repeat_first_minutes and not step.repeat_first_for_minutes:
        found["repeat_first_for_minutes"] = _("Say for how long it repeats so often.")
    if step.until and step.until not in ENDS:
        found["until"] = _("Nothing repeats until that.")
    for name, value in vars(step).items():
        if isinstance(value, str) and any(map(cannot_be_kept, value)):
            found[name] = _("This holds a character that cannot be kept.")
    return found
