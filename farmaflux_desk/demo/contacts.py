"""Who contacted the desk that day, minute by minute. Pure and seeded, like the pharmacies."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from farmaflux_desk.demo.pharmacies import SEED, SyntheticPharmacy
from farmaflux_desk.demo.story import Clock

QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class PlannedContact:
    """One contact, its moments on the story's clock; either a pharmacy or what was caught of the caller."""

    at: datetime
    incident: str
    agent: str
    language: str
    note: str
    pharmacy: SyntheticPharmacy | None = None
    caller: str = ""
    channel: str = "phone"
    service: str | None = None
    impact: str = "info"
    needed_by: datetime | None = None
    outcome: str = "informed"
    callback: Mapping[str, str] | None = None


def plan(
    schedule: Mapping[str, Mapping[str, int]],
    words: Mapping[str, Any],
    pharmacies: Sequence[SyntheticPharmacy],
    clock: Clock,
) -> list[PlannedContact]:
    """Every contact of the day, oldest first.

    *schedule*: incident → beginning of a stretch of at most a quarter of an hour → how many contacts (see
    black_friday_2022.yaml); *words*: contacts.yaml. Those told one by one there count towards their stretch.
    """
    drawn = _Drawn(words, pharmacies, clock)
    contacts = [drawn.told(row) for row in words["told"]]
    for incident, counts in schedule.items():
        taken = [contact.at for contact in contacts if contact.incident == incident]
        contacts += [drawn.next(incident, minute) for minute in _minutes(counts, taken, clock)]
    return sorted(contacts, key=lambda contact: contact.at)


def _minutes(counts: Mapping[str, int], taken: list[datetime], clock: Clock) -> Iterator[datetime]:
    """The moments still to fill, spread over each stretch."""
    starts = [clock.at(text) for text in counts]
    for start, following, count in zip(
        starts, [*starts[1:], starts[-1] + QUARTER], counts.values(), strict=True
    ):
        length = min(QUARTER, following - start)
        left = count - sum(start <= moment < start + length for moment in taken)
        for n in range(left):
            seconds = int(length.total_seconds() * (n + 0.5) / left)
            yield start + timedelta(seconds=seconds)


class _Drawn:
    def __init__(
        self, words: Mapping[str, Any], pharmacies: Sequence[SyntheticPharmacy], clock: Clock
    ) -> None:
        self.random = Random(SEED)
        self.words = words
        self.clock = clock
        self.by_key = {pharmacy.key: pharmacy for pharmacy in pharmacies if pharmacy.key}
        invented = [pharmacy for pharmacy in pharmacies if not pharmacy.key]
        self.fresh = iter(self.random.sample(invented, min(len(invented), 1000)))
        self.called: dict[str, list[SyntheticPharmacy]] = {}
        self.count = 0
        self.blocked = 0

    def told(self, row: Mapping[str, Any]) -> PlannedContact:
        pharmacy = self.by_key[row["pharmacy"]] if "pharmacy" in row else None
        return PlannedContact(
            at=self.clock.at(row["at"]),
            incident=row["incident"],
            agent=row["agent"],
            language=pharmacy.language if pharmacy else row["language"],
            note=row["note"],
            pharmacy=pharmacy,
            caller=row.get("caller", ""),
            service=row.get("service"),
            impact=row["impact"],
            needed_by=self.clock.at(row["needed_by"]) if "needed_by" in row else None,
            outcome=row.get("outcome", "informed"),
            callback=row.get("callback"),
        )

    def next(self, incident: str, moment: datetime) -> PlannedContact:
        self.count += 1
        every = self.words["every"]
        turn = {name: self.count % n == 0 for name, n in every.items()}
        pharmacy = self._caller(incident, again=turn["repeat"])
        note = self.random.choice(self.words["notes"][self._stretch(moment)])
        return PlannedContact(
            at=moment,
            incident=incident,
            agent=self._agent(pharmacy.language, moment),
            language=pharmacy.language,
            note=note[pharmacy.language],
            pharmacy=pharmacy,
            channel="email" if turn["email"] else "social" if turn["social"] else "phone",
            service=note["service"],
            impact=note["impact"],
            outcome="software_house" if turn["software_house"] else "informed",
            callback=self._callback(incident, note["impact"]),
        )

    def _caller(self, incident: str, *, again: bool) -> SyntheticPharmacy:
        earlier = self.called.setdefault(incident, [])
        if again and earlier:
            return self.random.choice(earlier)
        earlier.append(next(self.fresh))
        return earlier[-1]

    def _callback(self, incident: str, impact: str) -> Mapping[str, str] | None:
        """Who is blocked while it lasts may want to hear when it works again."""
        if incident != self.words["callback"]["incident"] or impact != "blocked":
            return None
        self.blocked += 1
        wants: Mapping[str, str] = self.words["callback"]
        return wants if self.blocked % self.words["every"]["callback"] == 0 else None

    def _stretch(self, moment: datetime) -> str:
        begun = [name for text, name in self.words["stretches"].items() if self.clock.at(text) <= moment]
        return str(begun[-1])

    def _agent(self, language: str, moment: datetime) -> str:
        agents = list(self.words["agents"][language])
        volunteer = self.words["volunteer"]
        if language in volunteer["languages"] and self.clock.at(volunteer["from"]) <= moment:
            agents.append(volunteer["agent"])
        return str(self.random.choice(agents))
