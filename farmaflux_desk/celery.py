"""The jobs table on Celery: beat starts each job on its schedule, workers run it.

    celery -A farmaflux_desk worker --pool threads --concurrency 16
    celery -A farmaflux_desk beat

Threads, because a delivery waits for somebody else's server; give more of them than there are channels.
"""

import os
from datetime import UTC, datetime
from functools import partial

from celery import Celery
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "farmaflux_desk.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402

from farmaflux_desk.jobs import jobs  # noqa: E402
from farmaflux_desk.runner import Job, UnderWay, wait_for_connections  # noqa: E402

if not settings.REDIS_URL:
    raise ImproperlyConfigured("REDIS_URL: Celery needs a Redis. Without one, run manage.py relay.")

wait_for_connections()
JOBS = jobs("celery")
app = Celery("farmaflux_desk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = {
    job.name: {
        "task": "farmaflux_desk.run",
        "args": [job.name],
        "schedule": job.period.total_seconds(),
        "last_run_at": datetime.fromtimestamp(0, UTC),  # the first run at once, as the relay's
        # After a standstill of the workers one run is enough, not one for each second of it.
        "options": {"expires": max(10.0, job.period.total_seconds())},
    }
    for job in JOBS
}
_BY_NAME = {job.name: job for job in JOBS}
_under_way = UnderWay()


@app.task(name="farmaflux_desk.run")  # type: ignore[untyped-decorator]
def run(name: str) -> None:
    """One run of a job; one that works in lanes is told to do so, a task for each lane."""
    job = _BY_NAME[name]
    if isinstance(job, Job):
        _under_way.unless(name, job.function)
        return
    for lane in job.lanes():
        run_lane.apply_async((name, lane), expires=10)


@app.task(name="farmaflux_desk.run_lane")  # type: ignore[untyped-decorator]
def run_lane(name: str, lane: str) -> None:
    job = _BY_NAME[name]
    assert not isinstance(job, Job)  # noqa: S101  # only lanes are sent here
    _under_way.unless(f"{name} {lane}", partial(job.function, lane, lambda: False))
