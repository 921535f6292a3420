"""One message to thousands of subscribers, beside posts of it to four accounts: `python -m bench.mailing`.

The real senders, started as the Procfile does: the relay alone on SQLite; through `python -m tests.servers` the relay
alone and two Celery workers on PostgreSQL with Redis. Mail and posts go to a sink on this machine (bench.sink).
Checked: each subscriber who wants it was written to once and nobody else, how long it took, that the posts did not
wait for the mail, that memory does not grow with the number. `--control` has the sink lose one, double one and dawdle,
and says so if that goes unnoticed.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import batched
from pathlib import Path
from typing import Any, NamedTuple

import django
import httpx

from farmaflux_desk.supervisor import procfile
from tests.comms.receivers import free_port

LIMITS = {"relay": 25.0, "celery": 12.0}  # seconds
POSTS = 4
LIMIT_OF_POSTS = 2.0  # seconds
LIMIT_OF_GROWTH = 16.0  # MB, between a fifth of the mail and its end
CONTROLLED = 12  # subscribers; of one claim, two and a half seconds each: longer than any limit
EXPECTED = ("1 were not told", "1 doubled", "slower than", "a post came after")
OTHERS = 600  # subscribers who are not told
TICK = os.sysconf("SC_CLK_TCK")
TEXT = {
    "fr": "La transmission des eForms vers Sciensano est interrompue. L’enregistrement fonctionne, les certificats "
    "suivent dès que la transmission reprend. Ne renvoyez pas un formulaire déjà enregistré.",
    "nl": "De verzending van eForms naar Sciensano ligt stil. De registratie werkt, de certificaten volgen zodra de "
    "verzending hervat. Verstuur een geregistreerd formulier niet opnieuw.",
}


class Used(NamedTuple):
    """cpu: seconds; memory: MB."""

    cpu: float
    memory: float


def used(process: subprocess.Popen[bytes]) -> Used:
    folder = Path(f"/proc/{process.pid}")
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    pages = int((folder / "statm").read_text().split()[1])
    return Used((int(fields[11]) + int(fields[12])) / TICK, pages * os.sysconf("SC_PAGE_SIZE") / 1e6)


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, process_group=0, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Sink:
    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
        for _ in range(200):
            try:
                self.count()
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise SystemExit("The sink does not answer.")

    def count(self) -> dict[str, int]:
        count: dict[str, int] = self._client.get("/count").json()
        return count

    def seen(self, what: str, after: int) -> list[tuple[str, str, float]]:
        return [tuple(each) for each in self._client.get("/seen").json()[what][after:]]


def fill(number: int, chance: random.Random, posts: str) -> set[str]:
    """Services, subscribers and channels; the addresses that are to be written to."""
    from django.utils import timezone

    from comms import secrets
    from comms.channels import credentials
    from comms.models import Channel, ChannelKind, Scope, Subscriber, SubscriberKind
    from incidents.models import Service, ServiceGroup

    group = ServiceGroup.objects.create(key="group", name_fr="Groupe", name_nl="Groep")
    touched, other = (
        Service.objects.create(group=group, key=key, name_fr=key, name_nl=key) for key in ("eforms", "dpp")
    )
    at = timezone.now() - timedelta(days=1)

    def row(address: str, scope: Scope, **fields: Any) -> Subscriber:
        return Subscriber(
            kind=SubscriberKind.EMAIL,
            sealed_address=secrets.seal(address),
            fingerprint=secrets.fingerprints(address)[0],
            language=chance.choices(["fr", "nl", "de", "en"], [45, 45, 5, 5])[0],
            scope=scope,
            created_at=at,
            **{"confirmed_at": at, **fields},
        )

    told, rows, services = set(), [], []
    for n in range(number):
        address = f"reader-{chance.getrandbits(40):x}-{n}@pharmacy.example"
        told.add(address)
        rows.append(row(address, chance.choice([Scope.EVERYTHING, Scope.SERVICES])))
        services.append(touched)
    for n in range(OTHERS):
        left_out = ({"confirmed_at": None}, {"ended_at": at}, {})[n % 3]
        rows.append(row(f"other-{n}@pharmacy.example", Scope.SERVICES, **left_out))
        services.append(touched if left_out else other)
    pairs = list(zip(rows, services, strict=True))
    chance.shuffle(pairs)
    for some in batched(pairs, 1000):
        Subscriber.objects.bulk_create(subscriber for subscriber, _service in some)
        Subscriber.services.through.objects.bulk_create(
            Subscriber.services.through(subscriber=subscriber, service=service)
            for subscriber, service in some
            if subscriber.scope == Scope.SERVICES
        )
    Channel.objects.create(key="mail", name="mail", kind=ChannelKind.SUBSCRIBER_EMAIL, position=0)
    for n in range(POSTS):
        Channel.objects.create(
            key=f"account-{n}",
            name=f"account {n}",
            kind=ChannelKind.WEBHOOK,
            settings={"url": f"{posts}/account-{n}"},
            sealed_secrets=credentials.seal({"secret": uuid.uuid4().hex}),
            position=1 + n,
        )
    return told


def publish() -> float:
    """Publishes a message about an incident; seconds that it took."""
    from django.utils import timezone

    from accounts.models import User
    from comms.operations import drafts, publishing
    from incidents.models import Incident, Phase, Service, ServiceStatus, Severity
    from incidents.operations import declare

    by = User.objects.filter(username="bench").first() or User.objects.create_superuser("bench")
    incident = Incident.objects.first() or declare(
        key=uuid.uuid4(),
        titles={"fr": "Panne des eForms", "nl": "Storing van de eForms"},
        severity=Severity.S1,
        began_at=timezone.now(),
        statuses={Service.objects.get(key="eforms"): ServiceStatus.PARTIAL},
        by=by,
    )
    draft = drafts.draft_for(incident, by=by)
    texts = {
        language: {
            "headline": f"Message {language}",
            "title": f"Titre {language}",
            "body": body,
            "do": "Notez\nAttendez",
        }
        for language, body in TEXT.items()
    }
    data = drafts.DraftData(
        phase=Phase.IDENTIFIED,
        next_update_at=timezone.now() + timedelta(minutes=20),
        statuses={Service.objects.get(key="eforms"): ServiceStatus.PARTIAL},
        texts=texts,
    )
    draft = drafts.save_draft(draft, data, by=by, revision=draft.revision)
    began = time.perf_counter()
    publishing.publish(draft, by=by, revision=draft.revision)
    return time.perf_counter() - began


def senders(mode: str) -> dict[str, list[str]]:
    commands = procfile(Path("Procfile"), {"PORT": "0"})
    if mode == "relay":
        return {"relay": commands["relay"]}
    workers = {f"worker {n}": [*commands["worker"], "-n", f"bench-{n}@%h"] for n in (1, 2)}
    return {**workers, "beat": commands["beat"]}


def await_life(runner: str) -> None:
    from django.utils import timezone

    from comms.models import SignOfLife

    began = timezone.now()
    while not SignOfLife.objects.filter(runner=runner, seen_at__gt=began).exists():
        time.sleep(0.1)
    time.sleep(2)


def measure(mode: str, sink: Sink, told: set[str], patience: float) -> tuple[str, list[str]]:
    """One message; a line for people, and what was wrong."""
    before = sink.count()
    with ExitStack() as stack:
        processes = {name: stack.enter_context(running(command)) for name, command in senders(mode).items()}
        await_life(mode)
        idle = {name: used(process) for name, process in processes.items()}
        cost = publish()
        began = time.time()
        early: dict[str, Used] = {}
        while time.time() - began < patience:
            came = sink.count()["mails"] - before["mails"]
            if not early and came > len(told) / 5:
                early = {name: used(process) for name, process in processes.items()}
            if came >= len(told):
                break
            time.sleep(
                0.3
            )  # the sink tells when each came; asking more often would only take from the senders
        time.sleep(1.5)  # for what would come twice
        late = {name: used(process) for name, process in processes.items()}
    mails, posts = sink.seen("mails", before["mails"]), sink.seen("posts", before["posts"])
    took = max((at for *_rest, at in mails), default=began) - began
    posted = sorted(at - began for *_rest, at in posts)
    cpu = sum(late[name].cpu - idle[name].cpu for name in processes)
    growth = max(late[name].memory - early[name].memory for name in processes) if early else 0.0
    line = (
        f"{mode:6}: {len(mails)} in {took:5.1f} s ({len(mails) / took if took else 0:.0f}/s), "
        f"published in {cost * 1000:.0f} ms, posts after {', '.join(f'{at:.1f}' for at in posted)} s, "
        f"{cpu / max(1, len(mails)) * 1000:.2f} ms of processor each, memory "
        + ", ".join(f"{name} {idle[name].memory:.0f} → {late[name].memory:.0f} MB" for name in processes)
        + f" ({growth:+.1f} MB after the first fifth)"
    )
    return line, [*wrong(told, mails), *slow(mode, took, posted, growth)]


def wrong(told: set[str], mails: list[tuple[str, str, float]]) -> list[str]:
    recipients = [recipient for recipient, *_rest in mails]
    lost, strange = told - set(recipients), set(recipients) - told
    found = []
    if lost:
        found.append(f"{len(lost)} were not told")
    if strange:
        found.append(f"{len(strange)} were told who did not ask")
    if len(recipients) > len(set(recipients)):
        found.append(f"{len(recipients) - len(set(recipients))} doubled")
    if len({name for _recipient, name, _at in mails}) != len(set(recipients)):
        found.append("two readers share a Message-ID")
    return found


def slow(mode: str, took: float, posted: list[float], growth: float) -> list[str]:
    found = []
    if took > LIMITS[mode]:
        found.append(f"slower than {LIMITS[mode]:.0f} s")
    if len(posted) != POSTS:
        found.append(f"{len(posted)} posts in place of {POSTS}")
    if posted and posted[-1] > LIMIT_OF_POSTS:
        found.append(f"a post came after {posted[-1]:.1f} s")
    if growth > LIMIT_OF_GROWTH:
        found.append(f"memory grew by {growth:.0f} MB")
    return found


def prepare(folder: str, smtp: int) -> None:
    """An empty desk in *folder*, or in DATABASE_URL, that sends to the sink."""
    os.environ |= {
        "DESK_DATA_DIR": folder,
        "DESK_BASE_URL": "https://desk.farmaflux.example",
        "MAIL_URL": f"smtp://127.0.0.1:{smtp}",
        "DESK_MAIL_FROM": "FarmaFlux <desk@farmaflux.example>",
        "DESK_WEBHOOK_NETWORKS": "127.0.0.0/8",
        "DJANGO_SETTINGS_MODULE": "farmaflux_desk.settings",
    }
    if not os.environ.get("REDIS_URL"):
        os.environ.pop("DATABASE_URL", None)
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("flush", verbosity=0, interactive=False)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--subscribers", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--mode", choices=LIMITS, action="append")
    parser.add_argument("--control", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started ends as well
    if given.control:
        given.subscribers, given.rounds = CONTROLLED, 1
    smtp, http = free_port(), free_port()
    misbehave = ["--forget", "--double", "--slow", "2500"] if given.control else []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        prepare(folder, smtp)
        from django.db import connection

        modes = given.mode or (["relay", "celery"] if os.environ.get("REDIS_URL") else ["relay"])
        print(f"{connection.display_name}, {given.subscribers} subscribers, --seed {given.seed}", flush=True)
        stack.enter_context(running([sys.executable, "-m", "bench.sink", str(smtp), str(http), *misbehave]))
        sink = Sink(http)
        told = fill(given.subscribers, random.Random(given.seed), f"http://127.0.0.1:{http}")
        failed = []
        for mode in modes:
            for _ in range(given.rounds):
                line, found = measure(mode, sink, told, 300)
                print(line, *found, sep="\n  WRONG: ", flush=True)
                failed += found
    if given.control:
        failed = [f"went unnoticed: {each}" for each in EXPECTED if not any(each in said for said in failed)]
        print(*(failed or ["The control was noticed."]), sep="\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
