"""`manage.py install_plan`: what a new installation begins with: the crisis-communication plan, prepared messages."""

from typing import Any

from django.core.management.base import BaseCommand

from comms.operations import prepared, standard_plan


class Command(BaseCommand):
    help = "Store the crisis-communication plan and the prepared messages that the desk comes with; those stored stay."

    def handle(self, *args: Any, **options: Any) -> None:
        template = standard_plan.install()
        self.stdout.write(f"{template}: {template.steps.count()} steps.")
        self.stdout.write(f"{len(prepared.install())} prepared messages.")
