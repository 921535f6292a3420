"""A real Alertmanager reports to the desk: what fires, what is over, what it repeats, and what it could not deliver."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from django.utils import timezone

from accounts.models import IntakeKind
from incidents.models import Alert, EntryKind, Incident, ServiceStatus
from tests import factories
from tests.comms.receivers import free_port
from tests.journeys.conftest import Server

pytestmark = pytest.mark.journey

NAMES = ("prometheus-alertmanager", "alertmanager")
MISSING = "Alertmanager is not installed (Debian: prometheus-alertmanager)"
PATIENCE = 60  # seconds
BEGAN_AT = timezone.now() - timedelta(minutes=1)
# As docs/monitoring.md says, but quicker, and with room for one alert in each notification.
CONFIGURATION = """
receivers:
  - name: desk
    webhook_configs:
      - url: {desk}/intake/alertmanager
        max_alerts: 1
        http_config:
          authorization: {{credentials: {token}}}
route:
  receiver: desk
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 500ms
  repeat_interval: 1s
"""


class Alertmanager:
    """Prometheus tells it of alerts by *tell*."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"

    def is_ready(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self._address}/-/ready").status_code == 200
        return False

    def tell(self, name: str, *, ends_at: datetime, **labels: str) -> None:
        """As long as *ends_at* is to come it fires."""
        alert = {
            "labels": {"alertname": name, "severity": "critical", **labels},
            "annotations": {"summary": "eForms server did not start"},
            "startsAt": BEGAN_AT.isoformat(),
            "endsAt": ends_at.isoformat(),
            "generatorURL": "http://prometheus.example/graph?g0.expr=up",
        }
        httpx.post(f"{self._address}/api/v2/alerts", json=[alert]).raise_for_status()


@pytest.fixture
def monitoring(desk: str, tmp_path: Path) -> Iterator[Alertmanager]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    token = factories.intake(IntakeKind.MONITORING, name="Prometheus")[1]
    configuration, port = tmp_path / "alertmanager.yml", free_port()
    configuration.write_text(CONFIGURATION.format(desk=desk, token=token))
    process = subprocess.Popen(
        [
            program,
            f"--config.file={configuration}",
            f"--storage.path={tmp_path / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        alertmanager = Alertmanager(port)
        until(alertmanager.is_ready)
        yield alertmanager
    finally:
        process.terminate()
        process.wait()


def until(condition: Callable[[], bool]) -> None:
    """Wait for *condition*; PATIENCE seconds without it are a failure."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, list(Alert.objects.values())
        time.sleep(0.05)


def test_what_fires_is_proposed_once_until_it_is_over(monitoring: Alertmanager) -> None:
    eforms = factories.service("eforms")
    later = timezone.now() + timedelta(hours=1)

    monitoring.tell("EFormsServerDown", component="eforms", ends_at=later)
    monitoring.tell("Watchdog", ends_at=later)
    until(lambda: Alert.objects.count() == 2)
    alert = Alert.objects.proposing().get()
    assert (str(alert), alert.service, alert.began_at, alert.url, alert.ended_at) == (
        "EFormsServerDown: eForms server did not start",
        eforms,
        BEGAN_AT,
        "http://prometheus.example/graph?g0.expr=up",
        None,
    )
    until(lambda: Alert.objects.get(pk=alert.pk).heard_at > alert.heard_at)  # repeated

    monitoring.tell("EFormsServerDown", component="eforms", ends_at=timezone.now())
    until(lambda: not Alert.objects.proposing().exists())
    assert Alert.objects.get(ended_at__isnull=False).pk == alert.pk
    assert not Incident.objects.exists()


def test_of_a_group_that_is_cut_short_the_desk_knows_how_many_are_missing(monitoring: Alertmanager) -> None:
    later = timezone.now() + timedelta(hours=1)

    for instance in ("eforms-1", "eforms-2", "eforms-3"):
        monitoring.tell("DiskFull", instance=instance, ends_at=later)

    until(lambda: Alert.objects.filter(more=2).exists())


def test_what_could_not_be_delivered_while_the_desk_was_gone_is_told_when_it_is_back(
    server: Server, monitoring: Alertmanager
) -> None:
    incident = factories.incident(
        services={factories.service("eforms"): ServiceStatus.MAJOR},
        began_at=timezone.now() - timedelta(hours=1),
    )
    server.stop()
    monitoring.tell("EFormsServerDown", component="eforms", ends_at=timezone.now() + timedelta(hours=1))
    server.start()

    told = incident.entries.filter(kind=EntryKind.SIGNAL)
    until(told.exists)
    assert [entry.text for entry in told] == ["EFormsServerDown: eForms server did not start"]
