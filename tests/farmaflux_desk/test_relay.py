"""Relay and Celery as processes, side by side, stopped and killed: nothing is lost, doubles only where stated."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from comms.models import Claim, Delivery, DeliveryState
from comms.operations import deliveries
from comms.status import site
from incidents.models import PublicRevision
from tests import factories
from tests.comms.receivers import (
    HookServer,
    MailServer,
    black_hole,
    free_port,
    hook_server,
    mail_server,
)

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

RELAY = ("manage.py", "relay")
DYING = ("-m", "tests.farmaflux_desk.dying_relay")
WORKER = ("-m", "celery", "-A", "farmaflux_desk", "worker", "--pool=threads", "--concurrency=8")
BEAT = ("-m", "celery", "-A", "farmaflux_desk", "beat")
PATIENCE = 90  # seconds until a test that waits for nothing fails; a busy machine starts a process slowly
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[HookServer]:
    with hook_server() as server:
        yield server


@pytest.fixture
def start(mail: MailServer, tmp_path: Path) -> Iterator[Start]:
    """Starts a process on the test's database that knows the test's mail server; ends it with the test."""
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DESK_DATA_DIR": str(tmp_path),
        "DESK_STATUS_ROOT": str(settings.DESK_STATUS_ROOT),
        "DESK_WEBHOOK_NETWORKS": "127.0.0.0/8",
        "MAIL_URL": f"smtp://127.0.0.1:{mail.port}",
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
    }
    processes: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **more: str) -> subprocess.Popen[bytes]:
        log = (tmp_path / f"process{len(processes)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=environment | more,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=settings.BASE_DIR,
        )
        log.close()
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def database_url() -> str:
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    return f"postgres://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"


def until(condition: Callable[[], bool]) -> None:
    """Wait for *condition*; PATIENCE seconds without it are a failure."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, list(Delivery.objects.values_list("recipient", "state", "error"))
        time.sleep(0.05)


def owe() -> list[Delivery]:
    with transaction.atomic():
        return list(deliveries.owe(factories.update(published_at=factories.OUTAGE), at=timezone.now()))


def states() -> Counter[str]:
    return Counter(Delivery.objects.values_list("state", flat=True))


def let_leases_run_out() -> None:
    Claim.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    Delivery.objects.filter(state=DeliveryState.QUEUED).update(not_before=timezone.now())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_relay_sends_what_is_owed_and_ends_when_asked(
    start: Start, mail: MailServer, number: signal.Signals, tmp_path: Path
) -> None:
    factories.mail_channel("a@apb.example")
    owe()

    process = start(*RELAY)
    until(lambda: states() == {"sent": 1})
    process.send_signal(number)

    assert process.wait(timeout=PATIENCE) == 0
    assert mail.recipients == ["a@apb.example"]
    assert "couldn't stop thread" not in (tmp_path / "process0.log").read_text(), "it waited for its pool"


def test_the_relay_brings_the_status_site_up_to_date(start: Start) -> None:
    with transaction.atomic():
        PublicRevision.objects.bump()

    start(*RELAY)

    until(lambda: not site.state().behind)


def test_an_address_that_never_answers_holds_up_no_mail(start: Start, mail: MailServer) -> None:
    with black_hole() as url:
        hole = factories.webhook_channel(url, position=0)
        factories.mail_channel("a@apb.example", "b@apb.example", position=1)
        owe()
        start(*RELAY)
        until(lambda: hole.deliveries.get().attempts.exists())
        attempt = hole.deliveries.get().attempts.get()

        assert mail.recipients == ["a@apb.example", "b@apb.example"]
        for delivery in Delivery.objects.filter(state=DeliveryState.SENT):
            assert delivery.sent_at is not None
            assert delivery.sent_at < attempt.finished_at


def test_two_relays_side_by_side_send_everything_once(
    start: Start, mail: MailServer, hook: HookServer
) -> None:
    readers = [f"reader{n}@apb.example" for n in range(30)]
    factories.mail_channel(*readers[:15])
    factories.mail_channel(*readers[15:])
    factories.webhook_channel(hook.url)
    start(*RELAY)
    start(*RELAY)

    owe()
    until(lambda: states() == {"sent": 31})

    assert sorted(mail.recipients) == sorted(readers)
    assert len(hook.received) == 1


def test_celery_and_a_relay_side_by_side_send_everything_once(
    start: Start, mail: MailServer, hook: HookServer
) -> None:
    if not settings.REDIS_URL:
        pytest.skip("needs Redis: make test-postgresql")
    readers = [f"reader{n}@apb.example" for n in range(30)]
    factories.mail_channel(*readers)
    factories.webhook_channel(hook.url)
    start(*WORKER)
    start(*BEAT)
    start(*RELAY)

    owe()
    until(lambda: states() == {"sent": 31})

    assert sorted(mail.recipients) == sorted(readers)
    assert len(hook.received) == 1


def test_celery_alone_sends_what_is_owed_and_renews_the_site(
    start: Start, mail: MailServer, hook: HookServer
) -> None:
    if not settings.REDIS_URL:
        pytest.skip("needs Redis: make test-postgresql")
    factories.mail_channel("a@apb.example")
    factories.webhook_channel(hook.url)
    owe()
    with transaction.atomic():
        PublicRevision.objects.bump()

    worker = start(*WORKER)
    start(*BEAT)
    until(lambda: states() == {"sent": 2} and not site.state().behind)
    worker.terminate()

    assert worker.wait(timeout=PATIENCE) == 0
    assert (mail.recipients, len(hook.received)) == (["a@apb.example"], 1)


def test_a_beat_does_not_mind_another_that_was_not_ended_yet(
    start: Start, hook: HookServer, tmp_path: Path
) -> None:
    if not settings.REDIS_URL:
        pytest.skip("needs Redis: make test-postgresql")
    factories.webhook_channel(hook.url)
    start(*WORKER)
    beats = [start(*BEAT), start(*BEAT)]

    owe()
    until(lambda: states() == {"sent": 1})

    assert ([beat.poll() for beat in beats], len(hook.received)) == ([None, None], 1)
    assert not list(tmp_path.glob("*schedule*"))


def test_celery_is_back_after_its_redis_was_gone_while_tasks_were_under_way(
    start: Start, hook: HookServer
) -> None:
    port = free_port()
    program = shutil.which("redis-server")
    if not program:
        pytest.skip("needs redis-server")

    def redis() -> subprocess.Popen[bytes]:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        return subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)

    server = redis()
    try:
        url = f"redis://127.0.0.1:{port}/0"
        worker = start(*WORKER, REDIS_URL=url)
        start(*BEAT, REDIS_URL=url)
        with black_hole() as nobody:
            for _ in range(3):
                factories.webhook_channel(nobody)
            owe()
            until(lambda: Delivery.objects.filter(state=DeliveryState.SENDING).count() == 3)
            server.kill()
            server.wait()
            time.sleep(2)  # the worker has noticed
            server = redis()
            factories.webhook_channel(hook.url)
            owe()
            until(lambda: len(hook.received) == 1)
        assert worker.poll() is None
    finally:
        server.kill()
        server.wait()


# What a reader sees of a relay that was killed, and the state of the message it was killed at.
DEATHS_WITH_MAIL = {
    "after claiming": 1,
    "before the call": 1,
    "before marking": 2,  # the same message once more, by its Message-ID
    "after marking": 1,
}


@pytest.mark.parametrize("point", DEATHS_WITH_MAIL)
def test_mail_survives_a_relay_that_is_killed(start: Start, mail: MailServer, point: str) -> None:
    factories.mail_channel("a@apb.example", "b@apb.example")
    owe()

    assert start(*DYING, point).wait(timeout=PATIENCE) == -signal.SIGKILL
    let_leases_run_out()
    start(*RELAY)
    until(lambda: states() == {"sent": 2} or _again())

    assert Counter(mail.recipients) == Counter({"a@apb.example": DEATHS_WITH_MAIL[point], "b@apb.example": 1})
    assert len({message["Message-ID"] for _recipient, message in mail.accepted}) == 2


def test_mail_survives_a_relay_that_is_killed_between_acceptance_and_answer(
    start: Start, mail: MailServer
) -> None:
    factories.mail_channel("a@apb.example", "b@apb.example")
    owe()
    mail.on_accepted = lambda: process.kill()

    process = start(*RELAY)
    assert process.wait(timeout=PATIENCE) == -signal.SIGKILL
    mail.on_accepted = lambda: None
    let_leases_run_out()
    start(*RELAY)
    until(lambda: states() == {"sent": 2} or _again())

    assert Counter(mail.recipients) == Counter({"a@apb.example": 2, "b@apb.example": 1})
    assert len({message["Message-ID"] for _recipient, message in mail.accepted}) == 2


# How often the receiver is called; every call carries the same Idempotency-Key.
DEATHS_WITH_WEBHOOK = {"after claiming": 1, "before the call": 1, "before marking": 2, "after marking": 1}


@pytest.mark.parametrize("point", DEATHS_WITH_WEBHOOK)
def test_a_webhook_survives_a_relay_that_is_killed(start: Start, hook: HookServer, point: str) -> None:
    factories.webhook_channel(hook.url)
    [delivery] = owe()

    assert start(*DYING, point).wait(timeout=PATIENCE) == -signal.SIGKILL
    let_leases_run_out()
    start(*RELAY)
    until(lambda: Delivery.objects.filter(state=DeliveryState.SENT).exists() or _again())

    calls = [received.headers["Idempotency-Key"] for received in hook.received]
    assert calls == [str(delivery.key)] * DEATHS_WITH_WEBHOOK[point]


def end(process: subprocess.Popen[bytes]) -> None:
    """Wake it; it ends when it has done what it had begun."""
    process.send_signal(signal.SIGCONT)
    process.terminate()
    process.wait(timeout=PATIENCE)


def rows() -> list[tuple[object, ...]]:
    return list(Delivery.objects.order_by("pk").values_list("state", "sent_at", "claim", "attempts_made"))


def test_a_relay_that_was_frozen_past_its_lease_sends_and_marks_nothing_when_it_wakes(
    start: Start, mail: MailServer
) -> None:
    factories.mail_channel("a@apb.example", "b@apb.example")
    owe()
    frozen = start(*DYING, "frozen after claiming")
    until(lambda: _is_stopped(frozen))
    let_leases_run_out()
    start(*RELAY)
    until(lambda: states() == {"sent": 2})
    before = rows()

    end(frozen)

    assert sorted(mail.recipients) == ["a@apb.example", "b@apb.example"]
    assert rows() == before


def test_a_relay_that_was_frozen_while_the_mail_server_answered_sends_no_other_when_it_wakes(
    start: Start, mail: MailServer
) -> None:
    factories.mail_channel("a@apb.example", "b@apb.example", "c@apb.example")
    owe()
    mail.on_accepted = lambda: frozen.send_signal(signal.SIGSTOP)
    frozen = start(*RELAY)
    until(lambda: _is_stopped(frozen))
    mail.on_accepted = lambda: None
    let_leases_run_out()
    start(*RELAY)
    until(lambda: states() == {"sent": 3} or _again())
    before = rows()

    end(frozen)

    # The one that was on its way comes twice, as the same message; of the others none does.
    # Which one was in flight when the signal took hold is the kernel's to say.
    assert sorted(Counter(mail.recipients).values()) == [1, 1, 2]
    assert len({message["Message-ID"] for _recipient, message in mail.accepted}) == 3
    assert rows() == before


def _is_stopped(process: subprocess.Popen[bytes]) -> bool:
    """As Linux tells: T is a process that was stopped."""
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _again() -> bool:
    """The pause after a death is not waited for."""
    Delivery.objects.filter(state=DeliveryState.QUEUED).update(not_before=timezone.now())
    return False
