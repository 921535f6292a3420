"""The Statuspage v2 documents (docs/statuspage-v2.md says how their values are derived)."""

from collections.abc import Collection, Iterable, Iterator

from comms.status.api_objects import Objects, as_document, as_json, as_list
from comms.status.facts import Facts, Incident, Maintenance
from comms.status.moments import iso
from incidents.models.states import MaintenanceStatus

MOST_LISTED = 50  # incidents, and maintenances


def documents(facts: Facts) -> dict[str, bytes]:
    """Every document, by its file's name under /api/v2/."""
    site = Objects(facts)
    unresolved = [incident for incident in facts.incidents if incident.is_open]
    upcoming = [each for each in facts.maintenances if each.status == MaintenanceStatus.SCHEDULED]
    active = [each for each in facts.maintenances if each.is_active]
    page, components, status = as_json(site.page()), as_list(site.listed_components()), as_json(site.status())
    to_come = [each for each in facts.maintenances if each in upcoming or each in active]
    listed, planned = _listed(facts.incidents, unresolved), _listed(facts.maintenances, to_come)

    def maintenances(which: Iterable[Maintenance]) -> bytes:
        return as_list(site.maintenance(each) for each in which)

    return {
        "summary.json": as_document(
            page=page,
            components=components,
            incidents=as_list(map(site.incident, unresolved)),
            scheduled_maintenances=maintenances(to_come),
            status=status,
        ),
        "status.json": as_document(page=page, status=status),
        "components.json": as_document(page=page, components=components),
        "incidents.json": as_document(page=page, incidents=as_list(map(site.incident, listed))),
        "incidents/unresolved.json": as_document(
            page=page, incidents=as_list(map(site.incident, unresolved))
        ),
        "scheduled-maintenances.json": as_document(page=page, scheduled_maintenances=maintenances(planned)),
        "scheduled-maintenances/upcoming.json": as_document(
            page=page, scheduled_maintenances=maintenances(upcoming)
        ),
        "scheduled-maintenances/active.json": as_document(
            page=page, scheduled_maintenances=maintenances(active)
        ),
        "404.json": as_document(error=as_json("not found")),
    }


def _listed[Entry: (Incident, Maintenance)](told: Iterable[Entry], lasting: Collection[Entry]) -> list[Entry]:
    """All that lasts, and of what is over the newest that there is room for."""
    kept = {each.id for each in lasting}
    over = [each.id for each in told if each.id not in kept]
    kept.update(over[: max(0, MOST_LISTED - len(lasting))])
    return [each for each in told if each.id in kept]


def webhook(facts: Facts, incident_id: str, *, unsubscribe: str = "") -> bytes:
    """What is posted to an address that wants to know: the incident with all its messages, and the page's state.

    *unsubscribe*: where a subscriber ends it; of a channel an administrator does, so that it names the page.
    """
    site = Objects(facts)
    told = next(site.incident(one) for one in facts.incidents if one.id == incident_id)
    return as_document(**_envelope(site, unsubscribe), incident=told)


def component_updates(
    facts: Facts, incident_id: str, update_id: str, *, unsubscribe: str
) -> Iterator[tuple[str, bytes]]:
    """By the id of a component what is posted of it: each that the message of an incident gives another status."""
    site = Objects(facts)
    envelope = _envelope(site, unsubscribe)
    incident = next(one for one in facts.incidents if one.id == incident_id)
    for update in incident.updates:
        for given in update.statuses if update.id == update_id else ():
            if given.status != given.before and given.service_id in site.components:
                yield (
                    given.service_id,
                    as_document(
                        **envelope,
                        component_update=as_json(site.component_update(update, given)),
                        component=site.components[given.service_id],
                    ),
                )


def _envelope(site: Objects, unsubscribe: str) -> dict[str, bytes]:
    status = site.status()
    return {
        "meta": as_json(
            {
                "unsubscribe": unsubscribe or site.facts.url,
                "documentation": site.facts.url,
                "generated_at": iso(site.facts.at),
            }
        ),
        "page": as_json(
            {
                "id": site.page_id,
                "status_indicator": status["indicator"],
                "status_description": status["description"],
            }
        ),
    }
