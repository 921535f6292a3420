from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from comms.status import site


class Command(BaseCommand):
    help = "Render the public status site from the database and put it in place."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--even-if-older",
            action="store_true",
            help="Also when the site shows a newer revision: after the database was set back.",
        )
        parser.add_argument(
            "--above",
            type=int,
            default=0,
            metavar="NUMBER",
            help="Give a higher number than this: after the folder was lost, while a mirror or a bucket was not.",
        )

    def handle(self, *args: Any, even_if_older: bool, above: int, **options: Any) -> None:
        publication = site.renew(even_if_older=even_if_older, all_anew=True, above=above)
        publication = site.archive_if_due() or publication
        site.clear_away()
        self.stdout.write(f"Publication {publication.number} shows revision {publication.revision}.")
