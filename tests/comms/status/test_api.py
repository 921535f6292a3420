"""The documents of the Statuspage v2 convention."""

import json
import re
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from comms.status.facts import StatusGiven
from comms.status.render import render
from incidents.models.states import Phase, ServiceStatus
from tests.comms.status.facts import (
    BEGAN,
    everywhere,
    facts,
    impact,
    incident,
    maintenance,
    resolved,
    text,
    update,
)

COMPONENT = {
    "id", "name", "name_i18n", "status", "created_at", "updated_at", "position", "description", "showcase",
    "start_date", "group_id", "page_id", "group", "only_show_if_degraded",
}  # fmt: skip
INCIDENT = {
    "id", "name", "name_i18n", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact",
    "shortlink", "started_at", "page_id", "incident_updates", "components",
}  # fmt: skip
UPDATE = {
    "id", "status", "body", "body_i18n", "incident_id", "created_at", "updated_at", "display_at",
    "affected_components", "deliver_notifications", "custom_tweet", "tweet_id",
}  # fmt: skip
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")
IDENTIFIER = re.compile(r"[a-z0-9]{12}")
BROKEN = [status for status in ServiceStatus if status != ServiceStatus.OPERATIONAL]


def summary(*incidents: Any, **fields: Any) -> Any:
    return json.loads(render(facts(*incidents, **fields))["api/v2/summary.json"])


def test_every_key_of_the_contract_is_there() -> None:
    document = summary(incident())

    assert document.keys() == {"page", "components", "incidents", "scheduled_maintenances", "status"}
    assert document["page"].keys() == {"id", "name", "url", "time_zone", "updated_at"}
    assert document["status"].keys() == {"indicator", "description", "description_i18n"}
    assert [set(one) - {"components"} for one in document["components"]] == [COMPONENT] * 5
    assert [set(one) for one in document["incidents"]] == [INCIDENT]
    assert [set(one) for one in document["incidents"][0]["incident_updates"]] == [UPDATE]


def test_lines_end_in_one_way_whoever_typed_them() -> None:
    told = text(fr="Une.\r\nDeux.", nl="Een.\nTwee.")
    document = summary(
        incident(updates=(update(title=text(), body=told),)), maintenances=(maintenance(body=told, notes=()),)
    )

    [said] = document["incidents"][0]["incident_updates"]
    [announced] = document["scheduled_maintenances"][0]["incident_updates"]
    for entry in (said, announced):
        assert (entry["body"], entry["body_i18n"]["nl"]) == ("Une.\nDeux.", "Een.\nTwee.")


def test_groups_name_their_children_and_children_their_group() -> None:
    components = summary()["components"]
    children = {one["id"]: one["components"] for one in components if one["group"]}

    assert children == {
        "group0000000": ["service00000", "service00001"],
        "group0000001": ["service00002"],
    }
    assert {one["id"]: one["group_id"] for one in components if not one["group"]} == {
        child: group for group, found in children.items() for child in found
    }


def test_the_worst_component_decides_the_indicator() -> None:
    maintained = impact(1, ServiceStatus.MAINTENANCE)
    indicators = {
        status: summary(incident(impacts=(impact(0, status), maintained)))["status"]["indicator"]
        for status in BROKEN
    }

    assert indicators == {
        ServiceStatus.DEGRADED: "minor",
        ServiceStatus.PARTIAL: "major",
        ServiceStatus.MAJOR: "critical",
        ServiceStatus.MAINTENANCE: "maintenance",
    }
    assert summary()["status"]["indicator"] == "none"


def test_an_incidents_impact_is_the_worst_it_ever_had() -> None:
    better = (
        impact(0, ServiceStatus.MAJOR, ended_at=BEGAN + timedelta(hours=1)),
        impact(0, ServiceStatus.DEGRADED, began_at=BEGAN + timedelta(hours=1)),
    )
    document = summary(incident(impacts=better))

    assert document["incidents"][0]["impact"] == "critical"
    assert document["incidents"][0]["components"][0]["status"] == "degraded_performance"


def test_times_say_when_it_happened_and_when_it_was_entered() -> None:
    told = summary(incident(updates=(update(occurred_at=BEGAN),)))["incidents"][0]
    first = told["incident_updates"][0]

    assert (told["started_at"], told["created_at"]) == (
        "2022-07-01T13:30:00.000+02:00",
        "2022-07-01T13:32:00.000+02:00",
    )
    assert (first["display_at"], first["created_at"]) == (
        "2022-07-01T13:30:00.000+02:00",
        "2022-07-01T13:45:00.000+02:00",
    )


def test_an_update_names_the_components_it_changes_with_old_and_new_status() -> None:
    given = StatusGiven("service00000", ServiceStatus.MAJOR, ServiceStatus.PARTIAL)
    told = summary(incident(updates=(update(statuses=(given,)),)))["incidents"][0]["incident_updates"][0]

    assert told["affected_components"] == [
        {
            "code": "service00000",
            "name": "Tests rapides",
            "old_status": "major_outage",
            "new_status": "partial_outage",
        }
    ]


def test_texts_are_told_in_the_default_language_and_beside_it_in_those_there_are() -> None:
    told = summary(incident(updates=(update(title=text("Panne", "Storing"), body=text("Oui.", "Ja.")),)))[
        "incidents"
    ][0]

    assert told["incident_updates"][0]["body"] == "Panne\n\nOui."
    assert told["incident_updates"][0]["body_i18n"] == {
        "fr": "Panne\n\nOui.",
        "nl": "Storing\n\nJa.",
        "de": None,
        "en": None,
    }
    assert summary(incident(), default_language="nl")["incidents"][0]["name"] == "eForms buiten dienst"


def test_before_the_first_message_there_is_the_pages_own_sentence_because_readers_expect_one() -> None:
    updates = summary(incident(updates=()))["incidents"][0]["incident_updates"]

    assert [one["body"] for one in updates] == ["Nous cherchons ce qui se passe."]
    assert [set(one) for one in updates] == [UPDATE]


@settings(max_examples=25, deadline=None)
@given(
    phases=st.lists(st.sampled_from(Phase), max_size=5),
    statuses=st.lists(st.sampled_from(BROKEN), max_size=3),
    messages=st.integers(0, 4),
)
def test_the_contracts_invariants_hold(
    phases: list[Phase], statuses: list[ServiceStatus], messages: int
) -> None:
    updates = tuple(
        update(id=f"update{n:06}", published_at=BEGAN + timedelta(minutes=n))
        for n in reversed(range(messages))
    )
    document = summary(
        *(
            resolved(id=f"incident{n:04}", updates=updates, title=everywhere(f"{n}"))
            if phase == Phase.RESOLVED
            else incident(
                id=f"incident{n:04}",
                phase=phase,
                updates=updates,
                impacts=tuple(impact(k, status) for k, status in enumerate(statuses)),
            )
            for n, phase in enumerate(phases)
        )
    )
    page_id = document["page"]["id"]

    assert [one["id"] for one in document["incidents"]] == [
        f"incident{n:04}" for n, phase in enumerate(phases) if phase != Phase.RESOLVED
    ]
    for one in document["incidents"]:
        assert one["resolved_at"] is None
        assert one["status"] in ("investigating", "identified", "monitoring")
        assert one["page_id"] == page_id
        times = [told["created_at"] for told in one["incident_updates"]]
        assert times == sorted(times, reverse=True)
        assert {told["incident_id"] for told in one["incident_updates"]} == {one["id"]}
        assert all(part in document["components"] for part in one["components"])
    assert {one["page_id"] for one in document["components"]} == {page_id}
    _check_values(document)


def _check_values(value: Any, key: str = "") -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_values(inner, name)
    elif isinstance(value, list):
        for inner in value:
            _check_values(inner, "id" if key == "components" and isinstance(inner, str) else "")
    elif key.endswith("_at") and value is not None:
        assert MOMENT.fullmatch(value), (key, value)
    elif key == "id" or key.endswith("_id"):
        assert value is None or IDENTIFIER.fullmatch(value), (key, value)
