"""The crisis-communication plan the desk comes with (crisis_communication_plan.yaml), as rows not yet stored."""

from pathlib import Path

from comms.models import PlanStep, PlanTemplate
from comms.plan.document import load

FILE = Path(__file__).parent / "crisis_communication_plan.yaml"


def standard_plan() -> tuple[PlanTemplate, list[PlanStep]]:
    content = load(FILE.read_text(encoding="utf-8"))
    template = PlanTemplate(key=content.key, kind=content.kind, **content.called)
    for step in content.steps:
        step.template = template
    return template, content.steps
