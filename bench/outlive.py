"""The site when everything behind it is dead: `python -m bench.outlive`.

First the publisher, every other time from a folder begun before, is killed 500 times at random instants while a reader
reads over nginx: each page whole, of one publication, never an older one after a newer. Then there is no publisher, no
application, no database, no Redis: a million pages are read, each 200 and the same bytes. Needs Debian's wrk and
nginx-light.
"""

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import django
import httpx

from bench.front import ADDRESS, nginx

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "farmaflux_desk.settings")
django.setup()

from comms.status.documents import Document  # noqa: E402
from comms.status.publish import begin_next, publish, published  # noqa: E402
from comms.status.render import HEADERS  # noqa: E402

KILLS, GETS = 500, 1_000_000
PAGES = ("fr", "nl", "de", "en")


def publish_without_end(root: Path) -> None:
    """Publications of pages that all name their revision, at their beginning and at their end."""
    shown = published(root)
    for revision in count(shown.revision + 1 if shown else 1):
        filling = f"<p>{revision}</p>\n" * 2000
        page = f"<!doctype html><b>{revision}</b>{filling}<i>{revision}</i></html>".encode()
        documents = [Document(f"{name}/index.html", lambda page=page: page) for name in PAGES]  # type: ignore[misc]
        documents.append(Document("fr/over/index.html", lambda: b"<p>over</p>" * 100, "key"))
        if revision % 2:
            begin_next(root)
        publish(documents, root, revision=revision, at=datetime.now(UTC), headers=HEADERS)


def kill_publishers(root: Path) -> None:
    chance = random.Random(20220701)
    for _ in range(KILLS):
        publisher = os.fork()
        if not publisher:
            publish_without_end(root)
        time.sleep(chance.uniform(0.001, 0.06))
        os.kill(publisher, signal.SIGKILL)
        os.waitpid(publisher, 0)


def read(stop: threading.Event, told: list[str]) -> None:
    """Reads all the while; *told* gets what was wrong, and last how much was read."""
    newest = pages = 0
    with httpx.Client(headers={"Accept-Encoding": "gzip"}) as client:
        while not stop.is_set():
            for name in PAGES:
                answer = client.get(ADDRESS.replace("/fr/", f"/{name}/"))
                number = int(answer.headers.get("X-Publication", 0))
                whole = re.fullmatch(
                    r"<!doctype html><b>(\d+)</b>(<p>\1</p>\n){2000}<i>\1</i></html>", answer.text
                )
                if answer.status_code != 200 or not whole or number < newest:
                    told.append(f"{answer.status_code} {number} after {newest}: {answer.text[:60]}")
                newest, pages = max(number, newest), pages + 1
    told.append(f"{pages} pages read meanwhile, up to publication {newest}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, root = Path(name), Path(name) / "status"
        folder.chmod(0o755)
        documents = [Document(f"{name}/index.html", lambda: b"<!doctype html>") for name in PAGES]
        publish(documents, root, revision=0, at=datetime.now(UTC), headers=HEADERS)
        first = os.fork()
        if not first:
            publish_without_end(root)
        time.sleep(1)
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)
        with subprocess.Popen(nginx(folder, root)) as server:
            time.sleep(1)
            stop = threading.Event()
            told: list[str] = []
            killing = subprocess.Popen([sys.executable, "-m", "bench.outlive", str(root)])
            reader = threading.Thread(target=read, args=(stop, told))
            reader.start()
            killing.wait()
            stop.set()
            reader.join()
            *wrong, summary = told
            print(
                f"The publisher was killed {KILLS} times: {summary}; wrong: {len(wrong)}",
                *wrong[:5],
                sep="\n",
            )
            good = bad = 0
            while good + bad < GETS:
                counted = million(root / "current/site/fr/index.html.gz")
                good, bad = good + counted[0], bad + counted[1]
            print(f"All behind nginx is dead: {good} pages read whole, {bad} not")
            server.terminate()
    sys.exit(bool(wrong or bad))


def million(expected: Path) -> tuple[int, int]:
    done = subprocess.run(
        [
            "wrk",
            "-t1",
            "-c64",
            "-d20s",
            "-H",
            "Accept-Encoding: gzip",
            "-s",
            "bench/whole.lua",
            ADDRESS,
            "--",
            str(expected),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = re.search(r"good (\d+) bad (\d+)", done)
    assert found, done
    return int(found[1]), int(found[2])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        kill_publishers(Path(sys.argv[1]))
    else:
        main()
