"""Four channels that misbehave beside others that do not: `python -m bench.faulty`.

One is a black hole, one answers junk, one 429 with Retry-After, one finds its token expired. The same messages are
published with all of them well and with all of them faulty, in turn; the latency at the others is compared: from
publishing until the reader has it. Also checked: what the desk makes of the four. On SQLite by the relay; through
`python -m tests.servers` by Celery too, or by the one that `--mode` names. `--control` has a relay send all channels
through one lane: the others must seem slow.
"""

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import ExitStack

from bench.fakes import RETRY_AFTER
from bench.killed import Fakes, Seen, accounts
from bench.mailing import await_life, fill, prepare, publish, running, senders
from tests.comms.receivers import free_port

FAULTS = {"webhook-1": "hole", "slack-1": "junk", "teams-1": "busy", "mastodon-1": "expired"}
# What the desk makes of them: tried again, asked of a person, tried again after the pause, posted by hand.
EXPECTED = {
    "webhook-1": {"queued", "sending"},
    "slack-1": {"unknown"},
    "teams-1": {"queued"},
    "mastodon-1": {"by-hand"},
}
WELL = ("webhook", "slack", "teams", "mastodon", "bluesky")
READERS = 5
BLOCKS = 4  # all well, four faulty, all well, four faulty
PATIENCE = 60.0  # seconds
MOST_RATIO, MOST_LATER = 1.5, 0.5  # of the medians; below so many seconds no ratio says anything
WORST_LATER = 4.0  # seconds; one call to a black hole takes five


def set_up(fakes: Fakes, seed: int) -> int:
    """Subscribers and channels; how many mails each message makes."""
    from comms.channels import credentials
    from comms.models import Channel

    told = fill(READERS, random.Random(seed), fakes.url)
    Channel.objects.exclude(key="mail").delete()
    for position, place in enumerate((*FAULTS, *WELL)):  # the faulty ones first
        kind = place.partition("-")[0]
        plain, sealed = accounts(kind, f"{fakes.url}/{place}")
        Channel.objects.create(
            key=place,
            name=place,
            kind=kind,
            languages=["fr"],
            position=position,
            settings=plain,
            sealed_secrets=credentials.seal(sealed),
        )
    Channel.objects.filter(key="mail").update(position=20)
    return len(told)


def message(fakes: Fakes, mails: int) -> dict[str, float]:
    """By place that is well, seconds from publishing until its last reader had the message; inf: never."""
    before = len(fakes.seen())
    expected = Counter(WELL) + Counter(mail=mails)
    publish()
    began = time.time()
    seen: Seen = []
    while time.time() - began < PATIENCE:
        seen = fakes.seen()[before:]
        if not expected - Counter(place for place, *_rest in seen):
            break
        time.sleep(0.1)
    came: defaultdict[str, float] = defaultdict(float)
    for place, *_rest, at in seen:
        came[place] = max(came[place], at - began)
    missing = expected - Counter(place for place, *_rest in seen)
    return {place: float("inf") if missing[place] else came[place] for place in expected}


def measure(mode: str, command: dict[str, list[str]], fakes: Fakes, mails: int, number: int) -> list[str]:
    """Prints the figures; what is wrong."""
    from comms.models import Delivery, Update

    latencies: dict[bool, list[float]] = {False: [], True: []}
    told = []
    with ExitStack() as stack:
        for each in command.values():
            stack.enter_context(running(each))
        await_life(mode)
        message(fakes, mails)  # what is read once is read
        for block in range(BLOCKS):
            faulty = bool(block % 2)
            fakes.ask("set", modes=dict.fromkeys(FAULTS, "well") | (FAULTS if faulty else {}))
            for _ in range(number):
                latencies[faulty] += message(fakes, mails).values()
        newest = Update.objects.order_by("-pk")[:number]
        rows = Delivery.objects.filter(update__in=newest, channel__key__in=FAULTS)
        states = defaultdict(set)
        for place, state in rows.values_list("channel__key", "state"):
            states[place].add(state)
        pauses = [
            (row.not_before - row.created_at).total_seconds()
            for row in rows.filter(channel__key="teams-1").exclude(attempts_made=0)
        ]
    for place, expected in EXPECTED.items():
        if not states[place] <= expected:
            told.append(f"{FAULTS[place]}: {', '.join(sorted(states[place]))}")
    if not pauses or min(pauses) < RETRY_AFTER:
        told.append("the pause that was asked for was not kept")
    well, faulty_ones = latencies[False], latencies[True]
    medians = statistics.median(well), statistics.median(faulty_ones)
    print(
        f"{mode}: {len(well)} arrivals with all channels well, {len(faulty_ones)} beside four faulty ones: the median "
        f"{medians[1] / medians[0]:.2f} times, the slowest {max(faulty_ones) / max(well):.2f} times "
        f"({medians[0]:.1f} and {medians[1]:.1f} s; {max(well):.1f} and {max(faulty_ones):.1f} s)",
        flush=True,
    )
    return told + slower(well, faulty_ones)


def slower(well: list[float], faulty: list[float]) -> list[str]:
    """What is wrong with the latencies of the same places beside faulty ones."""
    told = []
    before, after = statistics.median(well), statistics.median(faulty)
    if after > before * MOST_RATIO and after - before > MOST_LATER:
        told.append(f"the others waited {after / before:.1f} times as long")
    if max(faulty) > max(well) + WORST_LATER:
        told.append(f"one waited {max(faulty) - max(well):.1f} s longer than any before")
    return told


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=8, help="of each of the four blocks")
    parser.add_argument("--mode", choices=("relay", "celery"), action="append")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--control", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    possible = ["relay", "celery"] if os.environ.get("REDIS_URL") else ["relay"]
    if not set(given.mode or ()) <= set(possible):
        raise SystemExit("Celery needs a Redis: python -m tests.servers python -m bench.faulty --mode celery")
    smtp, port = free_port(), free_port()
    failed = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running([sys.executable, "-m", "bench.fakes", str(smtp), str(port)]),
    ):
        prepare(folder, smtp)
        from django.db import connection

        print(
            f"{connection.display_name}, {given.messages} messages a block, --seed {given.seed}", flush=True
        )
        fakes = Fakes(port)
        mails = set_up(fakes, given.seed)
        modes = {mode: senders(mode) for mode in given.mode or possible}
        if given.control:
            modes = {"relay": {"relay": [sys.executable, "-m", "bench.unguarded", "lanes"]}}
            given.messages = 1
        for mode, command in modes.items():
            failed += measure(mode, command, fakes, mails, given.messages)
    if given.control:
        seen = any("longer than any" in told or "as long" in told for told in failed)
        print("The control was noticed." if seen else "The control went unnoticed.")
        return not seen
    print(*(f"WRONG: {told}" for told in failed), sep="\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
