"""Random histories: what the Statuspage convention promises of its documents taken together."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import feedparser
from hypothesis import given, settings
from hypothesis import strategies as st

from comms.status.facts import Facts, Incident, Maintenance, Postmortem
from comms.status.languages import WORDS
from comms.status.render import documents
from incidents.models.states import MaintenanceStatus, Phase, ServiceStatus
from tests.comms.status.facts import (
    AT,
    BEGAN,
    everywhere,
    facts,
    impact,
    incident,
    maintenance,
    maintenance_note,
    update,
)

BROKEN = [status for status in ServiceStatus if status != ServiceStatus.OPERATIONAL]
SHOWN = [status for status in MaintenanceStatus if status != MaintenanceStatus.CANCELLED]
RANK = ["none", "maintenance", "minor", "major", "critical"]
SEVERITY = {
    "operational": "none",
    "under_maintenance": "maintenance",
    "degraded_performance": "minor",
    "partial_outage": "major",
    "major_outage": "critical",
}
KEYS = {
    "incident": {
        "id", "name", "name_i18n", "status", "created_at", "updated_at", "monitoring_at", "resolved_at",
        "impact", "shortlink", "started_at", "page_id", "incident_updates", "components",
    },
    "update": {
        "id", "status", "body", "body_i18n", "incident_id", "created_at", "updated_at", "display_at",
        "affected_components", "deliver_notifications", "custom_tweet", "tweet_id",
    },
}  # fmt: skip
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")
minutes = st.integers(2, 110).map(lambda number: BEGAN + timedelta(minutes=number))  # entered after two


@st.composite
def happened(draw: st.DrawFn, place: int) -> Incident:
    """An incident at any stage, reopened ones with what was learned before included."""
    phase = draw(st.sampled_from(Phase))
    ended = AT if phase == Phase.RESOLVED else None
    told = sorted(draw(st.lists(minutes, max_size=4, unique=True)), reverse=True)
    learned = draw(st.none() | minutes)
    return incident(
        id=f"incident{place:04}",
        phase=phase,
        title=everywhere(f"Panne {place}"),
        resolved_at=ended,
        impacts=tuple(
            impact(draw(st.integers(0, 2)), status, ended_at=ended)
            for status in draw(st.lists(st.sampled_from(BROKEN), max_size=3))
        ),
        updates=tuple(
            update(id=f"update{place:03}{n:03}", phase=draw(st.sampled_from(Phase)), published_at=at)
            for n, at in enumerate(told)
        ),
        postmortem=Postmortem(learned, everywhere("Appris.")) if learned else None,
    )


@st.composite
def planned(draw: st.DrawFn, place: int) -> Maintenance:
    status = draw(st.sampled_from(SHOWN))
    told = sorted(draw(st.lists(minutes, max_size=3, unique=True)), reverse=True)
    return maintenance(
        id=f"maintain{place:04}",
        status=status,
        service_ids=tuple(f"service{n:05}" for n in sorted(draw(st.sets(st.integers(0, 2))))),
        started_at=None if status == MaintenanceStatus.SCHEDULED else BEGAN,
        completed_at=AT if status == MaintenanceStatus.COMPLETED else None,
        notes=tuple(
            maintenance_note(id=f"note{place:04}{n:04}", published_at=at) for n, at in enumerate(told)
        ),
    )


@st.composite
def histories(draw: st.DrawFn) -> Facts:
    return facts(
        *(draw(happened(place)) for place in range(draw(st.integers(0, 5)))),
        maintenances=tuple(draw(planned(place)) for place in range(draw(st.integers(0, 4)))),
        default_language=draw(st.sampled_from(sorted(WORDS))),
    )


def published(world: Facts) -> dict[str, Any]:
    """The documents by their names under /api/v2/, without .json; the feed of English as it is."""
    return {
        each.name.removeprefix("api/v2/").removesuffix(".json"): json.loads(each.make())
        for each in documents(world)
        if each.name.startswith("api/v2/")
    } | {each.name: each.make() for each in documents(world) if each.name == "en/history.atom"}


def ids(listed: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in listed]


@settings(max_examples=40, deadline=None)
@given(world=histories())
def test_every_document_tells_the_same_of_page_components_and_incidents(world: Facts) -> None:
    site = published(world)
    answers = {name: told for name, told in site.items() if isinstance(told, dict) and name != "404"}
    summary = site["summary"]

    assert len(answers) == 8
    assert all(told["page"] == summary["page"] for told in answers.values())
    assert site["status"]["status"] == summary["status"]
    assert site["components"]["components"] == summary["components"]
    assert site["incidents/unresolved"]["incidents"] == summary["incidents"]
    assert all(one in site["incidents"]["incidents"] for one in summary["incidents"])
    assert ids(site["incidents"]["incidents"]) == [one.id for one in world.incidents]
    assert ids(summary["incidents"]) == [one.id for one in world.incidents if one.is_open]


@settings(max_examples=40, deadline=None)
@given(world=histories())
def test_planned_work_is_upcoming_active_or_over_and_never_two_of_them(world: Facts) -> None:
    site = published(world)
    listed, upcoming, active = (
        site[name]["scheduled_maintenances"]
        for name in (
            "scheduled-maintenances",
            "scheduled-maintenances/upcoming",
            "scheduled-maintenances/active",
        )
    )

    assert {one["status"] for one in upcoming} <= {"scheduled"}
    assert {one["status"] for one in active} <= {"in_progress", "verifying"}
    assert sorted(ids(upcoming + active)) == sorted(ids(site["summary"]["scheduled_maintenances"]))
    assert [one for one in listed if one not in upcoming and one not in active] == [
        one for one in listed if one["status"] == "completed"
    ]
    for one in listed:
        assert one.keys() == KEYS["incident"] | {"scheduled_for", "scheduled_until"}
        assert one["impact"] == "maintenance"
        assert (one["resolved_at"] is None) == (one["status"] != "completed")


@settings(max_examples=40, deadline=None)
@given(world=histories())
def test_every_entry_is_whole_and_its_updates_come_newest_first(world: Facts) -> None:
    site = published(world)
    page, components = site["summary"]["page"], site["components"]["components"]

    for one in (
        *site["incidents"]["incidents"],
        *site["scheduled-maintenances"]["scheduled_maintenances"],
    ):
        assert one.keys() >= KEYS["incident"]
        assert one["page_id"] == page["id"]
        assert all(part in components for part in one["components"])
        assert len(one["incident_updates"]) >= 1
        times = [datetime.fromisoformat(told["created_at"]) for told in one["incident_updates"]]
        assert times == sorted(times, reverse=True)
        for told in one["incident_updates"]:
            assert told.keys() == KEYS["update"]
            assert told["incident_id"] == one["id"]
        for key, value in [pair for part in (one, *one["incident_updates"]) for pair in part.items()]:
            assert not key.endswith("_at") or value is None or MOMENT.fullmatch(value)


@settings(max_examples=40, deadline=None)
@given(world=histories())
def test_an_incident_is_resolved_exactly_when_it_says_when(world: Facts) -> None:
    for one in published(world)["incidents"]["incidents"]:
        assert (one["resolved_at"] is not None) == (one["status"] in ("resolved", "postmortem"))
        assert one["impact"] in ("none", "minor", "major", "critical")


@settings(max_examples=40, deadline=None)
@given(world=histories())
def test_the_worst_component_decides_and_a_group_is_as_its_worst_child(world: Facts) -> None:
    site = published(world)
    components = {one["id"]: one for one in site["components"]["components"]}
    severities = [SEVERITY[one["status"]] for one in components.values()]

    assert site["status"]["status"]["indicator"] == max(severities, key=RANK.index)
    for one in components.values():
        if one["group"]:
            children = [components[child] for child in one["components"]]
            assert {child["group_id"] for child in children} == {one["id"]}
            worst = max(children, key=lambda child: RANK.index(SEVERITY[child["status"]]))
            assert one["status"] == worst["status"]


@settings(max_examples=20, deadline=None)
@given(world=histories())
def test_the_feed_lists_the_same_incidents_with_the_same_states_in_the_same_order(world: Facts) -> None:
    site = published(world)
    entries = feedparser.parse(site["en/history.atom"]).entries

    for entry, one in zip(entries, site["incidents"]["incidents"], strict=True):
        assert entry.id.endswith(f"Incident/{one['id']}")
        told = re.findall(r"<strong>(\w+)</strong>", entry.content[0].value)
        assert [word.lower() for word in told] == [each["status"] for each in one["incident_updates"]]
