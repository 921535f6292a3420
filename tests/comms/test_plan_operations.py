"""The plan of one incident: frozen once, its steps marked, marks taken back, its template edited."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.models import (
    Anchor,
    Audience,
    Checklist,
    ChecklistItem,
    MessageTemplate,
    PlanPhase,
    PlanStep,
    PlanTemplate,
    Tick,
)
from comms.operations import drafts, plan, plan_templates, prepared, publishing
from comms.operations.standard_plan import install
from incidents import operations as incidents
from incidents.models import Entry, EntryKind, Incident, Phase, ServiceStatus
from incidents.timeline import describe
from tests import factories
from tests.factories import OUTAGE

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lead() -> User:
    return factories.user(Role.LEAD, first_name="Marc")


@pytest.fixture
def agent() -> User:
    return factories.user(Role.AGENT, first_name="Sandrine")


@pytest.fixture
def incident() -> Incident:
    return factories.incident()


@pytest.fixture
def template() -> PlanTemplate:
    """Step 1 is done once, step 2 every 15 minutes."""
    made = PlanTemplate.objects.create(key="short", name_fr="Short plan", name_nl="Short plan")
    add_step(made, 1, title_fr="Appeler", title_nl="Bellen")
    add_step(made, 2, offset_minutes=15, repeat_minutes=15)
    return made


def add_step(template: PlanTemplate, number: int, **fields: Any) -> PlanStep:
    return PlanStep.objects.create(
        **{
            "template": template,
            "number": number,
            "phase": PlanPhase.START,
            "title_fr": f"Étape {number}",
            "title_nl": f"Stap {number}",
            "anchor": Anchor.PLAN_START,
            **fields,
        }
    )


@pytest.fixture
def checklist(incident: Incident, template: PlanTemplate, lead: User) -> Checklist:
    return plan.start_plan(incident, template, by=lead, at=OUTAGE)


def mark(item: ChecklistItem, by: User, **given: Any) -> Tick:
    return plan.tick(
        item,
        **{
            "key": uuid.uuid4(),
            "outcome": Tick.Outcome.DONE,
            "note": "by phone",
            "by": by,
            "at": OUTAGE + 5 * MINUTE,
            **given,
        },
    )


def told(incident: Incident) -> list[tuple[str, User | None]]:
    entries = Entry.objects.filter(incident=incident, kind=EntryKind.PLAN).order_by("sequence")
    return [(describe(entry), entry.author) for entry in entries]


def test_starting_freezes_every_field_of_every_step_and_tells_the_timeline(
    incident: Incident, lead: User
) -> None:
    template = install()

    checklist = plan.start_plan(incident, template, by=lead, at=OUTAGE)

    frozen = list(checklist.items.values_list(*plan.STEP_FIELDS))
    assert frozen == list(template.steps.values_list(*plan.STEP_FIELDS))
    assert len(frozen) == 25
    assert (checklist.started_at, checklist.started_by) == (OUTAGE, lead)
    assert (checklist.name_nl, checklist.template_revision) == (template.name_nl, 1)
    assert told(incident) == [("plan de crise lancé", lead)]


def test_starting_twice_gives_the_checklist_there_is(
    incident: Incident, template: PlanTemplate, checklist: Checklist, lead: User
) -> None:
    other = install()

    assert plan.start_plan(incident, other, by=lead) == checklist
    assert (ChecklistItem.objects.count(), len(told(incident))) == (2, 1)


def test_a_resolved_incident_gets_no_plan_and_a_plan_without_steps_is_none(
    template: PlanTemplate, incident: Incident, lead: User
) -> None:
    empty = PlanTemplate.objects.create(key="empty", name_fr="Empty", name_nl="Empty")

    with pytest.raises(Refused):
        plan.start_plan(factories.incident(phase=Phase.RESOLVED), template, by=lead)
    with pytest.raises(Refused) as refused:
        plan.start_plan(incident, empty, by=lead)

    assert (refused.value.field, Checklist.objects.count(), told(incident)) == ("template", 0, [])


def test_a_mark_keeps_its_evidence_and_tells_the_timeline(checklist: Checklist, agent: User) -> None:
    made = mark(checklist.items.get(number=1), agent, note="  reached by phone ")

    assert (made.outcome, made.note, made.at, made.by) == (
        Tick.Outcome.DONE,
        "reached by phone",
        OUTAGE + 5 * MINUTE,
        agent,
    )
    assert told(checklist.incident)[-1] == (
        "étape 1 faite\N{NO-BREAK SPACE}: Appeler\N{NO-BREAK SPACE}: reached by phone",
        agent,
    )


def test_the_same_key_marks_once(checklist: Checklist, agent: User) -> None:
    item, key = checklist.items.get(number=2), uuid.uuid4()

    first = mark(item, agent, key=key)
    again = mark(item, agent, key=key, note="other words", at=OUTAGE + 9 * MINUTE)

    assert (again, again.note, Tick.objects.count()) == (first, "by phone", 1)
    assert len(told(checklist.incident)) == 2


def test_a_step_is_marked_once_and_a_repeating_one_each_time(checklist: Checklist, agent: User) -> None:
    once, repeating = checklist.items.all()
    mark(once, agent)
    mark(repeating, agent)
    mark(repeating, agent, at=OUTAGE + 20 * MINUTE)

    with pytest.raises(Refused, match="Sandrine"):
        mark(once, agent)

    assert (once.ticks.count(), repeating.ticks.count()) == (1, 2)


def test_not_applicable_needs_its_reason_and_ends_repeating(checklist: Checklist, agent: User) -> None:
    repeating = checklist.items.get(number=2)

    with pytest.raises(Refused) as refused:
        mark(repeating, agent, outcome=Tick.Outcome.NOT_APPLICABLE, note=" ")
    mark(repeating, agent, outcome=Tick.Outcome.NOT_APPLICABLE, note="nobody calls")
    with pytest.raises(Refused):
        mark(repeating, agent, at=OUTAGE + 20 * MINUTE)

    assert (refused.value.field, repeating.ticks.count()) == ("note", 1)


def test_the_database_too_wants_a_reason(checklist: Checklist, agent: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Tick.objects.create(
            item=checklist.items.get(number=1),
            key=uuid.uuid4(),
            outcome=Tick.Outcome.NOT_APPLICABLE,
            note="",
            at=OUTAGE,
            by=agent,
        )


@pytest.mark.parametrize("note", ["a\x00b", "x" * 501, "x" * 487 + " 85073003328"])
def test_a_note_that_cannot_be_kept_is_refused_and_nothing_is_written(
    checklist: Checklist, agent: User, note: str
) -> None:
    with pytest.raises(Refused) as refused:
        mark(checklist.items.get(number=1), agent, note=note)

    assert (refused.value.field, Tick.objects.count(), len(told(checklist.incident))) == ("note", 0, 1)


def test_a_national_number_in_the_evidence_is_masked_everywhere(checklist: Checklist, agent: User) -> None:
    made = mark(checklist.items.get(number=1), agent, note="patient 85.07.30-033.28")

    entry = Entry.objects.filter(kind=EntryKind.PLAN).latest("sequence")
    assert (made.note, entry.text) == ("patient 85.07.30-•••.••", "patient 85.07.30-•••.••")


def test_a_mark_taken_back_stays_on_record_and_opens_the_step(checklist: Checklist, agent: User) -> None:
    item = checklist.items.get(number=1)
    made = mark(item, agent)

    taken_back = plan.withdraw(made, by=agent, at=OUTAGE + 7 * MINUTE)
    again = plan.withdraw(made, by=agent, at=OUTAGE + 30 * MINUTE)
    other = mark(item, agent, at=OUTAGE + 8 * MINUTE)

    assert (taken_back.withdrawn_at, again.withdrawn_at) == (OUTAGE + 7 * MINUTE, OUTAGE + 7 * MINUTE)
    assert list(item.ticks.all()) == [made, other]
    assert [sentence for sentence, _by in told(checklist.incident)[2:]] == [
        "étape 1 à nouveau ouverte\N{NO-BREAK SPACE}: Appeler",
        "étape 1 faite\N{NO-BREAK SPACE}: Appeler\N{NO-BREAK SPACE}: by phone",
    ]


def test_editing_the_template_never_changes_a_running_checklist(
    checklist: Checklist, template: PlanTemplate, lead: User
) -> None:
    before = list(checklist.items.values_list(*plan.STEP_FIELDS))
    first, second = template.steps.all()

    first.title_fr, first.offset_minutes = "Autre chose", 90
    plan_templates.save_step(template, first, by=lead)
    plan_templates.remove_step(second, by=lead)
    plan_templates.save_step(
        template,
        PlanStep(number=3, phase=PlanPhase.RUN, title_fr="Neuf", title_nl="Nieuw", anchor=Anchor.CLOSURE),
        by=lead,
    )

    assert list(checklist.items.values_list(*plan.STEP_FIELDS)) == before
    assert list(template.steps.values_list("number", "title_fr")) == [(1, "Autre chose"), (3, "Neuf")]
    template.refresh_from_db()
    checklist.refresh_from_db()
    assert (template.revision, checklist.template_revision) == (4, 1)


def test_removing_a_template_leaves_its_checklists(checklist: Checklist, template: PlanTemplate) -> None:
    template.delete()

    checklist.refresh_from_db()
    assert (checklist.template, checklist.name_fr, checklist.items.count()) == (None, "Short plan", 2)


@pytest.mark.parametrize(
    ("role", "may"),
    [(Role.OBSERVER, False), (Role.AGENT, False), (Role.COMMUNICATIONS, True), (Role.LEAD, True)],
)
def test_who_may_start_a_plan(incident: Incident, template: PlanTemplate, role: Role, may: bool) -> None:  # noqa: FBT001
    by = factories.user(role)
    if may:
        plan.start_plan(incident, template, by=by)
    else:
        with pytest.raises(NotAllowed):
            plan.start_plan(incident, template, by=by)

    assert Checklist.objects.exists() == may


@pytest.mark.parametrize(("role", "may"), [(Role.OBSERVER, False), (Role.AGENT, True), (Role.LEAD, True)])
def test_who_may_mark_a_step_and_take_a_mark_back(
    checklist: Checklist,
    agent: User,
    role: Role,
    may: bool,  # noqa: FBT001
) -> None:
    by, (once, repeating) = factories.user(role), checklist.items.all()
    made = mark(once, agent)
    if may:
        mark(repeating, by)
        plan.withdraw(made, by=by)
    else:
        with pytest.raises(NotAllowed):
            mark(repeating, by)
        with pytest.raises(NotAllowed):
            plan.withdraw(made, by=by)

    made.refresh_from_db()
    assert (repeating.ticks.exists(), made.withdrawn_at is not None) == (may, may)


@pytest.mark.parametrize(("role", "may"), [(Role.COMMUNICATIONS, False), (Role.LEAD, True)])
def test_who_may_edit_a_template(template: PlanTemplate, role: Role, may: bool) -> None:  # noqa: FBT001
    by, (first, second) = factories.user(role), template.steps.all()
    first.title_fr = "Autre chose"
    if may:
        plan_templates.save_step(template, first, by=by)
        plan_templates.remove_step(second, by=by)
    else:
        with pytest.raises(NotAllowed):
            plan_templates.save_step(template, first, by=by)
        with pytest.raises(NotAllowed):
            plan_templates.remove_step(second, by=by)

    first.refresh_from_db()
    assert (first.title_fr == "Autre chose", template.steps.count()) == (may, 1 if may else 2)


def asking(checklist: Checklist, *evidence: str, **fields: Any) -> ChecklistItem:
    checklist.items.filter(number=1).update(evidence=list(evidence), **fields)
    return checklist.items.get(number=1)


def test_a_step_asks_for_its_evidence_all_at_once_and_keeps_it(checklist: Checklist, agent: User) -> None:
    item = asking(checklist, "reached", "how", "message", "acknowledged")

    with pytest.raises(plan.Incomplete) as refused:
        mark(item, agent, proof=plan.Proof(how=" phone "))
    made = mark(
        item,
        agent,
        note="",
        proof=plan.Proof(
            reached="85.07.30-033.28", how=" phone ", message="Nous y travaillons.", acknowledged="Anne"
        ),
    )

    assert set(refused.value.errors) == {"reached", "message", "acknowledged"}
    assert (made.reached, made.how, made.message, made.acknowledged) == (
        "85.07.30-•••.••",
        "phone",
        "Nous y travaillons.",
        "Anne",
    )
    assert told(checklist.incident)[-1][0].endswith("85.07.30-•••.•• · phone · Anne")


def test_what_does_not_apply_needs_a_reason_and_no_evidence(checklist: Checklist, agent: User) -> None:
    item = asking(checklist, "reached")

    made = mark(item, agent, outcome=Tick.Outcome.NOT_APPLICABLE, proof=plan.Proof(reached="Anne"))

    assert (made.note, made.reached) == ("by phone", "")


def test_a_message_of_another_incident_is_no_evidence(checklist: Checklist, agent: User) -> None:
    item, here = asking(checklist, "message"), factories.update(checklist.incident, published_at=OUTAGE)
    other = factories.update(published_at=OUTAGE)

    with pytest.raises(Refused) as refused:
        mark(item, agent, proof=plan.Proof(update=other))

    assert refused.value.field == "message"
    assert mark(item, agent, proof=plan.Proof(update=here)).update == here


def test_writing_a_steps_message_begins_with_its_template_and_audience_and_publishing_marks_the_step(
    checklist: Checklist, lead: User
) -> None:
    prepared.install()
    press = factories.webhook_channel(audience=Audience.PRESS)
    public = factories.webhook_channel(audience=Audience.PUBLIC)
    service = factories.service("eforms")
    incidents.set_statuses(checklist.incident, {service: ServiceStatus.MAJOR}, by=lead)
    item = asking(checklist, "message", publishes=True, message_template="coming-back", audiences=["public"])

    draft, new = drafts.draft_for_step(item, by=lead)
    title = draft.texts.get(language="fr").title
    sent = publishing.publish(draft, by=lead, revision=draft.revision)

    wanted = MessageTemplate.objects.get(key="coming-back")
    assert (new, draft.phase, title) == (True, wanted.phase, wanted.texts.get(language="fr").title)
    assert {delivery.channel for delivery in sent.deliveries.all()} == {public}
    assert press not in {delivery.channel for delivery in sent.deliveries.all()}
    made = item.ticks.get()
    assert (made.outcome, made.update, made.by) == (Tick.Outcome.DONE, sent, lead)


def test_a_message_that_was_begun_keeps_its_words_and_does_the_step_all_the_same(
    checklist: Checklist, lead: User
) -> None:
    prepared.install()
    texts = {"fr": "Mes mots.", "nl": "Mijn woorden."}
    begun = factories.update(checklist.incident, texts=texts, revision=2)
    item = asking(checklist, publishes=True, message_template="coming-back", audiences=["press"])

    draft, new = drafts.draft_for_step(item, by=lead)

    assert (draft, new, draft.texts.get(language="fr").body) == (begun, False, "Mes mots.")
    assert (draft.plan_item, draft.held_back_from.count()) == (item, 0)


def test_a_message_that_was_merely_opened_is_begun_anew_with_the_steps_template_and_audience(
    checklist: Checklist, lead: User
) -> None:
    prepared.install()
    press = factories.webhook_channel(audience=Audience.PRESS)
    opened = drafts.draft_for(checklist.incident, by=lead)
    item = asking(checklist, publishes=True, message_template="coming-back", audiences=["public"])

    draft, new = drafts.draft_for_step(item, by=lead)

    wanted = MessageTemplate.objects.get(key="coming-back").texts.get(language="fr").title
    assert (new, draft.texts.get(language="fr").title) == (True, wanted)
    assert (list(draft.held_back_from.all()), draft) == ([press], opened)


def test_publishing_leaves_a_step_that_is_marked_already_alone(checklist: Checklist, lead: User) -> None:
    item = asking(checklist, publishes=True)
    made = mark(item, lead)
    draft = factories.update(checklist.incident, plan_item=item)

    assert plan.done_by_message(item, draft, by=lead, at=OUTAGE) is None
    assert list(item.ticks.all()) == [made]
