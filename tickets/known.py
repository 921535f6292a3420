"""What we can tell someone who reports a problem: whether we know, and when she hears more."""

from dataclasses import dataclass
from datetime import datetime

from comms.models import Update, UpdateText
from incidents.models import Incident, Maintenance, Service


@dataclass(frozen=True)
class Known:
    """An open incident on a service, with its newest published update; no update: nothing has been said yet."""

    incident: Incident
    update: Update | None
    text: UpdateText | None

    @property
    def central(self) -> bool:
        return self.update is not None and self.update.central_confirmed

    @property
    def headline(self) -> str:
        """What it means for her; the incident's title where no update says so."""
        return (self.text.headline or self.text.title) if self.text else ""

    @property
    def promised_at(self) -> datetime | None:
        return self.update.next_update_at if self.update else None


def known_about(service: Service, language: str) -> Known | None:
    """What the gravest open incident on *service* says in *language*; None when there is none. Three queries."""
    incident = Incident.objects.holding(service).first()
    if incident is None:
        return None
    update = incident.updates.standing().prefetch_related("texts").first()
    return Known(incident, update, update.text_in(language) if update else None)


def work_on(service: Service) -> Maintenance | None:
    """The maintenance of *service* that is under way, None when there is none. One query."""
    return Maintenance.objects.active().filter(services=service).first()
