"""The plan: its rules over 10,000 random histories, and what the head of every page costs of it.

    python -m bench.plan

No item is late before its time, none loses its evidence, every state is met. Then 20 open incidents with a plan of 200
steps each: the header's answer, one query, at most 10 ms.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta

HISTORIES, INCIDENTS, STEPS, TIMES, MOST_MS = 10_000, 20, 200, 200, 10


def main() -> None:
    if sys.argv[1:] == ["measure"]:
        measure()
        return
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "DESK_DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "farmaflux_desk.settings",
        }
        for command in (["manage.py", "migrate", "-v0"], ["-m", "bench.plan", "measure"]):
            subprocess.run([sys.executable, *command], env=environment, check=True)


def measure() -> None:
    import django

    django.setup()
    live_through_histories()
    look_at_the_clock()


def live_through_histories() -> None:
    from hypothesis import HealthCheck, given, settings

    from comms.plan.rules import State
    from tests.comms.plan.histories import History, check, histories

    states: Counter[State] = Counter()

    @settings(max_examples=HISTORIES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(histories)
    def judged(history: History) -> None:
        states[check(history)] += 1

    judged()
    print(f"{states.total():,} histories, all as they should be:")
    for state in State:
        print(f"  {state:15} {states[state]:6,}")
    assert set(states) == set(State)


def look_at_the_clock() -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from accounts.roles import Role
    from comms.models import Anchor, PlanPhase, PlanStep, PlanTemplate
    from comms.operations.plan import start_plan
    from comms.plan.agenda import clock
    from tests import factories

    lead = factories.user(Role.LEAD)
    template = PlanTemplate.objects.create(key="long", name_fr="Long", name_nl="Long")
    PlanStep.objects.bulk_create(
        PlanStep(
            template=template,
            number=number,
            phase=PlanPhase.RUN,
            title_fr=f"Étape {number} du plan de communication de crise",
            title_nl=f"Stap {number} van het crisiscommunicatieplan",
            anchor=Anchor.PLAN_START,
            offset_minutes=number,
        )
        for number in range(1, STEPS + 1)
    )
    now = timezone.now()
    for _incident in range(INCIDENTS):
        start_plan(factories.incident(began_at=now), template, by=lead, at=now)
    begun = time.perf_counter()
    clock(now)
    cold = time.perf_counter() - begun
    taken, said = [], clock(now)
    for n in range(TIMES):
        begun = time.perf_counter()
        said = clock(now + n * timedelta(minutes=1))
        taken.append((time.perf_counter() - begun) * 1000)
    with CaptureQueriesContext(connection) as captured:
        clock(now)
    median, worst = statistics.median(taken), sorted(taken)[int(TIMES * 0.99)]
    print(f"{INCIDENTS} incidents of {STEPS} steps, {len(said.late):,} late at the end:")
    print(
        f"  the header's answer {median:.1f} ms, p99 {worst:.1f} ms (at most {MOST_MS}), {len(captured)} query"
    )
    print(f"  the first after something moved in all of them {cold * 1000:.0f} ms")
    assert median <= MOST_MS
    assert len(captured) == 1


if __name__ == "__main__":
    main()
