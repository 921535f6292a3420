import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from structlog.testing import capture_logs

from comms.operations import sending
from farmaflux_desk.runner import CONNECTION_PATIENCE, Job, LaneJob, Runner, UnderWay, wait_for_connections

SHORT = timedelta(milliseconds=1)
PATIENCE = 20  # seconds until a test that waits for nothing fails


@contextmanager
def running(*jobs: Job | LaneJob) -> Iterator[Runner]:
    runner = Runner(jobs)
    thread = threading.Thread(target=runner.run)
    thread.start()
    try:
        yield runner
    finally:
        runner.stop()
        thread.join()


class Counter:
    """A job that can be waited for."""

    def __init__(self) -> None:
        self.runs = 0
        self.thrice = threading.Event()

    def __call__(self, *_: object) -> None:
        self.runs += 1
        if self.runs == 3:
            self.thrice.set()


def test_a_job_runs_again_and_again() -> None:
    job = Counter()

    with running(Job("count", job, SHORT)):
        assert job.thrice.wait(PATIENCE)


def test_a_job_whose_period_has_not_passed_runs_once() -> None:
    rare, frequent = Counter(), Counter()

    with running(Job("rare", rare, timedelta(hours=1)), Job("frequent", frequent, SHORT)):
        assert frequent.thrice.wait(PATIENCE)

    assert rare.runs == 1


def test_a_job_that_fails_is_logged_runs_again_and_holds_up_no_other() -> None:
    other, failing = Counter(), Counter()

    def fail() -> None:
        failing()
        raise ZeroDivisionError

    with capture_logs() as logs, running(Job("fails", fail, SHORT), Job("other", other, SHORT)):
        assert other.thrice.wait(PATIENCE)
        assert failing.thrice.wait(PATIENCE)

    assert {(entry["event"], entry["job"], entry["log_level"]) for entry in logs} == {
        ("job failed", "fails", "error")
    }


def test_a_job_that_hangs_is_not_started_twice_and_holds_up_no_other() -> None:
    release, other, started = threading.Event(), Counter(), Counter()

    def hang() -> None:
        started()
        release.wait(PATIENCE)

    with running(Job("hangs", hang, SHORT), Job("other", other, SHORT)):
        assert other.thrice.wait(PATIENCE)
        release.set()

    assert started.runs == 1


def test_a_lane_that_hangs_holds_up_no_other_lane() -> None:
    release, lanes = threading.Event(), {"1": Counter(), "2": Counter()}

    def work(lane: str, _stopping: object) -> None:
        lanes[lane]()
        if lane == "1":
            release.wait(PATIENCE)

    with running(LaneJob("work", lambda: ["1", "2"], work, SHORT)):
        assert lanes["2"].thrice.wait(PATIENCE)
        release.set()

    assert lanes["1"].runs == 1


def test_a_lane_is_told_when_to_stop() -> None:
    asked: list[bool] = []
    began = threading.Event()

    def work(_lane: str, stopping: object) -> None:
        assert callable(stopping)
        began.set()
        while not stopping():
            pass
        asked.append(True)

    with running(LaneJob("work", lambda: ["1"], work, SHORT)) as runner:
        assert began.wait(PATIENCE)
        runner.stop()

    assert asked == [True]


def test_a_run_that_does_not_end_does_not_keep_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farmaflux_desk.runner.PATIENCE", 0.05)
    release, began = threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        release.wait(PATIENCE)

    with running(Job("hangs", hang, SHORT)):
        assert began.wait(PATIENCE)

    assert [t.name for t in threading.enumerate() if t.name == "hangs"] == ["hangs"]
    release.set()


def test_what_is_under_way_in_a_worker_is_not_begun_again_while_it_hangs() -> None:
    under_way, done = UnderWay(), []

    def hang() -> None:
        under_way.unless("deliver 1/0", lambda: done.append("the same lane"))
        under_way.unless("deliver 2/0", lambda: done.append("another"))

    under_way.unless("deliver 1/0", hang)
    under_way.unless("deliver 1/0", lambda: done.append("after it"))

    assert done == ["another", "after it"]


def test_work_that_fails_can_be_done_again() -> None:
    under_way, done = UnderWay(), []

    with pytest.raises(ZeroDivisionError):
        under_way.unless("deliver 1/0", lambda: 1 / 0)
    under_way.unless("deliver 1/0", lambda: done.append("again"))

    assert done == ["again"]


def test_in_the_background_a_connection_is_waited_for_as_long_as_a_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sending.LEASE.total_seconds() == CONNECTION_PATIENCE
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"pool": {"timeout": 5}})

    wait_for_connections()

    assert connection.settings_dict["OPTIONS"] == {"pool": {"timeout": CONNECTION_PATIENCE}}
