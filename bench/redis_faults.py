"""Redis frozen, flushed, absent and restarted beneath the desk: `python -m tests.servers python -m bench.redis_faults`.

Celery with its beat and one relay, as in production, and a Redis of the command's own. Publishing must not become
slower by 50 ms (its quickest quarter), and every delivery must go out, at most 2 s later than the slowest with Redis
well; afterwards Celery must be back by itself. `--control` takes the relay away and has publishing tell the broker:
both must show.
"""

import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack

from bench.mailing import POSTS, Sink, await_life, fill, prepare, publish, running, senders
from tests.comms.receivers import free_port

READERS = 20
PATIENCE = 40.0  # seconds for one message
BACK = 60.0  # seconds until Celery must be at work again
MOST_SLOWER, MOST_LATER = 0.05, 2.0  # seconds


class Redis:
    def __init__(self) -> None:
        self.port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        program = shutil.which("redis-server")
        if not program:
            raise SystemExit("redis-server is not installed. On Debian: apt-get install redis-server")
        options = f"--port {self.port} --bind 127.0.0.1 --loglevel warning --save".split()
        self.process = subprocess.Popen([program, *options, ""], stdout=subprocess.DEVNULL, process_group=0)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        import redis

        redis.Redis.from_url(self.url).flushall()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()


def message(sink: Sink, mails: int, tell: Callable[[], object]) -> tuple[float, float]:
    """Seconds that publishing took, and until the last reader had it; inf: somebody never had it."""
    before = sink.count()
    took = publish()
    began = time.time()
    tell()
    took += time.time() - began
    while time.time() - began < PATIENCE:
        count = sink.count()
        if count["mails"] - before["mails"] >= mails and count["posts"] - before["posts"] >= POSTS:
            came = [at for what in ("mails", "posts") for *_rest, at in sink.seen(what, before[what])]
            return took, max(came) - began
        time.sleep(0.05)
    return took, float("inf")


def quick(some: list[tuple[float, float]]) -> float:
    """What a quarter of the messages were published in: what else the machine does slows the others."""
    return statistics.quantiles([took for took, _ in some], n=4)[0]


def wrong(well: list[tuple[float, float]], ill: list[tuple[float, float]]) -> list[str]:
    """Of messages, each (seconds that publishing took, seconds until all had it)."""
    told = []
    slower = quick(ill) - quick(well)
    if slower > MOST_SLOWER:
        told.append(f"publishing was {slower * 1000:.0f} ms slower")
    later = max(came for _, came in ill) - max(came for _, came in well)
    if later == float("inf"):
        told.append("not every delivery went out")
    elif later > MOST_LATER:
        told.append(f"the last came {later:.1f} s later")
    return told


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--messages", type=int, default=8, help="with each fault, and as many without before it"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--control", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if not os.environ.get("DATABASE_URL"):
        raise SystemExit("Needs PostgreSQL: python -m tests.servers python -m bench.redis_faults")
    redis, smtp, http = Redis(), free_port(), free_port()
    os.environ["REDIS_URL"] = redis.url
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            running([sys.executable, "-m", "bench.sink", str(smtp), str(http)]),
            ExitStack() as stack,
        ):
            prepare(folder, smtp)
            sink = Sink(http)
            mails = len(fill(READERS, random.Random(given.seed), f"http://127.0.0.1:{http}"))
            commands = senders("celery")
            commands.pop("worker 2")
            if not given.control:
                commands |= senders("relay")
            for command in commands.values():
                stack.enter_context(running(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            await_life("celery")
            print(f"{mails} mails and {POSTS} posts a message, --seed {given.seed}", flush=True)
            return (
                control(redis, sink, mails) if given.control else measure(redis, sink, mails, given.messages)
            )
    finally:
        redis.wake()
        redis.kill()


def measure(redis: Redis, sink: Sink, mails: int, number: int) -> int:
    faults: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "frozen": (redis.freeze, redis.wake),
        "flushed": (redis.flush, lambda: None),
        "absent": (redis.kill, redis.start),
        "restarted": (redis.restart, lambda: None),
    }
    failed = 0
    message(sink, mails, lambda: None)  # what is read once is read
    for name, (begin, end) in faults.items():
        well = [message(sink, mails, lambda: None) for _ in range(number)]
        begin()
        ill = [message(sink, mails, lambda: None) for _ in range(number)]
        end()
        began = time.monotonic()
        back = is_back()
        told = wrong(well, ill) + ([] if back else [f"Celery is not back after {BACK:.0f} s"])
        failed += len(told)
        published = [quick(some) * 1000 for some in (well, ill)]
        last = [max(came for _, came in some) for some in (well, ill)]
        print(
            f"{name}: {len(ill)} messages, publishing {published[1] - published[0]:+.0f} ms (a quarter within "
            f"{published[0]:.0f} ms with Redis well), the last delivery {last[1] - last[0]:+.1f} s, Celery back after "
            f"{time.monotonic() - began:.0f} s",
            *told,
            sep="\n  WRONG: ",
            flush=True,
        )
    return bool(failed)


def is_back() -> bool:
    from django.utils import timezone

    from comms.models import SignOfLife

    began = timezone.now()
    for _ in range(int(BACK * 5)):
        if SignOfLife.objects.filter(runner="celery", seen_at__gt=began).exists():
            return True
        time.sleep(0.2)
    return False


def control(redis: Redis, sink: Sink, mails: int) -> int:
    from farmaflux_desk.celery import run

    well = [message(sink, mails, lambda: None) for _ in range(2)]
    redis.freeze()
    ill = [message(sink, mails, lambda: tell(run)) for _ in range(2)]
    told = wrong(well, ill)
    expected = ("slower", "not every", "later")
    noticed = "slower" in " ".join(told) and any(word in " ".join(told) for word in expected[1:])
    print("The control was noticed." if noticed else "The control went unnoticed.", *told, sep="\n  ")
    return not noticed


def tell(run: object) -> None:
    """What publishing must not do."""
    from kombu.exceptions import OperationalError

    try:
        run.apply_async(("deliver",), retry=False)  # type: ignore[attr-defined]
    except OperationalError:
        pass


if __name__ == "__main__":
    sys.exit(main())
