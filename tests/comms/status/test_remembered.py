"""What is kept from one publication to the next is what would be written anew, whatever changed between the two."""

import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from enum import Enum
from functools import _lru_cache_wrapper
from itertools import count
from typing import Any

from comms.status import api_objects, feeds
from comms.status.facts import Facts, Incident, Link, Month, PastImpact, Postmortem, StatusGiven, Text
from comms.status.languages import WORDS
from comms.status.render import documents
from incidents.models.states import LinkState, MaintenanceStatus, MilestoneKind, ServiceStatus
from tests.comms.status.facts import (
    AT,
    BEGAN,
    everywhere,
    facts,
    impact,
    incident,
    maintenance,
    maintenance_note,
    milestone,
    resolved,
    text,
    update,
)

REVISIONS = count(100)
# What other facts are found by, and what is unknown to the public: nothing changes these.
FIXED = {"id", "service_id", "service_ids", "incident_id", "default_language", "archived"}


def rich() -> Facts:
    """Something of everything, and of what is over several."""
    by, said_at = everywhere("Sciensano"), BEGAN + timedelta(minutes=20)
    told = update(
        central_confirmed=True,
        valid_until=AT + timedelta(hours=2),
        do=text("Enregistrez chaque eForm.\nUne seule fois.", "Registreer elk eForm."),
        dont=text("Ne renvoyez rien."),
        patient=text("Le certificat suivra.", "Het attest volgt."),
        occurred_at=BEGAN,
        corrected_at=AT - timedelta(minutes=3),
        statuses=(StatusGiven("service00000", ServiceStatus.OPERATIONAL, ServiceStatus.MAJOR),),
    )
    withdrawn = update(id="cccccccccccc", withdrawn_at=AT, title=text(), body=text(), headline=text())
    over = resolved(id="p2d6f9j4sk7z", revision=4, resolved_at=AT - timedelta(hours=3))
    older = resolved(
        id="r2d6f9j4sk7z",
        revision=3,
        began_at=BEGAN - timedelta(days=40),
        resolved_at=BEGAN - timedelta(days=40),
        relapses=(over.brief,),
        postmortem=Postmortem(AT - timedelta(days=2), text("Appris.\n\n- Un\n- Deux", "Geleerd.")),
    )
    open_ = incident(
        revision=6,
        updates=(told, withdrawn),
        chain=(
            Link(everywhere("FarmaFlux"), LinkState.OK, by, said_at, text()),
            Link(everywhere("Sciensano"), LinkState.STUCK, by, said_at, text("En panne.")),
        ),
        milestones=(
            milestone(reached_at=BEGAN + timedelta(minutes=90), confirmed_by=everywhere("Sciensano")),
            milestone(MilestoneKind.RESTART_DONE, planned_for=BEGAN + timedelta(hours=9)),
        ),
        relapse_of=older.brief,
    )
    slow = incident(id="c3n8v5r1yw6h", updates=(), impacts=(impact(1, ServiceStatus.DEGRADED),))
    return facts(
        open_,
        slow,
        over,
        older,
        archived=frozenset({older.id}),
        archived_until=BEGAN,
        past_impacts=(
            PastImpact("service00000", older.id, ServiceStatus.MAJOR, older.began_at, BEGAN),
            PastImpact("service00000", open_.id, ServiceStatus.MAJOR, BEGAN, None),
            PastImpact("service00001", "unknownunkno", ServiceStatus.PARTIAL, BEGAN, AT),
            PastImpact("service00002", over.id, ServiceStatus.MAJOR, BEGAN - timedelta(days=3), BEGAN),
        ),
        months=(Month(2022, 7, 3, (open_.brief, slow.brief, over.brief)), Month(2022, 5, 1, ())),
        cancelled=(maintenance(id="m4w2x3y4z5a6", status=MaintenanceStatus.CANCELLED, follows=over.id),),
        maintenances=(
            maintenance(),
            maintenance(
                id="m2w2x3y4z5a6",
                status=MaintenanceStatus.COMPLETED,
                started_at=BEGAN - timedelta(days=5),
                completed_at=BEGAN - timedelta(days=4),
                follows=over.id,
                notes=(maintenance_note(id="dddddddddddd"), maintenance_note()),
                revision=2,
            ),
            maintenance(
                id="m3w2x3y4z5a6",
                status=MaintenanceStatus.IN_PROGRESS,
                started_at=BEGAN,
                service_ids=("service00002",),
            ),
        ),
        notice=text("Le site est figé.", "De site staat stil."),
        security_contact="mailto:security@example.org",
    )


def changes(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """*value* with one thing in it changed, for each thing in it, and where that is."""
    if isinstance(value, tuple):
        for place, each in enumerate(value):
            for inside, changed in changes(each, where):
                yield inside, (*value[:place], changed, *value[place + 1 :])
        if len(value) > 1:
            yield f"{where}[::-1]", value[::-1]
    elif is_dataclass(value) and not isinstance(value, Text | type):
        for name in (field.name for field in fields(value) if field.name not in FIXED):
            for inside, changed in changes(getattr(value, name), f"{where}.{name}"):
                yield inside, changed_in(value, name, changed)
    elif value is not None:
        yield where, other(value)


def changed_in(value: Any, name: str, changed: Any) -> Any:
    """With it grows the revision of an incident; with the name of a service that of all (comms.status.snapshot)."""
    made = replace(value, **{name: changed})
    if isinstance(made, Incident) and name != "revision":
        return grown(made)
    if isinstance(made, Facts) and name == "groups":
        return replace(made, incidents=tuple(map(grown, made.incidents)))
    return made


def grown(incident: Incident) -> Incident:
    """One revision for each change there ever was; 0 where nobody counts."""
    return replace(incident, revision=incident.revision and next(REVISIONS))


def other(value: Any) -> Any:
    match value:
        case Enum():
            return next(each for each in type(value) if each != value)
        case bool():
            return not value
        case str():
            return f"{value}°"
        case Text():
            return Text(*(f"{value.in_language(language)}°" for language in WORDS))
        case int():
            return value + 1
    return value + timedelta(hours=25)


def forget() -> None:
    """As in a process that was just started."""
    for name, module in list(sys.modules.items()):
        for known in vars(module).values() if name.startswith("comms.status") else ():
            if isinstance(known, _lru_cache_wrapper):
                known.cache_clear()
    feeds._kept.clear()
    api_objects._kept.clear()


def made(world: Facts) -> dict[str, tuple[str, bytes]]:
    """Key and content of each file; of two languages, as what is kept of one is kept of all alike."""
    return {
        document.name: (document.key, document.make())
        for document in documents(world)
        if not document.name.startswith(("de/", "en/", "banner/de", "banner/en"))
    }


def test_whatever_changes_each_page_is_as_if_nothing_had_been_kept() -> None:
    before = rich()
    first = made(before)
    worlds: dict[str, Facts] = {}
    for where, world in changes(before):
        worlds.setdefault(where, world)
    told = {where: made(world) for where, world in worlds.items()}

    for where, world in worlds.items():
        forget()
        assert made(world) == told[where], where
        for name, (key, content) in told[where].items():
            known = first.get(name, ("", b""))
            assert not key or (key, content) == known or key != known[0], (where, name)
    assert sum(files != first for files in told.values()) > 60


def test_an_incident_under_the_same_revision_in_another_history_is_another() -> None:
    # As after a database was set back: numbers come again that mean something else.
    before = rich()
    made(before)
    incidents = tuple(replace(incident, title=text("Autre", "Ander")) for incident in before.incidents)
    after = made(replace(before, incidents=incidents))
    for name in ("fr/history.atom", "history.rss", "api/v2/incidents.json"):
        assert b"Autre" in after[name][1]
