"""Prints docs/states.md from the transition tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import TextChoices

from comms.models.delivery import DELIVERY_TRANSITIONS
from incidents.models.states import MAINTENANCE_TRANSITIONS, PHASE_TRANSITIONS

HEAD = """# States

Drawn from the transition tables in the code: `manage.py states > docs/states.md`.
"""
TABLES: Mapping[str, Mapping[Any, Sequence[Any]]] = {
    "An incident's phase (`incidents/models/states.py`)": PHASE_TRANSITIONS,
    "Maintenance (`incidents/models/states.py`)": MAINTENANCE_TRANSITIONS,
    "A delivery (`comms/models/delivery.py`)": DELIVERY_TRANSITIONS,
}


class Command(BaseCommand):
    help = "Prints the state diagrams of docs/states.md (Mermaid)."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("\n".join([HEAD, *(_diagram(title, table) for title, table in TABLES.items())]))


def _diagram(title: str, table: Mapping[TextChoices, Sequence[TextChoices]]) -> str:
    first = next(iter(table))
    arrows = [
        f"    {before.value} --> {after.value}" for before, following in table.items() for after in following
    ]
    ends = [f"    {state.value} --> [*]" for state, following in table.items() if not following]
    lines = ["stateDiagram-v2", f"    [*] --> {first.value}", *arrows, *ends]
    return f"## {title}\n\n```mermaid\n" + "\n".join(lines) + "\n```\n"
