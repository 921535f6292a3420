"""`manage.py relay`: what happens by itself, in one process and without a broker."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from farmaflux_desk.jobs import jobs
from farmaflux_desk.runner import Runner, close_connections, wait_for_connections


class Command(BaseCommand):
    help = "Send what is owed and keep the status site current, until SIGTERM or Ctrl-C. Any number may run."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        wait_for_connections()
        runner = Runner(jobs("relay"))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, runner.stop)
        runner.run()
        close_connections()
