from collections.abc import Mapping, Sequence
from datetime import datetime

from django import template
from django.utils.translation import gettext as _

from comms.checks import Finding
from comms.forms.updates import FORM_FIELDS
from comms.models import Update
from comms.models.plan import Step

register = template.Library()


@register.filter
def title_for(update: Update, language: str) -> str:
    """The update's title for a reader of *language*."""
    text = update.text_in(language)
    return text.title if text else ""


@register.filter
def answered(detail: str) -> str:
    """What a delivery's attempt came to: our sentence translated, and below it the other side's own words."""
    reason, _newline, words = detail.partition("\n")
    return "\n".join(filter(None, [_(reason) if reason else "", words]))


@register.filter
def at_field(findings: Sequence[Finding], name: str) -> list[Finding]:
    """What the checks have to say beside the form's field *name*."""
    return [
        finding
        for finding in findings
        if finding.level != "ok" and FORM_FIELDS.get(finding.field, finding.field) == name
    ]


@register.filter
def anchor(finding: Finding) -> str:
    """The id of what the finding is about."""
    name = FORM_FIELDS.get(finding.field, finding.field)
    return {"services": "services", "next_choice": "id_next_choice_0"}.get(name, f"id_{name}")


@register.filter
def step_title(step: Step, language: str) -> str:
    return step.title_in(language)


@register.filter
def step_condition(step: Step, language: str) -> str:
    return step.condition_in(language)


@register.filter
def step_channel(step: Step, language: str) -> str:
    return step.channel_in(language)


@register.filter
def step_instructions(step: Step, language: str) -> str:
    return step.instructions_in(language)


@register.filter
def entry(of: Mapping[str, str], name: str) -> str:
    """What *of* holds under *name*; empty where it holds nothing."""
    return of.get(name, "") if of else ""


@register.filter
def same(one: object, other: object) -> bool:
    return one == other


@register.filter
def apart(one: datetime, other: datetime) -> str:
    """How far two moments lie apart: 45 min, 4 h 38 from two hours on, 3 d from two days on."""
    minutes = int(abs((one - other).total_seconds()) // 60)
    if minutes < 120:
        return _("%(n)d min") % {"n": minutes}
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d}"
    return _("%(n)d d") % {"n": minutes // (24 * 60)}
