"""Fifty agents who log calls: `python -m bench.agents`, and behind `python -m tests.servers --durable` on PostgreSQL.

The real server (on PostgreSQL with a process for each core), the demonstration, 20,000 pharmacies. First all at once,
each the next call as soon as the last one is acknowledged (wrk): errors, p99, calls a second. On PostgreSQL as many
make tickets in django-helpdesk, on the same server and database, in turns with the desk: the ratio of what both
stored. Then fifty who think for five seconds between two calls, 1,000 calls: p95. What was acknowledged is looked for
afterwards. The figures are for `--seconds 300`; `--turns` says in how many pieces. Needs Debian's wrk.
"""

import argparse
import http.client
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx

from bench import helpdesk
from bench.publish import ADDRESS, PASSWORD, PORT, empty_database, wait_for
from farmaflux_desk.supervisor import Supervisor, procfile

PHARMACIES = 20_000
LOG = "/desk/calls/log/"
WORKERS = {"GRANIAN_WORKERS": str(os.cpu_count())}
IN_FLIGHT = 1.0  # a second: what was sent when the time was up may have been stored unheard


@dataclass(frozen=True)
class Figures:
    """Latencies in milliseconds."""

    good: int
    bad: int
    lost: int
    seconds: float
    p50: float
    p95: float
    p99: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--think", type=float, default=5.0)
    given = parser.parse_args()
    server = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory() as text, ExitStack() as stack:
        folder = Path(text)
        people, body, environment = stack.enter_context(_desk(folder, server, given.agents))
        other = None
        if server:
            beside = folder / "helpdesk"
            beside.mkdir()
            other = stack.enter_context(
                helpdesk.served(beside, empty_database(server, "helpdesk"), given.agents, WORKERS)
            )
        print(f"{'PostgreSQL' if server else 'SQLite'}, {given.agents} agents")
        _all_at_once(people, body, environment, other, given)
        _thinking(people, body, given)


@contextmanager
def _desk(folder: Path, server: str, agents: int) -> Iterator[tuple[Path, str, dict[str, str]]]:
    """As prepared(), and served."""
    people, body, environment = prepared(folder, server, agents)
    with Supervisor() as processes:
        processes.start("web", procfile(Path("Procfile"), environment)["web"], environment)
        wait_for(httpx.Client(base_url=ADDRESS))
        yield people, body, environment


def prepared(folder: Path, server: str, agents: int) -> tuple[Path, str, dict[str, str]]:
    """A file with the agents' sessions, the body of a call, and the environment of the desk that is to be served."""
    environment = os.environ | {
        "DESK_DATA_DIR": str(folder / "desk"),
        "PORT": str(PORT),
        "DESK_DEMO_PASSWORD": PASSWORD,
        "DJANGO_SETTINGS_MODULE": "farmaflux_desk.settings",
    }
    if server:  # as in production
        environment |= {"DATABASE_URL": empty_database(server, "agents"), **WORKERS}
    for command in (
        ["manage.py", "migrate", "-v0"],
        ["manage.py", "demo", "load", "--live"],
        ["-m", "bench.crowd", str(PHARMACIES), "1000"],
        ["manage.py", "publish_status"],
        ["manage.py", "collectstatic", "--noinput", "-v0"],
    ):
        subprocess.run([sys.executable, *command], env=environment, check=True, stdout=subprocess.DEVNULL)
    said = inside(environment, "people", str(agents)).splitlines()
    people = folder / "people.txt"
    people.write_text("\n".join(said[1:]) + "\n")
    return people, said[0], environment


def inside(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench.agents", *arguments],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def _all_at_once(
    people: Path,
    body: str,
    environment: dict[str, str],
    other: tuple[Path, dict[str, str]] | None,
    given: argparse.Namespace,
) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    seconds = max(given.seconds // given.turns, 1) if other else given.seconds
    for _turn in range(given.turns if other else 1):
        before = int(inside(environment, "count"))
        found = _wrk(f"{ADDRESS}{LOG}", people, body, 200, given.agents, seconds)
        stored = _settled(environment, before + found.good)
        _print("calls", found, stored - before)
        ours.append((stored - before) / found.seconds)
        if other:
            their_people, theirs_inside = other
            before = helpdesk.tickets(theirs_inside)
            found = _wrk(
                f"{helpdesk.ADDRESS}/tickets/submit/", their_people, helpdesk.BODY, 302, given.agents, seconds
            )
            time.sleep(IN_FLIGHT)
            made = helpdesk.tickets(theirs_inside) - before
            _print("tickets", found, made)
            theirs.append(made / found.seconds)
    if theirs:
        print(
            f"  calls beside django-helpdesk's tickets: {statistics.mean(ours) / statistics.mean(theirs):.2f} times"
        )


def _settled(environment: dict[str, str], least: int) -> int:
    """How many calls are stored; ends the run when one that was acknowledged is missing."""
    time.sleep(IN_FLIGHT)
    stored = int(inside(environment, "count"))
    if stored < least:
        raise SystemExit(f"{least - stored} calls were acknowledged and are not there.")
    return stored


def _wrk(url: str, people: Path, body: str, wanted: int, agents: int, seconds: int) -> Figures:
    done = subprocess.run(
        [
            *("wrk", "-t1", f"-c{agents}", f"-d{seconds}s", "--timeout", "30s", "-s", "bench/posts.lua"),
            *(url, "--", str(people), body, str(wanted)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    [line] = [line for line in done.stdout.splitlines() if line.startswith("figures ")]
    good, bad, lost, took, *latencies = line.split()[1:]
    p50, p95, p99 = (int(each) / 1000 for each in latencies)
    return Figures(int(good), int(bad), int(lost), float(took), p50, p95, p99)


def _print(what: str, found: Figures, stored: int) -> None:
    print(
        f"  {what:8} {stored / found.seconds:7.1f} a second, {found.good} acknowledged, {stored} stored, "
        f"{found.bad + found.lost} errors; median {found.p50:.1f} p95 {found.p95:.1f} p99 {found.p99:.1f} ms",
        flush=True,
    )


def headers_of(cookie: str, token: str) -> dict[str, str]:
    return {
        "Cookie": f"sessionid={cookie}; csrftoken={token}",
        "X-CSRFToken": token,
        "HX-Request": "true",
        "Content-Type": "application/x-www-form-urlencoded",
    }


def _thinking(people: Path, body: str, given: argparse.Namespace) -> None:
    left = threading.Semaphore(given.calls)
    taken: list[float] = []
    wrong: list[int] = []

    def agent(cookie: str, token: str) -> None:
        connection = http.client.HTTPConnection(urlsplit(ADDRESS).netloc, timeout=30)
        headers = headers_of(cookie, token)
        time.sleep(random.uniform(0, given.think))
        while left.acquire(blocking=False):
            filled = body.replace("{key}", str(uuid.uuid4()))
            filled = filled.replace(f"{{of:{PHARMACIES}}}", str(random.randrange(1, PHARMACIES)))
            begun = time.perf_counter()
            connection.request("POST", LOG, filled, headers)
            answer = connection.getresponse()
            answer.read()
            taken.append((time.perf_counter() - begun) * 1000)
            if answer.status != 200:
                wrong.append(answer.status)
            time.sleep(random.uniform(0.8, 1.2) * given.think)

    threads = [
        threading.Thread(target=agent, args=line.split()) for line in people.read_text().splitlines() if line
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    inorder = sorted(taken)
    print(
        f"  thinking for {given.think:g} s: {len(inorder)} calls, {len(wrong)} errors; median "
        f"{statistics.median(inorder):.1f} p95 {inorder[len(inorder) * 95 // 100]:.1f} ms",
        flush=True,
    )


def people(number: int) -> None:
    """Prints the body of a call, then a session and a token for each of so many agents."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import Group
    from django.test import Client

    from accounts.models import User
    from accounts.roles import Role
    from incidents.models import Incident

    settings.ALLOWED_HOSTS = ["testserver"]
    incident = Incident.objects.open().first()
    assert incident
    told = incident.updates.published().values_list("number", flat=True).first()
    fields = {
        "key": "{key}",
        "incident": incident.public_id,
        "told": told or "",
        "channel": "phone",
        "impact": "info",
        "outcome": "informed",
        "pharmacy": f"{{of:{PHARMACIES}}}",
    }
    print(urlencode(fields, safe="{}:"))
    role = Group.objects.get(name=Role.AGENT)
    for n in range(number):
        user = User.objects.create(username=f"bench{n}", first_name=f"Agent {n}")
        user.groups.add(role)
        client = Client()
        client.force_login(user)
        print(client.cookies["sessionid"].value, "t" * 32)


def missing(path: str) -> None:
    """Prints how many of the keys in the file are not those of a call."""
    import django

    django.setup()
    from tickets.models import Contact

    keys = [uuid.UUID(line) for line in Path(path).read_text().split()]
    stored = {
        key
        for some in batched(keys, 500)
        for key in Contact.objects.filter(key__in=some).values_list("key", flat=True)
    }
    print(len(set(keys) - stored))


def count() -> None:
    import django

    django.setup()
    from tickets.models import Contact

    print(Contact.objects.count())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["people", number]:
            people(int(number))
        case ["count"]:
            count()
        case ["missing", path]:
            missing(path)
        case _:
            main()
