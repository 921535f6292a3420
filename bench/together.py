"""Four relays and two Celery workers over 2,000 deliveries: `python -m tests.servers python -m bench.together`.

Every receipt once. Then the same again with two relays that freeze (SIGSTOP): one with claims in its hands, one while
it takes one and holds the lane's lock. The others wait out the leases, really, and send everything; woken, the two
send nothing and mark nothing. `--control` has the relays take what others hold, until a receipt has come twice, then
go on after their lease: each must show doubles.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.mailing import Sink, await_life, fill, prepare, publish, running, senders
from tests.comms.receivers import free_port

SMS, HOOKS = 100, 12
PATIENCE = 400.0  # seconds; a lease lasts two minutes
UNGUARDED = [sys.executable, "-m", "bench.unguarded"]


def set_up(seed: int, number: int, posts: str) -> int:
    """Subscribers, a list of numbers and webhooks, for *number* deliveries a message; how many mails those are."""
    from comms.channels import credentials
    from comms.models import Channel, ListMember, MailList

    told = fill(number - SMS - HOOKS, random.Random(seed), posts)
    numbers = MailList.objects.create(key="numbers", name_fr="N", name_nl="N")
    ListMember.objects.bulk_create(
        ListMember(mail_list=numbers, name=str(n), phone=f"+324701{n:05}") for n in range(SMS)
    )
    Channel.objects.create(
        key="sms",
        name="sms",
        kind="sms",
        mail_list=numbers,
        settings={"url": f"{posts}/sms/{{number}}", "body": "text={text}"},
    )
    for n in range(Channel.objects.filter(kind="webhook").count(), HOOKS):
        Channel.objects.create(
            key=f"account-{n}",
            name=f"account {n}",
            kind="webhook",
            settings={"url": f"{posts}/account-{n}"},
            sealed_secrets=credentials.seal({"secret": "a-secret-of-sixteen"}),
        )
    return len(told)


def receipts(sink: Sink, before: dict[str, int]) -> list[str]:
    """Who got the message, once for each time."""
    mails, posts = (sink.seen(what, before[what]) for what in ("mails", "posts"))
    return [f"mail {who}" for who, *_rest in mails] + [f"post {where}" for where, *_rest in posts]


def wrong(owed: int, came: list[str], unsent: int) -> list[str]:
    told = []
    if lost := owed - len(set(came)):
        told.append(f"{lost} lost")
    if doubled := sum(number - 1 for number in Counter(came).values()):
        told.append(f"{doubled} doubled")
    if unsent:
        told.append(f"{unsent} not marked as sent")
    return told


def rows() -> list[tuple[Any, ...]]:
    from comms.models import Delivery

    return list(
        Delivery.objects.order_by("pk").values_list("pk", "state", "sent_at", "claim", "attempts_made")
    )


def unsent() -> int:
    from comms.models import Delivery

    return Delivery.objects.exclude(state="sent").count()


def await_sent(owed: int, enough: Callable[[], bool] = lambda: False) -> None:
    from comms.models import Delivery, Mailing

    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not enough():
        if not Mailing.objects.unfinished().exists() and not unsent() and Delivery.objects.count() >= owed:
            break
        time.sleep(0.5)
    time.sleep(2)  # for what would come twice


def forget() -> None:
    """What is owed, so that the next message is alone."""
    from comms.models import Claim, Delivery, Mailing

    for each in (Delivery, Claim, Mailing):
        each.objects.all().delete()


def side_by_side(
    sink: Sink, owed: int, commands: dict[str, list[str]], *, until_doubled: bool = False
) -> list[str]:
    """*until_doubled*: senders that take from each other mark nothing and would never end."""
    with ExitStack() as stack:
        for command in commands.values():
            stack.enter_context(running(command))
        for life in ("relay", "celery") if "beat" in commands else ("relay",):
            await_life(life)
        before = sink.count()
        publish()
        began = time.monotonic()
        await_sent(
            owed, lambda: until_doubled and max(Counter(receipts(sink, before)).values(), default=0) > 1
        )
        came = receipts(sink, before)
        told = wrong(owed, came, unsent())
        print(
            f"{len(commands)} processes, {owed} owed: {len(set(came))} readers have it, {len(came)} receipts, "
            f"{unsent()} unsent, after {time.monotonic() - began:.0f} s",
            flush=True,
        )
    return told


def freeze(
    sink: Sink, owed: int, frozen: dict[str, list[str]], others: dict[str, list[str]], *, hurry: bool
) -> list[str]:
    """*frozen* relays are started alone, so that they have something in their hands; the *others* when they stopped."""
    from django.utils import timezone

    from comms.models import Claim

    before, earlier = sink.count(), len(rows())
    publish()
    with ExitStack() as stack:
        stopped = [stack.enter_context(running(command)) for command in frozen.values()]
        for process in stopped:
            await_stop(process)
        held = Claim.objects.filter(lease_until__gte=timezone.now())
        claims, hands = held.count(), sum(claim.deliveries.count() for claim in held)
        locks = locked()
        if hurry:
            Claim.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        for command in others.values():
            stack.enter_context(running(command))
        await_sent(earlier + owed)
        came, marked = receipts(sink, before), rows()
        told = wrong(owed, came, unsent())
        for process in stopped:
            process.send_signal(signal.SIGCONT)
        time.sleep(8)
        after = receipts(sink, before)
        if len(after) > len(came):
            told.append(f"woken, they sent {len(after) - len(came)}: doubled")
        if rows() != marked:
            told.append("woken, they marked what was not theirs any more")
        print(
            f"{len(frozen)} frozen with {claims} claims of {hands} deliveries and {locks} open transactions, "
            f"{owed} owed: {len(set(came))} readers have it, {len(came)} receipts; woken they sent "
            f"{len(after) - len(came)} and marked {sum(a != b for a, b in zip(marked, rows(), strict=True))}",
            flush=True,
        )
    return told


def locked() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'")
        return int(cursor.fetchone()[0])


def await_stop(process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        if Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
            return
        time.sleep(0.1)
    raise SystemExit("The relay that was to freeze did not.")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--deliveries", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--control", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if not os.environ.get("REDIS_URL"):
        raise SystemExit("Needs PostgreSQL and Redis: python -m tests.servers python -m bench.together")
    owed = 400 if given.control else given.deliveries
    smtp, http = free_port(), free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        running([sys.executable, "-m", "bench.sink", str(smtp), str(http), "--slow", "2"]),
    ):
        prepare(folder, smtp)
        from django.db import connection

        print(f"{connection.display_name}, {owed} deliveries, --seed {given.seed}", flush=True)
        sink = Sink(http)
        set_up(given.seed, owed, f"http://127.0.0.1:{http}")
        relay = senders("relay")["relay"]
        if given.control:
            three = {f"relay {n}": [*UNGUARDED, "claims"] for n in range(3)}
            told = [side_by_side(sink, owed, three, until_doubled=True)]
            forget()
            told += [
                freeze(sink, owed, {"frozen": [*UNGUARDED, "fence, frozen"]}, {"relay": relay}, hurry=True)
            ]
            unnoticed = sum(not any("doubled" in each for each in some) for some in told)
            print(f"{unnoticed} controls went unnoticed." if unnoticed else "The controls were noticed.")
            return bool(unnoticed)
        workers = senders("celery")
        relays = {f"relay {n}": relay for n in range(4)}
        found = side_by_side(sink, owed, relays | workers)
        two = {name: [*UNGUARDED, name] for name in ("frozen", "locked")}
        found += freeze(sink, owed, two, {"relay 1": relay, "relay 2": relay} | workers, hurry=False)
    print(*(f"WRONG: {told}" for told in found), sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
