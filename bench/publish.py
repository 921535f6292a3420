"""From the click on "publish" to the message on the page, over HTTP: `python -m bench.publish`.

The real server with its front, the demonstration of 1 July 2022 beside 50, 500 and 5,000 past incidents, on SQLite
and, run through `python -m tests.servers --durable`, on PostgreSQL, each in a database of its own. A reader asks for
the page as soon as the answer is there.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import httpx
import psycopg
from psycopg import sql

from bench.history import BODY, MESSAGES
from farmaflux_desk.supervisor import Supervisor, procfile

HERE = Path(__file__).resolve().parents[1]
HISTORIES = (50, 500, 5000)
INCIDENTS = 12  # of as many messages each as the past ones have; the first incident is not counted
PORT = 8199
ADDRESS = f"http://127.0.0.1:{PORT}"
PATIENCE = 60  # seconds for an answer: what takes long is measured, not given up
PASSWORD = "measured-in-the-dark"  # of a demonstration that lives for minutes


class Form(HTMLParser):
    """The fields of a page, as a browser would send them; of radio buttons none of which is checked the first.

    checked: the boxes that are, each name with all its values.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.checked: dict[str, list[str]] = {}
        self._area: str | None = None
        self._select: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        name = found.get("name", "")
        match tag, found.get("type", "text"):
            case "input", "radio" if "checked" in found or name not in self.fields:
                self.fields[name] = found["value"]
            case "input", "checkbox" if "checked" in found:
                self.checked.setdefault(name, []).append(found.get("value", "on"))
            case "input", "hidden" | "text" | "time" if name:
                self.fields[name] = found.get("value", "")
            case "textarea", _:
                self._area = name
                self.fields[name] = ""
            case "select", _:
                self._select = name
            case "option", _ if self._select and ("selected" in found or self._select not in self.fields):
                self.fields[self._select] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data


def empty_database(server: str, name: str) -> str:
    """The address of a new database beside the one at *server*."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{server.rpartition('/')[0]}/{name}"


@contextmanager
def desk(folder: Path, past: int, *, checkout: Path = HERE, port: int = PORT) -> Iterator[dict[str, str]]:
    """A desk of *checkout*, with so many past incidents, served at *port*; its environment.

    By the Python of its own .venv where it has one.
    """
    environment = os.environ | {
        "DESK_DATA_DIR": str(folder),
        "PORT": str(port),
        "DESK_DEMO_PASSWORD": PASSWORD,
        "DJANGO_SETTINGS_MODULE": "farmaflux_desk.settings",
    }
    if server := os.environ.get("DATABASE_URL"):
        environment["DATABASE_URL"] = empty_database(server, f"past_{past}_{port}")
    for command in (
        ["manage.py", "migrate", "-v0"],
        ["manage.py", "demo", "load", "--live"],
        ["-m", "bench.history", str(past)],
        ["manage.py", "publish_status"],
        ["manage.py", "collectstatic", "--noinput", "-v0"],
    ):
        run(command, environment, checkout)
    web = procfile(checkout / "Procfile", environment)["web"]
    web[0] = str(python_of(checkout).with_name(Path(web[0]).name))
    with Supervisor() as processes:
        processes.start("web", ["env", "-C", str(checkout), *web], environment)
        yield environment


def run(command: list[str], environment: Mapping[str, str], checkout: Path) -> None:
    """By the Python of *checkout*, there."""
    subprocess.run(
        [python_of(checkout), *command], cwd=checkout, env=environment, check=True, stdout=subprocess.DEVNULL
    )


def python_of(checkout: Path) -> Path:
    own = checkout / ".venv" / "bin" / "python"
    return own if own.exists() else Path(sys.executable)


def wait_for(client: httpx.Client) -> None:
    """Until the desk answers; at most half a minute."""
    for _ in range(300):
        try:
            client.get("/livez")
            break
        except httpx.TransportError:
            time.sleep(0.1)


def sign_in(client: httpx.Client) -> None:
    client.headers["Referer"] = str(client.base_url)
    wait_for(client)
    form = Form(client.get("/accounts/login/").text).fields
    answer = client.post("/accounts/login/", data=form | {"login": "comms", "password": PASSWORD})
    assert answer.status_code == 302, "nobody signed in"


def measure(client: httpx.Client, reader: httpx.Client, environment: dict[str, str]) -> list[float]:
    """Milliseconds from sending the form to having read the message, of each message."""
    taken = []
    for number in range(INCIDENTS):
        public_id = next_incident(client, environment, HERE)
        taken += [once(client, reader, public_id, f"Mesure {number} {each}") for each in range(MESSAGES)]
    return taken[MESSAGES:]


def next_incident(client: httpx.Client, environment: Mapping[str, str], checkout: Path) -> str:
    """What is open is over, another begins: its public id."""
    run(["-m", "bench.history", "next"], environment, checkout)
    return client.get("/desk/messages/").text.split("/draft/")[0].rpartition("/")[2]


def once(client: httpx.Client, reader: httpx.Client, public_id: str, mark: str) -> float:
    token = client.cookies.get("csrftoken", "")
    client.post(f"/desk/messages/{public_id}/draft/", data={"csrfmiddlewaretoken": token})
    page = Form(client.get(f"/desk/messages/{public_id}/").text)
    form: dict[str, str | list[str]] = {**page.fields, **page.checked}
    form |= {f"body_{language}": body for language, body in BODY.items()}
    form |= {f"title_{language}": mark for language in BODY} | {"action": "publish"}
    began = time.perf_counter()
    answer = client.post(f"/desk/messages/{public_id}/", data=form)
    assert answer.status_code == 302, "the message was refused"
    while mark not in reader.get("/fr/").text:
        pass
    return (time.perf_counter() - began) * 1000


def main() -> None:
    database = "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite"
    medians = {}
    with tempfile.TemporaryDirectory() as folder:
        for past in [int(each) for each in sys.argv[1:]] or HISTORIES:
            medians[past] = median_beside(past, Path(folder) / str(past), database)
    first, last = min(medians), max(medians)
    print(f"{database}: {medians[last] / medians[first]:.2f} times from {first} to {last}")


def median_beside(past: int, folder: Path, database: str) -> float:
    with (
        desk(folder, past) as environment,
        httpx.Client(base_url=ADDRESS, timeout=PATIENCE) as client,
        httpx.Client(base_url=ADDRESS, timeout=PATIENCE) as reader,
    ):
        sign_in(client)
        taken = sorted(measure(client, reader, environment))
    median, worst = statistics.median(taken), taken[int(len(taken) * 0.99)]
    print(f"{database}, {past:5} past incidents: median {median:5.1f} ms, p99 {worst:5.1f} ms", flush=True)
    return median


if __name__ == "__main__":
    main()
