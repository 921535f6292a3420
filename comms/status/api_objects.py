"""The objects that the Statuspage v2 documents are made of, each written once for all documents."""

import hashlib
import json
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from accounts.languages import Language
from comms.status.facts import (
    Facts,
    Group,
    Incident,
    Maintenance,
    MaintenanceNote,
    Postmortem,
    Service,
    StatusGiven,
    Text,
    Update,
    worst,
)
from comms.status.kept import Kept
from comms.status.languages import WORDS
from comms.status.moments import BRUSSELS, iso
from incidents.models.states import ServiceStatus

INDICATOR = {
    ServiceStatus.OPERATIONAL: "none",
    ServiceStatus.MAINTENANCE: "maintenance",
    ServiceStatus.DEGRADED: "minor",
    ServiceStatus.PARTIAL: "major",
    ServiceStatus.MAJOR: "critical",
}
type Document = dict[str, Any]

_kept = Kept[bytes]()


def as_json(value: object) -> bytes:
    """Harmless too where someone takes it for a page."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode()


def as_list(written: Iterable[bytes]) -> bytes:
    return b"[%b]" % b",".join(written)


def as_document(**written: bytes) -> bytes:
    return b"{%b}" % b",".join(b'"%b":%b' % (key.encode(), value) for key, value in written.items())


def _with(written: bytes, **more: bytes) -> bytes:
    """The object *written*, with further keys whose values are written."""
    return b"%b,%b" % (written[:-1], as_document(**more)[1:])


class Objects:
    """The documents' parts; each is told in the default language, and in all of them beside it."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.page_id = hashlib.sha256(f"page {facts.url}".encode()).hexdigest()[:12]
        self.conditions = facts.conditions
        self.components = {service.id: as_json(self._service(service)) for service in facts.services}
        self.names = {service.id: self.said(service.name) for service in facts.services}

    def said(self, text: Text) -> str:
        return text.said_in(self.facts.default_language).text

    def page(self) -> Document:
        return {
            "id": self.page_id,
            "name": "FarmaFlux",
            "url": self.facts.url,
            "time_zone": BRUSSELS.key,
            "updated_at": iso(self.facts.changed_at),
        }

    def status(self) -> Document:
        indicator = INDICATOR[worst(condition.status for condition in self.conditions.values())]
        told = {language: words.summary[indicator] for language, words in WORDS.items()}
        return {
            "indicator": indicator,
            "description": told[self.facts.default_language],
            "description_i18n": told,
        }

    def listed_components(self) -> list[bytes]:
        listed: list[bytes] = []
        for group in self.facts.groups:
            listed.append(as_json(self._group(group, position=len(listed) + 1)))
            listed += [self.components[service.id] for service in group.services]
        return listed

    def _group(self, group: Group, *, position: int) -> Document:
        conditions = [self.conditions[service.id] for service in group.services]
        return self._component(
            group.id,
            group.name,
            status=worst(condition.status for condition in conditions),
            created_at=min(service.created_at for service in group.services),
            updated_at=max(map(self._changed_at, group.services)),
            position=position,
            group_id=None,
        ) | {"group": True, "components": [service.id for service in group.services]}

    def _service(self, service: Service) -> Document:
        group = next(group for group in self.facts.groups if service in group.services)
        return self._component(
            service.id,
            service.name,
            status=self.conditions[service.id].status,
            created_at=service.created_at,
            updated_at=self._changed_at(service),
            position=group.services.index(service) + 1,
            group_id=group.id,
        )

    def _changed_at(self, service: Service) -> datetime:
        """Work on it that has begun changes how it does, as incidents do."""
        begun = [
            work.changed_at
            for work in self.facts.maintenances
            if work.started_at is not None and service.id in work.service_ids
        ]
        return max([service.changed_at, *begun])

    def _component(
        self, id_: str, name: Text, *, status: ServiceStatus, created_at: Any, updated_at: Any, **rest: Any
    ) -> Document:
        return {
            "id": id_,
            "name": self.said(name),
            "name_i18n": _i18n(name),
            "status": status.value,
            "created_at": iso(created_at),
            "updated_at": iso(updated_at),
            "description": None,
            "showcase": False,
            "start_date": None,
            "page_id": self.page_id,
            "group": False,
            "only_show_if_degraded": False,
            **rest,
        }

    def incident(self, incident: Incident) -> bytes:
        """Its own facts are written once; how its services do now is told each time."""
        written = _kept.of(
            incident,
            self.facts.url,
            self.facts.default_language,
            write=lambda: as_json(self._incident(incident)),
        )
        return _with(written, components=self._touched({impact.service_id for impact in incident.impacts}))

    def _touched(self, services: Collection[str]) -> bytes:
        return as_list(written for key, written in self.components.items() if key in services)

    def _incident(self, incident: Incident) -> Document:
        impact = INDICATOR[incident.worst_ever]
        told = [self._update(incident, update) for update in incident.updates] or [self._first(incident)]
        if incident.postmortem:
            told.insert(incident.told_after_postmortem, self._postmortem(incident, incident.postmortem))
        return {
            **self._identity(incident.id, incident.title),
            "status": "postmortem" if incident.postmortem and not incident.is_open else incident.phase.value,
            "created_at": iso(incident.recorded_at),
            "updated_at": iso(incident.changed_at),
            "monitoring_at": iso(incident.monitoring_at),
            "resolved_at": iso(incident.resolved_at),
            "impact": "none" if impact == "maintenance" else impact,
            "shortlink": f"{self.facts.url}/{self.facts.default_language}/incidents/{incident.id}/",
            "started_at": iso(incident.began_at),
            "page_id": self.page_id,
            "incident_updates": told,
        }

    def maintenance(self, maintenance: Maintenance) -> bytes:
        told = [self._note(maintenance, note) for note in maintenance.notes]
        written = {
            **self._identity(maintenance.id, maintenance.title),
            "status": maintenance.status.value,
            "created_at": iso(maintenance.recorded_at),
            "updated_at": iso(maintenance.changed_at),
            "monitoring_at": None,
            "resolved_at": iso(maintenance.completed_at),
            "impact": "maintenance",
            "shortlink": f"{self.facts.url}/{self.facts.default_language}/maintenance/{maintenance.id}/",
            "started_at": iso(maintenance.started_at or maintenance.starts_at),
            "page_id": self.page_id,
            "scheduled_for": iso(maintenance.starts_at),
            "scheduled_until": iso(maintenance.ends_at),
            "incident_updates": told or [self._announced(maintenance)],
        }
        return _with(as_json(written), components=self._touched(maintenance.service_ids))

    def _identity(self, id_: str, name: Text) -> Document:
        return {"id": id_, "name": self.said(name), "name_i18n": _i18n(name)}

    def _announced(self, maintenance: Maintenance) -> Document:
        return self._told(
            hashlib.sha256(f"first {maintenance.id}".encode()).hexdigest()[:12],
            "scheduled",
            maintenance.body,
            of=maintenance.id,
            at=maintenance.recorded_at,
        )

    def _note(self, maintenance: Maintenance, note: MaintenanceNote) -> Document:
        return self._told(note.id, note.status.value, note.body, of=maintenance.id, at=note.published_at)

    def _postmortem(self, incident: Incident, postmortem: Postmortem) -> Document:
        return self._told(
            hashlib.sha256(f"postmortem {incident.id}".encode()).hexdigest()[:12],
            "postmortem",
            postmortem.text,
            of=incident.id,
            at=postmortem.published_at,
        )

    def _first(self, incident: Incident) -> Document:
        """Before the first message, what the page says of itself: readers expect one update at least."""
        return self._told(
            hashlib.sha256(f"first {incident.id}".encode()).hexdigest()[:12],
            incident.phase.value,
            Text(**{language: words.no_message_yet for language, words in WORDS.items()}),
            of=incident.id,
            at=incident.recorded_at,
            happened=incident.began_at,
        )

    def _update(self, incident: Incident, update: Update) -> Document:
        affected = [
            {
                "code": given.service_id,
                "name": self.names[given.service_id],
                "old_status": given.before.value,
                "new_status": given.status.value,
            }
            for given in update.statuses
        ]
        return self._told(
            update.id,
            update.phase.value,
            _joined(update) if update.withdrawn_at is None else _WITHDRAWN,
            of=incident.id,
            at=update.published_at,
            happened=update.occurred_at,
        ) | {
            "affected_components": affected or None,
            "updated_at": iso(update.withdrawn_at or update.corrected_at or update.published_at),
        }

    def component_update(self, update: Update, given: StatusGiven) -> Document:
        """For a webhook: what a message changes of a component."""
        name = f"component update {update.id} {given.service_id}"
        return {
            "id": hashlib.sha256(name.encode()).hexdigest()[:12],
            "old_status": given.before.value,
            "new_status": given.status.value,
            "created_at": iso(update.published_at),
            "component_type": "Component",
            "component_id": given.service_id,
        }

    def _told(
        self, id_: str, status: str, body: Text, *, of: str, at: datetime, happened: datetime | None = None
    ) -> Document:
        """An entry of incident_updates, which affects no component; its lines end in one way, whoever typed them."""
        body = Text(**{language: body.in_language(language).replace("\r\n", "\n") for language in Language})
        return {
            "id": id_,
            "status": status,
            "body": self.said(body),
            "body_i18n": _i18n(body),
            "incident_id": of,
            "created_at": iso(at),
            "updated_at": iso(at),
            "display_at": iso(happened or at),
            "affected_components": None,
            "deliver_notifications": True,
            "custom_tweet": None,
            "tweet_id": None,
        }


_WITHDRAWN = Text(**{language: words.withdrawn_short for language, words in WORDS.items()})


def _joined(update: Update) -> Text:
    """Title and body of each language there is."""
    return Text(
        **{
            language: "\n\n".join(
                text.in_language(language)
                for text in (update.title, update.body)
                if text.in_language(language)
            )
            for language in Language
        }
    )


def _i18n(text: Text) -> dict[str, str | None]:
    return {language.value: text.in_language(language) or None for language in Language}
