"""The crisis-communication plan the desk comes with (crisis_communication_plan.yaml), as rows not yet stored."""

from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Any

import yaml

from accounts.languages import Language
from comms.models import PlanStep, PlanTemplate

FILE = Path(__file__).parent / "crisis_communication_plan.yaml"
FIELD_OF = {
    "offset": "offset_minutes",
    "latest": "latest_minutes",
    "repeat": "repeat_minutes",
    "first": "repeat_first_minutes",
    "first_for": "repeat_first_for_minutes",
}


def standard_plan() -> tuple[PlanTemplate, list[PlanStep]]:
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    template = PlanTemplate(key=content["key"], name=content["name"])
    return template, [_step(template, row) for row in content["steps"]]


def _step(template: PlanTemplate, row: Mapping[str, Any]) -> PlanStep:
    due = {FIELD_OF.get(name, name): value for name, value in row["due"].items()}
    if "at" in due:
        due["wall_clock"] = time.fromisoformat(due.pop("at"))
    texts = {
        f"{part}_{language}": row[part][language]
        for part in ("title", "condition", "channel")
        for language in Language
        if language in row[part]
    }
    return PlanStep(
        template=template,
        number=row["number"],
        phase=row["phase"],
        owners=row["owners"],
        when=row.get("when", []),
        evidence=row.get("evidence", []),
        publishes=row.get("publishes", False),
        briefs=row.get("briefs", False),
        message_template=row.get("message", ""),
        audiences=row.get("audiences", []),
        **texts,
        **due,
    )
