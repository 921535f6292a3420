"""Runs a command with a PostgreSQL and a Redis of its own on free ports, which end with it.

`python -m tests.servers [--durable] COMMAND…`: DATABASE_URL and REDIS_URL tell the command where they are. PostgreSQL
waits for no disk unless *durable*, as where something is measured.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from farmaflux_desk.supervisor import Supervisor

PACKAGES = "On Debian: apt-get install postgresql redis-server"
UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def main(command: list[str]) -> int:
    durable = command[:1] == ["--durable"]
    with tempfile.TemporaryDirectory(prefix="desk-servers-") as folder, Supervisor() as servers:
        environment = os.environ | {
            "DATABASE_URL": _postgresql(servers, Path(folder), durable=durable),
            "REDIS_URL": _redis(servers, Path(folder)),
        }
        servers.start("command", command[durable:], environment)
        ended = servers.wait()
    if ended is None or ended.name != "command":
        print(
            "Stopped before its end." if ended is None else f"{ended.name} ended by itself.", file=sys.stderr
        )
        return 1
    return ended.code


def _postgresql(servers: Supervisor, folder: Path, *, durable: bool) -> str:
    initdb = _program("initdb")
    data, port = folder / "postgresql", _free_port()
    data.mkdir()
    become: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        shutil.chown(data, "postgres")
        become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    subprocess.run(
        [
            *become,
            initdb,
            "-D",
            data,
            "-U",
            "desk",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": folder,
        "max_connections": 200,
        "log_min_messages": "panic",
        **({} if durable else UNSAFE),
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    servers.start(
        "postgresql",
        [*become, str(Path(initdb).with_name("postgres")), "-D", str(data), *options],
        os.environ,
    )
    _await(port)
    return f"postgres://desk@127.0.0.1:{port}/postgres"


def _redis(servers: Supervisor, folder: Path) -> str:
    port = _free_port()
    options = (
        f"--port {port} --bind 127.0.0.1 --databases 64 --dir {folder} --logfile redis.log --save".split()
    )
    servers.start("redis", [_program("redis-server"), *options, ""], os.environ)
    _await(port)
    return f"redis://127.0.0.1:{port}/0"


def _program(name: str) -> str:
    """Debian keeps PostgreSQL's programs out of the PATH, one folder for each version."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which(name, path=os.pathsep.join([*map(str, folders), os.environ["PATH"]]))
    if not found:
        raise SystemExit(f"{name} is not installed. {PACKAGES}")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"Nothing answers on port {port} after half a minute.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
