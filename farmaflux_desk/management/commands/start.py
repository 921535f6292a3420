"""`make run`: the whole desk on one machine."""

import http.client
import os
import socket
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection, connections

from accounts.models import User
from farmaflux_desk.supervisor import Ended, Supervisor, procfile

HOST = "127.0.0.1"  # demonstration accounts have a published password: nobody else may reach them
PROCESSES = ("web", "relay")
ACCOUNTS = ("agent", "comms", "lead", "admin", "observer")


class Command(BaseCommand):
    help = "Prepare the database and run web and relay until Ctrl-C; a first start loads the demonstration."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--with-parent", action="store_true", help="Stop when the calling process does.")

    def handle(self, *args: Any, with_parent: bool, **options: Any) -> None:
        parent = os.getppid() if with_parent else None
        try:
            self._claim_port()
            self._prepare()
            ended = self._run(parent)
        except KeyboardInterrupt:
            return
        if ended:
            raise CommandError(
                f"{ended.name} ended by itself (code {ended.code}), so everything was stopped."
            )
        self.stdout.write("Stopped.")

    def _claim_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, settings.PORT))
            except OSError as error:
                raise CommandError(
                    f"Port {settings.PORT} cannot be used ({error.strerror}). Choose another: PORT=8001 make run"
                ) from None

    def _prepare(self) -> None:
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(f"The database of DATABASE_URL does not answer: {error}") from None
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        if not User.objects.exists():
            self.stdout.write("Loading the demonstration: 1 July 2022")
            self.stdout.flush()
            call_command("demo", "load", live=True)
        self.accounts = list(
            User.objects.filter(username__in=ACCOUNTS).order_by("pk").values_list("username", flat=True)
        )
        connections.close_all()

    def _run(self, parent: int | None) -> Ended | None:
        environment = os.environ | {"PORT": str(settings.PORT), "GRANIAN_HOST": HOST}
        commands = procfile(settings.BASE_DIR / "Procfile", environment)
        with Supervisor() as supervisor:
            for name in PROCESSES:
                supervisor.start(name, commands[name], environment)
            return supervisor.wait(ready=_answers, announce=self._announce, parent=parent)

    def _announce(self) -> None:
        lines = [
            f"FarmaFlux Desk runs at {settings.DESK_BASE_URL}/desk/, the status page at {settings.DESK_STATUS_URL}/"
        ]
        if self.accounts:
            password = os.environ.get("DESK_DEMO_PASSWORD", "black-friday")
            lines.append(f"Sign in as {', '.join(self.accounts)}; password {password}")
        lines.append("Ctrl-C stops it.")
        self.stdout.write("\n".join(["", *lines, ""]))
        self.stdout.flush()


def _answers() -> bool:
    web = http.client.HTTPConnection(HOST, settings.PORT, timeout=1)
    try:
        web.request("HEAD", "/")
        web.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    else:
        return True
    finally:
        web.close()
