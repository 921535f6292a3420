"""Checks that nobody changed, removed or moved an entry of a timeline."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from incidents import timeline
from incidents.models import Entry, Incident


class Command(BaseCommand):
    help = (
        "Checks every timeline's hash chain and prints each incident's head: public id, number of entries, hash. "
        "Keep that output elsewhere and give it to --expect later: an entry cut off at the end shows only so. "
        "Exit status 1 when a chain does not hold."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--expect",
            type=Path,
            metavar="FILE",
            help="Output of an earlier run: those entries must still be there.",
        )

    def handle(self, *, expect: Path | None, **options: Any) -> None:
        broken = 0
        noted = _noted(expect) if expect else {}
        for incident in Incident.objects.order_by("pk"):
            length = incident.entries.count()
            self.stdout.write(f"{incident.public_id} {length} {timeline.head(incident)}")
            messages = [problem.message for problem in timeline.verify(incident)]
            messages += _differences(incident, noted.pop(incident.public_id, None))
            for message in messages:
                self.stderr.write(f"{incident.public_id}: {message}")
            broken += bool(messages)
        for public_id in noted:
            self.stderr.write(f"{public_id}: the incident is gone")
        broken += len(noted)
        if broken:
            raise CommandError(f"{broken} timeline(s) do not hold.", returncode=1)


def _noted(path: Path) -> dict[str, tuple[int, str]]:
    """Public id → how many entries there were, and the hash of the last."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.", returncode=2) from error
    noted = {}
    for number, line in enumerate(lines, start=1):
        match line.split():
            case []:
                continue
            case [public_id, length, head] if length.isdecimal():
                noted[public_id] = (int(length), head)
            case _:
                raise CommandError(
                    f"{path}, line {number}: not a public id, a number of entries and a hash.", returncode=2
                )
    return noted


def _differences(incident: Incident, noted: tuple[int, str] | None) -> list[str]:
    if noted is None:
        return []
    length, head = noted
    then = Entry.objects.filter(incident=incident, sequence=length).values_list("hash", flat=True).first()
    if then is None:
        return [f"cut off: there were {length} entries, now {incident.entries.count()}"]
    return [] if then == head else [f"rewritten: entry {length} is another than the one noted"]
