"""What was written of an incident, kept for the next publication."""

from collections import OrderedDict
from collections.abc import Callable

from comms.status.facts import Incident

MOST = 2000  # written incidents that a process keeps


class Kept[Written]:
    """By the very object: facts do not change, and what did not change is the same object (incident_facts.read)."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[Incident, Written]] = OrderedDict()

    def of(self, incident: Incident, *beside: str, write: Callable[[], Written]) -> Written:
        """What *write* makes of *incident* and *beside*; one that is read anew each time is written each time."""
        if not incident.revision:
            return write()
        key = (id(incident), *beside)
        known = self._kept.get(key)
        if known is None or known[0] is not incident:
            known = self._kept[key] = incident, write()
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return known[1]

    def clear(self) -> None:
        self._kept.clear()
