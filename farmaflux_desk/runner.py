"""Runs jobs in one process, each on its own schedule; one that fails or hangs holds up no other."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from django.db import connection, connections

log = structlog.get_logger(__name__)

Stopping = Callable[[], bool]
TICK = 0.1  # seconds
CONNECTION_PATIENCE = 120.0
"""Seconds, as long as a delivery's lease: who waits longer may not note any more what became of it."""
PATIENCE = 8.0  # seconds that a call under way may take when the process is asked to stop


@dataclass(frozen=True)
class Job:
    """Something to do every *period*; a run that lasts longer delays the next one of the same job only."""

    name: str
    function: Callable[[], object]
    period: timedelta


@dataclass(frozen=True)
class LaneJob:
    """A job in lanes: *lanes* names those with something to do, *function* works in one and in no other.

    *function* is given the lane and a question to ask between two steps: whether it should stop.
    """

    name: str
    lanes: Callable[[], Iterable[str]]
    function: Callable[[str, Stopping], object]
    period: timedelta


def wait_for_connections() -> None:
    """From now on a thread of this process waits its turn where the pool has no connection to the database left.

    A web request is refused after a few seconds; here more lanes than connections are nothing unusual, and what was
    accepted outside has to be noted. To be called before the first connection.
    """
    if pool := connection.settings_dict["OPTIONS"].get("pool"):
        pool["timeout"] = CONNECTION_PATIENCE


def close_connections() -> None:
    """The last thing that a process does which gave threads connections: left to its end, the pool waits five seconds
    for each of its own threads."""
    connections.close_all()
    if close_pool := getattr(connection, "close_pool", None):
        close_pool()


class UnderWay:
    """What this process is at, for a worker that is told of the same work every second: it gathers no threads."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._lock = threading.Lock()

    def unless(self, name: str, work: Callable[[], object]) -> None:
        """Do *work*, unless what has that *name* is being done already."""
        with self._lock:
            if name in self._names:
                return
            self._names.add(name)
        try:
            work()
        finally:
            with self._lock:
                self._names.remove(name)


class Runner:
    """Every run gets a thread, and none starts while the same job, or the same lane of it, still runs."""

    def __init__(self, jobs: Iterable[Job | LaneJob]) -> None:
        self._jobs = tuple(jobs)
        self._stop = threading.Event()
        self._running: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def stop(self, *_: object) -> None:
        """Fit for a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Until stop() is called; the first run of every job starts at once."""
        due = {job.name: time.monotonic() for job in self._jobs}
        while not self._stop.is_set():
            for job in self._jobs:
                if time.monotonic() >= due[job.name]:
                    due[job.name] = time.monotonic() + job.period.total_seconds()
                    self._start(job.name, self._work(job))
            self._stop.wait(TICK)
        deadline = time.monotonic() + PATIENCE
        for thread in list(self._running.values()):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, job: Job | LaneJob) -> Callable[[], object]:
        return job.function if isinstance(job, Job) else partial(self._start_lanes, job)

    def _start_lanes(self, job: LaneJob) -> None:
        for lane in job.lanes():
            self._start(f"{job.name} {lane}", partial(job.function, lane, self._stop.is_set))

    def _start(self, name: str, work: Callable[[], object]) -> None:
        with self._lock:
            if self._stop.is_set() or name in self._running:
                return
            # A daemon: a call that hangs beyond our patience does not keep the process; its lease runs out.
            thread = threading.Thread(target=self._run, args=(name, work), name=name, daemon=True)
            self._running[name] = thread
            thread.start()

    def _run(self, name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            log.exception("job failed", job=name)
        finally:
            connections.close_all()
            with self._lock:
                del self._running[name]
