"""Met for real: processes are started, signalled and looked for afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from farmaflux_desk import supervisor
from farmaflux_desk.supervisor import Ended, Supervisor, procfile

type Start = Callable[..., tuple[subprocess.Popen[bytes], list[int]]]

pytestmark = pytest.mark.journey

# A process with a child of its own, which outlives it unless someone sees to it.
FAMILY = 'sleep 600 & echo $! >"$0.child"; echo $$ >"$0"; wait'
STUBBORN = 'trap "" TERM; echo $$ >"$0"; while :; do sleep 0.1; done'
DESK = f"""
import os, sys
from farmaflux_desk.supervisor import Supervisor
with Supervisor() as desk:
    for name in sys.argv[1:]:
        desk.start(name, ["/bin/sh", "-c", {FAMILY!r}, name], os.environ)
    desk.wait(parent=os.getppid())
"""


def eventually[T](look: Callable[[], T]) -> T:
    """What *look* finds, as soon as that is something; after half a minute it is a failure."""
    for _ in range(600):
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("It did not come about.")


def pid_in(path: Path) -> int:
    return int(eventually(lambda: path.exists() and path.read_text().strip()))


def gone(pid: int) -> bool:
    """A zombie that nobody collects, as in a container without an init, runs no more either."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _heed_signals() -> None:
    """Whoever runs the suite in the background of a shell, or by nohup, has it ignore these, and so would make."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a supervisor of two families in a process of its own; answers it and all it started."""
    started = []

    def start(*launcher: str) -> tuple[subprocess.Popen[bytes], list[int]]:
        script, *files = [tmp_path / "desk.py", tmp_path / "web", tmp_path / "relay"]
        script.write_text(DESK)
        command = [*launcher, sys.executable, *map(str, (script, *files))]
        desk = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": str(Path.cwd())},
            start_new_session=True,
            preexec_fn=_heed_signals,
        )
        started.append(desk)
        return desk, [pid_in(path) for file in files for path in (file, file.with_suffix(".child"))]

    yield start
    for desk in started:
        desk.kill()
        desk.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_every_process_and_what_those_started(start: Start, number: int) -> None:
    desk, pids = start()

    desk.send_signal(number)

    assert desk.wait(timeout=30) == 0
    eventually(lambda: all(gone(pid) for pid in pids))


def test_killing_the_supervisor_outright_leaves_no_process(start: Start) -> None:
    desk, pids = start()

    desk.kill()

    eventually(lambda: all(gone(pid) for pid in pids))


def test_everything_ends_when_the_parent_has_gone(start: Start) -> None:
    shell, pids = start("/bin/sh", "-c", '"$@"; true', "sh")

    shell.kill()

    eventually(lambda: all(gone(pid) for pid in pids))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_everything_ends_when_only_make_is_signalled(start: Start, tmp_path: Path, number: int) -> None:
    (tmp_path / "Makefile").write_text("run:\n\t@exec $(command)\n")
    make, pids = start("/bin/sh", "-c", 'exec make -f "$0" command="$*"', str(tmp_path / "Makefile"))

    make.send_signal(number)

    eventually(lambda: all(gone(pid) for pid in pids))


def test_when_one_process_ends_the_others_are_stopped_and_it_is_named(tmp_path: Path) -> None:
    with Supervisor() as desk:
        desk.start("web", ["/bin/sh", "-c", FAMILY, str(tmp_path / "web")], os.environ)
        pids = [pid_in(tmp_path / "web"), pid_in(tmp_path / "web.child")]
        desk.start("relay", ["/bin/sh", "-c", "exit 3"], os.environ)
        ended = desk.wait()

    assert ended == Ended("relay", 3)
    eventually(lambda: all(gone(pid) for pid in pids))


def test_a_process_that_will_not_stop_is_killed_after_the_grace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "GRACE", 0.2)
    with Supervisor() as desk:
        desk.start("web", ["/bin/sh", "-c", STUBBORN, str(tmp_path / "web")], os.environ)
        pid = pid_in(tmp_path / "web")

    assert gone(pid)


def test_readiness_is_announced_once(tmp_path: Path) -> None:
    announced = []
    with Supervisor() as desk:
        desk.start("web", ["/bin/sh", "-c", "sleep 0.5"], os.environ)
        desk.wait(ready=lambda: True, announce=lambda: announced.append("ready"))

    assert announced == ["ready"]


def test_procfile_commands_run_beside_this_python_with_the_environment_filled_in(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: granian --port $PORT desk:app\nrelay: python manage.py relay\n")

    commands = procfile(tmp_path / "Procfile", {"PORT": "8123"})

    beside = Path(sys.executable).parent
    assert commands == {
        "web": [str(beside / "granian"), "--port", "8123", "desk:app"],
        "relay": [str(beside / "python"), "manage.py", "relay"],
    }
