"""The documents as programs of others read them, over HTTP from the front."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import feedparser
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from statuscheck.services.bases._statuspageio import BaseStatusPageAPI

from comms.status.facts import Facts
from comms.status.front import StatusFront
from comms.status.publish import publish
from comms.status.render import HEADERS, documents
from incidents.models.states import MaintenanceStatus, ServiceStatus
from tests.comms.status.facts import AT, BEGAN, facts, impact, incident, maintenance, resolved

ORIGIN = "https://status.example.org"
OPEN = incident(impacts=(impact(0), impact(1, ServiceStatus.DEGRADED)))
UNDER_WAY = maintenance(
    id="m2w2x3y4z5a6",
    status=MaintenanceStatus.IN_PROGRESS,
    started_at=BEGAN,
    starts_at=BEGAN,
    service_ids=("service00002",),
)
TROUBLE = facts(OPEN, resolved(id="p2d6f9j4sk7z"), maintenances=(maintenance(), UNDER_WAY))


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


def nothing_behind(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    raise AssertionError(environ["PATH_INFO"])


class Served:
    """The site of the facts that were published last, at an address of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.revision = 0
        self.publish(facts())
        self.server = make_server("127.0.0.1", 0, StatusFront(nothing_behind, root), handler_class=Quiet)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def publish(self, told: Facts) -> None:
        self.revision += 1
        publish(documents(told), self.root, revision=self.revision, at=AT, headers=HEADERS)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path / "site")
    thread = threading.Thread(target=served.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield served
    served.server.shutdown()
    thread.join()
    served.server.server_close()


class OurPage(BaseStatusPageAPI):  # type: ignore[misc]
    """`statuscheck`, which knows its pages by their address."""

    def __init__(self, address: str) -> None:
        self.address = address

    def _get_base_url(self) -> str:
        return f"{self.address}/api/v2/"


def exported(site: Served, folder: Path) -> dict[str, list[dict[str, str]]]:
    """What one pass of `statuspage-prometheus-exporter` measures: the labels of each sample above nothing, by name."""
    folder.mkdir()
    page = {"name": "FarmaFlux", "type": "status_page", "url": f"{site.address}/api/v2/summary.json"}
    (folder / "services.json").write_text(json.dumps({"farmaflux": page}))
    subprocess.run(
        [Path(sys.executable).with_name("statuspage-prometheus-exporter")],
        cwd=folder,
        env={**os.environ, "RUN_MODE": "once", "METRICS_TEXTFILE_PATH": "out.prom"},
        check=True,
        capture_output=True,
    )
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families((folder / "out.prom").read_text()):
        found[family.name] = [sample.labels for sample in family.samples if sample.value]
    return found


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (ServiceStatus.DEGRADED, "minor", "incident"),
        (ServiceStatus.PARTIAL, "major", "outage"),
        (ServiceStatus.MAJOR, "critical", "critical"),
        (ServiceStatus.MAINTENANCE, "maintenance", "maintenance"),
    ],
)
def test_statuscheck_tells_how_bad_it_is(site: Served, status: ServiceStatus, code: str, name: str) -> None:
    site.publish(facts(incident(impacts=(impact(0, status),))))
    told = OurPage(site.address).get_summary()

    assert (told.status.code, told.status.is_ok) == (code, False)
    assert name in told.status.name.lower()


def test_statuscheck_finds_what_is_open_and_planned_and_which_services_it_touches(site: Served) -> None:
    site.publish(TROUBLE)
    told = OurPage(site.address).get_summary()

    assert {each.id: each.status for each in told.incidents} == {
        "k7m2q9x4tb1d": "investigating",
        "m1w2x3y4z5a6": "scheduled",
        "m2w2x3y4z5a6": "in_progress",
    }
    assert [each.name for each in told.incidents[0].components] == ["Tests rapides", "Vaccination"]
    assert len(told.components) == 5


def test_statuscheck_finds_nothing_wrong_when_nothing_is(site: Served) -> None:
    told = OurPage(site.address).get_summary()

    assert told.status.is_ok
    assert told.incidents == []


def test_the_exporter_measures_incidents_maintenance_and_components(site: Served, tmp_path: Path) -> None:
    site.publish(TROUBLE)
    measured = exported(site, tmp_path / "exporter")

    assert measured["statuspage_service_status"] == []
    assert measured["statuspage_probe_check"] == [{"service_name": "FarmaFlux"}]
    [found] = measured["statuspage_incident_info"]
    assert (found["incident_id"], found["incident_name"], found["impact"]) == (
        OPEN.id,
        OPEN.title.fr,
        "critical",
    )
    assert found["shortlink"] == f"{ORIGIN}/fr/incidents/{OPEN.id}/"
    assert {each["maintenance_id"] for each in measured["statuspage_maintenance_info"]} == {
        "m1w2x3y4z5a6",
        "m2w2x3y4z5a6",
    }
    assert measured["statuspage_component_status"] == []  # both groups and the three services are touched


def test_the_exporter_measures_that_all_is_well_again(site: Served, tmp_path: Path) -> None:
    site.publish(TROUBLE)
    site.publish(facts(resolved()))
    measured = exported(site, tmp_path / "exporter")

    assert measured["statuspage_service_status"] == [{"service_name": "FarmaFlux"}]
    assert measured["statuspage_incident_info"] == []
    assert {each["component_name"] for each in measured["statuspage_component_status"]} == {
        "eForms",
        "Transmission",
        "Tests rapides",
        "Vaccination",
        "Transfert",
    }


@pytest.mark.parametrize("name", ["history.atom", "nl/history.rss"])
def test_feedparser_follows_the_feed_over_http_and_is_told_when_nothing_changed(
    site: Served, name: str
) -> None:
    site.publish(TROUBLE)
    feed = feedparser.parse(f"{site.address}/{name}")

    assert (feed.status, bool(feed.bozo), len(feed.entries)) == (200, False, 2)
    assert feedparser.parse(f"{site.address}/{name}", etag=feed.etag).status == 304
    site.publish(replace(TROUBLE, incidents=(OPEN,)))
    assert len(feedparser.parse(f"{site.address}/{name}", etag=feed.etag).entries) == 1


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v2/summary.json", "application/json"),
        ("/fr/history.atom", "application/atom+xml; charset=utf-8"),
        ("/badge.svg", "image/svg+xml"),
        ("/badge.json", "application/json"),
        ("/banner/banner.js", "text/javascript; charset=utf-8"),
        ("/banner/de.htm", "text/html; charset=utf-8"),
    ],
)
def test_pages_of_others_may_read_and_embed_what_is_made_for_them(site: Served, path: str, kind: str) -> None:
    answer = httpx.get(f"{site.address}{path}")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "frame-ancestors" not in answer.headers.get("Content-Security-Policy", "")


def test_an_unknown_document_is_missing_in_json(site: Served) -> None:
    answer = httpx.get(f"{site.address}/api/v2/nothing.json")

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/json")
    assert answer.json() == {"error": "not found"}
