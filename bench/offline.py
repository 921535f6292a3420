"""Calls while the desk comes and goes: `python -m bench.offline`, with PostgreSQL through `python -m tests.servers`.

The web process, as the Procfile starts it, is killed (SIGKILL) again and again while agents save calls without a pause;
each goes on as its browser would: what was not answered is sent again under its key. Then a real Chromium is taken
offline and back, sometimes reloaded meanwhile, while calls are saved in it. Every acknowledged call must be stored
once, each agent's in order. `--control` gives every repetition a key of its own, takes silence for an answer, and has
the browser's calls swallowed or doubled on the way: each must show.
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
from collections import Counter
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

import httpx
from playwright.sync_api import expect, sync_playwright

from farmaflux_desk.supervisor import procfile
from tests.comms.receivers import free_port

AGENTS = 12
IN_PEACE = 0.6  # seconds, at most, from when the desk answers until it is killed
PATIENCE = 120.0  # seconds until the last call must have arrived
COPIED = """async () => {
    while (!(await caches.match("/desk/calls/", { cacheName: "desk-page" }))) {
        await new Promise((done) => setTimeout(done, 50));
    }
}"""


def wrong(told: dict[str, list[str]], stored: list[str]) -> list[str]:
    """What is wrong with *stored*, callers in the order of their rows; *told*: what each agent was told is saved."""
    found = []
    acknowledged = [caller for callers in told.values() for caller in callers]
    if lost := len(set(acknowledged) - set(stored)):
        found.append(f"{lost} lost")
    if doubled := sum(number - 1 for number in Counter(stored).values()):
        found.append(f"{doubled} doubled")
    place = {caller: at for at, caller in reversed(list(enumerate(stored)))}
    for agent, callers in told.items():
        places = [place[caller] for caller in callers if caller in place]
        if places != sorted(places):
            found.append(f"those of {agent} are out of order")
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


def sign_in(number: int) -> str:
    """The session of an agent of her own."""
    from django.test import Client

    from accounts.roles import Role
    from tests import factories

    client = Client()
    client.force_login(factories.user(Role.AGENT, username=f"agent-{number}"))
    return client.cookies["sessionid"].value


class Agent:
    """Saves one call after the other, each until it is answered; *control* names what she does wrongly."""

    def __init__(self, web: Web, number: int, control: str) -> None:
        self.name = f"agent {number}"
        self.told: list[str] = []
        self._control = control
        self._address = f"{web.address}/desk/calls/log/"
        token = "t" * 32
        self._client = httpx.Client(
            cookies={"sessionid": sign_in(number), "csrftoken": token},
            headers={"X-CSRFToken": token, "HX-Request": "true"},
            timeout=5,
        )

    def work(self, stop: Event) -> None:
        while not stop.is_set():
            self.save(f"{self.name}, call {len(self.told)}")

    def save(self, caller: str) -> None:
        row = {"key": str(uuid.uuid4()), "channel": "phone", "caller": caller}
        while not self._is_saved(row):
            if self._control == "new keys":
                row["key"] = str(uuid.uuid4())
            time.sleep(0.05)
        self.told.append(caller)

    def _is_saved(self, row: dict[str, str]) -> bool:
        try:
            status = self._client.post(self._address, data=row).status_code
        except httpx.TransportError:
            return self._control == "silence"
        assert status in (200, 503), status
        return status == 200


def callers() -> list[str]:
    from tickets.models import Contact

    return list(Contact.objects.order_by("pk").values_list("caller_text", flat=True))


def empty() -> None:
    from django.core.management import call_command

    call_command("flush", verbosity=0, interactive=False)


def killed(web: Web, times: int, chance: random.Random, control: str = "") -> tuple[str, list[str]]:
    empty()
    agents = [Agent(web, number, control) for number in range(AGENTS)]
    stop = Event()
    threads = [Thread(target=agent.work, args=[stop]) for agent in agents]
    with web:
        for thread in threads:
            thread.start()
        for _ in range(times):
            time.sleep(chance.uniform(0, IN_PEACE))
            web.kill()
            web.start()
        stop.set()
        for thread in threads:
            thread.join()
    told = {agent.name: agent.told for agent in agents}
    acknowledged = sum(map(len, told.values()))
    return f"web process killed {times} times, {acknowledged:,} calls acknowledged", wrong(told, callers())


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
    session = sign_in(0)
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
    return what, wrong({"the browser": told}, callers())


def _await_empty(page: Any) -> None:
    """Until the page itself is back and nothing waits in it."""
    for wanted, count in (("body:not([data-kept])", 1), (".is-queued", 0)):
        expect(page.locator(wanted)).to_have_count(count, timeout=PATIENCE * 1000)


def main(times: int, offline: int, seed: int) -> int:
    from django.db import connection

    print(f"{connection.display_name}, --seed {seed}", flush=True)
    chance = random.Random(seed)
    failed = 0
    for measured in (partial(killed, WEB, times, chance), partial(taken_offline, WEB, offline, chance)):
        what, found = measured()
        failed += len(found)
        print(what, *(found or ["each stored once, in order"]), sep="; ", flush=True)
    return failed


def control(seed: int) -> int:
    chance = random.Random(seed)
    measures = (
        ("doubled", partial(killed, WEB, 10, chance, "new keys")),
        ("lost", partial(killed, WEB, 3, chance, "silence")),
        ("lost", partial(taken_offline, WEB, 1, chance, swallow)),
        ("doubled", partial(taken_offline, WEB, 1, chance, double)),
    )
    unnoticed = 0
    for expected, measured in measures:
        what, found = measured()
        noticed = any(expected in each for each in found)
        unnoticed += not noticed
        print(what, f"{expected}: {'noticed' if noticed else 'WENT UNNOTICED'}", sep="; ", flush=True)
    return unnoticed


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--offline", type=int, default=50, help="how often the browser goes offline")
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
        sys.exit(bool(control(given.seed) if given.control else main(given.kills, given.offline, given.seed)))
