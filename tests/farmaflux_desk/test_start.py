import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from farmaflux_desk.supervisor import Supervisor, procfile

pytestmark = pytest.mark.journey


def test_a_port_in_use_is_said_in_one_line_and_nothing_is_touched(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        settings.PORT = occupied.getsockname()[1]

        with pytest.raises(CommandError) as refusal:
            call_command("start")

    assert str(refusal.value) == (
        f"Port {settings.PORT} cannot be used (Address already in use). Choose another: PORT=8001 make run"
    )


def test_a_wrong_setting_is_said_in_one_line(tmp_path: Path) -> None:
    environment = os.environ | {"PORT": "eighty", "DESK_DATA_DIR": str(tmp_path)}

    start = subprocess.run(
        [sys.executable, "manage.py", "start"], env=environment, capture_output=True, text=True
    )

    assert (start.returncode, start.stderr) == (1, "Configuration: PORT: 'eighty' is not a port number.\n")


def test_a_database_that_does_not_answer_is_said_without_a_traceback(tmp_path: Path) -> None:
    environment = os.environ | {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
        "DESK_DATA_DIR": str(tmp_path),
    }
    with socket.create_server(("127.0.0.1", 0)) as probe:
        environment["PORT"] = str(probe.getsockname()[1])

    start = subprocess.run(
        [sys.executable, "manage.py", "start"], env=environment, capture_output=True, text=True
    )

    assert (start.returncode, "Traceback" in start.stderr) == (1, False)
    assert "CommandError: The database of DATABASE_URL does not answer: " in start.stderr


def test_the_server_says_with_every_answer_what_time_it_is(tmp_path: Path) -> None:
    """RFC 9110, 6.6.1; a page of the status site finds by it that it is no longer renewed."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = os.environ | {"PORT": str(port), "DESK_DATA_DIR": str(tmp_path)}
    patient = httpx.HTTPTransport(retries=10)
    with Supervisor() as processes, httpx.Client(transport=patient) as client:
        processes.start("web", procfile(Path("Procfile"), environment)["web"], environment)
        answer = client.get(f"http://127.0.0.1:{port}/fr/")

    said = parsedate_to_datetime(answer.headers["Date"])
    assert (answer.status_code, abs(datetime.now(UTC) - said) < timedelta(minutes=1)) == (503, True)
