"""What agents say to callers: the latest published message, and nothing beside it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from comms.models import Update
from incidents.models import Incident, Service, ServiceStatus

# Said after the name of a service that is not wholly out of service; agents speak four languages to callers.
HOW = {
    ServiceStatus.PARTIAL: {"fr": "en partie", "nl": "gedeeltelijk", "de": "teilweise", "en": "in part"},
    ServiceStatus.DEGRADED: {"fr": "lent", "nl": "traag", "de": "langsam", "en": "slow"},
    ServiceStatus.MAINTENANCE: {"fr": "entretien", "nl": "onderhoud", "de": "Wartung", "en": "maintenance"},
}


@dataclass(frozen=True)
class Script:
    """The words of one update in one language; *language* is that of the words, which may not be the asked one."""

    update: Update
    language: str
    title: str
    headline: str
    body: str
    do: list[str]
    dont: list[str]
    patient: str
    works: list[str]
    broken: list[str]

    @property
    def number(self) -> int:
        return self.update.number or 0

    @property
    def published_at(self) -> datetime | None:
        return self.update.published_at

    @property
    def next_update_at(self) -> datetime | None:
        return self.update.next_update_at

    @property
    def valid_until(self) -> datetime | None:
        return self.update.valid_until

    @property
    def is_outdated(self) -> bool:
        """What to do meanwhile holds no longer."""
        return self.update.is_outdated

    @property
    def central_confirmed(self) -> bool:
        return self.update.central_confirmed


def latest_update(incident: Incident) -> Update | None:
    """What holds; two queries at most."""
    return Update.objects.holding(incident)


def what_to_say(incident: Incident, language: str) -> Script | None:
    """The script for a caller who speaks *language*; None while nothing that holds is published. Five queries at
    most.
    """
    update = Update.objects.prefetch_related("texts").holding(incident)
    text = update.text_in(language) if update else None
    if update is None or text is None:
        return None
    works, broken = by_status(Service.objects.all(), disturbed(within=incident), language)
    return Script(
        update=update,
        language=text.language,
        title=text.title,
        headline=text.headline,
        body=text.body,
        do=text.do_lines,
        dont=text.dont_lines,
        patient=text.patient,
        works=works,
        broken=broken,
    )


def disturbed(within: Incident | None = None) -> dict[int, ServiceStatus]:
    """The worst status each disturbed service is in, over all open incidents, by the service's pk.

    *within* an exercise only what is played counts, elsewhere only what is real.
    """
    worst: dict[int, ServiceStatus] = {}
    drill = within is not None and within.drill
    for incident in Incident.objects.alike(drill=drill).open().prefetch_related("impacts"):
        for impact in incident.open_impacts:
            status = ServiceStatus(impact.status)
            if status.rank > worst.get(impact.service_id, ServiceStatus.OPERATIONAL).rank:
                worst[impact.service_id] = status
    return worst


def by_status(
    services: Iterable[Service], worst: dict[int, ServiceStatus], language: str
) -> tuple[list[str], list[str]]:
    """The names of what works, and of what does not, the worst first; those that work in part say so."""
    works, broken = [], []
    for service in services:
        status, name = worst.get(service.pk), service.name_in(language)
        if status is None:
            works.append(name)
        else:
            how = HOW.get(status, {}).get(language)
            broken.append((status.rank, f"{name} ({how})" if how else name))
    return works, [name for _rank, name in sorted(broken, key=lambda pair: -pair[0])]
