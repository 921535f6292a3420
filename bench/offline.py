"""Calls saved in a browser that is taken offline and back: `python -m bench.offline`, in a real Chromium.

Some while it is offline, some right after, some before a reload without a network, and not always is it given the
time to send all before it goes again. Every call must be stored once, in the order in which it was saved. `--control`
has the calls swallowed, then doubled on their way to the desk: each must show. What becomes of calls while the web
process is killed: bench.struck.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, Self

import httpx
from playwright.sync_api import expect, sync_playwright

from farmaflux_desk.supervisor import procfile
from tests.comms.receivers import free_port

PATIENCE = 120.0  # seconds until the last call must have arrived
COPIED = """async () => {
    while (!(await caches.match("/desk/calls/", { cacheName: "desk-page" }))) {
        await new Promise((done) => setTimeout(done, 50));
    }
}"""


def wrong(saved: list[str], stored: list[str]) -> list[str]:
    """What is wrong with *stored*, callers in the order of their rows, by what was *saved* one after the other."""
    found = []
    if lost := len(set(saved) - set(stored)):
        found.append(f"{lost} lost")
    if doubled := len(stored) - len(set(stored)):
        found.append(f"{doubled} doubled")
    first = list(dict.fromkeys(stored))
    if first != [caller for caller in saved if caller in first]:
        found.append("not in order")
    return found


class Web:
    """The web process of the Procfile."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._environment = os.environ | {"PORT": str(port), "GRANIAN_HOST": "127.0.0.1"}
        self._command = procfile(Path("Procfile"), self._environment)["web"]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            process_group=0,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not self.answers():
            time.sleep(0.02)

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/livez", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def sign_in() -> str:
    """The session of an agent."""
    from django.test import Client

    from accounts.roles import Role
    from tests import factories

    client = Client()
    client.force_login(factories.user(Role.AGENT, username="agent"))
    return client.cookies["sessionid"].value


def callers() -> list[str]:
    from tickets.models import Contact

    return list(Contact.objects.order_by("pk").values_list("caller_text", flat=True))


def empty() -> None:
    from django.core.management import call_command

    call_command("flush", verbosity=0, interactive=False)


def swallow(route: Any) -> None:
    route.fulfill(status=200, content_type="text/html", body="")


def double(route: Any) -> None:
    key = dict(pair.split("=", 1) for pair in route.request.post_data.split("&"))["key"]
    route.fetch(post_data=route.request.post_data.replace(key, str(uuid.uuid4())))
    route.continue_()


def save(page: Any, caller: str) -> None:
    page.locator("#caller").fill(caller)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#caller")).to_have_value("")


def taken_offline(web: Web, times: int, chance: random.Random, fault: Any = None) -> tuple[str, list[str]]:
    empty()
    session = sign_in()
    told: list[str] = []
    reloaded = 0
    with web, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": web.address}])
        page.goto(f"{web.address}/desk/calls/")
        page.evaluate(COPIED)
        if fault:
            page.route("**/desk/calls/log/", fault)
        for _ in range(times):
            page.context.set_offline(True)
            for _ in range(chance.randint(1, 3)):
                told.append(f"call {len(told)}")
                save(page, told[-1])
                if chance.random() < 0.3:
                    reloaded += 1
                    page.reload()
            page.context.set_offline(False)
            if chance.random() < 0.7:  # else it goes again before all is sent
                _await_empty(page)
            told.append(f"call {len(told)}")
            save(page, told[-1])
        _await_empty(page)
        browser.close()
    what = f"browser offline and back {times} times, reloaded {reloaded} times meanwhile, {len(told)} calls"
    return what, wrong(told, callers())


def _await_empty(page: Any) -> None:
    """Until the page itself is back and nothing waits in it."""
    for wanted, count in (("body:not([data-kept])", 1), (".is-queued", 0)):
        expect(page.locator(wanted)).to_have_count(count, timeout=PATIENCE * 1000)


def main(times: int, seed: int) -> int:
    print(f"--seed {seed}", flush=True)
    what, found = taken_offline(WEB, times, random.Random(seed))
    print(what, *(found or ["each stored once, in order"]), sep="; ")
    return len(found)


def control(seed: int) -> int:
    unnoticed = 0
    for expected, fault in (("lost", swallow), ("doubled", double)):
        what, found = taken_offline(WEB, 1, random.Random(seed), fault)
        noticed = any(expected in each for each in found)
        unnoticed += not noticed
        print(what, f"{expected}: {'noticed' if noticed else 'WENT UNNOTICED'}", sep="; ", flush=True)
    return unnoticed


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=50, help="how often it goes offline")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--control", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DESK_DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "farmaflux_desk.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright keeps an event loop in this thread
        }
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        WEB = Web(free_port())
        sys.exit(bool(control(given.seed) if given.control else main(given.times, given.seed)))
