"""A real Bluesky server on this machine, from its authors' packages, and their client to read with."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
READY = 60  # seconds
JWT_SECRET = b"a secret of the tests alone"
_number = count(1)


@dataclass(frozen=True)
class Account:
    handle: str
    did: str
    password: str = field(repr=False)
    """An app password."""


@dataclass(frozen=True)
class Pds:
    url: str
    packages: Path

    def account(self) -> Account:
        """A new one. As with Bluesky itself, the desk is given an app password of it."""
        handle = f"freddy{next(_number)}-{os.getpid()}.test"
        made = self._post(
            "com.atproto.server.createAccount",
            {"handle": handle, "email": f"{handle}@farmaflux.example", "password": "its own"},
        )
        own = {"Authorization": f"Bearer {made['accessJwt']}"}
        app = self._post("com.atproto.server.createAppPassword", {"name": "desk"}, headers=own)
        return Account(handle, made["did"], app["password"])

    def write(self, account: Account, text: str) -> str:
        """Post as *account*; the post's address."""
        session = self._post(
            "com.atproto.server.createSession", {"identifier": account.handle, "password": account.password}
        )
        record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-26T12:00:00.000Z"}
        made = self._post(
            "com.atproto.repo.createRecord",
            {"repo": account.did, "collection": "app.bsky.feed.post", "record": record},
            headers={"Authorization": f"Bearer {session['accessJwt']}"},
        )
        return str(made["uri"])

    def posts(self, account: Account) -> list[dict[str, Any]]:
        """All that the account has posted, the newest first."""
        query = {"repo": account.did, "collection": "app.bsky.feed.post"}
        answer = httpx.get(
            f"{self.url}/xrpc/com.atproto.repo.listRecords", params=query, trust_env=False, timeout=READY
        )
        return answer.raise_for_status().json()["records"]  # type: ignore[no-any-return]

    def read(self, *addresses: str) -> list[dict[str, Any]]:
        """Posts as Bluesky's own client reads them, by at://…; tests/pds/read.mjs says what it tells of each."""
        asked = [
            {"server": self.url, "did": did, "name": name}
            for did, _collection, name in (address.removeprefix("at://").split("/") for address in addresses)
        ]
        done = subprocess.run(
            ["node", HERE / "read.mjs", self.packages],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=READY,
            check=True,
        )
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    def _post(self, method: str, content: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
        answer = httpx.post(
            f"{self.url}/xrpc/{method}", json=content, headers=headers, trust_env=False, timeout=READY
        )
        return answer.raise_for_status().json()


def missing() -> str:
    """Why it cannot run here; empty when it can."""
    return "" if shutil.which("node") and shutil.which("npm") else "no Node.js with npm is on this machine"


class NotInstalled(Exception):
    """There is Node.js, but its packages could not be brought here."""


def install() -> Path:
    """The folder of the packages. Minutes the first time, then it is there."""
    done = subprocess.run([HERE / "install"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstalled(f"its packages could not be installed:\n{done.stderr[-2000:]}")
    return Path(done.stdout.strip())


@contextmanager
def running(packages: Path, port: int, app: str) -> Iterator[Pds]:
    """*app*: the origin that stands for Bluesky's own server, which knows what happens between the accounts."""
    server = subprocess.Popen(
        ["node", HERE / "serve.mjs", packages, str(port), JWT_SECRET, app],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "LOG_ENABLED": "false"},
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        if server.stdout.readline().strip() != "ready":
            raise RuntimeError("The Bluesky server did not start.")
        yield Pds(f"http://localhost:{port}", packages)
    finally:
        server.stdin.close()
        server.wait(READY)
        server.stdout.close()
