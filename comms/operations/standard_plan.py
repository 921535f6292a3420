"""The plan that the desk comes with, so that a new installation has one to start."""

from django.db import transaction
from django.utils import timezone

from comms.models import PlanStep, PlanTemplate, PlanVersion
from comms.plan.document import dump, names
from comms.plan.standard import standard_plan


@transaction.atomic
def install() -> PlanTemplate:
    """Store the standard plan; where it is stored already it is left as it was edited."""
    planned, steps = standard_plan()
    template, is_new = PlanTemplate.objects.get_or_create(
        key=planned.key, defaults={**names(planned), "kind": planned.kind}
    )
    if is_new:
        for step in steps:
            step.template = template
        PlanStep.objects.bulk_create(steps)
        PlanVersion.objects.create(
            template=template,
            revision=template.revision,
            text=dump(template, steps),
            saved_at=timezone.now(),
        )
    return template
