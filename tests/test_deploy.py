"""The units of deploy/systemd start what the Procfile names, and systemd understands them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from configparser import ConfigParser
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from tests.comms.receivers import free_port

UNITS = sorted((settings.BASE_DIR / "deploy/systemd").glob("*.service"))
INSTALLED = "/opt/farmaflux-desk"
EACH = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)


def read(unit: Path) -> ConfigParser:
    found = ConfigParser(interpolation=None, strict=False)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(unit)
    return found


def procfile() -> dict[str, str]:
    lines = (settings.BASE_DIR / "Procfile").read_text().splitlines()
    return {name: command.strip() for name, _, command in (line.partition(":") for line in lines)}


def test_each_process_of_the_procfile_has_a_unit_that_starts_the_same_command() -> None:
    started = {
        unit.stem.removeprefix("farmaflux-desk-"): read(unit)["Service"]["ExecStart"].replace(
            "${PORT}", "$PORT"
        )
        for unit in UNITS
    }

    assert started == {name: f"{INSTALLED}/.venv/bin/{command}" for name, command in procfile().items()}


def test_a_web_process_that_dies_takes_no_other_with_it_and_comes_back(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(
        "import os\n"
        "def application(environ, start):\n"
        "    body = str(os.getpid()).encode()\n"
        "    start('200 OK', [('Content-Length', str(len(body)))])\n"
        "    return [body]\n"
    )
    port = str(free_port())
    command = procfile()["web"].replace("$PORT", port).replace("farmaflux_desk.wsgi", "served").split()
    program = Path(sys.executable).parent / command[0]
    environment = os.environ | {"GRANIAN_WORKERS": "1", "GRANIAN_RESPAWN_INTERVAL": "0.1"}

    def pid(*, but: int = 0) -> int:
        for _ in range(300):
            with suppress(httpx.TransportError):
                if (found := int(httpx.get(f"http://127.0.0.1:{port}/").text)) != but:
                    return found
            time.sleep(0.1)
        pytest.fail("nobody answers")

    with subprocess.Popen([program, *command[1:]], cwd=tmp_path, env=environment) as served:
        try:
            first = pid()
            os.kill(first, signal.SIGKILL)
            assert pid(but=first)
            assert served.poll() is None
        finally:
            served.terminate()


@EACH
def test_a_unit_comes_back_by_itself_and_starts_with_the_machine(unit: Path) -> None:
    found = read(unit)

    assert found["Service"]["Restart"] == "always"
    assert found["Unit"]["StartLimitIntervalSec"] == "0"  # however long the database is away
    assert found["Install"]["WantedBy"] == "multi-user.target"
    assert found["Service"]["EnvironmentFile"] == "/etc/farmaflux-desk/environment"


@EACH
def test_systemd_understands_a_unit(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd-analyze is not installed (Debian: systemd)")
    here = tmp_path / unit.name
    programs = Path(sys.executable).parent
    text = unit.read_text().replace(f"{INSTALLED}/.venv/bin", str(programs))
    here.write_text(text.replace(INSTALLED, str(settings.BASE_DIR)))

    done = subprocess.run([analyze, "verify", "--man=no", here], capture_output=True, text=True, check=False)

    assert [line for line in done.stderr.splitlines() if unit.name in line] == []
