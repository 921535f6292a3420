"""When a step of the plan concerns an incident at all: pure functions of clauses and of the situation.

A step's `when` is a list of clauses, of which one has to hold; of a clause each part has to hold. None: always.
    severities       the incident is of one of these
    services         it touches one of these services or groups of services, by key
    lasting_minutes  it has lasted so long
    calls            more than so many calls came within half an hour
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from django.utils.translation import gettext as _

from incidents.models import Severity

MONTH = 31 * 24 * 60  # minutes
MOST_CALLS = 10_000
PARTS = ("severities", "services", "lasting_minutes", "calls")


@dataclass(frozen=True)
class Situation:
    """What is known of an incident. *pressure*: when so many calls within half an hour were first exceeded."""

    began_at: datetime
    severity: str = Severity.S1
    severity_since: datetime | None = None
    services: Mapping[str, datetime] = field(default_factory=dict)
    """Keys of the services and groups it touched, and since when."""
    pressure: Mapping[int, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class Clause:
    severities: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    lasting_minutes: int | None = None
    calls: int | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            severities=tuple(stored.get("severities", ())),
            services=tuple(stored.get("services", ())),
            lasting_minutes=stored.get("lasting_minutes"),
            calls=stored.get("calls"),
        )

    def stored(self) -> dict[str, Any]:
        parts = {
            "severities": list(self.severities),
            "services": list(self.services),
            "lasting_minutes": self.lasting_minutes,
            "calls": self.calls,
        }
        return {name: value for name, value in parts.items() if value}

    @property
    def words(self) -> str:
        """In the active language: “S1 or S2, for more than 60 min”."""
        said = []
        if self.severities:
            said.append(_listed(self.severities))
        if self.services:
            said.append(_("%(services)s affected") % {"services": _listed(self.services)})
        if self.lasting_minutes:
            said.append(_("for more than %(n)d min") % {"n": self.lasting_minutes})
        if self.calls:
            said.append(_("more than %(n)d calls in half an hour") % {"n": self.calls})
        return ", ".join(said)

    def holds_since(self, situation: Situation) -> datetime | None:
        """The moment from which it holds, perhaps still to come; None while nobody can tell."""
        moments = [situation.began_at]
        if self.severities:
            if situation.severity not in self.severities:
                return None
            moments.append(situation.severity_since or situation.began_at)
        if self.services:
            touched = [situation.services[key] for key in self.services if key in situation.services]
            if not touched:
                return None
            moments.append(min(touched))
        if self.lasting_minutes:
            moments.append(situation.began_at + timedelta(minutes=self.lasting_minutes))
        if self.calls:
            if self.calls not in situation.pressure:
                return None
            moments.append(situation.pressure[self.calls])
        return max(moments)

    def may_come(self, situation: Situation) -> bool:
        """Nothing but calls is missing: it may yet hold without anybody deciding anything."""
        without = Clause(self.severities, self.services, self.lasting_minutes)
        return bool(self.calls) and without.holds_since(situation) is not None


@dataclass(frozen=True)
class Applies:
    """*since*: from when a step concerns the incident; None: it does not. *may_come*: it may by itself."""

    since: datetime | None
    may_come: bool = False
    words: str = ""


def applies(when: Sequence[Mapping[str, Any]], situation: Situation) -> Applies:
    clauses = [Clause.of(stored) for stored in when]
    if not clauses:
        return Applies(situation.began_at)
    held = [(since, clause) for clause in clauses if (since := clause.holds_since(situation))]
    if held:
        since, clause = min(held, key=lambda pair: pair[0])
        return Applies(since, words=clause.words)
    return Applies(
        None,
        may_come=any(clause.may_come(situation) for clause in clauses),
        words=said(when),
    )


def said(when: Iterable[Mapping[str, Any]]) -> str:
    """All clauses in words, in the active language; empty where there are none."""
    return "; ".join(Clause.of(stored).words for stored in when)


def thresholds(whens: Iterable[Iterable[Mapping[str, Any]]]) -> set[int]:
    """The numbers of calls that any of the conditions asks for."""
    return {clause["calls"] for when in whens for clause in when if clause.get("calls")}


def _listed(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return _("%(first)s or %(last)s") % {"first": ", ".join(words[:-1]), "last": words[-1]}
