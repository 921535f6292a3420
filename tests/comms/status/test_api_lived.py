"""What machines read after every step of a history that the desk's own operations made."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from comms.status import api
from comms.status.facts import Facts
from comms.status.languages import WORDS
from comms.status.render import documents
from incidents.models.states import MaintenanceStatus, Phase
from tests.comms.status.facts import BEGAN, facts, incident, maintenance, resolved
from tests.comms.status.histories import ONE_OF_EACH, SECRET, STEPS, Step, lived
from tests.comms.status.reading import Read

IDENTIFIER = re.compile(r"[a-z0-9]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")
MAY_BE_NULL = {"monitoring_at", "resolved_at", "start_date", "group_id", "tweet_id", "affected_components"}
SEVERITY = ["none", "minor", "major", "critical", "maintenance"]
UNRESOLVED = ("investigating", "identified", "monitoring")
SAID = {"name", "body", "description", "shortlink"}  # what is told in the default language


def read(known: Facts) -> dict[str, Any]:
    """The eight documents by their names."""
    made = api.documents(known).items()
    return {name.removesuffix(".json"): json.loads(written) for name, written in made if name != "404.json"}


def entries(told: dict[str, Any]) -> list[dict[str, Any]]:
    planned = told["scheduled-maintenances"]["scheduled_maintenances"]
    return [*told["incidents"]["incidents"], *planned]


@pytest.mark.django_db
@settings(max_examples=10, deadline=None)
@given(steps=STEPS)
@example(steps=ONE_OF_EACH)
def test_after_every_step_the_documents_agree_and_what_was_told_stays_told(steps: list[Step]) -> None:
    before: dict[str, Any] = {}
    for known in lived(steps):
        told = read(known)
        check_values(told)
        check_lists(told)
        check_states(told)
        if before:
            check_course(before, told)
        before = told


def check_values(value: Any, key: str = "") -> None:
    """Identifiers are opaque, moments have an offset, nothing private is said."""
    if isinstance(value, dict):
        for name, inner in value.items():
            check_values(inner, name)
    elif isinstance(value, list):
        for inner in value:
            check_values(inner, "id" if isinstance(inner, str) else "")
    elif value is None:
        assert not key.endswith(("_at", "_for", "_until", "id", "code")) or key in MAY_BE_NULL, key
    elif key in ("id", "code") or key.endswith("_id"):
        assert IDENTIFIER.fullmatch(value), (key, value)
    elif key.endswith("_at") or key.startswith("scheduled_"):
        assert MOMENT.fullmatch(value), (key, value)
    else:
        assert SECRET not in str(value)


def check_lists(told: dict[str, Any]) -> None:
    incidents, planned = (
        told["incidents"]["incidents"],
        told["scheduled-maintenances"]["scheduled_maintenances"],
    )
    unresolved = [one for one in incidents if one["status"] in UNRESOLVED]
    upcoming = [one for one in planned if one["status"] == "scheduled"]
    active = [one for one in planned if one["status"] in ("in_progress", "verifying")]

    assert told["incidents/unresolved"]["incidents"] == told["summary"]["incidents"] == unresolved
    assert told["scheduled-maintenances/upcoming"]["scheduled_maintenances"] == upcoming
    assert told["scheduled-maintenances/active"]["scheduled_maintenances"] == active
    assert told["summary"]["scheduled_maintenances"] == [one for one in planned if one in upcoming + active]
    assert newest_first(incidents, "started_at")
    assert newest_first(planned, "scheduled_for")
    ids = [one["id"] for one in (*incidents, *planned, *told["components"]["components"])]
    ids += [update["id"] for one in (*incidents, *planned) for update in one["incident_updates"]]
    assert len(ids) == len(set(ids))


def newest_first(rows: list[dict[str, Any]], key: str) -> bool:
    moments = [datetime.fromisoformat(row[key]) for row in rows]
    return moments == sorted(moments, reverse=True)


def check_states(told: dict[str, Any]) -> None:
    page = told["summary"]["page"]
    services = {one["id"]: one for one in told["components"]["components"]}

    for one in entries(told):
        planned = "scheduled_for" in one
        assert one["page_id"] == page["id"]
        assert {update["incident_id"] for update in one["incident_updates"]} == {one["id"]}
        assert newest_first(one["incident_updates"], "created_at")
        assert all(part == services[part["id"]] for part in one["components"])
        assert (one["resolved_at"] is None) == (one["status"] not in ("resolved", "postmortem", "completed"))
        assert (one["impact"] == "maintenance") == planned
        assert planned == one["shortlink"].startswith(f"{page['url']}/fr/maintenance/{one['id']}")
        if one["status"] in ("in_progress", "verifying"):
            assert "operational" not in {part["status"] for part in one["components"]}
        assert moment(one["updated_at"]) <= moment(page["updated_at"])


def moment(told: str) -> datetime:
    return datetime.fromisoformat(told)


def check_course(before: dict[str, Any], after: dict[str, Any]) -> None:
    now = {one["id"]: one for one in entries(after)}
    assert before["summary"]["page"]["id"] == after["summary"]["page"]["id"]
    for one in entries(before):
        if one["id"] not in now:
            assert one["impact"] == "maintenance"  # called off
            continue
        later = now[one["id"]]
        assert later["created_at"] == one["created_at"]
        assert moment(later["updated_at"]) >= moment(one["updated_at"])
        assert SEVERITY.index(later["impact"]) >= SEVERITY.index(one["impact"])
        assert said(one) <= said(later)
    components = [{one["id"]: one for one in each["components"]["components"]} for each in (before, after)]
    assert components[0].keys() == components[1].keys()
    for key, one in components[0].items():
        changed = components[1][key]
        assert changed["created_at"] == one["created_at"]
        assert moment(changed["updated_at"]) >= moment(one["updated_at"])


def said(one: dict[str, Any]) -> set[str]:
    """What people published: a correction takes a post-mortem's place, the first message that of our sentence."""
    ours = {words.no_message_yet for words in WORDS.values()}
    return {
        json.dumps(update)
        for update in one["incident_updates"]
        if update["status"] != "postmortem" and update["body"] not in ours
    }


@pytest.mark.django_db
@settings(max_examples=8, deadline=None)
@given(steps=STEPS)
@example(steps=ONE_OF_EACH)
def test_the_four_languages_have_the_same_facts(steps: list[Step]) -> None:
    known = lived(steps)[-1]
    assert same({language: plain(read(replace(known, default_language=language))) for language in WORDS})
    made = {each.name: each for each in documents(known)}
    pages = {
        language: {name.removeprefix(f"{language}/") for name in made if name.startswith(f"{language}/")}
        for language in WORDS
    }
    assert same(pages)
    for name in pages["fr"]:
        if name.endswith("index.html"):
            assert same(
                {language: told_on(made[f"{language}/{name}"].make(), language) for language in WORDS}
            ), name


def same(by_language: dict[str, Any]) -> bool:
    return all(told == by_language["fr"] for told in by_language.values())


def plain(value: Any) -> Any:
    """A document without what is said in the default language."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if key not in SAID}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def told_on(page: bytes, language: str) -> tuple[Counter[str | None], ...]:
    """How often each moment, symbol and address stands on it."""
    elements = Read(page).elements
    return (
        Counter(attributes.get("datetime") for tag, attributes in elements if tag == "time"),
        Counter(attributes.get("href") for tag, attributes in elements if tag == "use"),
        Counter(
            (attributes.get("href") or "").replace(f"/{language}/", "/").replace(f"lang={language}", "")
            for tag, attributes in elements
            if tag == "a" and "hreflang" not in attributes
        ),
    )


@settings(max_examples=20, deadline=None)
@given(old=st.integers(1, 4), over=st.integers(45, 60), status=st.sampled_from(MaintenanceStatus))
def test_the_lists_hold_fifty_and_all_that_lasts(old: int, over: int, status: MaintenanceStatus) -> None:
    status = MaintenanceStatus.VERIFYING if status == MaintenanceStatus.CANCELLED else status
    happened = [resolved(id=f"resolved{n:04}") for n in range(over)]
    happened += [incident(id=f"incident{n:04}", phase=Phase.MONITORING) for n in range(old)]
    done = [maintenance(id=f"complete{n:04}", status=MaintenanceStatus.COMPLETED) for n in range(over)]
    lasting = [maintenance(id=f"maintain{n:04}", status=status) for n in range(old)]
    told = read(facts(*happened, maintenances=(*done, *lasting)))

    for listed, shown, some in (
        ("incidents", "incidents/unresolved", "incidents"),
        ("scheduled-maintenances", "scheduled-maintenances/upcoming", "scheduled_maintenances"),
        ("scheduled-maintenances", "scheduled-maintenances/active", "scheduled_maintenances"),
    ):
        assert len(told[listed][some]) == min(50, over + old)
        assert all(one in told[listed][some] for one in told[shown][some])


def test_a_component_says_when_work_on_it_changed_how_it_does() -> None:
    begun = BEGAN + timedelta(hours=9)
    work = maintenance(service_ids=("service00000",), changed_at=begun)
    running = replace(work, status=MaintenanceStatus.IN_PROGRESS, started_at=begun)
    components = [
        read(facts(maintenances=(each,)))["components"]["components"][1] for each in (work, running)
    ]

    assert [(one["status"], one["updated_at"]) for one in components] == [
        ("operational", "2022-07-01T13:30:00.000+02:00"),
        ("under_maintenance", "2022-07-01T22:30:00.000+02:00"),
    ]
