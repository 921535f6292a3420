"""A known caller from the pop to saved, in a real browser: `python -m bench.keys`.

The real server, the demonstration and 20,000 pharmacies. The telephone system tells that the agent has answered; she
presses F9 and Ctrl+Enter. Machine time is what lies between her keys and what she sees: from F9 until the caller's card
stands there, and from Ctrl+Enter until the saved call stands in the list. Needs Chromium.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

from bench.publish import ADDRESS, PASSWORD, PORT, wait_for
from farmaflux_desk.supervisor import Supervisor, procfile

CALLS = 30
PHARMACIES = 20_000
NUMBER = "3224000001"  # of the second of bench.crowd's pharmacies
# When each key went down, and when what it asks for first stood in the page.
WATCH = """() => {
  window.times = {};
  addEventListener("keydown", (event) => {
    if (event.key === "F9") window.times.taken = performance.now();
    if (event.key === "Enter" && event.ctrlKey) window.times.sent = performance.now();
  }, { capture: true });
  new MutationObserver(() => {
    const { times } = window;
    if (times.taken && !times.chosen && document.getElementById("chosen")) times.chosen = performance.now();
    if (times.sent && !times.saved && document.querySelector("#latest-rows .is-fresh")) times.saved = performance.now();
  }).observe(document.body, { childList: true, subtree: true });
}"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Supervisor() as processes:
        environment = os.environ | {
            "DESK_DATA_DIR": folder,
            "PORT": str(PORT),
            "DESK_DEMO_PASSWORD": PASSWORD,
            "DJANGO_SETTINGS_MODULE": "farmaflux_desk.settings",
        }
        for command in (
            ["manage.py", "migrate", "-v0"],
            ["manage.py", "demo", "load", "--live"],
            ["-m", "bench.crowd", str(PHARMACIES), "1000"],
            ["manage.py", "collectstatic", "--noinput", "-v0"],
        ):
            subprocess.run([sys.executable, *command], env=environment, check=True, stdout=subprocess.DEVNULL)
        token = subprocess.run(
            [sys.executable, "-m", "bench.keys", "intake"],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()[-1]
        processes.start("web", procfile(Path("Procfile"), environment)["web"], environment)
        wait_for(httpx.Client(base_url=ADDRESS))
        _report(_journeys(token))


def intake() -> None:
    """An entrance for the telephone system's events, and the agent's extension; prints the token."""
    import django

    django.setup()
    from accounts.models import IntakeKind, User
    from accounts.operations import open_intake

    User.objects.filter(username="agent").update(extension="101")
    _intake, token = open_intake(kind=IntakeKind.TELEPHONE, name="bench")
    print(token)


def _journeys(token: str) -> list[dict[str, float]]:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright, httpx.Client(base_url=ADDRESS) as telephone:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(locale="fr-BE", viewport={"width": 1366, "height": 768})
        page.goto(f"{ADDRESS}/accounts/login/")
        page.fill("[name=login]", "agent")
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/desk/calls/**")
        page.evaluate(WATCH)
        taken = [_once(page, telephone, token, number) for number in range(CALLS)]
        browser.close()
    return taken


def _once(page: Page, telephone: httpx.Client, token: str, number: int) -> dict[str, float]:
    event: dict[str, Any] = {"event": "answer", "from": NUMBER, "to": "1", "direction": "in"}
    event |= {"callId": f"c{number}", "answeringNumber": "101"}
    assert telephone.post(f"/intake/cti/{token}", json=event).status_code == 204
    page.wait_for_selector("#offer [data-tel]")
    page.evaluate(
        "document.querySelectorAll('#latest-rows tr').forEach((row) => row.classList.remove('is-fresh'))"
    )
    page.evaluate("window.times = {}")
    page.keyboard.press("F9")
    _wait_for(page, "chosen")
    page.keyboard.press("Control+Enter")
    _wait_for(page, "saved")
    times: dict[str, float] = page.evaluate("window.times")
    return {"card": times["chosen"] - times["taken"], "saved": times["saved"] - times["sent"]}


def _wait_for(page: Page, moment: str) -> None:
    """Asked from outside: the page's policy lets nothing in it evaluate text, a poll of Playwright's neither."""
    for _ in range(600):
        if page.evaluate(f"window.times.{moment}"):
            return
        page.wait_for_timeout(50)
    raise SystemExit(f"Half a minute, and nothing is {moment}.")


def _report(taken: list[dict[str, float]]) -> None:
    rows = {name: sorted(each[name] for each in taken) for name in ("card", "saved")}
    rows["both"] = sorted(sum(each.values()) for each in taken)
    print(f"2 keystrokes from the pop to saved, {len(taken)} calls; milliseconds of machine time:")
    for name, values in rows.items():
        worst = values[len(values) * 95 // 100]
        print(f"  {name:6} median {statistics.median(values):6.1f}, p95 {worst:6.1f}", flush=True)


if __name__ == "__main__":
    intake() if sys.argv[1:] == ["intake"] else main()
