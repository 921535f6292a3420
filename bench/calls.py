"""What the agents' pages cost with a thousand and with a million contacts: `python -m bench.calls`.

On SQLite and, run through `python -m tests.servers`, on PostgreSQL; `python -m bench.calls 1000 1000000` are the sizes.
A demonstration with 20,000 pharmacies beside it, the contacts on past incidents. Times are those of the server: from
the request to the finished answer, middleware and templates included, without a network.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SIZES = (1_000, 1_000_000)
PHARMACIES = 20_000
LOOKUPS = 400
EACH = 25
PAGES = (
    "calls/",
    "calls/?incident=",
    "calls/latest/",
    "calls/say/?language=nl",
    "contacts/",
    "contacts/?incident=none",
    "contacts/?unattached=on",
    "contacts/?mine=on",
    "contacts/?text=vandenbroeck",
    "callbacks/",
    "callbacks/?closed=on",
    "pharmacies/",
    "pharmacies/?q=vandenbroeck",
    "header/",
    "urgent/",
    "mail/",
    "phones/",
    "pressure/",
    "wall/",
    "messages/",
    "plan/",
    "incidents/",
    "incidents/alerts/",
    "maintenance/",
)
FLAT = 1.2  # of the largest size beside the smallest
UNFELT = 3.0  # milliseconds by which a page may grow whatever the ratio: the clock's own noise on a quick one


def main() -> None:
    if sys.argv[1:2] == ["measure"]:
        Path(sys.argv[3]).write_text(json.dumps(measure(sys.argv[2])))
        return
    sizes = [int(each) for each in sys.argv[1:]] or list(SIZES)
    work: dict[int, dict[str, float]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {
                "DESK_DATA_DIR": folder,
                "DJANGO_SETTINGS_MODULE": "farmaflux_desk.settings",
            }
            if "DATABASE_URL" in os.environ:  # one database of the server for each size
                environment["DATABASE_URL"] = _fresh(os.environ["DATABASE_URL"], f"calls_{size}")
            for command in (
                ["manage.py", "migrate", "-v0"],
                ["manage.py", "demo", "load", "--live"],
                ["-m", "bench.crowd", str(PHARMACIES), str(size)],
                ["manage.py", "collectstatic", "--noinput", "-v0"],
            ):
                subprocess.run(
                    [sys.executable, *command], env=environment, check=True, stdout=subprocess.DEVNULL
                )
            subprocess.run(
                [sys.executable, "-m", "bench.calls", "measure", str(size), f"{folder}/work.json"],
                env=environment,
                check=True,
            )
            work[size] = json.loads(Path(folder, "work.json").read_text())
    if len(sizes) > 1:
        _compare(work[sizes[0]], work[sizes[-1]])


def _compare(few: dict[str, float], many: dict[str, float]) -> None:
    """Medians of the process's work, the most grown first."""
    ratios = sorted(((many[page] / few[page], page) for page in few), reverse=True)
    grown = [
        f"{page} {ratio:.2f}" for ratio, page in ratios if ratio > FLAT and many[page] - few[page] > UNFELT
    ]
    middle = statistics.median(ratio for ratio, _page in ratios)
    print(f"  from the fewest to the most contacts: median {middle:.2f} times, at most {ratios[0][0]:.2f}")
    print(f"  not flat: {', '.join(grown) or 'none'}")


def measure(size: str) -> dict[str, float]:
    """By page, the median of the process's work in milliseconds."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from accounts.models import User

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(User.objects.get(username="agent"))

    def ask(address: str) -> None:
        answer = client.get(f"/desk/{address}")
        assert answer.status_code == 200, f"{address}: {answer.status_code}"

    def counted(address: str) -> int:
        asked: list[str] = []

        def note(execute: Callable[..., object], sql: str, *rest: object) -> object:
            asked.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(note):
            ask(address)
        return len(asked)

    print(f"{connection.vendor}, {int(size):,} contacts, {PHARMACIES:,} pharmacies")
    ask("calls/lookup/?caller=zzzz")  # the words of all are read once
    lookups = [_taken(ask, f"calls/lookup/?caller={text}") for text in _typed()]
    work = {"lookup": _print(f"{LOOKUPS} lookups", lookups)}
    rows = _of_rows()
    for page, name in (*((page, page) for page in PAGES), *rows.items()):
        queries = counted(page)
        work[name] = _print(f"{page}, {queries} queries", [_taken(ask, page) for _ in range(EACH)])
    return work


def _taken(ask: Callable[[str], None], address: str) -> tuple[float, float]:
    """Milliseconds on the clock, and of this process's work alone, which others on the machine do not stretch."""
    clock, work = time.perf_counter(), time.process_time()
    ask(address)
    return (time.perf_counter() - clock) * 1000, (time.process_time() - work) * 1000


def _print(what: str, taken: list[tuple[float, float]]) -> float:
    """The median of the work."""
    figures = []
    for name, values in zip(("clock", "work"), zip(*taken, strict=True), strict=True):
        inorder = sorted(values)
        p95 = inorder[min(len(inorder) * 95 // 100, len(inorder) - 1)]
        figures.append(f"{name} median {statistics.median(inorder):6.1f} p95 {p95:6.1f} ms")
    print(f"  {what:45} {'; '.join(figures)}", flush=True)
    return statistics.median(work for _clock, work in taken)


def _typed() -> list[str]:
    """What agents type, letter by letter: names, towns, numbers, some of them wrong."""
    from tickets.models import Pharmacy, PharmacyPhone

    random.seed(1)
    texts: list[str] = []
    while len(texts) < LOOKUPS:
        place = Pharmacy.objects.order_by("pk")[random.randrange(PHARMACIES)]
        word = random.choice(place.name.split()[1:] or [place.name])
        number = (
            PharmacyPhone.objects.filter(pharmacy=place).values_list("raw", flat=True).first()
            or "02 555 12 12"
        )
        wrong = random.randrange(1, max(len(word), 2))
        texts += [
            word[:3],
            word,
            f"{word} {place.town[:4]}",
            place.name[:14],
            place.postcode,
            number,
            number[:7],
            place.apb_number[:6],
            place.town,
            word[:wrong] + word[wrong + 1 :] + " " + place.town[:5],
        ]
    return texts[:LOOKUPS]


def _of_rows() -> dict[str, str]:
    """Pages of one row each, and what they are called at every size."""
    from incidents.models import Incident
    from tickets.models import Contact, Pharmacy

    incident = Incident.objects.open().first()
    contact = Contact.objects.exclude(pharmacy=None).order_by("pk").first()
    pharmacy = Pharmacy.objects.order_by("pk").first()
    assert incident
    assert contact
    assert pharmacy
    return {
        f"contacts/{contact.pk}/": "contact",
        f"pharmacies/{pharmacy.pk}/": "pharmacy",
        f"incidents/{incident.public_id}/": "room",
        f"callers/{incident.public_id}/": "callers",
    }


def _fresh(url: str, name: str) -> str:
    import psycopg

    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'create database "{name}"')
    return url.rpartition("/")[0] + f"/{name}"


if __name__ == "__main__":
    main()
