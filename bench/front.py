"""The status page's front beside nginx, a bare application and a Django view: `python -m bench.front`.

The demonstration's page in an outage, gzip, 64 connections, one core each for server and client, all in one run. Needs
Debian's wrk and nginx-light. All four are up at once and are asked in turn, so that whatever else this machine does
meets them alike; prints the median of the rounds' ratios, as what a second is worth changes from hour to hour.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import httpx

from farmaflux_desk.supervisor import procfile

PORT = 8188
CONNECTIONS, SECONDS, ROUNDS = 64, 3, 5
ADDRESS = f"http://127.0.0.1:{PORT}/fr/"
ACCEPT = {"Accept-Encoding": "gzip"}
TICK = os.sysconf("SC_CLK_TCK")


SERVERS = ("nginx", "front", "bare", "django")


class Server(NamedTuple):
    """group: of its processes; tag: the ETag of the page at *address*."""

    group: int
    address: str
    tag: str


class Load(NamedTuple):
    """per_second: answers; cpu: microseconds of the server's processor for each."""

    per_second: float
    cpu: float


def site(folder: Path) -> Path:
    """The demonstration, published."""
    environment = os.environ | {"DESK_DATA_DIR": str(folder / "data")}
    environment.pop("DATABASE_URL", None)
    for command in (["migrate", "-v0"], ["demo", "load", "--live"], ["publish_status"]):
        subprocess.run(
            [sys.executable, "manage.py", *command], env=environment, check=True, stdout=subprocess.DEVNULL
        )
    return folder / "data" / "status"


def nginx(folder: Path, root: Path, port: int = PORT) -> list[str]:
    deployed = Path("deploy/nginx.conf").read_text()
    (folder / "site.conf").write_text(
        deployed.replace("8080", str(port)).replace("/var/lib/farmaflux-desk/status", str(root))
    )
    user = "user root;" if os.geteuid() == 0 else ""
    paths = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"{user} worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error;"
        f"events {{}} http {{ access_log off; {paths} include {folder}/site.conf; }}"
    )
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "nginx is not installed (Debian: nginx-light)"
    return [program, "-e", f"{folder}/error", "-p", str(folder), "-c", f"{folder}/nginx.conf"]


def granian(port: int) -> list[str]:
    """As the Procfile runs it, with another application."""
    command = procfile(Path("Procfile"), {"PORT": str(port)})["web"]
    return [*command[:-1], "bench.apps:application"]


@contextmanager
def serving(name: str, port: int, folder: Path, root: Path) -> Iterator[Server]:
    """nginx or one of bench.apps, on the first core, each in a process group of its own."""
    environment = os.environ | {
        "BENCH_ROOT": str(root),
        "BENCH_APP": name,
        "DESK_DATA_DIR": str(folder / "data"),
        "DJANGO_SETTINGS_MODULE": "farmaflux_desk.settings",
    }
    environment.pop("DATABASE_URL", None)
    command = nginx(folder, root, port) if name == "nginx" else granian(port)
    process = subprocess.Popen(["taskset", "-c", "0", *command], env=environment, process_group=0)
    try:
        yield Server(process.pid, f"http://127.0.0.1:{port}/fr/", _tag(f"http://127.0.0.1:{port}/fr/"))
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def _tag(address: str) -> str:
    """The page's ETag, as soon as the server answers."""
    for _ in range(600):
        try:
            answer = httpx.get(address, headers=ACCEPT)
            if answer.status_code == 200:
                return str(answer.headers["ETag"])
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError(address)


def cpu(group: int) -> float:
    """Seconds of processor that the processes of *group* have used."""
    used = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            used += int(fields[11]) + int(fields[12])
    return used / TICK


def load(server: Server, headers: dict[str, str]) -> Load:
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    before = cpu(server.group)
    done = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", *given, server.address],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    requests = int(re.search(r"(\d+) requests in", done)[1])  # type: ignore[index]
    assert "Non-2xx" not in done or "If-None-Match" in headers, done
    return Load(requests / SECONDS, (cpu(server.group) - before) / requests * 1e6)


def measure(servers: dict[str, Server]) -> tuple[list[dict[str, Load]], list[dict[str, Load]]]:
    """Rounds of whole pages and of 304s; the first round, which warms, is left out."""
    whole, known = [], []
    for _ in range(ROUNDS + 1):
        whole.append({name: load(server, ACCEPT) for name, server in servers.items()})
        known.append(
            {name: load(each, ACCEPT | {"If-None-Match": each.tag}) for name, each in servers.items()}
        )
    return whole[1:], known[1:]


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        root = site(folder)
        folder.chmod(0o755)
        servers = {
            name: stack.enter_context(serving(name, PORT + n, folder, root)) for n, name in enumerate(SERVERS)
        }
        whole, known = measure(servers)
    for name in SERVERS:
        pages = [each[name] for each in whole]
        print(
            f"{name:7} {median(each.per_second for each in pages):8.0f}/s"
            f" {median(each.cpu for each in pages):6.1f} µs of CPU each"
            f"   304: {median(each[name].per_second for each in known):8.0f}/s"
            f"   front: {median(a['front'].per_second / a[name].per_second for a in whole):6.2f} times as many,"
            f" {median(a['front'].cpu / a[name].cpu for a in whole):.2f} of the CPU"
        )
    fresh = median(b["front"].per_second / a["front"].per_second for a, b in zip(whole, known, strict=True))
    print(f"the front's 304s: {fresh:.2f} times its whole pages")


if __name__ == "__main__":
    main()
