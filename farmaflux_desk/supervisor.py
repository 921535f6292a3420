"""Runs processes side by side that start and end together, whatever ends first.

Each process leads a process group of its own, so that what it starts in turn ends with it. A guard (a few lines of
shell in another session) holds the other end of a pipe: when this process is gone without having stopped the
others, by kill -9 for instance, the guard reads the end of the file and stops them.
"""

import os
import shlex
import signal
import string
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import NamedTuple, Self

GRACE = 10.0  # seconds between the request to stop and the order
GUARD = """
trap '' INT TERM HUP
while read -r group; do groups="$groups -$group"; done
kill -s TERM -- $groups; sleep 3; kill -s KILL -- $groups
"""


def procfile(path: Path, environment: Mapping[str, str]) -> dict[str, list[str]]:
    """The commands of a Procfile by name, each $NAME in them taken from *environment*.

    Programs are those beside this Python, so that no environment needs to be activated.
    """
    commands = {}
    for line in path.read_text().splitlines():
        name, _, command = line.partition(":")
        program, *arguments = shlex.split(string.Template(command).substitute(environment))
        commands[name] = [str(Path(sys.executable).parent / program), *arguments]
    return commands


class Ended(NamedTuple):
    """A process that ended by itself; *code* is negative when a signal ended it."""

    name: str
    code: int


class Supervisor:
    """A context: what was started in it is stopped when it is left."""

    def __init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._signals: list[int] = []

    def __enter__(self) -> Self:
        self._handlers = {
            number: signal.signal(number, self._note)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        end, self._pipe = os.pipe()
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD], stdin=end, stderr=subprocess.DEVNULL, start_new_session=True
        )
        os.close(end)
        return self

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment, process_group=0)
        self._processes[name] = process
        os.write(self._pipe, b"%d\n" % process.pid)

    def wait(
        self,
        *,
        parent: int | None = None,
        ready: Callable[[], bool] = lambda: False,
        announce: Callable[[], None] = lambda: None,
    ) -> Ended | None:
        """Wait for a process to end and tell which; None after a signal or when *parent* has gone or wants to go.

        *announce* is called once, when *ready* first answers True.
        """
        announced = False
        while not self._signals and (parent is None or _stays(parent)):
            for name, process in self._processes.items():
                if process.poll() is not None:
                    return Ended(name, process.returncode)
            if not announced and ready():
                announce()
                announced = True
            time.sleep(0.1)
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes.values():
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            _signal_group(process, signal.SIGKILL)
            process.wait()
        self._guard.kill()
        self._guard.wait()
        os.close(self._pipe)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _stays(parent: int) -> bool:
    """Whether *parent* is still there and has not been told to end.

    make, sent SIGINT or SIGHUP by itself (a terminal window that closes), tells its recipe nothing and waits for it:
    all that shows is the signal, blocked while make handles it.
    """
    if parent != os.getppid():
        return False
    try:
        status = Path(f"/proc/{parent}/status").read_text()
    except OSError:  # no /proc, or it went just now; the next look tells
        return True
    blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
    return not any(blocked >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGHUP))
