"""The web process killed under fifty agents who log calls: `python -m bench.struck`, `--kills 200` is the figure.

An agent sends a call again under its key until it is acknowledged, as the page does. In the end every call that was
acknowledged must be stored, and there must be no more calls than keys. On SQLite and, behind
`python -m tests.servers --durable`, on PostgreSQL. Some four seconds a kill. `--control` has the agents send again
under another key: it must show doubles.
"""

import argparse
import http.client
import os
import random
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bench.agents import LOG, PHARMACIES, headers_of, inside, prepared
from bench.publish import ADDRESS, wait_for
from farmaflux_desk.supervisor import procfile


class Agents:
    """Each with one call in hand at any time; *forgetful* ones send it again under another key."""

    def __init__(self, people: Path, body: str, *, forgetful: bool) -> None:
        self._forgetful = forgetful
        self.acknowledged: list[str] = []
        self.refused: list[int] = []
        self.stopping = threading.Event()
        self._body = body
        self._threads = [
            threading.Thread(target=self._work, args=line.split(), daemon=True)
            for line in people.read_text().splitlines()
            if line
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Once each has its call acknowledged."""
        self.stopping.set()
        for thread in self._threads:
            thread.join(60)

    def _work(self, cookie: str, token: str) -> None:
        headers = headers_of(cookie, token)
        while not self.stopping.is_set():
            key = str(uuid.uuid4())
            while not self._sent(self._filled(key), headers):
                time.sleep(0.1)
                key = str(uuid.uuid4()) if self._forgetful else key
            self.acknowledged.append(key)

    def _filled(self, key: str) -> str:
        pharmacy = str(random.randrange(1, PHARMACIES))
        return self._body.replace("{key}", key).replace(f"{{of:{PHARMACIES}}}", pharmacy)

    def _sent(self, body: str, headers: dict[str, str]) -> bool:
        connection = http.client.HTTPConnection(urlsplit(ADDRESS).netloc, timeout=30)
        try:
            connection.request("POST", LOG, body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if status not in (200, 503):
            self.refused.append(status)
        return status == 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--control", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        people, body, environment = prepared(Path(text), os.environ.get("DATABASE_URL", ""), given.agents)
        before = int(inside(environment, "count"))
        agents, web = Agents(people, body, forgetful=given.control), _served(environment)
        agents.start()
        for _kill in range(given.kills):
            time.sleep(random.uniform(0.2, 1.5))
            os.killpg(web.pid, signal.SIGKILL)
            web.wait()
            web = _served(environment)
        agents.stop()
        os.killpg(web.pid, signal.SIGTERM)
        web.wait()
        keys = Path(text) / "keys.txt"
        keys.write_text("\n".join(agents.acknowledged))
        lost = int(inside(environment, "missing", str(keys)))
        stored = int(inside(environment, "count")) - before
    doubled = stored - len(agents.acknowledged) + lost
    print(
        f"{given.kills} kills under {given.agents} agents: {len(agents.acknowledged)} calls acknowledged, {lost} of "
        f"them lost, {doubled} doubled, {len(agents.refused)} refused"
    )
    if lost or agents.refused or bool(doubled) != given.control:
        raise SystemExit(
            "The control shows no doubles." if given.control else "Calls were lost, doubled or refused."
        )


def _served(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """In a process group of its own; answering when this returns."""
    web = subprocess.Popen(
        procfile(Path("Procfile"), environment)["web"],
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(httpx.Client(base_url=ADDRESS))
    return web


if __name__ == "__main__":
    main()
