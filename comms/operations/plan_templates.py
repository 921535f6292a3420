"""Plan templates: edited step by step or taken in as a file, each revision kept. Running plans keep what they froze."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.languages import REQUIRED_PUBLIC_LANGUAGES, Language
from accounts.models import User
from accounts.refusals import Refused
from comms import permissions
from comms.models import CrisisKind, MessageTemplate, PlanStep, PlanTemplate, PlanVersion
from comms.plan.document import Document, dump, load
from incidents.operations.sense import written

LONGEST_NAME: int = vars(PlanTemplate._meta.get_field("name_fr"))["max_length"]


@transaction.atomic
def create(
    *,
    key: UUID,
    names: Mapping[str, str],
    kind: CrisisKind,
    like: PlanTemplate | None = None,
    by: User,
    at: datetime | None = None,
) -> PlanTemplate:
    """Make a template, empty or with the steps of *like*; the same *key* gives the same one.

    *names* by language, French and Dutch required. Fields of refusals: name_<language>.
    """
    permissions.check_edit_plan(by)
    called = _called(names)
    template, is_new = PlanTemplate.objects.get_or_create(
        key=f"plan-{key.hex[:12]}", defaults={**called, "kind": kind}
    )
    if is_new:
        steps = list(like.steps.all()) if like else []
        _put_steps(template, steps)
        _keep(template, by=by, at=at)
    return template


@transaction.atomic
def rename(template: PlanTemplate, *, names: Mapping[str, str], kind: CrisisKind, by: User) -> PlanTemplate:
    """*names* by language, French and Dutch required. Fields of refusals: name_<language>."""
    permissions.check_edit_plan(by)
    called = _called(names)
    template.kind = kind
    for field, name in called.items():
        setattr(template, field, name)
    template.save(update_fields=[*called, "kind"])
    _count_edit(template, by=by)
    return template


def _called(names: Mapping[str, str]) -> dict[str, str]:
    return {
        f"name_{language}": written(
            names.get(language, ""),
            most=LONGEST_NAME,
            field=f"name_{language}",
            required=language in REQUIRED_PUBLIC_LANGUAGES,
        )
        for language in Language
    }


@transaction.atomic
def remove(template: PlanTemplate, *, by: User) -> None:
    """Plans that were started from it keep their copy. Raises Refused for the last one."""
    permissions.check_edit_plan(by)
    if not PlanTemplate.objects.exclude(pk=template.pk).exists():
        raise Refused(_("This is the last plan: without one none can be started."))
    template.delete()


@transaction.atomic
def save_step(template: PlanTemplate, step: PlanStep, *, by: User) -> PlanStep:
    """Store *step* in *template* and count the edit."""
    permissions.check_edit_plan(by)
    step.template = template
    step.save()
    _count_edit(template, by=by)
    return step


@transaction.atomic
def remove_step(step: PlanStep, *, by: User) -> None:
    permissions.check_edit_plan(by)
    template = step.template
    step.delete()
    _count_edit(template, by=by)


@transaction.atomic
def take_in(text: str, *, by: User) -> PlanTemplate:
    """Store the plan of a YAML file; it replaces the template that has its key. Raises Unreadable, line by line."""
    permissions.check_edit_plan(by)
    known = set(MessageTemplate.objects.values_list("key", flat=True))
    return _replace(load(text, messages=known), by=by)


@transaction.atomic
def bring_back(version: PlanVersion, *, by: User) -> PlanTemplate:
    """Make a template what it was in an earlier revision; that is a revision of its own."""
    permissions.check_edit_plan(by)
    return _replace(load(version.text), by=by)


def _replace(document: Document, *, by: User) -> PlanTemplate:
    template, is_new = PlanTemplate.objects.update_or_create(
        key=document.key, defaults={**document.called, "kind": document.kind}
    )
    template.steps.all().delete()
    _put_steps(template, document.steps)
    if is_new:
        _keep(template, by=by)
    else:
        _count_edit(template, by=by)
    return template


def _put_steps(template: PlanTemplate, steps: list[PlanStep]) -> None:
    for step in steps:
        step.pk, step.template = None, template
    PlanStep.objects.bulk_create(steps)


def export(template: PlanTemplate) -> str:
    return dump(template, template.steps.all())


def _count_edit(template: PlanTemplate, *, by: User) -> None:
    stored = PlanTemplate.objects.select_for_update().get(pk=template.pk)
    stored.revision += 1
    stored.save(update_fields=["revision"])
    _keep(stored, by=by)


def _keep(template: PlanTemplate, *, by: User | None, at: datetime | None = None) -> None:
    PlanVersion.objects.create(
        template=template,
        revision=template.revision,
        text=export(template),
        saved_at=at or timezone.now(),
        saved_by=by,
    )
