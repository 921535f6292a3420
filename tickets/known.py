"""What we can tell someone who reports a problem: whether we know, and when she hears more."""

from dataclasses import dataclass
from datetime import datetime

from accounts.languages import Language
from comms.models import Update, UpdateText
from incidents.models import Incident, Maintenance, Service


@dataclass(frozen=True)
class Known:
    """An open incident on a service, with its newest published update; no update: nothing has been said yet.

    *language* is the reader's, that of *text* may be another.
    """

    language: Language
    incident: Incident
    update: Update | None
    text: UpdateText | None

    @property
    def central(self) -> bool:
        return self.update is not None and self.update.central_confirmed

    @property
    def headline(self) -> str:
        """What it means for her; the incident's title where no update says so."""
        return self._said or self.incident.title_in(self.language)

    @property
    def headline_language(self) -> str:
        """The language the headline really is in."""
        if self.text and self._said:
            return self.text.language
        return self.language if getattr(self.incident, f"title_{self.language}") else Language.FR

    @property
    def _said(self) -> str:
        return (self.text.headline or self.text.title) if self.text else ""

    @property
    def promised_at(self) -> datetime | None:
        return self.update.next_update_at if self.update else None


def known_about(service: Service, language: str) -> Known | None:
    """What the gravest open incident on *service* says in *language*; None when there is none. Three queries."""
    incident = Incident.objects.holding(service).first()
    if incident is None:
        return None
    update = Update.objects.prefetch_related("texts").holding(incident)
    return Known(Language(language), incident, update, _spoken(update, language) if update else None)


def work_on(service: Service) -> Maintenance | None:
    """The maintenance of *service* that is under way, None when there is none. One query."""
    return Maintenance.objects.active().filter(services=service).first()


def _spoken(update: Update, language: str) -> UpdateText | None:
    """The text in *language* if it says something, else in the first language that does; reads prefetched texts.

    One text for all: what it leaves empty was meant to be, and no other language fills it.
    """
    spoken = {text.language: text for text in update.texts.all() if text.is_spoken}
    return next((spoken[wanted] for wanted in (language, *Language) if wanted in spoken), None)
