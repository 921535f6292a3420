"""`manage.py demo load` and `manage.py demo reset`: 1 July 2022."""

import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.refusals import Refused
from farmaflux_desk.demo.operations import load, reset

PASSWORD = "black-friday"  # noqa: S105 -- published, so only for a desk that nobody else can reach
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Command(BaseCommand):
    help = "Load the demonstration, 1 July 2022, into an empty database, or reset a database that holds it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["load", "reset"])
        when = parser.add_mutually_exclusive_group()
        when.add_argument(
            "--live",
            action="store_true",
            default=None,
            help="Moved so that it is 15:20 of that day now, with the outage open.",
        )
        when.add_argument(
            "--history",
            action="store_false",
            dest="live",
            help="The whole day at its own times (the default of load; reset keeps what there was).",
        )

    def handle(self, *args: Any, action: str, live: bool | None, **options: Any) -> None:
        password = os.environ.get("DESK_DEMO_PASSWORD", "")
        if not password and urlsplit(settings.DESK_BASE_URL).hostname not in LOOPBACK:
            raise CommandError(
                f"Others can reach {settings.DESK_BASE_URL}: give the accounts a password in DESK_DEMO_PASSWORD."
            )
        try:
            if action == "load":
                load(live=bool(live), password=password or PASSWORD)
            else:
                reset(live=live, password=password or PASSWORD)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write("The demonstration is loaded.")
