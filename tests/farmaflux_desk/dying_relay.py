"""`python -m tests.farmaflux_desk.dying_relay POINT`: a relay that is killed (SIGKILL) when it comes to a point.

The points a message passes: after claiming, before the call, (the call), before marking, after marking. "frozen after
claiming": it stops there (SIGSTOP) and goes on when it is woken. That one does nothing but deliver: on SQLite nobody
could write while another of its jobs is stopped in the middle of writing.
"""

import os
import signal
import sys
import time
from typing import Any

import django
from django.core.management import call_command


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(point: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "farmaflux_desk.settings")
    django.setup()
    from comms import relay
    from comms.operations import sending
    from farmaflux_desk import jobs as table
    from farmaflux_desk.management.commands import relay as command

    reach, release, note = sending.reach, sending.release, relay._note

    def reach_and_die(*arguments: Any, **named: Any) -> None:
        reach(*arguments, **named)
        die()

    def release_and_die(*arguments: Any, **named: Any) -> None:
        release(*arguments, **named)
        die()

    def note_and_die(held: Any, *arguments: Any) -> None:
        note(held, *arguments)
        if not held.careless:
            die()

    def freeze_and_reach(*arguments: Any, **named: Any) -> bool:
        sending.reach = reach
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(1)  # the signal is the process's: this thread goes on until the kernel comes to it
        return reach(*arguments, **named)

    def delivering(runner: str) -> list[Any]:
        return [job for job in table.jobs(runner) if job.name == "deliver"]

    patches: dict[str, list[tuple[Any, str, Any]]] = {
        "frozen after claiming": [(sending, "reach", freeze_and_reach), (command, "jobs", delivering)],
        "after claiming": [(sending, "reach", die)],
        "before the call": [(sending, "reach", reach_and_die)],
        "before marking": [(relay, "_note", die)],
        "after marking": [(sending, "release", release_and_die), (relay, "_note", note_and_die)],
    }
    for module, name, patch in patches[point]:
        setattr(module, name, patch)
    call_command("relay")


if __name__ == "__main__":
    main(sys.argv[1])
